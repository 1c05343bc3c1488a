"""Were the right segments found? Average precision and recall over time, by the published protocols.

    temporal IoU of two segments = how long both are so / how long at least one is so

Detection (ActivityNet): for each class, predictions in order of falling score; each takes the free true segment of its
video that it overlaps most, if tIoU reaches the threshold, else it is false. Average precision is the area under
precision over recall, precision made monotone first; mAP is the mean over the classes of the ground truth,
average mAP that over thresholds: 0.5:0.05:0.95 for ActivityNet, 0.3:0.1:0.7 for THUMOS'14.

Proposals: the recall that an average number AN of proposals per video reaches, averaged over the thresholds
(AR@AN), and the area under that curve.

Sources: Heilbron et al., "ActivityNet: A Large-Scale Video Benchmark for Human Activity Understanding", CVPR 2015, with
its evaluation code (eval_detection.py, eval_proposal.py); Jiang et al., "THUMOS Challenge 2014", with the updated
version of its evaluation code. Results equal those of that code, with these exceptions: predictions of equal score are
always taken in the reverse of their order (there it depends on the sorting routine), segments without length overlap
nothing (there NaN), and predictions of a class that the ground truth lacks are counted and left out (there a KeyError).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.metrics.temporal_annotations import (
    AnnotationSource,
    Instances,
    read_ground_truth,
    read_predictions,
)
from muybridge.metrics.temporal_events import EventScores, evaluate_events
from muybridge.metrics.temporal_overlap import (
    ACTIVITYNET_THRESHOLDS,
    THUMOS_THRESHOLDS,
    check_tiou_thresholds,
    temporal_iou,
)
from muybridge.metrics.temporal_recall import ProposalRecall, evaluate_proposals

__all__ = [
    "ACTIVITYNET_THRESHOLDS",
    "THUMOS_THRESHOLDS",
    "DetectionScores",
    "EventScores",
    "ProposalRecall",
    "evaluate_detection",
    "evaluate_events",
    "evaluate_proposals",
    "interpolated_average_precision",
    "match_by_score",
    "temporal_iou",
]

Protocol = Literal["activitynet", "thumos14"]
_AMBIGUOUS = "Ambiguous"


@dataclass(frozen=True, slots=True, eq=False)
class DetectionScores:
    """Average precision of each class at each threshold.

    Args:
        labels: the K classes of the ground truth, sorted.
        tiou_thresholds: the M thresholds.
        average_precision: (M, K) in [0, 1].
        num_ground_truth: true segments.
        num_predictions: predictions of these classes.
        num_ignored: predictions of classes that the ground truth lacks.
    """

    labels: tuple[str, ...]
    tiou_thresholds: tuple[float, ...]
    average_precision: NDArray[np.float64]
    num_ground_truth: int
    num_predictions: int
    num_ignored: int

    @property
    def map_per_threshold(self) -> NDArray[np.float64]:
        """(M,) mean over the classes."""
        return np.asarray(self.average_precision.mean(axis=1))

    @property
    def average_map(self) -> float:
        """Mean over thresholds and classes."""
        return float(self.map_per_threshold.mean())

    def map_at(self, tiou_threshold: float) -> float:
        """Mean over the classes at one of the thresholds.

        Raises:
            OptionError: a threshold that was not evaluated.
        """
        near = np.isclose(self.tiou_thresholds, tiou_threshold)
        if not near.any():
            raise OptionError(f"tIoU {tiou_threshold} was not evaluated; there are {self.tiou_thresholds}")
        return float(self.map_per_threshold[near.argmax()])

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        names = [f"{threshold:.2f}" for threshold in self.tiou_thresholds]
        return {
            "average_map": self.average_map,
            "map": dict(zip(names, self.map_per_threshold.tolist(), strict=True)),
            "average_precision": {
                label: dict(zip(names, self.average_precision[:, column].tolist(), strict=True))
                for column, label in enumerate(self.labels)
            },
            "num_ground_truth": self.num_ground_truth,
            "num_predictions": self.num_predictions,
            "num_ignored": self.num_ignored,
        }


def evaluate_detection(
    ground_truth: AnnotationSource,
    predictions: AnnotationSource,
    *,
    tiou_thresholds: Sequence[float] = ACTIVITYNET_THRESHOLDS,
    subset: str | None = None,
    protocol: Protocol = "activitynet",
) -> DetectionScores:
    """Average precision of labelled segments.

    Args:
        ground_truth: ActivityNet's layout, or the path of its JSON; numbers may be strings.
        predictions: ActivityNet's layout of results, or its path.
        tiou_thresholds: how much a prediction must overlap; `THUMOS_THRESHOLDS` are 0.3 to 0.7.
        subset: only the videos of this subset of the ground truth count, and predictions for others are false; None
            for all. ActivityNet is evaluated on `"validation"`, THUMOS'14 on `"test"`.
        protocol: `"activitynet"`, by which the field reports both data sets, or `"thumos14"`, the challenge's own: each
            true segment in turn takes the free prediction that overlaps it most, by more than the threshold;
            precision is not interpolated; and what overlaps a segment labelled "Ambiguous" is not held against
            anyone.

    Raises:
        OptionError: files of another layout, no true segment, thresholds outside (0, 1], an unknown protocol.

    >>> database = {"cat": {"subset": "test", "annotations": [{"segment": [0, 10], "label": "jump"}]}}
    >>> results = {"cat": [{"segment": [1, 9], "label": "jump", "score": 0.9}]}
    >>> scores = evaluate_detection({"database": database}, {"results": results})
    >>> scores.map_at(0.5), scores.map_at(0.95), scores.average_map
    (1.0, 0.0, 0.7)
    """
    thresholds = check_tiou_thresholds(tiou_thresholds)
    if protocol not in ("activitynet", "thumos14"):
        raise OptionError(f"protocol is {protocol!r}; it is 'activitynet' or 'thumos14'")
    truth = read_ground_truth(ground_truth, subset=subset)
    found = read_predictions(predictions)
    true_rows, found_rows = truth.by_label(), found.by_label()
    ambiguous = true_rows.pop(_AMBIGUOUS, {}) if protocol == "thumos14" else {}
    labels = sorted(true_rows)
    if not labels:
        raise OptionError(
            f"the ground truth has {_AMBIGUOUS!r} segments only, which protocol 'thumos14' lets nobody find;"
            " give one with a labeled segment"
        )
    precision = np.zeros((len(thresholds), len(labels)))
    for column, label in enumerate(labels):
        true = {video: truth.segments[rows] for video, rows in true_rows[label].items()}
        rows = np.sort(np.concatenate([np.zeros(0, np.intp), *found_rows.get(label, {}).values()]))
        if protocol == "activitynet":
            precision[:, column] = _activitynet_precision(true, found, rows, thresholds)
        else:
            vague = {video: truth.segments[rows] for video, rows in ambiguous.items()}
            precision[:, column] = _thumos_precision(true, vague, found, rows, thresholds)
    num_known = sum(map(found.labels.count, labels))
    return DetectionScores(
        tuple(labels),
        tuple(thresholds.tolist()),
        precision,
        sum(map(truth.labels.count, labels)),
        num_known,
        len(found) - num_known,
    )


def match_by_score(
    true: dict[str, NDArray[np.float64]],
    videos: Sequence[str],
    segments: NDArray[np.float64],
    thresholds: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Each prediction takes the free true segment of its video that it overlaps most, if by the threshold.

    Args:
        true: video → (N, 2) true segments of one class.
        videos: P names: the video of each prediction, best prediction first.
        segments: (P, 2) the predictions.
        thresholds: (M,) tIoU that counts as found.

    Returns:
        (M, P): the row in its video's `true` that each prediction takes; -1 for a false one.
    """
    taken = {video: np.zeros((len(thresholds), len(found)), bool) for video, found in true.items()}
    match = np.full((len(thresholds), len(segments)), -1, np.intp)
    for row, (video, segment) in enumerate(zip(videos, segments, strict=True)):
        if video not in true:
            continue
        overlap = temporal_iou(segment, true[video])
        order = overlap.argsort(kind="stable")[::-1]
        for level in np.flatnonzero(thresholds <= overlap[order[0]]):
            for candidate in order:
                if overlap[candidate] < thresholds[level]:
                    break
                if not taken[video][level, candidate]:
                    taken[video][level, candidate] = True
                    match[level, row] = candidate
                    break
    return match


