"""Moments from scores over time: smooth, propose at several heights, keep what stands out from its surroundings.

    scores      ▁▁▂▁▁▁▃▇█▇▇█▆▂▁▁▁▁▂▁▁        one probability for each frame
    proposals         ├──────┤               runs above 0.5, 0.6 … 0.9, each with
                       ├───┤                 contrast = mean inside - mean of its flanks
    suppressed        ├──────┤               the highest contrast wins where two overlap

A frame counts for as long as it is shown: one that stays for a minute is a minute of its score, taken each second.
What lies between frames of which none is shown is unknown, and no moment reaches over it.

The contrast of a run with its flanks is that of Shou et al., AutoLoc, arXiv:1807.08333. There is no limit of length:
the work is linear in the number of frames.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["moments_of_scores", "smoothed"]

Scored = tuple[float, float, float]
LEVELS = np.arange(0.5, 0.95, 0.05)
FLANK_SHARE = 0.25
OVERLAP = 0.3  # of the shorter one
GAP_FACTOR = 3.0  # times the usual spacing: the source was cut off between such frames
TICK_SECONDS = 1.0  # at least so often a frame that stays is counted


def smoothed(
    seconds: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    until_seconds: NDArray[np.float64] | None = None,
    sigma_seconds: float = 1.0,
) -> NDArray[np.float64]:
    """Scores averaged over time with a Gaussian; never over a gap, and without a bias at the ends.

    Args:
        seconds: (N,) ascending.
        scores: (N,).
        until_seconds: (N,) when each is so no longer; None for at once.
        sigma_seconds: the width; 0 leaves them as they are.

    >>> smoothed(np.arange(5.0), np.array([0.0, 0.0, 1.0, 0.0, 0.0])).round(2).tolist()
    [0.08, 0.26, 0.4, 0.26, 0.08]
    """
    if len(seconds) < 2:
        return scores.astype(np.float64)
    spacing = _spacing(seconds)
    if sigma_seconds <= spacing / 100:  # the neighbors would weigh nothing
        return scores.astype(np.float64)
    reach = max(1, round(3 * sigma_seconds / max(spacing, 1e-6)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * spacing / sigma_seconds) ** 2)
    result = np.empty(len(scores))
    for part in _whole_parts(seconds, seconds if until_seconds is None else until_seconds, spacing):
        values = scores[part].astype(np.float64)
        total = np.convolve(values, kernel)[reach:-reach]
        result[part] = total / np.convolve(np.ones(len(values)), kernel)[reach:-reach]
    return result


def moments_of_scores(
    seconds: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    until_seconds: NDArray[np.float64] | None = None,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    sigma_seconds: float = 1.0,
    min_score: float = 0.5,
    top: int = 20,
) -> list[Scored]:
    """The stretches in which scores are high.

    Args:
        seconds: (N,) times of the frames, ascending.
        scores: (N,) probabilities.
        until_seconds: (N,) until when each frame is shown; None where that is not known.
        start_seconds: when the source begins; None for the first frame.
        end_seconds: when it ends; None for half a spacing after the last frame is shown.
        sigma_seconds: how wide scores are smoothed.
        min_score: the least mean of a moment.
        top: at most so many.

    Returns:
        (start_seconds, end_seconds, mean score) each, the best first; none where nothing is high.

    Raises:
        ShapeError: arrays that do not fit each other.
        OptionError: an option outside what is allowed.

    >>> seconds = np.arange(10.0)
    >>> high = np.where((seconds >= 3) & (seconds < 7), 0.9, 0.1)
    >>> [(start, end) for start, end, _ in moments_of_scores(seconds, high, sigma_seconds=0.0)]
    [(2.5, 6.5)]
    >>> slides, until = np.array([0.0, 10.0, 40.0]), np.array([10.0, 40.0, 60.0])
    >>> found = moments_of_scores(slides, np.array([0.1, 0.9, 0.1]), until_seconds=until, sigma_seconds=0.0)
    >>> [(start, end) for start, end, _ in found]
    [(10.0, 40.0)]
    >>> moments_of_scores(seconds, np.full(10, 0.1))
    []
    """
    until = seconds if until_seconds is None else until_seconds
    if seconds.ndim != 1 or not seconds.shape == scores.shape == until.shape:
        raise ShapeError(
            f"seconds {seconds.shape}, scores {scores.shape} and until_seconds {until.shape} must all be (N,)"
        )
    if top < 1 or not 0 < min_score <= 1:
        raise OptionError(f"top is {top} and min_score {min_score}; expected 1 or more, and a share of 1")
    if not len(seconds):
        return []
    seconds, until, scores = _ticks(seconds, until, scores)
    spacing = _spacing(seconds)
    smooth = smoothed(seconds, scores, until_seconds=until, sigma_seconds=sigma_seconds)
    first = seconds[0] if start_seconds is None else start_seconds
    last = until[-1] + spacing / 2 if end_seconds is None else end_seconds
    edges = _edges(seconds, until, spacing, first, last)
    found: list[tuple[float, float, float, float]] = []
    for part in _whole_parts(seconds, until, spacing):
        for begin, end in _proposals(smooth[part]):
            mean = float(smooth[part][begin:end].mean())
            if mean >= min_score:
                contrast = mean - _flanks(smooth[part], begin, end)
                at = part.start
                found.append((contrast, float(edges[at + begin][0]), float(edges[at + end - 1][1]), mean))
    kept: list[Scored] = []
    for _, begin_seconds, end_seconds_, mean in sorted(found, reverse=True):
        if all(_overlap(begin_seconds, end_seconds_, one) <= OVERLAP for one in kept):
            kept.append((begin_seconds, end_seconds_, mean))
    return sorted(kept, key=lambda one: (-one[2], one[0]))[:top]


def _proposals(scores: NDArray[np.float64]) -> set[tuple[int, int]]:
    """Runs above each level, as (first, one after the last)."""
    runs: set[tuple[int, int]] = set()
    for level in LEVELS:
        steps = np.diff(np.concatenate([[0], scores >= level, [0]]).astype(np.int8))
        starts, ends = np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist()
        runs.update(zip(starts, ends, strict=True))
    return runs


def _flanks(scores: NDArray[np.float64], begin: int, end: int) -> float:
    """The mean score just before and just after a run; 0.0 where it fills everything."""
    width = max(1, round(FLANK_SHARE * (end - begin)))
    around = np.concatenate([scores[max(0, begin - width) : begin], scores[end : end + width]])
    return float(around.mean()) if len(around) else 0.0


def _overlap(begin: float, end: float, other: Scored) -> float:
    """The common part as a share of the shorter one."""
    common = min(end, other[1]) - max(begin, other[0])
    return max(0.0, common) / max(min(end - begin, other[1] - other[0]), 1e-9)


def _spacing(seconds: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0


def _ticks(
    seconds: NDArray[np.float64], until: NDArray[np.float64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Frames that stay, cut into pieces of about the usual spacing; the others as they are.

    >>> _ticks(np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.5, 4.0]), np.array([0.1, 0.1, 0.9]))
    (array([0., 1., 2., 3.]), array([0.5, 1.5, 3. , 4. ]), array([0.1, 0.1, 0.9, 0.9]))
    """
    until = np.maximum(seconds, np.minimum(until, np.append(seconds[1:], np.inf)))
    step = min(max(_spacing(seconds), 1e-3), TICK_SECONDS)
    counts = np.maximum(1, np.round((until - seconds) / step)).astype(np.int64)
    lengths = np.repeat((until - seconds) / counts, counts)
    places = np.arange(len(lengths)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(seconds, counts) + places * lengths
    return starts, starts + lengths, np.repeat(scores, counts)


def _whole_parts(seconds: NDArray[np.float64], until: NDArray[np.float64], spacing: float) -> list[slice]:
    """The stretches without a gap, in which nothing is shown."""
    gaps = seconds[1:] - until[:-1]
    cuts = (np.flatnonzero(gaps > GAP_FACTOR * max(spacing, 1e-6)) + 1).tolist()
    places = [0, *cuts, len(seconds)]
    return [slice(one, other) for one, other in pairwise(places)]


def _edges(
    seconds: NDArray[np.float64], until: NDArray[np.float64], spacing: float, first: float, last: float
) -> list[tuple[float, float]]:
    """What each frame stands for: half way to its neighbors, and no farther than half the usual spacing."""
    half = spacing / 2
    before = np.minimum((seconds - np.append(seconds[0] - spacing, until[:-1])) / 2, half)
    after = np.minimum((np.append(seconds[1:], until[-1] + spacing) - until) / 2, half)
    starts, ends = np.maximum(seconds - before, first), np.minimum(until + after, max(last, until[-1]))
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
