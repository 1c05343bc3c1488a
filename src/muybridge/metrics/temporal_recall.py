"""How much of what happens do so many proposals find? AR@AN, as ActivityNet's eval_proposal.py computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.metrics.temporal_annotations import AnnotationSource, read_ground_truth, read_predictions
from muybridge.metrics.temporal_overlap import ACTIVITYNET_THRESHOLDS, check_tiou_thresholds, temporal_iou

__all__ = ["ProposalRecall", "evaluate_proposals"]


@dataclass(frozen=True, slots=True, eq=False)
class ProposalRecall:
    """How many of the true segments so many proposals per video find.

    Args:
        tiou_thresholds: the M thresholds.
        recall: (M, 100) at each threshold and number of proposals.
        proposals_per_video: (100,) the average number of proposals per video.
    """

    tiou_thresholds: tuple[float, ...]
    recall: NDArray[np.float64]
    proposals_per_video: NDArray[np.float64]

    @property
    def average_recall(self) -> NDArray[np.float64]:
        """(100,) AR@AN: mean over the thresholds."""
        return np.asarray(self.recall.mean(axis=0))

    @property
    def area(self) -> float:
        """The integral of AR over AN, by the trapezoidal rule."""
        return float(np.trapezoid(self.average_recall, self.proposals_per_video))

    @property
    def area_under_curve(self) -> float:
        """The area as a share of the largest AN, in [0, 1]; ActivityNet reports it in percent."""
        return self.area / float(self.proposals_per_video[-1])

    def average_recall_at(self, proposals_per_video: float) -> float:
        """AR@AN at the largest AN that is not above this one; 0.0 below the smallest."""
        reached = np.flatnonzero(self.proposals_per_video <= proposals_per_video * (1 + 1e-9))
        return float(self.average_recall[reached[-1]]) if len(reached) else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "area_under_curve": self.area_under_curve,
            "proposals_per_video": self.proposals_per_video.tolist(),
            "average_recall": self.average_recall.tolist(),
            "recall": {
                f"{threshold:.2f}": values.tolist()
                for threshold, values in zip(self.tiou_thresholds, self.recall, strict=True)
            },
        }


def evaluate_proposals(
    ground_truth: AnnotationSource,
    proposals: AnnotationSource,
    *,
    max_proposals_per_video: float | None = 100,
    tiou_thresholds: Sequence[float] = ACTIVITYNET_THRESHOLDS,
    subset: str | None = None,
) -> ProposalRecall:
    """Average recall over the average number of proposals per video (AR@AN), of segments without labels.

    A video may use more than AN proposals where another has fewer: AN is the mean, and each video's share of its best
    proposals is the same.

    Args:
        ground_truth: ActivityNet's layout, or its path.
        proposals: ActivityNet's layout of results, or its path; labels may be left out.
        max_proposals_per_video: the largest AN; None for as many as there are.
        tiou_thresholds: how much a proposal must overlap.
        subset: only the videos of this subset count; None for all.

    Raises:
        OptionError: files of another layout, no true segment, numbers outside what is allowed.

    >>> database = {"cat": {"subset": "test", "annotations": [{"segment": [0, 10], "label": "jump"}]}}
    >>> results = {"cat": [{"segment": [0, 9], "score": 0.2}, {"segment": [20, 30], "score": 0.9}]}
    >>> recall = evaluate_proposals({"database": database}, {"results": results}, max_proposals_per_video=2)
    >>> recall.average_recall_at(1), round(recall.average_recall_at(2), 6)
    (0.0, 0.9)
    """
    thresholds = check_tiou_thresholds(tiou_thresholds)
    if max_proposals_per_video is not None and not max_proposals_per_video > 0:
        raise OptionError(
            f"max_proposals_per_video is {max_proposals_per_video}; it must be positive, or None"
        )
    truth = read_ground_truth(ground_truth, subset=subset)
    found = read_predictions(proposals, needs_label=False)
    true, mine = truth.by_video(), found.by_video()
    most = max_proposals_per_video or len(found) / len(true)
    # The published code's order of operations: truncation makes it visible in the result.
    ratio = most * float(len(true)) / len(found) if len(found) else 0.0
    overlaps, total = [], 0
    for video, rows in true.items():
        ranked = mine.get(video, np.zeros(0, np.intp))
        ranked = ranked[found.scores[ranked].argsort(kind="stable")[::-1]]
        ranked = ranked[: min(int(len(ranked) * ratio), len(ranked))]
        total += len(ranked)
        overlaps.append(temporal_iou(truth.segments[rows], found.segments[ranked]))
    if not total:
        none = np.zeros((len(thresholds), 100))
        return ProposalRecall(tuple(thresholds.tolist()), none, np.arange(1, 101) / 100.0 * (most or 1.0))
    share = np.arange(1, 101) / 100.0 * (most * float(len(true)) / total)
    recall = np.zeros((len(thresholds), 100))
    for overlap in overlaps:
        allowed = np.minimum((overlap.shape[1] * share).astype(int), overlap.shape[1])
        for level, threshold in enumerate(thresholds):
            hit = overlap >= threshold
            first = np.where(hit.any(axis=1), hit.argmax(axis=1), len(found)) if hit.size else np.zeros(0)
            recall[level] += (first[:, None] < allowed).sum(axis=0)
    return ProposalRecall(tuple(thresholds.tolist()), recall / len(truth), share * (float(total) / len(true)))
