"""Two-minute videos of the procedural world as training data for the grounding network, its loss, and what is measured.

    world of 120 s ──► eyes ──► (120 moments, 36 cells, D) kept in a file
      └──► queries with their windows, and queries that nothing answers ──► MomentDETR ──► matching, loss

The measure is the benchmark's: recall of the first answer at an IoU of 0.5 and 0.7 (R1@0.5, R1@0.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from muybridge.errors import OptionError
from muybridge.metrics.retrieval import evaluate_moments
from muybridge.models.moment_detr import MomentDETR
from muybridge.models.span_matching import generalized_iou, match_spans
from muybridge.models.vocabulary import PAD
from muybridge.training.world import WorldSettings, make_world
from muybridge.training.world_cells import NETWORK_WORLD
from muybridge.training.world_truth import Moment
from muybridge.training.world_watching import watch_worlds

__all__ = [
    "LONG_WORLD",
    "LongVideo",
    "MomentVideos",
    "grounding_loss",
    "measure_grounding",
    "measure_random_spans",
    "pointing_loss",
    "watch_long_worlds",
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


def watch_long_worlds(
    seeds: Sequence[int], model: MomentDETR, folder: str | Path, settings: WorldSettings = LONG_WORLD
) -> list[LongVideo]:
    """Look at the long videos of some seeds, or take what an earlier call saw, see `watch_worlds`.

    Args:
        seeds: of the worlds.
        model: whose eyes look.
        folder: where what was seen is kept.
        settings: of the worlds.

    Raises:
        OptionError: a network without eyes.
    """
    if model.eyes is None:
        raise OptionError("this network has no eyes (eye_width=0)")
    worlds = [make_world(seed, settings) for seed in seeds]
    grids = watch_worlds(worlds, model.eyes, folder, each_frame=True)
    return [
        LongVideo(
            torch.from_numpy(grid).flatten(2).permute(1, 2, 0), world.duration_seconds, tuple(world.moments)
        )
        for grid, world in zip(grids, worlds, strict=True)
    ]


class MomentVideos(Dataset[dict[str, Tensor]]):
    """Videos with some queries each, drawn anew in every epoch; a third of them are answered by nothing.

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
        num_queries: int = 9,
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
        num_absent = self.num_queries // 3
        num_present = self.num_queries - num_absent
        places = random.choice(len(video.moments), num_present, replace=len(video.moments) < num_present)
        chosen = [video.moments[place] for place in places]
        chosen += [Moment(absent_query(video, random, self.settings), ()) for _ in range(num_absent)]
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
    """Spans matched with the true ones (L1, IoU, pointing), whether each is one, and the moments' saliency.

    Source: Moment-DETR, arXiv:2107.09609, section 4.2, with a cross-entropy for the saliency where the paper, which has
    graded labels, has a hinge; and `pointing_loss` beside L1 and IoU.
    """
    windows = batch["windows"].flatten(0, 1)
    found = model(batch["features"], batch["words"].flatten(0, 1))
    is_span = torch.zeros_like(found.logits)
    l1 = overlap = pointing = found.logits.new_zeros(())
    count = 0
    for row, window in enumerate(windows):
        true = window[window[:, 0] >= 0]
        if len(true) == 0:
            continue
        spans = found.spans[row]
        distance = (spans[:, None] - true[None]).abs().sum(dim=-1)
        iou = generalized_iou(spans[:, None], true[None])
        chosen = match_spans(10 * distance - iou - found.logits[row].sigmoid()[:, None])
        columns = torch.arange(len(true), device=true.device)
        is_span[row, chosen] = 1.0
        l1, overlap = l1 + distance[chosen, columns].sum(), overlap + (1 - iou[chosen, columns]).sum()
        pointing = pointing + pointing_loss(found.pointing[row, chosen], true)
        count += len(true)
    num_moments = found.saliency.shape[1]
    middle = (torch.arange(num_moments, device=windows.device) + 0.5) / num_moments
    inside = ((windows[:, :, :1] <= middle) & (middle < windows[:, :, 1:])).any(dim=1).float()
    salient = functional.binary_cross_entropy_with_logits(
        found.saliency, inside, pos_weight=found.saliency.new_tensor(4.0)
    )
    classes = functional.binary_cross_entropy_with_logits(found.logits, is_span)
    total: Tensor = (10 * l1 + 2 * overlap + 0.5 * pointing) / max(count, 1) + 3 * classes + 2 * salient
    return total


def pointing_loss(pointing: Tensor, spans: Tensor) -> Tensor:
    """The sum of the cross-entropies of where starts and ends point: at the two edges beside them, by nearness.

    Args:
        pointing: (M, 2, T) logits over edges that lie evenly from 0 to 1.
        spans: (M, 2) the true ones, from 0 to 1.

    Source: Li et al., Generalized Focal Loss (its distribution focal loss), NeurIPS 2020, arXiv:2006.04388.

    >>> float(pointing_loss(torch.tensor([[[9.0, 0, 0], [0, 9.0, 9.0]]]), torch.tensor([[0.0, 0.75]])))  # log 2
    0.693...
    """
    places = spans.clamp(0, 1) * (pointing.shape[-1] - 1)
    left = places.floor().clamp(max=pointing.shape[-1] - 2)
    share = (places - left)[..., None]
    logs = pointing.float().log_softmax(dim=-1)
    at_left = logs.gather(-1, left.long()[..., None])
    at_right = logs.gather(-1, left.long()[..., None] + 1)
    return -((1 - share) * at_left + share * at_right).sum()


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
    device = model.queries.device
    for video in videos:
        features = (video.features[:, :1] * 0 if blind else video.features).to(device).float()
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
