"""Non-maximum suppression over time: of candidates that mean the same action, the best remains.

    0.9  ├──────────────┤               kept
    0.8      ├──────────────┤           overlaps it: dropped
    0.7                   ├───┤         overlaps only the dropped one: kept

Overlap is counted as a share of the shorter of two (a fragment inside a long proposal overlaps it wholly), or as
intersection over union. Soft suppression lowers the score of what overlaps instead of dropping it.

Greedy suppression is a loop over what is kept; what one drops is found at once among its neighbors in time: of all
proposals sorted by start, only those between (its start − the longest duration) and its end can overlap it.

Paper of the soft kind: Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code", ICCV 2017,
arXiv:1704.04503.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.actions.proposals import Proposal
from muybridge.counts import check_count
from muybridge.errors import OptionError, ShapeError

__all__ = ["Overlap", "soft_nms", "suppress", "temporal_nms"]

Overlap = Literal["shorter", "iou"]
"""As a share of the shorter segment, or intersection over union."""


def temporal_nms(
    proposals: Sequence[Proposal],
    *,
    overlap_threshold: float = 0.3,
    overlap: Overlap = "shorter",
    per_class: bool = True,
) -> list[Proposal]:
    """Keep the best of proposals that overlap.

    Args:
        proposals: in any order.
        overlap_threshold: in [0, 1]; of two that overlap by more, the one with the higher mean score remains; of equal
            ones the one that comes first.
        overlap: as a share of the `"shorter"` segment, or `"iou"`.
        per_class: whether only proposals of one label suppress each other.

    Returns:
        Those that remain, best first.

    Raises:
        OptionError: options outside what is allowed.

    >>> proposals = [Proposal(0, 10, 0.9, 1), Proposal(4, 14, 0.8, 1), Proposal(12, 20, 0.7, 1)]
    >>> [(p.start, p.end) for p in temporal_nms(proposals)]
    [(0, 10), (12, 20)]
    """
    starts, ends, scores = (_column(proposals, name) for name in ("start", "end", "mean_score"))
    kept = suppress(
        np.stack([starts, ends], axis=1),
        scores,
        labels=_codes(proposals) if per_class else None,
        overlap_threshold=overlap_threshold,
        overlap=overlap,
    )
    return [proposals[row] for row in kept.tolist()]


def suppress(
    segments: ArrayLike,
    scores: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    overlap_threshold: float = 0.3,
    overlap: Overlap = "shorter",
) -> NDArray[np.intp]:
    """The rows that greedy suppression keeps.

    Args:
        segments: (N, 2) start and end.
        scores: (N,) higher is better.
        labels: (N,) whole numbers; rows of different labels do not suppress each other. None for one label.
        overlap_threshold: as in `temporal_nms`.
        overlap: as in `temporal_nms`.

    Returns:
        (M,) rows, best first.

    Raises:
        ShapeError: arrays that do not fit each other.
        OptionError: NaN, an end that is not after its start, labels that are no whole numbers, or options outside
            what is allowed.

    >>> suppress([(0, 10), (1, 9), (20, 30)], [0.5, 0.9, 0.7])
    array([1, 2])
    """
    _check_options(overlap_threshold, overlap)
    spans, values = _checked(segments, scores)
    if labels is None:
        return _suppress_one_class(spans, values, overlap_threshold, overlap)
    groups = np.asarray(labels)
    if groups.shape != values.shape:
        raise ShapeError(f"labels {groups.shape}; they must be {values.shape}, one for each segment")
    if groups.size and groups.dtype.kind not in "biu":  # cut to whole numbers, 0.2 and 0.9 would be one class
        raise OptionError(
            f"labels are {groups.dtype}; they must be whole numbers, one for each class. Number them by"
            " np.unique(labels, return_inverse=True)[1]"
        )
    kept = [np.zeros(0, np.intp)]
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        kept.append(rows[_suppress_one_class(spans[rows], values[rows], overlap_threshold, overlap)])
    all_kept = np.sort(np.concatenate(kept))
    return all_kept[np.argsort(-values[all_kept], kind="stable")]


def soft_nms(
    proposals: Sequence[Proposal],
    *,
    method: Literal["gaussian", "linear"] = "gaussian",
    sigma: float = 0.5,
    overlap_threshold: float = 0.0,
    overlap: Overlap = "iou",
    min_score: float = 0.001,
    max_proposals: int | None = None,
    per_class: bool = True,
) -> list[Proposal]:
    """Lower the scores of proposals that overlap a better one, instead of dropping them.

    Args:
        proposals: in any order, with mean scores of 0 or more.
        method: `"gaussian"` multiplies by exp(-overlap² / sigma), `"linear"` by 1 - overlap.
        sigma: width of the Gaussian; smaller suppresses more.
        overlap_threshold: in [0, 1]; what overlaps by no more is left alone.
        overlap: as a share of the `"shorter"` segment, or `"iou"`.
        min_score: what falls below is dropped.
        max_proposals: stop after so many of each class; None for all.
        per_class: whether only proposals of one label lower each other.

    Returns:
        Proposals with their new mean scores, best first.

    Raises:
        OptionError: options outside what is allowed.

    >>> proposals = [Proposal(0, 10, 0.9, 1), Proposal(0, 10, 0.8, 1), Proposal(12, 20, 0.7, 1)]
    >>> [(p.start, round(p.mean_score, 3)) for p in soft_nms(proposals)]
    [(0, 0.9), (12, 0.7), (0, 0.108)]
    """
    _check_options(overlap_threshold, overlap)
    if method not in ("gaussian", "linear") or not sigma > 0:
        raise OptionError(f"method {method!r}, sigma {sigma}: 'gaussian' or 'linear', and a positive sigma")
    if math.isnan(min_score):
        raise OptionError(f"min_score is {min_score}; it must be a number, 0 to drop nothing")
    if max_proposals is not None:
        check_count("max_proposals", max_proposals)
    found: list[Proposal] = []
    for label in sorted({p.label for p in proposals}) if per_class else [None]:
        mine = [p for p in proposals if label is None or p.label == label]
        spans, scores = _checked([(p.start, p.end) for p in mine], [p.mean_score for p in mine])
        remaining = np.arange(len(mine))
        for _ in range(len(mine) if max_proposals is None else min(max_proposals, len(mine))):
            best = int(scores[remaining].argmax())
            row, remaining = int(remaining[best]), np.delete(remaining, best)
            if scores[row] < min_score:
                break
            found.append(dataclasses.replace(mine[row], mean_score=float(scores[row])))
            shared = _overlaps(spans[row], spans[remaining], overlap)
            factor = np.exp(-(shared**2) / sigma) if method == "gaussian" else 1 - shared
            scores[remaining] *= np.where(shared > overlap_threshold, factor, 1.0)
    return sorted(found, key=lambda p: -p.mean_score)


def _suppress_one_class(
    segments: NDArray[np.float64], scores: NDArray[np.float64], overlap_threshold: float, overlap: Overlap
) -> NDArray[np.intp]:
    if not len(segments):
        return np.zeros(0, np.intp)
    in_time = np.argsort(segments[:, 0])
    place = np.empty_like(in_time)
    place[in_time] = np.arange(len(in_time))
    starts, ends = segments[in_time].T.copy()
    lengths = ends - starts
    # What starts earlier than this has ended before this begins.
    longest = float(lengths.max())
    start_list, end_list = starts.tolist(), ends.tolist()
    # One memory seen twice: Python reads single bytes of it faster, numpy writes whole windows.
    dropped = bytearray(len(starts))
    is_dropped = np.frombuffer(dropped, np.bool_)
    kept = []
    for here in place[_best_first(scores)].tolist():
        if dropped[here]:
            continue
        kept.append(here)
        start, end = start_list[here], end_list[here]
        window = slice(bisect_left(start_list, start - longest), bisect_left(start_list, end))
        # As `_overlaps`, without its copies: what does not overlap is negative here, and never above the threshold.
        shared = np.minimum(ends[window], end)
        shared -= np.maximum(starts[window], start)
        if overlap == "shorter":
            whole = np.minimum(lengths[window], end - start)
        else:
            whole = lengths[window] + (end - start) - np.maximum(shared, 0.0)
        shared /= whole
        is_dropped[window] |= shared > overlap_threshold
    return np.asarray(in_time[kept])


def _best_first(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows by falling score, of equal ones the first first; the sort that keeps that order is ten times slower."""
    order = np.argsort(-scores)
    in_order = scores[order]
    if (in_order[1:] == in_order[:-1]).any():
        return np.argsort(-scores, kind="stable")
    return order


