"""Two-minute videos of the procedural world as training data for the grounding network, its loss, and what is measured.

    world of 120 s ──► eyes ──► (60 moments, 36 cells, D) kept in memory
      └──► queries with their windows, and queries that nothing answers ──► MomentDETR ──► matching, loss

The measure is the benchmark's: recall of the first answer at an IoU of 0.5 and 0.7 (R1@0.5, R1@0.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from muybridge.metrics.retrieval import evaluate_moments
from muybridge.models.moment_detr import MomentDETR
from muybridge.models.span_matching import generalized_iou, match_spans
from muybridge.models.vocabulary import PAD
from muybridge.training.world import WorldSettings, make_world
from muybridge.training.world_cells import NETWORK_WORLD, clip_to_tensor
from muybridge.training.world_truth import Moment

__all__ = [
    "LONG_WORLD",
    "LongVideo",
    "MomentVideos",
    "grounding_loss",
    "measure_grounding",
    "measure_random_spans",
    "watch_long_world",
]

LONG_WORLD: WorldSettings = replace(
    NETWORK_WORLD,
    frames_per_second=1.0,
    num_scenes=5,
    scene_seconds=(24.0, 24.0),
    num_events=(1, 3),
    event_seconds=(5.0, 11.0),
    rest_seconds=(1.0, 3.0),
)
"""Two minutes, one frame a second: five shots, each with up to three things that take their time."""

_MAX_WORDS = 8
_MAX_WINDOWS = 3


@dataclass(frozen=True, slots=True, eq=False)
class LongVideo:
    """What is kept of a long video.

    Args:
        features: (T, S, D) float16, of each moment and cell.
        duration_seconds: its length.
        moments: the queries with their windows.
    """

    features: Tensor
    duration_seconds: float
    moments: tuple[Moment, ...]


@torch.no_grad()
def watch_long_world(seed: int, model: MomentDETR, settings: WorldSettings = LONG_WORLD) -> LongVideo:
    """Look at the long video of a seed.

    Args:
        seed: of the world.
        model: whose eyes look; in evaluation mode.
        settings: of the world.
    """
    world = make_world(seed, settings)
    clip = clip_to_tensor(world.render(range(world.num_frames)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = model.look(clip).to(torch.float16)
    return LongVideo(features.contiguous(), world.duration_seconds, tuple(world.moments))


class MomentVideos(Dataset[dict[str, Tensor]]):
    """Videos with some queries each, drawn anew in every epoch; one of them is answered by nothing.

    Args:
        videos: what was seen of them.
        model: whose vocabulary is used.
        num_queries: of each item.
        settings: of the world, from which the queries that nothing answers are made.
        blind: give no features, for the baseline that reads the query alone.
    """

    def __init__(
        self,
        videos: Sequence[LongVideo],
        model: MomentDETR,
        *,
        num_queries: int = 8,
        settings: WorldSettings = LONG_WORLD,
        blind: bool = False,
    ) -> None:
        self.videos, self.vocabulary = videos, model.vocabulary
        self.num_queries, self.settings, self.blind = num_queries, settings, blind

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        # The trainer seeds numpy by its seed, the epoch and the index.
        random = np.random.default_rng(np.random.randint(2**31))
        video = self.videos[index]
        places = random.choice(len(video.moments), self.num_queries - 1)
        chosen = [video.moments[place] for place in places]
        chosen.append(Moment(absent_query(video, random, self.settings), ()))
        windows = torch.full((self.num_queries, _MAX_WINDOWS, 2), -1.0)
        for row, moment in enumerate(chosen):
            for column, window in enumerate(moment.windows[:_MAX_WINDOWS]):
                windows[row, column] = torch.tensor(window) / video.duration_seconds
        words = self.vocabulary.encode_many([moment.query for moment in chosen])
        features = video.features[:, :1] * 0 if self.blind else video.features
        return {
            "features": features.float(),
            "words": functional.pad(words, (0, _MAX_WORDS - words.shape[1]), value=PAD),
            "windows": windows,
        }


def absent_query(video: LongVideo, random: np.random.Generator, settings: WorldSettings = LONG_WORLD) -> str:
    """A query that the video does not answer, as near to one that it does as can be: one word is another."""
    present = {moment.query for moment in video.moments}
    while True:
        _, color, shape, *motion = str(random.choice(sorted(present))).split(" ")
        change = int(random.integers(3))
        color = str(random.choice(settings.colors)) if change == 0 else color
        shape = str(random.choice(settings.shapes)) if change == 1 else shape
        does = str(random.choice(settings.motions)) if change == 2 else " ".join(motion)
        query = f"the {color} {shape} {does}"
        if query not in present:
            return query


def grounding_loss(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Spans matched with the true ones (L1 and IoU), whether each is one, and the moments' saliency.

    Source: Moment-DETR, arXiv:2107.09609, section 4.2, with a cross-entropy for the saliency where the paper, which has
    graded labels, has a hinge.
    """
    windows = batch["windows"].flatten(0, 1)
    found = model(batch["features"], batch["words"].flatten(0, 1))
    is_span = torch.zeros_like(found.logits)
    l1, overlap, count = torch.zeros(()), torch.zeros(()), 0
    for row, window in enumerate(windows):
        true = window[window[:, 0] >= 0]
        if len(true) == 0:
            continue
        spans = found.spans[row]
        distance = (spans[:, None] - true[None]).abs().sum(dim=-1)
        iou = generalized_iou(spans[:, None], true[None])
        chosen = match_spans(10 * distance - iou - found.logits[row].sigmoid()[:, None])
        columns = torch.arange(len(true))
        is_span[row, chosen] = 1.0
        l1, overlap = l1 + distance[chosen, columns].sum(), overlap + (1 - iou[chosen, columns]).sum()
        count += len(true)
    middle = (torch.arange(found.saliency.shape[1]) + 0.5) / found.saliency.shape[1]
    inside = ((windows[:, :, :1] <= middle) & (middle < windows[:, :, 1:])).any(dim=1).float()
    salient = functional.binary_cross_entropy_with_logits(
        found.saliency, inside, pos_weight=torch.tensor(4.0)
    )
    classes = functional.binary_cross_entropy_with_logits(found.logits, is_span)
    return (10 * l1 + overlap) / max(count, 1) + 3 * classes + 2 * salient


