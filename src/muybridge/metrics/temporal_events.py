"""Were the events found, how many were false, and how late? For alarms, which have no ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from muybridge.metrics.temporal_overlap import check_tiou_thresholds, temporal_iou

__all__ = ["EventScores", "evaluate_events"]


@dataclass(frozen=True, slots=True)
class EventScores:
    """Found and true events, counted.

    Args:
        num_found: predictions.
        num_true: true events.
        num_matched: pairs of both.
        delays_seconds: of each pair, how much later the prediction starts; negative where it starts early.
    """

    num_found: int
    num_true: int
    num_matched: int
    delays_seconds: tuple[float, ...]

    @property
    def precision(self) -> float:
        """Share of predictions that are right; 1.0 where nothing was predicted."""
        return self.num_matched / self.num_found if self.num_found else 1.0

    @property
    def recall(self) -> float:
        """Share of true events that were found; 1.0 where there was none."""
        return self.num_matched / self.num_true if self.num_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 1.0 where there is neither an event nor a prediction."""
        both = self.num_found + self.num_true
        return 2 * self.num_matched / both if both else 1.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "num_found": self.num_found,
            "num_true": self.num_true,
            "num_matched": self.num_matched,
            "delays_seconds": list(self.delays_seconds),
        }


def evaluate_events(true: ArrayLike, found: ArrayLike, *, tiou_threshold: float = 0.5) -> EventScores:
    """Precision, recall and F1 of events of one kind in one video, without scores.

    Pairs are made from the largest overlap down; each event has at most one partner.

    Args:
        true: (N, 2) start and end of the true events.
        found: (M, 2) start and end of what was found.
        tiou_threshold: how much a pair must overlap.

    Raises:
        ShapeError: arrays of another shape.
        OptionError: an end before its start, or a threshold outside (0, 1].

    >>> scores = evaluate_events([(10, 20), (40, 50)], [(11, 20), (70, 80), (90, 95)])
    >>> scores.f1, scores.delays_seconds
    (0.4, (1.0,))
    """
    check_tiou_thresholds([tiou_threshold])
    truth, mine = (np.reshape(x, (0, 2)) if np.size(x) == 0 else np.asarray(x, float) for x in (true, found))
    overlap = np.atleast_2d(temporal_iou(truth, mine)).reshape(len(truth), len(mine))
    pairs = []
    while overlap.size and overlap.max() >= tiou_threshold:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        pairs.append((int(row), float(mine[column, 0] - truth[row, 0])))
        overlap[row], overlap[:, column] = -1.0, -1.0
    return EventScores(len(mine), len(truth), len(pairs), tuple(delay for _, delay in sorted(pairs)))
