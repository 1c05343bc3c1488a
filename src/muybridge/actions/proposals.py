"""From scores over time to candidates: when might something be happening?

    scores    0.1 0.2 0.9 0.8 0.3 0.9 0.7 0.1 0.1 0.6 0.1
    above          .   ■   ■   .   ■   ■   .   .   ■   .     threshold 0.5
    merged         .   ■   ■   ■   ■   ■   .   .   ■   .     a gap of 1 is fewer than merge_gap = 2
    kept           .   ■   ■   ■   ■   ■   .   .   .   .     a run of 1 is shorter than min_duration = 3

Ranges are half-open: [2, 7) are the moments 2 to 6, five of them. With inclusive ends a run "2–6" of length 6 − 2 = 4
would be counted one short, and one "55–57" of three moments would pass where two were meant.

One threshold suits one loudness of action. `group_proposals` tries many and bridges gaps in proportion (watershed
grouping); `boundary_proposals` needs no level at all, but the probabilities that something starts and ends;
`matching_proposals` reads the map of a boundary-matching network.

Papers: Xiong et al., "A Pursuit of Temporal Accuracy in General Activity Detection", arXiv:1703.02716, and Zhao et al.,
"Temporal Action Detection with Structured Segment Networks", ICCV 2017, arXiv:1704.06228 (grouping); Lin et al., BSN,
ECCV 2018, arXiv:1806.02964 (boundaries); Lin et al., BMN, ICCV 2019, arXiv:1907.09702 (matching).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.counts import check_count
from muybridge.errors import OptionError, ShapeError

__all__ = [
    "Proposal",
    "boundary_proposals",
    "generate_proposals",
    "group_proposals",
    "matching_proposals",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something may be happening from `start` until just before `end`.

    Args:
        start: the first moment: an index, or seconds.
        end: the first moment after it, in the same unit.
        mean_score: the mean of the scores inside, or the confidence of the network that proposed it.
        peak_score: the largest score inside.
        label: what it may be; empty where that is not known.

    Raises:
        OptionError: numbers that are not finite, or an end that is not after its start.

    >>> Proposal(2, 7, mean_score=0.7, peak_score=0.9).duration
    5
    """

    start: float
    end: float
    mean_score: float
    peak_score: float
    label: str = ""

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.start, self.end, self.mean_score, self.peak_score))):
            raise OptionError(f"{self}: all numbers must be finite")
        if self.end <= self.start:
            raise OptionError(
                f"a proposal from {self.start} to {self.end}: its end must come after its start"
            )

    @property
    def duration(self) -> float:
        """How long it lasts, in the unit of its ends; the number of moments where these are indices."""
        return self.end - self.start

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"duration": self.duration}


def generate_proposals(
    scores: ArrayLike, *, threshold: float = 0.5, min_duration: int = 3, merge_gap: int = 2
) -> list[Proposal]:
    """Contiguous runs of moments whose score is above a threshold.

    Args:
        scores: (T,) a score for each moment, such as actionness.
        threshold: in [0, 1]; a moment counts if its score is larger.
        min_duration: runs of fewer moments are dropped, after merging.
        merge_gap: runs separated by fewer moments than this become one; 0 and 1 merge nothing.

    Returns:
        Proposals in order of time, with indices as ends; the mean runs over merged gaps too. None for an empty signal.

    Raises:
        ShapeError: scores that are not (T,).
        OptionError: NaN or infinite scores, or options outside what is allowed.

    >>> scores = [0.1, 0.2, 0.9, 0.8, 0.3, 0.9, 0.7, 0.1, 0.1, 0.6, 0.1]
    >>> [(p.start, p.end, p.duration, round(p.mean_score, 2), p.peak_score) for p in generate_proposals(scores)]
    [(2, 7, 5, 0.72, 0.9)]
    """
    values = _checked_signal(scores, "scores")
    _check_options(threshold, min_duration)
    check_count("merge_gap", merge_gap, least=0)
    starts, ends = _runs(values > threshold)
    if len(starts) > 1:
        is_apart = starts[1:] - ends[:-1] >= max(merge_gap, 1)
        starts, ends = starts[np.r_[True, is_apart]], ends[np.r_[is_apart, True]]
    return _proposals(values, starts, ends, min_duration)