@torch.no_grad()
def measure_grounding(
    model: MomentDETR, videos: Sequence[LongVideo], *, blind: bool = False
) -> dict[str, float]:
    """R1@0.5 and R1@0.7 over all queries, and how well queries that nothing answers are told apart.

    Returns:
        The recalls and the mean average precision, 0 to 1; `present_found`: share of answered queries whose best span
        has a probability of half or more; `absent_rejected`: share of as many queries that nothing answers where
        none has.
    """
    found: list[list[list[float]]] = []
    present, absent = [], []
    random = np.random.default_rng(0)
    for video in videos:
        features = (video.features[:, :1] * 0 if blind else video.features).float()
        length = video.duration_seconds
        for moment in video.moments:
            spans = model.find(features, moment.query)
            found.append([[start * length, end * length, score] for start, end, score in spans])
            present.append(spans[0][2] >= 0.5)
            absent.append(model.find(features, absent_query(video, random))[0][2] < 0.5)
    return _scores(found, videos) | {
        "present_found": float(np.mean(present)),
        "absent_rejected": float(np.mean(absent)),
        "queries": len(found),
    }


def measure_random_spans(videos: Sequence[LongVideo], *, seed: int = 0) -> dict[str, float]:
    """The baseline that guesses: a window as long as some true one, anywhere."""
    random = np.random.default_rng(seed)
    lengths = [end - start for video in videos for moment in video.moments for start, end in moment.windows]
    found = []
    for video in videos:
        for _ in video.moments:
            length = float(random.choice(lengths))
            start = float(random.uniform(0, video.duration_seconds - length))
            found.append([[start, start + length, 1.0]])
    return _scores(found, videos)


def _scores(found: Sequence[list[list[float]]], videos: Sequence[LongVideo]) -> dict[str, float]:
    truth = [moment.windows for video in videos for moment in video.moments]
    scores = evaluate_moments(
        [{"qid": number, "pred_relevant_windows": windows} for number, windows in enumerate(found)],
        [
            {"qid": number, "relevant_windows": [list(w) for w in windows]}
            for number, windows in enumerate(truth)
        ],
    )["brief"]
    return {name: scores[f"MR-full-{name}"] / 100 for name in ("R1@0.5", "R1@0.7", "mAP")}
