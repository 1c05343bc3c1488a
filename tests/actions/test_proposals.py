"""Proposals worked by hand, and against a walk over the signal one moment at a time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.actions.proposals import (
    Proposal,
    boundary_proposals,
    generate_proposals,
    group_proposals,
    matching_proposals,
)
from muybridge.errors import OptionError, ShapeError


def ranges(proposals: list[Proposal]) -> list[tuple[float, float]]:
    return [(p.start, p.end) for p in proposals]


def walk(scores: list[float], threshold: float, min_duration: int, merge_gap: int) -> list[tuple[int, int]]:
    """The definition, moment by moment."""
    found: list[list[int]] = []
    for moment, score in enumerate(scores):
        if score <= threshold:
            continue
        gap = moment - found[-1][1] if found else None
        if gap is not None and (gap == 0 or gap < merge_gap):
            found[-1][1] = moment + 1
        else:
            found.append([moment, moment + 1])
    return [(start, end) for start, end in found if end - start >= min_duration]


def test_runs_by_hand() -> None:
    scores = [0.9, 0.9, 0.9, 0.1, 0.8, 0.8, 0.1, 0.1, 0.7, 0.7, 0.7, 0.1, 0.9]
    first, second = generate_proposals(scores)
    # [0, 3) and [4, 6) are one moment apart: merged. [6, 8) is a gap of two: kept. The last run is a moment only,
    # but merged with the run before it.
    assert (first.start, first.end, first.duration) == (0, 6, 6)
    assert first.mean_score == pytest.approx((3 * 0.9 + 0.1 + 2 * 0.8) / 6)
    assert first.peak_score == 0.9
    assert (second.start, second.end) == (8, 13)
    assert ranges(generate_proposals(scores, merge_gap=3)) == [(0, 13)]
    assert ranges(generate_proposals(scores, merge_gap=0, min_duration=1)) == [
        (0, 3),
        (4, 6),
        (8, 11),
        (12, 13),
    ]
    assert ranges(generate_proposals(scores, merge_gap=1, min_duration=1)) == [
        (0, 3),
        (4, 6),
        (8, 11),
        (12, 13),
    ]


def test_ends_are_half_open() -> None:
    signal = np.zeros(60)
    signal[55:57] = 1  # two moments, which inclusive ends would write as 55–56 or, wrongly, 55–57
    assert generate_proposals(signal, min_duration=3) == []
    assert ranges(generate_proposals(signal, min_duration=2)) == [(55, 57)]


@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=40),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.integers(1, 5),
    st.integers(0, 5),
)
def test_runs_equal_the_walk(
    scores: list[float], threshold: float, min_duration: int, merge_gap: int
) -> None:
    found = generate_proposals(scores, threshold=threshold, min_duration=min_duration, merge_gap=merge_gap)
    assert ranges(found) == walk(scores, threshold, min_duration, merge_gap)
    for p in found:
        inside = scores[int(p.start) : int(p.end)]
        assert p.mean_score == pytest.approx(np.mean(inside))
        assert p.peak_score == max(inside)


@pytest.mark.parametrize("make", [generate_proposals, group_proposals])
def test_an_empty_or_silent_signal_has_no_proposals(make: Any) -> None:
    assert make([]) == make(np.zeros(50)) == []


@pytest.mark.parametrize("make", [generate_proposals, group_proposals])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_named(make: Any, bad: float) -> None:
    with pytest.raises(OptionError, match=r"scores\[2\]"):
        make([0.1, 0.2, bad])


@pytest.mark.parametrize(
    "options",
    [{"threshold": -0.1}, {"threshold": 1.1}, {"threshold": np.nan}, {"min_duration": 0}, {"merge_gap": -1},
     {"merge_gap": np.nan}, {"merge_gap": 1.5}, {"min_duration": np.nan}, {"min_duration": 2.5}],
)  # fmt: skip
def test_options_outside_what_is_allowed(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        generate_proposals([0.5], **options)


@pytest.mark.parametrize("bad", [np.nan, -1, 0, 2.5])
def test_limits_that_count_nothing_are_refused(bad: Any) -> None:
    with pytest.raises(OptionError, match="max_duration"):
        boundary_proposals([0.9, 0.1], [0.1, 0.9], max_duration=bad)
    with pytest.raises(OptionError, match="max_proposals"):
        matching_proposals([0.9, 0.1], [0.1, 0.9], np.ones((2, 2)), max_proposals=bad)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(T,\)"):
        generate_proposals(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="start probabilities"):
        boundary_proposals([0.1, 0.2], [0.1])
    with pytest.raises(ShapeError, match="confidence"):
        matching_proposals([0.1, 0.2], [0.1, 0.2], np.zeros((2, 3)))
    with pytest.raises(OptionError, match=r"\[0, 1\]"):
        boundary_proposals([0.1, 2.0], [0.1, 0.2])
    with pytest.raises(OptionError, match=r"\[0, 1\]"):
        matching_proposals([0.1, 0.2], [0.1, 0.2], np.full((2, 2), np.nan))


def test_a_proposal_must_last() -> None:
    for start, end in ((5, 3), (5, 5), (0, float("nan"))):
        with pytest.raises(OptionError, match=r"end|finite"):
            Proposal(start, end, 0.5, 0.5)
    assert Proposal(1.5, 2.0, 0.5, 0.6, "wave").to_dict() == {
        "start": 1.5, "end": 2.0, "mean_score": 0.5, "peak_score": 0.6, "label": "wave", "duration": 0.5
    }  # fmt: skip


def test_grouping_by_hand() -> None:
    # Runs [0, 4), [6, 8), [20, 22). First with second: 6 of 8 above; all three: 8 of 22. Second with third: 4 of 16.
    signal = np.zeros(22)
    for start, end in ((0, 4), (6, 8), (20, 22)):
        signal[start:end] = 0.9

    def at(tolerance: float) -> list[tuple[float, float]]:
        return ranges(group_proposals(signal, thresholds=[0.5], tolerances=[tolerance], min_duration=1))

    assert at(1.0) == [(0, 4), (6, 8), (20, 22)]
    assert at(0.75) == [(0, 8), (6, 8), (20, 22)]
    assert at(0.3) == [(0, 22), (6, 8), (20, 22)]
    assert at(0.2) == [(0, 22), (6, 22), (20, 22)]
    with pytest.raises(OptionError, match="tolerance"):
        at(1.2)


def test_grouping_finds_a_quiet_action_beside_a_loud_one() -> None:
    signal = np.full(60, 0.05)
    signal[10:20], signal[40:50] = 0.9, 0.3
    assert ranges(generate_proposals(signal)) == [(10, 20)]
    assert {(10, 20), (40, 50)} <= set(ranges(group_proposals(signal)))


def test_boundaries_by_hand() -> None:
    start = [0.0, 0.9, 0.2, 0.0, 0.6, 0.0]
    end = [0.0, 0.0, 0.0, 0.8, 0.0, 0.7]
    found = boundary_proposals(start, end)
    # Starts at 1 and 4; ends with 3 and 5.
    assert {(p.start, p.end): round(p.mean_score, 2) for p in found} == {
        (1, 4): 0.72,
        (1, 6): 0.63,
        (4, 6): 0.42,
    }
    assert [p.mean_score for p in found] == sorted((p.mean_score for p in found), reverse=True)
    assert ranges(boundary_proposals(start, end, max_duration=3)) == [(1, 4), (4, 6)]
    assert ranges(boundary_proposals(start, end, min_duration=4)) == [(1, 6)]
    best, *_ = boundary_proposals(start, end, actionness=[0, 0.2, 0.4, 0.3, 1, 1])
    # 0.9 · 0.7 · mean(0.2, 0.4, 0.3, 1, 1) = 0.365; (1, 4) falls to 0.216, and (4, 6) stays at 0.42.
    assert (best.start, best.end, best.peak_score) == (4, 6, 1)
    assert boundary_proposals([], []) == boundary_proposals(np.zeros(4), np.zeros(4)) == []


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_the_map_equals_a_loop_over_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, end, belief = rng.random(7), rng.random(7), rng.random((2, 5, 7))

    def is_likely(values: Any, t: int) -> bool:
        left, right = (values[i] if 0 <= i < len(values) else -1 for i in (t - 1, t + 1))
        return bool(values[t] > 0.5 * values.max() or (values[t] > left and values[t] > right))

    expected = {
        (t, t + d + 1): start[t] * end[t + d] * belief[0, d, t] * belief[1, d, t]
        for d in range(5)
        for t in range(7)
        if t + d < 7 and is_likely(start, t) and is_likely(end, t + d)
    }
    found = matching_proposals(start, end, belief)
    assert {(p.start, p.end): p.mean_score for p in found} == pytest.approx(expected)
    assert matching_proposals(start, end, belief, max_proposals=2) == found[:2]
    with pytest.raises(OptionError, match="max_proposals"):
        matching_proposals(start, end, belief, max_proposals=0)
