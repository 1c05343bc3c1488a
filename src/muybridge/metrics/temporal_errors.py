"""What goes wrong in a detection: each false prediction gets one reason, each true segment is found or missed.

At a threshold α (usually 0.5), for a prediction that is not right, in this order:

    double             tIoU ≥ α with a true segment of its class that a better prediction has taken
    wrong label        tIoU ≥ α with a true segment of another class
    bad boundary       0.1 ≤ tIoU < α with a true segment of its class
    confusion          0.1 ≤ tIoU < α with one of another class: neither label nor boundary
    background         nothing of the kind happens there

Paper: Alwassel et al., "Diagnosing Error in Temporal Action Detectors", ECCV 2018, arXiv:1807.10706 (DETAD).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.metrics.temporal import interpolated_average_precision, match_by_score
from muybridge.metrics.temporal_annotations import (
    AnnotationSource,
    Instances,
    read_ground_truth,
    read_predictions,
)
from muybridge.metrics.temporal_overlap import check_tiou_thresholds, temporal_iou

__all__ = ["ERROR_KINDS", "DetectionErrors", "LengthScores", "diagnose_detection"]

ERROR_KINDS = ("double", "wrong label", "bad boundary", "confusion", "background")


@dataclass(frozen=True, slots=True)
class LengthScores:
    """True segments that last from `start_seconds` until just before `end_seconds` (None: and longer).

    Args:
        start_seconds: the shortest.
        end_seconds: the first that is too long; None where there is no limit.
        num_true: how many there are.
        num_missed: how many no prediction takes.
    """

    start_seconds: float
    end_seconds: float | None
    num_true: int
    num_missed: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "num_true": self.num_true,
            "num_missed": self.num_missed,
        }


@dataclass(frozen=True, slots=True)
class DetectionErrors:
    """Where a detector's predictions and misses go.

    Args:
        tiou_threshold: α.
        num_correct: predictions that take a true segment.
        counts: error → how many predictions, for each of `ERROR_KINDS`.
        num_true: true segments.
        num_missed: true segments that no prediction takes.
        mean_average_precision: mAP at α.
        gains: error → how much mAP rises when its predictions are left out.
        lengths: the same misses, by length of the true segment.
        kinds: the reason of each prediction that was looked at: `"correct"` or one of `ERROR_KINDS`.
        rows: where each of these stands among all predictions, in their order.
    """

    tiou_threshold: float
    num_correct: int
    counts: dict[str, int]
    num_true: int
    num_missed: int
    mean_average_precision: float
    gains: dict[str, float]
    lengths: tuple[LengthScores, ...]
    kinds: tuple[str, ...]
    rows: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, without the single predictions."""
        return {
            "tiou_threshold": self.tiou_threshold,
            "num_correct": self.num_correct,
            "counts": dict(self.counts),
            "num_true": self.num_true,
            "num_missed": self.num_missed,
            "mean_average_precision": self.mean_average_precision,
            "gains": dict(self.gains),
            "lengths": [each.to_dict() for each in self.lengths],
        }