def group_proposals(
    scores: ArrayLike,
    *,
    thresholds: Sequence[float] = tuple(np.arange(1, 20) / 20),
    tolerances: Sequence[float] = tuple(np.arange(1, 20) / 20),
    min_duration: int = 3,
) -> list[Proposal]:
    """Temporal actionness grouping: runs at many thresholds, joined as long as little lies between them.

    From each run the group grows to the right, run by run, as long as at least a share of it (the tolerance) is above
    the threshold. All thresholds and all tolerances together give candidates of every length.

    Args:
        scores: (T,) actionness.
        thresholds: each in [0, 1].
        tolerances: each in [0, 1]: the least share of a group that is above the threshold.
        min_duration: shorter groups are dropped.

    Returns:
        Each range once, in order of start and end; thin them out by `muybridge.actions.nms.temporal_nms`.

    Raises:
        ShapeError: scores that are not (T,).
        OptionError: NaN or infinite scores, or options outside what is allowed.

    >>> scores = [0, 0.9, 0.9, 0.9, 0, 0, 0.8, 0.8, 0.8, 0]
    >>> [(p.start, p.end) for p in group_proposals(scores, thresholds=[0.5], tolerances=[0.7, 0.9])]
    [(1, 4), (1, 9), (6, 9)]
    """
    values = _checked_signal(scores, "scores")
    for each in tolerances:
        if not 0 <= each <= 1:
            raise OptionError(f"tolerance {each}; it must lie in [0, 1]")
    found: set[tuple[int, int]] = set()
    for threshold in thresholds:
        _check_options(threshold, min_duration)
        starts, ends = _runs(values > threshold)
        covered = np.concatenate([[0], np.cumsum(ends - starts)])
        for first in range(len(starts)):
            share = (covered[first + 1 :] - covered[first]) / (ends[first:] - starts[first])
            for tolerance in tolerances:
                is_short = share < tolerance
                last = first + (int(is_short.argmax()) if is_short.any() else len(share)) - 1
                found.add((int(starts[first]), int(ends[last])))
    ranges = np.array(sorted(found), np.intp).reshape(-1, 2)
    return _proposals(values, ranges[:, 0], ranges[:, 1], min_duration)


def boundary_proposals(
    start_probabilities: ArrayLike,
    end_probabilities: ArrayLike,
    *,
    actionness: ArrayLike | None = None,
    peak_fraction: float = 0.5,
    min_duration: int = 1,
    max_duration: int | None = None,
) -> list[Proposal]:
    """Every likely start with every likely end after it.

    A moment is likely if its probability is above a fraction of the largest, or larger than both its neighbors'.

    Args:
        start_probabilities: (T,) that an action's first moment is here.
        end_probabilities: (T,) that an action's last moment is here: [start, end] of moments becomes [start, end + 1).
        actionness: (T,) to fill mean and peak with; None puts the score into both.
        peak_fraction: in [0, 1].
        min_duration: in moments.
        max_duration: in moments; None for any.

    Returns:
        Best first. The score, in `mean_score`, is the product of both probabilities, times the mean actionness where
        there is one.

    Raises:
        ShapeError: signals that are not (T,) alike.
        OptionError: probabilities outside [0, 1], or options outside what is allowed.

    >>> found = boundary_proposals([0, 0.9, 0, 0, 0.5, 0], [0, 0, 0, 0.8, 0, 0.1])
    >>> [(p.start, p.end, round(p.mean_score, 2)) for p in found]
    [(1, 4, 0.72), (1, 6, 0.09), (4, 6, 0.05)]
    """
    start = _checked_probabilities(start_probabilities, "start_probabilities")
    end = _checked_probabilities(end_probabilities, "end_probabilities", like=start)
    inside = None if actionness is None else _checked_probabilities(actionness, "actionness", like=start)
    _check_options(peak_fraction, min_duration)
    if max_duration is not None:
        check_count("max_duration", max_duration)
    longest = len(start) if max_duration is None else max_duration
    firsts, lasts = _likely_moments(start, peak_fraction), _likely_moments(end, peak_fraction)
    row, column = np.nonzero(
        (lasts + 1 - firsts[:, None] >= max(1, min_duration)) & (lasts + 1 - firsts[:, None] <= longest)
    )
    starts, ends = firsts[row], lasts[column] + 1
    scores = start[starts] * end[ends - 1]
    peaks = scores
    if inside is not None and len(starts):
        total = np.concatenate([[0.0], np.cumsum(inside)])
        scores = scores * (total[ends] - total[starts]) / (ends - starts)
        peaks = np.array([inside[a:b].max() for a, b in zip(starts, ends, strict=True)])
    return _ranked(starts, ends, scores, peaks)


