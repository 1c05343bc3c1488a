"""What moves before a still camera: found at its shift, whatever else is seen or stays."""

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.analysis.movement import Scenes, _Aligned, _compare, _correlate, _windows, find_movement


def pictures_of(seconds: NDArray[np.float64]) -> NDArray[np.float32]:
    """A spot that goes round in a still room, at any moments."""
    rows, columns = np.mgrid[:16, :16]
    room = np.random.default_rng(0).normal(0, 1, (16, 16))
    x, y = 8 + 5 * np.sin(seconds), 8 + 5 * np.cos(0.7 * seconds**1.5)
    spots = np.exp(-((columns - x[:, None, None]) ** 2 + (rows - y[:, None, None]) ** 2) / 8)
    return (room + 3 * spots).astype(np.float32)


def scenes(seconds: NDArray[np.float64], begin: float, *, counts: NDArray[np.bool_] | None = None) -> Scenes:
    """Seen at these moments, on a clock that begins at `begin`."""
    clock = seconds - begin
    slots = np.searchsorted(clock, np.arange(int(clock[-1] * 10) + 1) / 10 + 1e-6) - 1
    return Scenes(
        clock,
        pictures_of(seconds),
        np.ones(len(seconds), np.bool_) if counts is None else counts,
        np.maximum(slots, 0),
        0,
    )


def test_a_part_that_is_seen_at_other_moments_is_placed() -> None:
    whole = scenes(np.arange(0, 8, 0.1), 0.0)
    part = scenes(np.arange(2.13, 6, 0.04), 2.13)
    for a, b, sign in ((whole, part, -1), (part, whole, 1)):
        found = find_movement(a, b, slots_per_second=10.0)
        assert found is not None
        assert found.likeness > 0.98
        assert found.offset_seconds == pytest.approx(sign * 2.13, abs=0.021)


def test_a_title_that_both_begin_with_is_no_movement() -> None:
    seconds = np.arange(0, 8, 0.1)
    shows_title = seconds < 2

    def take(begin: float) -> Scenes:
        seen = scenes(seconds + begin, begin, counts=~shows_title)
        seen.pictures[shows_title] = 9.0
        return seen

    found = find_movement(take(0.0), take(20.0), slots_per_second=10.0)
    assert found is not None
    assert found.likeness < 0.7
    itself = find_movement(take(0.0), take(0.0), slots_per_second=10.0)
    assert itself is not None
    assert (itself.likeness, itself.offset_seconds) == pytest.approx((1.0, 0.0))


def test_a_few_looks_tell_nothing() -> None:
    few = scenes(np.arange(0, 0.7, 0.1), 0.0)
    assert find_movement(few, scenes(np.arange(0, 8, 0.1), 0.0), slots_per_second=10.0) is None


def test_the_correlation_at_each_shift_is_that_of_a_sum() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, (5, 3)), rng.normal(0, 1, (9, 3))
    by_hand = [sum(x[t] @ y[t + k] for t in range(5) if 0 <= t + k < 9) for k in range(-4, 9)]
    np.testing.assert_allclose(_correlate(x, y), by_hand, atol=1e-12)


def test_what_stays_does_not_count() -> None:
    x = np.array([0.0, 2.0], np.float32)[:, None, None]
    # changes of ±1 and ±0.5, in step
    assert _compare(x + 100, 0.5 * x - 7) == pytest.approx((1.0, 0.5))
    assert _compare(x, np.zeros_like(x))[0] == 0.0


def test_each_window_is_told_by_itself() -> None:
    seconds = 2.0 + np.arange(121) / 10  # twelve seconds: four windows of three
    x = np.sin(7 * seconds).astype(np.float32)[:, None, None]
    y = x.copy()
    y[30:60] *= -1
    x[60:90], y[60:90] = 0.01 * x[60:90], -0.01 * y[60:90]  # hardly anything moves here
    found = _windows(_Aligned(0.0, seconds, x, y, *_compare(x, y)))
    assert found.begins == pytest.approx([2.0, 5.0, 8.0, 11.0])
    assert found.likeness == pytest.approx([1.0, -1.0, -1.0, 1.0])  # the third as the one beside it
    assert found.at(np.array([0.0, 4.9, 5.0, 99.0])) == pytest.approx([1.0, 1.0, -1.0, 1.0])
    short = _windows(_Aligned(0.0, seconds[:50], x[:50], y[:50], 0.2, 1.0))
    assert len(short.begins) == 1  # two of three seconds do not fit
