"""Moments from scores over time."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from muybridge.errors import OptionError, ShapeError
from muybridge.language.score_moments import moments_of_scores, smoothed


def test_a_plateau_is_found_whole_and_a_peak_on_it_does_not_cut_it() -> None:
    seconds = np.arange(0.0, 40.0)
    scores = np.full(40, 0.05)
    scores[10:20] = 0.8
    scores[14] = 0.95
    ((start, end, score),) = moments_of_scores(seconds, scores, sigma_seconds=0.0)
    assert (start, end) == (9.5, 19.5)
    assert score == pytest.approx((9 * 0.8 + 0.95) / 10)


def test_two_moments_the_surer_first() -> None:
    seconds = np.arange(0.0, 60.0, 0.5)
    scores = np.full(120, 0.1)
    scores[20:40], scores[80:100] = 0.7, 0.9
    found = moments_of_scores(seconds, scores, sigma_seconds=0.5)
    assert [round(start) for start, _, _ in found] == [40, 10]
    assert moments_of_scores(seconds, scores, top=1) == moments_of_scores(seconds, scores)[:1]


def test_one_wild_frame_is_smoothed_away() -> None:
    scores = np.zeros(50)
    scores[25] = 1.0
    assert moments_of_scores(np.arange(50.0), scores, sigma_seconds=1.0) == []
    assert len(moments_of_scores(np.arange(50.0), scores, sigma_seconds=0.0)) == 1


def test_gaps_are_neither_smoothed_over_nor_bridged() -> None:
    seconds = np.concatenate([np.arange(0.0, 10.0), np.arange(100.0, 110.0)])
    scores = np.full(20, 0.9)
    found = moments_of_scores(seconds, scores)
    assert sorted((start, end) for start, end, _ in found) == [(0.0, 9.5), (99.5, 109.5)]
    one_side = np.concatenate([np.zeros(10), np.ones(10)])
    np.testing.assert_allclose(smoothed(seconds, one_side), one_side)


def test_a_frame_counts_for_as_long_as_it_is_shown() -> None:
    # One a second until 5 s, one frame until 25 s, one a second again; each of the others is shown for 0.2 s.
    seconds = np.concatenate([np.arange(0.0, 6.0), np.arange(25.0, 30.0)])
    until = seconds + 0.2
    until[5] = 25.0
    scores = np.where(seconds == 5.0, 0.99, 0.01)
    ((start, end, score),) = moments_of_scores(seconds, scores, until_seconds=until, sigma_seconds=0.0)
    assert start == pytest.approx(5.0 - 0.8 / 2)  # half of the time in which nothing was looked at
    assert end == 25.0
    assert score == pytest.approx(0.99)
    ((start, end, score),) = moments_of_scores(seconds, scores, until_seconds=until)
    assert (start, end) == pytest.approx((4.6, 25.0))
    assert 0.9 < score < 0.99
    # A frame that is not shown any more does not count on: there the source was cut off.
    until[5] = 5.2
    ((start, end, _),) = moments_of_scores(seconds, scores, until_seconds=until)
    assert (start, end) == pytest.approx((4.6, 5.2 + 0.5))


def test_frames_that_stay_equal_the_same_frames_sent_again_and_again() -> None:
    draw = np.random.default_rng(3)
    lengths = draw.integers(1, 30, 40)
    scores = draw.choice([0.05, 0.3, 0.9], 40)
    until = np.cumsum(lengths).astype(np.float64)
    seconds = until - lengths
    # A median spacing of a second, so that pieces are as long as the frames that are sent again.
    seconds, until = (
        np.concatenate([np.arange(-60.0, 0.0) + at, row]) for at, row in ((0, seconds), (1, until))
    )
    scores, counts = np.concatenate([np.full(60, 0.05), scores]), np.concatenate([np.full(60, 1), lengths])
    again = np.arange(-60.0, until[-1])
    held = moments_of_scores(seconds, scores, until_seconds=until)
    assert len(held) > 3
    assert held == moments_of_scores(again, np.repeat(scores, counts), until_seconds=again + 1)


def test_a_whole_video_can_be_one_moment() -> None:
    found = moments_of_scores(np.arange(5.0), np.full(5, 0.8), start_seconds=0.0, end_seconds=5.0)
    assert [(start, end) for start, end, _ in found] == [(0.0, 4.5)]
    assert moments_of_scores(np.zeros(0), np.zeros(0)) == []
    assert moments_of_scores(np.array([2.0]), np.array([0.9]), end_seconds=4.0) == [(2.0, 2.5, 0.9)]


def test_eight_hours_are_no_matter() -> None:
    seconds = np.arange(0.0, 8 * 3600.0)
    scores = np.random.default_rng(0).uniform(0, 0.6, len(seconds))
    scores[20_000:20_060] = 0.95
    (best, *_) = moments_of_scores(seconds, scores)
    assert best[0] == pytest.approx(20_000, abs=2)
    assert best[1] == pytest.approx(20_060, abs=2)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.floats(0, 2))
def test_moments_lie_apart_inside_the_source(values: list[float], sigma: float) -> None:
    scores = np.array(values)
    seconds = np.arange(len(scores)) * 0.5 + 3
    smooth = smoothed(seconds, scores, sigma_seconds=sigma)
    assert smooth.min() >= scores.min() - 1e-9
    assert smooth.max() <= scores.max() + 1e-9
    found = moments_of_scores(seconds, scores, sigma_seconds=sigma)
    for start, end, score in found:
        assert seconds[0] <= start < end <= seconds[-1] + 0.25
        assert 0.5 <= score <= 1 + 1e-9
    for place, (start, end, _) in enumerate(found):
        for other in found[:place]:
            assert (
                min(end, other[1]) - max(start, other[0])
                <= 0.3 * min(end - start, other[1] - other[0]) + 1e-9
            )


def test_bad_arrays_and_options() -> None:
    with pytest.raises(ShapeError, match=r"all be \(N,\)"):
        moments_of_scores(np.arange(3.0), np.zeros(4))
    with pytest.raises(OptionError, match="top is 0"):
        moments_of_scores(np.arange(3.0), np.zeros(3), top=0)
