"""Scores to events: by hand, against a plain loop over runs, and with everything a caller can get wrong."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.actions.events import Event, EventFinder, EventRule, find_events
from muybridge.errors import OptionError, ShapeError


def events_of(scores: list[float], **rule: float) -> list[tuple[float, float]]:
    found = find_events(
        np.array(scores)[:, None], np.arange(len(scores) + 1.0), ["a"], rule=EventRule(**rule)
    )
    return [(segment.start_seconds, segment.end_seconds) for segment in found]


def test_the_example_of_the_module() -> None:
    scores = [0.2, 0.7, 0.8, 0.5, 0.3, 0.7, 0.6, 0.1]
    assert events_of(scores) == [(1, 4), (5, 7)]
    assert events_of(scores, merge_gap_seconds=1.0) == [(1, 4), (5, 7)]  # the gap must be shorter than that
    assert events_of(scores, merge_gap_seconds=1.5) == [(1, 7)]
    assert events_of(scores, min_duration_seconds=3.0) == [(1, 4)]
    assert events_of(scores, min_duration_seconds=4.0) == []
    assert events_of(scores, min_duration_seconds=4.0, merge_gap_seconds=1.5) == [(1, 7)]


def test_a_trembling_score_is_one_event_with_two_thresholds_and_many_with_one() -> None:
    scores = [0.1, 0.7, 0.55, 0.65, 0.5, 0.62, 0.1]
    assert len(events_of(scores, on_threshold=0.6, off_threshold=0.6)) == 3
    assert events_of(scores, on_threshold=0.6, off_threshold=0.4) == [(1, 6)]


def test_score_peak_and_latency_by_hand() -> None:
    finder = EventFinder(["a"], rule=EventRule(min_duration_seconds=3.0))
    reported: list[Event] = []
    for start, end, score in [(0, 1, 0.6), (1, 3, 0.9), (3, 4, 0.5), (4, 5, 0.0)]:
        reported += finder.push([score], start, end, known_seconds=end + 0.25)
    begins, over = reported
    assert (begins.is_over, begins.start_seconds, begins.end_seconds) == (False, 0, 3)
    assert begins.latency_seconds == over.latency_seconds == 3.25
    assert over.score == pytest.approx((0.6 + 2 * 0.9 + 0.5) / 4)
    assert (over.end_seconds, over.peak_score, over.is_over) == (4, 0.9, True)
    segment = over.to_segment()
    assert segment.attributes == {"peak_score": 0.9, "latency_seconds": 3.25}
    assert over.to_dict()["end_seconds"] == segment.end_seconds


def by_runs(scores: list[float], rule: EventRule) -> list[tuple[float, float]]:
    """The same from the definition: runs of the Schmitt trigger, then merging, then dropping."""
    runs: list[list[int]] = []
    active = False
    for step, score in enumerate(scores):
        active = score >= (rule.off_threshold if active else rule.on_threshold)
        if active and runs and runs[-1][1] == step:
            runs[-1][1] = step + 1
        elif active:
            runs.append([step, step + 1])
    merged: list[list[int]] = []
    for run in runs:
        if merged and run[0] - merged[-1][1] < rule.merge_gap_seconds:
            merged[-1][1] = run[1]
        else:
            merged.append(run)
    return [(a, b) for a, b in merged if b - a >= rule.min_duration_seconds]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 10).map(lambda n: n / 10), max_size=40),
    st.integers(0, 10),
    st.integers(0, 10),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_equals_the_definition_over_runs(scores: list[float], a: int, b: int, least: int, gap: int) -> None:
    rule = EventRule(max(a, b) / 10, min(a, b) / 10, float(least), float(gap))
    expected = by_runs(scores, rule)
    found = find_events(np.reshape(scores, (-1, 1)), np.arange(len(scores) + 1.0), ["a"], rule=rule)
    assert [(s.start_seconds, s.end_seconds) for s in found] == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_labels_do_not_touch_each_other_and_each_end_has_had_its_beginning(
    rows: list[tuple[float, float]],
) -> None:
    rule = EventRule(0.6, 0.4, 2.0, 2.0)
    seconds = np.arange(len(rows) + 1.0)
    both = find_events(rows, seconds, ["a", "b"], rule=rule)
    alone = [find_events(np.array(rows)[:, [k]], seconds, [name], rule=rule) for k, name in enumerate("ab")]
    assert [[s for s in both if s.label == name] for name in "ab"] == alone
    finder, log = EventFinder(["a", "b"], rule=rule), []
    for step, row in enumerate(rows):
        log += finder.push(row, step, step + 1)
        assert len(finder.ongoing) <= 2
    log += finder.finish()
    for name in "ab":
        states = [event.is_over for event in log if event.label == name]
        assert states == [False, True] * (len(states) // 2)


def test_times_of_a_real_clock_touch_although_they_are_rounded() -> None:
    edges = np.arange(31) / 29.97 * 7 / 3
    found = find_events(np.full((30, 1), 0.9), edges, ["a"])
    assert [(s.start_seconds, s.end_seconds) for s in found] == [(0.0, edges[-1])]


def test_unseen_time_counts_as_off() -> None:
    finder = EventFinder(["a"], rule=EventRule(merge_gap_seconds=2.0))
    finder.push([0.9], 0, 1)
    assert finder.push([0.9], 2, 3) == []  # one second without frames is bridged
    over, begins = finder.push([0.9], 60, 61)
    assert (over.end_seconds, over.is_over, begins.start_seconds, begins.is_over) == (3, True, 60, False)


def test_ignored_labels_never_become_events() -> None:
    found = find_events(
        [[0.1, 0.9]] * 3, [0.0, 1.0, 2.0, 3.0], ["wave", "none of these"], ignored=["none of these"]
    )
    assert found == []


def test_nothing_gives_nothing() -> None:
    assert find_events(np.zeros((0, 1)), [0.0], ["a"]) == []
    assert EventFinder(["a"]).finish() == []


def test_reset_begins_another_source() -> None:
    finder = EventFinder(["a"])
    finder.push([0.9], 5, 6)
    finder.reset()
    assert finder.ongoing == []
    assert [event.start_seconds for event in finder.push([0.9], 0, 1)] == [0]


@pytest.mark.parametrize(
    "rule",
    [
        {"on_threshold": 1.2},
        {"off_threshold": -0.1},
        {"on_threshold": math.nan},
        {"on_threshold": 0.3, "off_threshold": 0.5},
        {"min_duration_seconds": -1},
        {"merge_gap_seconds": math.inf},
    ],
)
def test_rules_that_cannot_be(rule: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        EventRule(**rule)


def test_scores_and_times_that_cannot_be() -> None:
    finder = EventFinder(["a", "b"])
    with pytest.raises(ShapeError, match="2 labels"):
        finder.push([0.5], 0, 1)
    with pytest.raises(OptionError, match="NaN"):
        finder.push([math.nan, 0.5], 0, 1)
    with pytest.raises(OptionError, match="softmax"):
        finder.push([3.5, 0.5], 0, 1)
    with pytest.raises(OptionError, match="end after the start"):
        finder.push([0.5, 0.5], 1, 1)
    finder.push([0.5, 0.5], 0, 1)
    with pytest.raises(OptionError, match="in order"):
        finder.push([0.5, 0.5], 0.5, 2)
    with pytest.raises(ShapeError, match=r"\(T, K\)"):
        find_events([[0.5, 0.5]], [0.0], ["a", "b"])
    for labels, ignored in (([], ()), (["a", "a"], ()), (["a"], ["b"])):
        with pytest.raises(OptionError):
            EventFinder(labels, ignored=ignored)