def diagnose_detection(
    ground_truth: AnnotationSource,
    predictions: AnnotationSource,
    *,
    tiou_threshold: float = 0.5,
    background_tiou: float = 0.1,
    subset: str | None = None,
    predictions_per_true: float | None = 10,
    length_edges_seconds: Sequence[float] = (3, 6, 12, 18),
) -> DetectionErrors:
    """Say of each false prediction why it is false, and which true segments are missed.

    Args:
        ground_truth: ActivityNet's layout, or its path.
        predictions: ActivityNet's layout of results, or its path.
        tiou_threshold: α, the overlap that counts as found.
        background_tiou: what overlaps less is background.
        subset: only the videos of this subset count; None for all.
        predictions_per_true: of each class, look at so many of the best predictions for each true segment, as the paper
            does; None for all.
        length_edges_seconds: where one length ends and the next begins; (3, 6, 12, 18) are those of THUMOS'14, (30, 60,
            120, 180) those of ActivityNet.

    Raises:
        OptionError: files of another layout, no true segment, numbers outside what is allowed.

    >>> annotations = [{"segment": [0, 10], "label": "jump"}, {"segment": [20, 22], "label": "run"}]
    >>> found = [(0, 9, "jump", 0.9), (0, 10, "jump", 0.8), (0, 4, "jump", 0.7), (0, 10, "run", 0.6)]
    >>> results = [{"segment": [a, b], "label": label, "score": score} for a, b, label, score in found]
    >>> errors = diagnose_detection(
    ...     {"database": {"cat": {"subset": "test", "annotations": annotations}}}, {"results": {"cat": results}}
    ... )
    >>> errors.num_correct, errors.num_missed, {kind: n for kind, n in errors.counts.items() if n}
    (1, 1, {'double': 1, 'wrong label': 1, 'bad boundary': 1})
    """
    thresholds = check_tiou_thresholds([tiou_threshold])
    if not 0 < background_tiou <= tiou_threshold:
        raise OptionError(f"background_tiou is {background_tiou}; it must lie in (0, {tiou_threshold}]")
    edges = [0.0, *map(float, length_edges_seconds)]
    if edges != sorted(edges):
        raise OptionError(
            f"length_edges_seconds are {list(length_edges_seconds)}; they must rise from above 0"
        )
    truth, found = read_ground_truth(ground_truth, subset=subset), read_predictions(predictions)
    by_label, by_video = truth.by_label(), truth.by_video()
    labels = np.array(found.labels, object)
    is_missed = np.ones(len(truth), bool)
    kinds: dict[int, str] = {}
    ranked_of: dict[str, list[int]] = {}
    num_true_of = {label: truth.labels.count(label) for label in sorted(by_label)}
    for label, num_true in num_true_of.items():
        true_rows = by_label[label]
        rows = np.flatnonzero(labels == label)
        rows = rows[found.scores[rows].argsort(kind="stable")[::-1]]
        if predictions_per_true is not None:
            rows = rows[: int(predictions_per_true * num_true)]
        videos = [found.videos[row] for row in rows]
        true = {video: truth.segments[each] for video, each in true_rows.items()}
        match = match_by_score(true, videos, found.segments[rows], thresholds)[0]
        for row, video, taken in zip(rows.tolist(), videos, match.tolist(), strict=True):
            if taken >= 0:
                is_missed[true_rows[video][taken]] = False
            mine, others = _best_overlaps(truth, by_video.get(video), found.segments[row], label)
            kinds[row] = "correct" if taken >= 0 else _reason(mine, others, tiou_threshold, background_tiou)
        ranked_of[label] = rows.tolist()

    def mean_precision(without: str | None) -> float:
        hits = {
            label: np.array([kinds[row] == "correct" for row in rows if kinds[row] != without], bool)
            for label, rows in ranked_of.items()
        }
        return float(
            np.mean([interpolated_average_precision(hits[each], n) for each, n in num_true_of.items()])
        )

    before = mean_precision(None)
    return DetectionErrors(
        tiou_threshold,
        sum(kind == "correct" for kind in kinds.values()),
        {kind: sum(kind == each for each in kinds.values()) for kind in ERROR_KINDS},
        len(truth),
        int(is_missed.sum()),
        before,
        {kind: mean_precision(kind) - before for kind in ERROR_KINDS},
        _by_length(truth, is_missed, edges),
        tuple(kinds[row] for row in sorted(kinds)),
        tuple(sorted(kinds)),
    )


def _best_overlaps(
    truth: Instances, rows: NDArray[np.intp] | None, segment: NDArray[np.float64], label: str
) -> tuple[float, float]:
    """The largest tIoU with a true segment of this class, and with one of any other."""
    if rows is None:
        return 0.0, 0.0
    overlap = temporal_iou(segment, truth.segments[rows])
    same = np.array([truth.labels[row] == label for row in rows])
    return float(overlap[same].max(initial=0.0)), float(overlap[~same].max(initial=0.0))


def _reason(same: float, other: float, tiou_threshold: float, background_tiou: float) -> str:
    if same >= tiou_threshold:
        return "double"
    if other >= tiou_threshold:
        return "wrong label"
    if same >= background_tiou:
        return "bad boundary"
    return "confusion" if other >= background_tiou else "background"


def _by_length(
    truth: Instances, is_missed: NDArray[np.bool_], edges: list[float]
) -> tuple[LengthScores, ...]:
    lengths = truth.segments[:, 1] - truth.segments[:, 0]
    scores = []
    for start, end in itertools.pairwise([*edges, None]):
        inside = (lengths >= start) & (lengths < (np.inf if end is None else end))  # type: ignore[operator]
        scores.append(LengthScores(float(start or 0), end, int(inside.sum()), int(is_missed[inside].sum())))
    return tuple(scores)
