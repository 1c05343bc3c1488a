"""Whether what moves before a still camera moves alike in two recordings: a copy does, another take does less.

    pictures   p(t)                              of the place, with all that moves in it
    changes    x(t) = p(t) − mean of p           what moves, and nothing of the place
    likeness   max over shifts of the correlation of x(t) with y(t + shift)

All shifts are tried by Fourier transforms of coarse pictures; the best few are looked at closely, where the second
recording is interpolated at the moments of the first, since a copy is seldom looked at at the same moments.

A copy from which something was cut moves alike for a while and then no more, which one number hides. So the best shift
is also told window by window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Movement", "Scenes", "Windows", "find_movement"]

_COARSE = 8
_NUM_CANDIDATES = 5
_MOST_LOOKS = 2000
_LEAST_LOOKS = 8
_WINDOW_SECONDS = 3.0
"""At least: shorter ones would be alike by chance."""
_WINDOW_STRENGTH = 0.3
"""Of the whole's: in a window in which less moves, noise does."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """What a recording shows at N moments.

    Args:
        seconds: (N,) float64, the moments.
        pictures: (N, S, S), gray, or any S by S numbers.
        counts: (N,) bool: pictures of the place; others, such as a title, are left out.
        slots: (M,) int64: the picture that is seen in each slot of a regular pace.
        first_slot: the number of the first slot, counted from the time zero.
    """

    seconds: NDArray[np.float64]
    pictures: NDArray[np.float32]
    counts: NDArray[np.bool_]
    slots: NDArray[np.int64]
    first_slot: int


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """How alike two recordings move in each of N windows of equal length.

    Args:
        begins: (N,) float64, when each begins, in the time of the first recording.
        likeness: (N,) float64; where hardly anything moves, that of the nearest window in which something does.
    """

    begins: NDArray[np.float64]
    likeness: NDArray[np.float64]

    def at(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """(M,): the likeness at these times of the first recording."""
        rows = np.searchsorted(self.begins, seconds + 1e-6, side="right") - 1
        likeness: NDArray[np.float64] = self.likeness[rows.clip(min=0)]
        return likeness


@dataclass(frozen=True, slots=True)
class Movement:
    """How alike two recordings move at the best shift.

    Args:
        likeness: the correlation of their changes there, in [-1, 1].
        offset_seconds: the shift: what to add to a time in the first to find it in the second.
        strength: how much moves, in the one in which less does: the root of the mean squared change.
        windows: the same window by window, at the best shift.
    """

    likeness: float
    offset_seconds: float
    strength: float
    windows: Windows


def find_movement(a: Scenes, b: Scenes, *, slots_per_second: float) -> Movement | None:
    """Compare what moves at each shift at which at least half of the shorter recording lies in the other.

    Args:
        a: the first recording.
        b: the second recording, of the same place.
        slots_per_second: the pace of the slots of both.

    Returns:
        The best shift; None where they are too short to tell.

    >>> rng = np.random.default_rng(0)
    >>> pictures = rng.normal(0, 1, (40, 8, 8)).astype(np.float32)
    >>> def scenes(rows):
    ...     number = np.arange(len(rows))
    ...     return Scenes(number / 10, pictures[rows], np.ones(len(rows), bool), number, 0)
    >>> found = find_movement(scenes(range(40)), scenes(range(7, 37)), slots_per_second=10.0)
    >>> round(found.likeness, 3), round(found.offset_seconds, 3)
    (1.0, -0.7)
    """
    if min(np.count_nonzero(a.counts), np.count_nonzero(b.counts)) < _LEAST_LOOKS:
        return None
    scores = _scores(a, b)
    starts = (b.first_slot - a.first_slot - (len(a.slots) - 1)) / slots_per_second
    closely: list[_Aligned] = []
    for _ in range(_NUM_CANDIDATES):
        place = int(np.argmax(scores))
        if scores[place] == -np.inf:
            break
        scores[max(0, place - 2) : place + 3] = -np.inf
        closely += _look_closely(a, b, starts + place / slots_per_second)
    if not closely:
        return None
    best = max(closely, key=lambda one: one.likeness)
    # Two slots to each side: of a copy of few frames a second, the best slot is seldom the nearest one.
    steps = (np.arange(-10, 11) / (5 * slots_per_second)).tolist()
    closely = [one for step in steps for one in _look_closely(a, b, best.offset_seconds + step)]
    best = max(closely, key=lambda one: one.likeness)
    return Movement(best.likeness, best.offset_seconds, best.strength, _windows(best))


@dataclass(frozen=True, slots=True, eq=False)
class _Aligned:
    """Pictures of two recordings at the same moments, given in the time of the first."""

    offset_seconds: float
    seconds: NDArray[np.float64]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    likeness: float
    strength: float


def _scores(a: Scenes, b: Scenes) -> NDArray[np.float64]:
    """The correlation of coarse changes at each shift of slots, from the last of `a` on the first of `b`."""
    x, y = _coarse_changes(a), _coarse_changes(b)
    in_x, in_y = (s.counts[s.slots].astype(np.float64)[:, None] for s in (a, b))
    both = _correlate(in_x, in_y)
    energy = _correlate((x**2).sum(1, keepdims=True), in_y) * _correlate(in_x, (y**2).sum(1, keepdims=True))
    is_enough = both > 0.5 * min(in_x.sum(), in_y.sum()) - 0.5
    alike = _correlate(x, y) / np.sqrt(np.maximum(energy, 1e-12))
    return np.where(is_enough, alike, -np.inf)


def _coarse_changes(scenes: Scenes) -> NDArray[np.float64]:
    side = scenes.pictures.shape[1] // _COARSE
    blocks = scenes.pictures.reshape(-1, _COARSE, side, _COARSE, side).mean(axis=(2, 4))
    pictures = blocks.reshape(len(blocks), -1)[scenes.slots].astype(np.float64)
    counts = scenes.counts[scenes.slots]
    changes: NDArray[np.float64] = (pictures - pictures[counts].mean(axis=0)) * counts[:, None]
    return changes


def _correlate(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, D) and (M, D) → (N + M − 1,): the sum of x(t)·y(t + k) for k from 1 − N to M − 1."""
    size = 1 << (len(x) + len(y) - 2).bit_length()
    product = np.zeros(size // 2 + 1, np.complex128)
    for one, other in zip(x.T, y.T, strict=True):
        product += np.conj(np.fft.rfft(one, size)) * np.fft.rfft(other, size)
    found: NDArray[np.float64] = np.roll(np.fft.irfft(product, size), len(x) - 1)[: len(x) + len(y) - 1]
    return found


def _look_closely(a: Scenes, b: Scenes, offset_seconds: float) -> list[_Aligned]:
    """The changes of one at the moments of the other, and the other way round, where enough is in both."""
    least = max(_LEAST_LOOKS, 0.45 * min(np.count_nonzero(a.counts), np.count_nonzero(b.counts)))
    found = []
    for one, other, shift in ((a, b, offset_seconds), (b, a, -offset_seconds)):
        rows = np.flatnonzero(one.counts)
        moments = one.seconds[rows] + shift
        before = np.clip(np.searchsorted(other.seconds, moments + 1e-6) - 1, 0, len(other.seconds) - 2)
        inside = (moments >= other.seconds[0] - 1e-6) & (moments <= other.seconds[-1] + 1e-6)
        inside &= other.counts[before] & other.counts[before + 1]
        # The one that was looked at less often is seen at its own moments.
        if np.count_nonzero(inside) < min(least, 0.9 * len(rows)) or np.count_nonzero(inside) < _LEAST_LOOKS:
            continue
        some = np.flatnonzero(inside)[:: 1 + np.count_nonzero(inside) // _MOST_LOOKS]
        low, high = other.seconds[before[some]], other.seconds[before[some] + 1]
        share = np.clip((moments[some] - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        part = share.astype(np.float32)[:, None, None]
        there = (1 - part) * other.pictures[before[some]] + part * other.pictures[before[some] + 1]
        here, seconds = one.pictures[rows[some]], moments[some] if one is not a else one.seconds[rows[some]]
        found.append(_Aligned(offset_seconds, seconds, here, there, *_compare(here, there)))
    return found


def _compare(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """The correlation of the changes, and how much changes in the one in which less does."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    strength_x, strength_y = (float(np.sqrt(np.mean(np.square(one, dtype=np.float64)))) for one in (x, y))
    together = float(np.mean(np.multiply(x, y, dtype=np.float64)))
    likeness = together / (strength_x * strength_y) if strength_x * strength_y > 1e-12 else 0.0
    return likeness, min(strength_x, strength_y)


def _windows(aligned: _Aligned) -> Windows:
    """As many as fit; a single one where two do not."""
    begin, length = aligned.seconds[0], aligned.seconds[-1] - aligned.seconds[0]
    number = max(1, int(length / _WINDOW_SECONDS))
    begins = begin + np.arange(number) * (length / number)
    window_of = np.searchsorted(begins, aligned.seconds + 1e-6, side="right") - 1
    likeness = np.full(number, np.nan)
    for window in range(number):
        rows = np.flatnonzero(window_of == window)
        if len(rows) >= _LEAST_LOOKS:
            alike, strength = _compare(aligned.x[rows], aligned.y[rows])
            likeness[window] = alike if strength >= _WINDOW_STRENGTH * aligned.strength else np.nan
    told = np.flatnonzero(~np.isnan(likeness))
    if not len(told):
        return Windows(begins[:1], np.array([aligned.likeness]))
    nearest = told[np.abs(np.arange(number)[:, None] - told).argmin(axis=1)]
    return Windows(begins, likeness[nearest])