def _column(proposals: Sequence[Proposal], name: str) -> NDArray[np.float64]:
    return np.fromiter(map(attrgetter(name), proposals), np.float64, len(proposals))


def _codes(proposals: Sequence[Proposal]) -> list[int] | None:
    """A number for each label; None where there is only one."""
    labels = list(map(attrgetter("label"), proposals))
    if not labels or labels.count(labels[0]) == len(labels):
        return None
    codes = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    return [codes[label] for label in labels]


def _overlaps(one: NDArray[np.float64], many: NDArray[np.float64], overlap: Overlap) -> NDArray[np.float64]:
    """(2,), (N, 2) → (N,) in [0, 1]."""
    start, end = one.tolist()
    starts, ends = many.T
    shared = np.minimum(ends, end) - np.maximum(starts, start)
    np.maximum(shared, 0.0, out=shared)
    lengths = ends - starts
    whole = np.minimum(lengths, end - start) if overlap == "shorter" else lengths + (end - start) - shared
    return np.asarray(shared / whole)


def _checked(segments: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.array(scores, np.float64)
    spans = np.asarray(segments, np.float64)
    if values.ndim == 1 and not spans.size:
        spans = spans.reshape(0, 2)
    if spans.shape != (*values.shape, 2) or values.ndim != 1:
        raise ShapeError(f"segments {spans.shape} and scores {values.shape}; they must be (N, 2) and (N,)")
    if not (np.isfinite(spans).all() and np.isfinite(values).all()):
        raise OptionError("segments and scores must be finite; leave out those with NaN")
    if not (spans[:, 1] > spans[:, 0]).all():
        raise OptionError("every segment must end after its start")
    return spans, values


def _check_options(overlap_threshold: float, overlap: str) -> None:
    if not 0 <= overlap_threshold <= 1:
        raise OptionError(f"overlap_threshold is {overlap_threshold}; it must lie in [0, 1]")
    if overlap not in ("shorter", "iou"):
        raise OptionError(f"overlap is {overlap!r}; it is 'shorter' or 'iou'")