def interpolated_average_precision(is_true: NDArray[np.bool_], num_true: int) -> float:
    """Area under precision over recall, each precision raised to the best at any higher recall (VOC 2011).

    Args:
        is_true: (P,) whether each prediction is right, best prediction first.
        num_true: how many there were to find.

    >>> interpolated_average_precision(np.array([True, False, True]), 2)
    0.8333333333333333
    """
    hits = np.cumsum(is_true)
    precision = np.concatenate([[0], hits / np.arange(1, len(hits) + 1), [0]])
    recall = np.concatenate([[0], hits / num_true, [1]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))


def _activitynet_precision(
    true: dict[str, NDArray[np.float64]],
    found: Instances,
    rows: NDArray[np.intp],
    thresholds: NDArray[np.float64],
) -> list[float]:
    if not len(rows):
        return [0.0] * len(thresholds)
    ranked = rows[found.scores[rows].argsort(kind="stable")[::-1]]
    match = match_by_score(true, [found.videos[row] for row in ranked], found.segments[ranked], thresholds)
    num_true = sum(map(len, true.values()))
    return [interpolated_average_precision(level >= 0, num_true) for level in match]


def _thumos_precision(
    true: dict[str, NDArray[np.float64]],
    ambiguous: dict[str, NDArray[np.float64]],
    found: Instances,
    rows: NDArray[np.intp],
    thresholds: NDArray[np.float64],
) -> list[float]:
    """Precision at each right prediction, summed, over the number of true segments; for each threshold."""
    rows = rows[np.argsort(-found.scores[rows], kind="stable")]
    videos = np.array([found.videos[row] for row in rows], object)
    is_true = np.zeros((len(thresholds), len(rows)), bool)
    is_excused = np.zeros(len(rows), bool)
    for video in dict.fromkeys(videos):
        here = np.flatnonzero(videos == video)
        if video in ambiguous:
            is_excused[here] = temporal_iou(ambiguous[video], found.segments[rows[here]]).sum(axis=0) > 0
        if video not in true:
            continue
        overlap = temporal_iou(true[video], found.segments[rows[here]])
        for level, threshold in enumerate(thresholds):
            for each in overlap:
                free = np.where(is_true[level, here], -1.0, each)
                if free.max() > threshold:
                    is_true[level, here[free.argmax()]] = True
    num_true = sum(map(len, true.values()))
    averages = []
    for hits in is_true:
        kept = hits[hits | ~is_excused]
        precision = np.cumsum(kept) / np.arange(1, len(kept) + 1)
        averages.append(float(precision[kept].sum() / num_true))
    return averages