def matching_proposals(
    start_probabilities: ArrayLike,
    end_probabilities: ArrayLike,
    confidence: ArrayLike,
    *,
    peak_fraction: float = 0.5,
    min_duration: int = 1,
    max_proposals: int | None = None,
) -> list[Proposal]:
    """The proposals that a boundary-matching network believes in.

    Args:
        start_probabilities: (T,) that an action's first moment is here.
        end_probabilities: (T,) that an action's last moment is here.
        confidence: (2, D, T) or (D, T): at [:, d, t] of [t, t + d + 1), as `MatchingScores.confidence` after a
            sigmoid; two channels are multiplied, as the paper does.
        peak_fraction: in [0, 1]; a pair counts if its start and its end are likely, as in `boundary_proposals`.
        min_duration: in moments.
        max_proposals: only so many of the best; None for all.

    Returns:
        Best first; the score is start × end × confidence.

    Raises:
        ShapeError: arrays that do not fit each other.
        OptionError: probabilities outside [0, 1], or options outside what is allowed.

    >>> confidence = np.zeros((3, 4))
    >>> confidence[2, 1] = 0.5  # starts at 1, lasts 3
    >>> best, *_ = matching_proposals([0, 1, 0, 0], [0, 0, 0, 1], confidence)
    >>> best.start, best.end, best.mean_score
    (1, 4, 0.5)
    """
    start = _checked_probabilities(start_probabilities, "start_probabilities")
    end = _checked_probabilities(end_probabilities, "end_probabilities", like=start)
    belief = np.asarray(confidence, np.float64)
    if belief.ndim not in (2, 3) or belief.shape[-1] != len(start) or belief.shape[-2] > len(start):
        raise ShapeError(
            f"confidence {belief.shape}; it must be (D, {len(start)}) or (2, D, {len(start)}), D at most {len(start)}"
        )
    _check_range(belief, "confidence")
    if belief.ndim == 3:
        belief = belief.prod(axis=0)
    _check_options(peak_fraction, min_duration)
    if max_proposals is not None:
        check_count("max_proposals", max_proposals)
    is_start, is_end = np.zeros(len(start), bool), np.zeros(len(start), bool)
    is_start[_likely_moments(start, peak_fraction)] = True
    is_end[_likely_moments(end, peak_fraction)] = True
    first = np.broadcast_to(np.arange(belief.shape[1]), belief.shape)
    duration = np.arange(1, len(belief) + 1)[:, None]
    last = np.minimum(first + duration, len(start)) - 1
    fits = (first + duration <= len(start)) & (duration >= min_duration) & is_start[None] & is_end[last]
    starts, ends = first[fits], last[fits] + 1
    scores = start[starts] * end[ends - 1] * belief[fits]
    return _ranked(starts, ends, scores, scores)[:max_proposals]


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and ends of the runs of True, half-open."""
    steps = np.diff(mask.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def _proposals(
    values: NDArray[np.float64], starts: NDArray[np.intp], ends: NDArray[np.intp], min_duration: int
) -> list[Proposal]:
    return [
        Proposal(start, end, float(values[start:end].mean()), float(values[start:end].max()))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if end - start >= min_duration
    ]


def _ranked(
    starts: NDArray[np.intp], ends: NDArray[np.intp], scores: NDArray[np.float64], peaks: NDArray[np.float64]
) -> list[Proposal]:
    order = np.argsort(-scores, kind="stable")
    columns = (column[order].tolist() for column in (starts, ends, scores, peaks))
    return list(itertools.starmap(Proposal, zip(*columns, strict=True)))


def _likely_moments(probabilities: NDArray[np.float64], peak_fraction: float) -> NDArray[np.intp]:
    if not len(probabilities):
        return np.zeros(0, np.intp)
    around = np.pad(probabilities, 1, constant_values=-1.0)
    is_peak = (probabilities > around[:-2]) & (probabilities > around[2:])
    is_likely = (probabilities > peak_fraction * probabilities.max()) | is_peak
    return np.flatnonzero(is_likely & (probabilities > 0))


def _checked_signal(scores: ArrayLike, name: str) -> NDArray[np.float64]:
    values = np.asarray(scores, np.float64)
    if values.ndim != 1:
        raise ShapeError(f"{name} {values.shape}; they must be (T,), one for each moment")
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        raise OptionError(f"{name}[{first}] is {values[first]}; replace what is not a finite number first")
    return values


def _checked_probabilities(
    values: ArrayLike, name: str, *, like: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    checked = _checked_signal(values, name)
    if like is not None and checked.shape != like.shape:
        raise ShapeError(f"{name} {checked.shape}; it must be {like.shape}, as the start probabilities are")
    _check_range(checked, name)
    return checked


def _check_range(values: NDArray[np.float64], name: str) -> None:
    if not ((values >= 0) & (values <= 1)).all():
        raise OptionError(
            f"{name} reach outside [0, 1], or hold NaN; give probabilities (a sigmoid makes them)"
        )


def _check_options(threshold: float, min_duration: int) -> None:
    if not 0 <= threshold <= 1:
        raise OptionError(f"threshold {threshold}; it must lie in [0, 1]")
    check_count("min_duration", min_duration)
