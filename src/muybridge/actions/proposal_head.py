"""Detection by a trained proposal head: it says where actions begin and end, the classifier says which.

    frames ─┬─ StreamingClassifier ─► probabilities ─┐
            └─ OwnMotion ──────────► actionness ────┴─► a row of numbers for each moment (`MomentScores`)
    rows ─► temporal_proposal_net ─► starts, ends ─► boundary_proposals ─► temporal_nms ─► segments
    the mean probabilities inside a segment name it

The rows are what any classifier says of any video, so a head of some thousand parameters learns from a few minutes of
video what beginnings and ends look like in them (`recipes/temporal_heads/train_for_detect.py`). It fits the classifier
whose scores it was trained on: its classes are their labels. Memory is that of the rows, some megabytes for an hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.actionness import BACKGROUND_LABEL, OwnMotion
from muybridge.actions.detection_input import classifier_of, gray_of, view_of
from muybridge.actions.nms import temporal_nms
from muybridge.actions.proposals import Proposal, boundary_proposals
from muybridge.actions.streaming import StreamingClassifier
from muybridge.errors import VideoError, WeightsError
from muybridge.models.checkpoint import read_checkpoint
from muybridge.models.registry import create_model
from muybridge.models.temporal_proposals import TemporalProposalNet
from muybridge.values import Segment
from muybridge.video.reader import Pace, open_video

__all__ = ["MomentScores", "detect_with_head", "load_proposal_head", "score_moments"]

Progress = Callable[[float, float], None]

LEAST_PROBABILITY = 0.01
MOMENTS_PER_SECOND = 4.0
# Pairs of starts and ends are formed inside windows of so many moments, which overlap by the longest action.
WINDOW_MOMENTS = 512
LONGEST_MOMENTS = 128
MIN_PROPOSAL_SCORE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MomentScores:
    """What a classifier and the motion say of each moment of a video.

    Args:
        labels: the K labels.
        start_seconds: when the first moment begins.
        moments_per_second: how many there are.
        probabilities: (T, K).
        actionness: (T,).
        end_seconds: when the video ends; the last moment may reach beyond that.
    """

    labels: tuple[str, ...]
    start_seconds: float
    moments_per_second: float
    probabilities: NDArray[np.float64]
    actionness: NDArray[np.float64]
    end_seconds: float = math.inf

    def features(self) -> NDArray[np.float32]:
        """(K + 1, T): log-probabilities as a share of the way up from the least one, and actionness."""
        logs = 1 - np.log(np.maximum(self.probabilities, LEAST_PROBABILITY)) / np.log(LEAST_PROBABILITY)
        return np.concatenate([logs, self.actionness[:, None]], axis=1).T.astype(np.float32)


def score_moments(
    path: str | Path,
    classifier: StreamingClassifier,
    *,
    moments_per_second: float = MOMENTS_PER_SECOND,
    progress: Progress | None = None,
) -> MomentScores:
    """Watch a video once, and say how each of its moments looks.

    Args:
        path: the video, of any length.
        classifier: with a stride of about a moment.
        moments_per_second: of the rows.
        progress: called with (seconds done, seconds in all).

    Raises:
        VideoError: the video cannot be read, or is shorter than one window of the classifier.
    """
    view = view_of(classifier)
    motion, centers, rows, steps = OwnMotion(), [], [], []
    classifier.reset()
    with open_video(path) as video:
        start = end = video.metadata.start_seconds
        pace, own = Pace(view.frames_per_second), Pace(classifier.view.frames_per_second)
        for picture in video.pictures():
            end = picture.pts_seconds + picture.duration_seconds
            if not pace.wants(picture.pts_seconds):
                continue
            frame = picture.frame(view)
            step = motion.push(gray_of(frame), frame.pts_seconds)
            if step is not None:
                steps.append((step.end_seconds, step.actionness * (step.end_seconds - step.start_seconds)))
            prediction = classifier.push(frame) if own.wants(frame.pts_seconds) else None
            if prediction is not None:
                centers.append(prediction.center_seconds)
                rows.append(prediction.scores)
            if progress is not None:
                progress(end - start, video.metadata.duration_seconds or 0.0)
    if not rows:
        raise VideoError(
            f"it lasts {end - start:.2f} s, less than one window of {classifier.window_size} frames;"
            " classify names short clips",
            path=path,
        )
    count = max(1, round((end - start) * moments_per_second))
    edges = start + np.arange(count + 1) / moments_per_second
    middles = (edges[:-1] + edges[1:]) / 2
    probabilities = np.stack([np.interp(middles, centers, column) for column in np.array(rows).T], axis=1)
    # The mean over each moment, as the growth of the integral.
    ends, areas = np.array(steps).T
    actionness = np.diff(np.interp(edges, ends, areas.cumsum(), left=0.0)) * moments_per_second
    return MomentScores(classifier.labels, start, moments_per_second, probabilities, actionness, end)


def load_proposal_head(path: str | Path, labels: Collection[str]) -> TemporalProposalNet:
    """Read a head whose classes are the labels of the scores that it reads.

    Args:
        path: a `temporal_proposal_net` checkpoint.
        labels: of the classifier.

    Raises:
        WeightsError: another model's file, or a head for another classifier.
    """
    found = read_checkpoint(path)
    if found.model != "temporal_proposal_net" or found.weights is None:
        raise WeightsError(
            f"{path} holds {found.model or 'a model without a name'}; proposals come from a temporal_proposal_net"
            " (recipes/temporal_heads/train_for_detect.py makes one)"
        )
    if found.weights.labels != tuple(labels):
        raise WeightsError(
            f"{path} reads the scores of a classifier of {len(found.weights.labels)} labels, other ones than the"
            f" {len(tuple(labels))} of this; give the model that it was trained with, or train a head for this one"
        )
    head = create_model("temporal_proposal_net", weights=path)
    assert isinstance(head, TemporalProposalNet)
    return head.eval()


def detect_with_head(
    path: str | Path,
    head: str | Path,
    *,
    model: str | Path | nn.Module | None = None,
    weights: str | Path | None = None,
    min_score: float = 0.2,
    progress: Progress | None = None,
) -> list[Segment]:
    """Say what is done in a video, where a trained head proposes from when to when.

    Args:
        path: the video.
        head: a `temporal_proposal_net` checkpoint.
        model: the classifier on whose scores the head was trained, as in `classify`.
        weights: which weights of a named model.
        min_score: a label less likely than this is not said.
        progress: called with (seconds done, seconds in all).

    Returns:
        Segments of kind `"action"`, by start, that overlap little; `attributes["proposal_score"]` is the head's.

    Raises:
        VideoError: the video cannot be read, or is shorter than one window.
        WeightsError: no weights, or a head for another classifier.
    """
    moments_per_second = MOMENTS_PER_SECOND
    classifier = classifier_of(model, weights, predictions_per_second=moments_per_second)
    network = load_proposal_head(head, classifier.labels)
    scores = score_moments(path, classifier, moments_per_second=moments_per_second, progress=progress)
    proposals = list(propose(network, scores.features()))
    named = (_named(p, scores, min_score) for p in temporal_nms(proposals, per_class=False))
    return sorted((s for s in named if s is not None), key=lambda s: s.start_seconds)


def propose(head: TemporalProposalNet, features: NDArray[np.float32]) -> Iterator[Proposal]:
    """Pairs of likely starts and ends, in moments; those of overlapping windows come twice."""
    with torch.inference_mode():
        scores = head(torch.from_numpy(features)[None]).probabilities()
    start, end, inside = (
        row.numpy() for row in (scores.start[0], scores.end[0], scores.classes[0].amax(dim=0))
    )
    for first in range(0, len(start), WINDOW_MOMENTS - LONGEST_MOMENTS):
        window = slice(first, first + WINDOW_MOMENTS)
        for p in boundary_proposals(
            start[window],
            end[window],
            actionness=inside[window],
            min_duration=2,
            max_duration=LONGEST_MOMENTS,
        ):
            if p.mean_score >= MIN_PROPOSAL_SCORE:
                yield Proposal(p.start + first, p.end + first, p.mean_score, p.peak_score)


def _named(proposal: Proposal, scores: MomentScores, min_score: float) -> Segment | None:
    """What the classifier says of the proposal's moments; None for background and for the unlikely."""
    inside = scores.probabilities[int(proposal.start) : int(proposal.end)].mean(axis=0)
    best = int(inside.argmax())
    if scores.labels[best] == BACKGROUND_LABEL or inside[best] < min_score:
        return None
    start, end = (
        scores.start_seconds + moment / scores.moments_per_second for moment in (proposal.start, proposal.end)
    )
    end = min(end, scores.end_seconds)
    attributes = {"proposal_score": proposal.mean_score}
    return Segment(start, end, "action", scores.labels[best], float(inside[best]), attributes)
