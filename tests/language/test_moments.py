"""Moments by words: what is found, where it begins and ends, and what is honestly not found."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, strategies as st

from muybridge.errors import OptionError
from muybridge.language.moment_index import MomentIndex
from muybridge.language.moments import MomentSearch, moments_in_timeline, moments_in_timelines
from muybridge.language.query_terms import parse_query
from muybridge.values import Segment, Timeline, VideoMetadata

Span = tuple[float, float]


def timeline(*segments: Segment, path: str = "a.mp4", duration: float = 60.0) -> Timeline:
    return Timeline(VideoMetadata(path, duration_seconds=duration), segments)


def spans(found: MomentSearch) -> list[Span]:
    return [(moment.start_seconds, moment.end_seconds) for moment in found.moments]


def text(start: float, end: float, label: str, score: float = 1.0) -> Segment:
    return Segment(start, end, "text", label, score)


DISSOLVE = {"transition": "dissolve", "transition_start_seconds": 9.0, "transition_end_seconds": 11.0}
HALL = timeline(
    Segment(0, 10, "shot", "shot 1", None, {"transition": "start"}),
    Segment(10, 60, "shot", "shot 2", 0.9, DISSOLVE),
    Segment(0, 5, "camera", "camera static", 0.9),
    Segment(5, 9, "camera", "camera pans left, shakes", 0.9),
    Segment(9, 14, "camera", "camera pans right", 0.9),
    Segment(14, 16, "camera", "camera zooms in", 0.9),
    Segment(6, 8, "object", "something moves right", None),
    Segment(20, 24, "action", "wave", 0.95),
    Segment(30, 33, "action", "draw circle clockwise", 0.9),
    Segment(40, 42, "motion", "14.5× the usual movement", 0.7),
    text(12, 15, "FIRE EXIT"),
    text(50, 55, "Assernbly point"),
)  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "the camera does not pan left",
        "a camera that isn't panning left",
        "the camera never zooms in",
        "without a wave",
    ],
)
def test_what_is_not_so_is_no_match(query: str) -> None:
    found = moments_in_timeline(HALL, query)
    assert found.moments == ()
    assert "nothing in the timeline says" in found.explanation


def test_negations_are_found_where_they_are_read() -> None:
    sign = timeline(text(1, 4, "DO NOT ENTER"), Segment(0, 9, "camera", "camera static", 0.9))
    assert spans(moments_in_timeline(sign, "do not enter")) == [(1, 4)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("the camera pans left", (5, 9)),
        ("Camera turning to the right", (9, 14)),
        ("when does the camera zoom in?", (14, 16)),
        ("a shaky camera", (5, 9)),
        ("the camera stands still", (0, 5)),
        ("someone waves", (20, 24)),
        ("a person who was waving", (20, 24)),
        ("a woman greets", (20, 24)),
        ("sketching a circle", (30, 33)),
        ("sudden movement", (40, 42)),
        ("something moves right", (6, 8)),
        ("fire exit", (12, 15)),
        ('"fire exit"', (12, 15)),
        ("a sign that says exit", (12, 15)),
        ("assembly point", (50, 55)),
        ("dissolve", (9, 11)),
        ("the camera pans right while a sign says exit", (12, 14)),
    ],
)
def test_words_synonyms_stems_and_misread_letters(query: str, expected: Span) -> None:
    found = moments_in_timeline(HALL, query)
    assert spans(found)[0] == expected, found.explanation


@pytest.mark.parametrize(
    "query",
    [
        "a dog barks",
        "the camera tilts up",
        "the camera zooms out",
        "something moves left",
        "draw a circle counterclockwise or a triangle",
        '"emergency exit"',
        "a red car on a bridge",
        "Der Hund schläft",
        "собака лает",
        "消防通道",
        "🎬🎬",
    ],
)
def test_what_is_not_there_is_not_found(query: str) -> None:
    if query == "🎬🎬":
        with pytest.raises(OptionError, match="query is empty"):
            moments_in_timeline(HALL, query)
        return
    found = moments_in_timeline(HALL, query)
    assert found.moments == ()
    assert found.explanation.startswith("No match: ")


def test_an_opposite_is_no_half_match() -> None:
    left = timeline(Segment(0, 5, "camera", "camera pans left", 1.0))
    assert moments_in_timeline(left, "the camera pans right").moments == ()
    asked = moments_in_timeline(left, "the camera pans right")
    assert asked.explanation == "No match: nothing in the timeline says right. It knows camera."
    both = timeline(Segment(0, 5, "camera", "camera pans left, zooms out", 1.0))
    assert spans(moments_in_timeline(both, "camera pans left and zooms out")) == [(0, 5)]
    # On a sign, left is a word like any other.
    assert spans(moments_in_timeline(timeline(text(1, 2, "turn left or right")), "turn right")) == [(1, 2)]


STREET = timeline(
    Segment(0, 20, "shot", "shot 1", None, {"transition": "start"}),
    Segment(20, 40, "shot", "shot 2", 1.0, {"transition": "cut"}),
    Segment(40, 60, "shot", "shot 3", 1.0, {"transition": "fade"}),
    Segment(0, 10, "camera", "camera static", 1.0),
    Segment(10, 20, "camera", "camera pans left, shakes", 1.0),
    Segment(30, 34, "object", "something moves left", 1.0),
)


@pytest.mark.parametrize(
    "query",
    [
        "a man stands still",
        "everyone stands still",
        "a dog stands still",
        "a person cuts",
        "he fixed it",
        "a woman turns",
        "the car turns left",
        "she shakes",
        "someone fades",
        "someone leaves",
        "somebody left",
        "they have left",
        "the train departs",
    ],
)
def test_what_somebody_does_is_not_what_the_camera_or_a_cut_does(query: str) -> None:
    found = moments_in_timeline(STREET, query)
    assert found.moments == (), found.explanation
    assert found.explanation.startswith("No match: nothing in the timeline says ")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("steady", (0, 10)),
        ("the camera stands still while a man talks", (0, 10)),
        ("a cut to a man", (20, 20.04)),
        ("a fade to a man", (40, 40.04)),
        ("a shaky camera follows him", (10, 20)),
        ("handheld", (10, 20)),
        ("turn left", (10, 20)),
        ("someone moves left", (30, 34)),
    ],
)
def test_the_camera_and_cuts_are_found_where_they_are_meant(query: str, expected: Span) -> None:
    found = moments_in_timeline(STREET, query, min_score=0.35)
    assert spans(found)[0] == expected, found.explanation


def test_leaving_is_found_where_it_is_said_or_done() -> None:
    told = timeline(
        Segment(0, 9, "camera", "camera pans left", 1.0),
        Segment(1, 2, "subtitle", "The crew left at dawn."),
        Segment(4, 5, "action", "depart", 1.0),
    )
    assert spans(moments_in_timeline(told, "the crew leaves")) == [(1, 2)]
    assert spans(moments_in_timeline(told, "someone left")) == [(4, 5), (1, 2)]
    assert spans(moments_in_timeline(told, "the camera pans left")) == [(0, 9)]


def test_every_script_is_found_on_the_screen() -> None:
    seen = timeline(
        text(0, 2, "空间里面他绝对赢不了的"),
        text(2, 4, "Ｃａｆé STRASSE"),
        text(4, 6, "Осторожно, двери закрываются"),
        text(6, 8, "ممنوع الدخول"),
        text(8, 10, "출구"),
    )
    for query, expected in [
        ("绝对赢不了", (0, 2)),
        ("café straße", (2, 4)),
        ("двери", (4, 6)),
        ("дверь закрывается", (4, 6)),
        ("الدخول", (6, 8)),
        ("출구", (8, 10)),
    ]:
        found = moments_in_timeline(seen, query)
        assert spans(found) == [expected], (query, found.explanation)


def test_a_sentence_over_two_subtitles() -> None:
    lines = [
        Segment(1, 3, "subtitle", "We left the harbor"),
        Segment(3.2, 5, "subtitle", "at dawn with the fishermen."),
        Segment(9, 11, "subtitle", "Nobody saw the lighthouse."),
    ]
    index = MomentIndex(timeline(), lines)
    assert spans(moments_in_timeline(index, "leaving the harbour with fishermen")) == [(1, 5)]
    assert spans(moments_in_timeline(index, "the lighthouse")) == [(9, 11)]
    assert spans(moments_in_timeline(index, '"harbor at dawn"')) == [(1, 5)]
    assert spans(moments_in_timeline(index, "the harbor")) == [(1, 3)]


def test_short_pauses_do_not_part_a_moment_and_long_ones_do() -> None:
    waves = timeline(*(Segment(at, at + 1, "action", "wave", 0.9) for at in (0.0, 1.5, 3.0, 20.0)))
    assert spans(moments_in_timeline(waves, "wave")) == [(0.0, 4.0), (20.0, 21.0)]


def test_evidence_and_its_lack_are_told() -> None:
    (moment,) = moments_in_timeline(HALL, "a woman waves").moments
    assert moment.kind == "moment"
    assert moment.attributes["found"] == ["waves"]
    assert moment.attributes["not_found"] == ["woman"]
    assert moment.attributes["evidence"] == [
        {"start_seconds": 20.0, "end_seconds": 24.0, "kind": "action", "label": "wave"}
    ]
    assert moment.attributes["path"] == "a.mp4"


def test_a_surer_segment_scores_higher() -> None:
    seen = timeline(Segment(0, 1, "action", "wave", 0.6), Segment(10, 11, "action", "wave", 0.95))
    first, second = moments_in_timeline(seen, "wave").moments
    assert (first.start_seconds, second.start_seconds) == (10.0, 0.0)
    assert first.score == pytest.approx(0.95)
    assert second.score == pytest.approx(0.6)
    doubtful = timeline(Segment(0, 1, "action", "wave", 0.3))
    assert moments_in_timeline(doubtful, "wave").moments == ()


def test_many_videos_are_ranked_together() -> None:
    many = [
        timeline(Segment(3, 4, "action", "wave", 0.7), path="doubtful.mp4"),
        timeline(Segment(1, 2, "action", "clap", 0.9), path="other.mp4"),
        timeline(Segment(5, 6, "action", "wave", 0.9), path="sure.mp4"),
    ]
    found = moments_in_timelines(many, "waving")
    assert [moment.attributes["path"] for moment in found.moments] == ["sure.mp4", "doubtful.mp4"]
    assert found.explanation == "2 of 3 videos match."
    assert moments_in_timelines(many, "bowling").explanation == "No match in 3 videos."


def test_bad_options_and_empty_queries() -> None:
    for query in ("", "   ", "?!", "…"):
        with pytest.raises(OptionError, match="query is empty"):
            moments_in_timeline(HALL, query)
        with pytest.raises(OptionError, match="query is empty"):
            moments_in_timelines([], query)
    with pytest.raises(OptionError, match="at most 1000"):
        parse_query("x" * 1001)
    with pytest.raises(OptionError, match="top is 0"):
        moments_in_timeline(HALL, "wave", top=0)
    with pytest.raises(OptionError, match="min_score 0"):
        moments_in_timeline(HALL, "wave", min_score=0.0)


def test_a_query_of_small_words_is_looked_for_as_it_is() -> None:
    assert spans(moments_in_timeline(timeline(text(1, 2, "to be or not to be")), "to be or not to be")) == [
        (1, 2)
    ]


def test_an_empty_timeline_says_so() -> None:
    found = moments_in_timeline(timeline(), "a cat")
    assert found.moments == ()
    assert found.explanation == "No match: nothing in the timeline says cat. It holds nothing in words."
    assert found.to_dict()["moments"] == []


def test_eight_hours_take_no_time() -> None:
    draw = np.random.default_rng(0)
    words = ["harbor", "train", "platform", "lecture", "exit", "summary", "wave", "signal"]
    starts = np.arange(0, 8 * 3600, 1.0)
    lines = [
        text(start, start + 0.9, " ".join(draw.choice(words, 4)) + f" {number % 977}", 0.9)
        for number, start in enumerate(starts)
    ]
    lines[20_000] = text(20_000, 20_001, "the lighthouse keeper", 0.9)
    began = time.process_time()
    index = MomentIndex(timeline(*lines, duration=8 * 3600.0))
    built = time.process_time()
    assert spans(moments_in_timeline(index, "lighthouse keeper")) == [(20_000.0, 20_001.0)]
    assert moments_in_timeline(index, "harbor signal").moments
    asked = time.process_time()
    # Generous: what is guarded is that nothing grows with the square of the length.
    assert built - began < 10
    assert asked - built < 10


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.floats(0, 20),
            st.sampled_from(["wave", "clap", "EXIT", "draw circle"]),
            st.floats(0, 1),
        ),
        max_size=12,
    ),
    st.sampled_from(["wave", "someone claps", "exit", "a circle and a wave", "bark"]),
)
def test_moments_are_ordered_apart_and_rest_on_evidence(
    rows: list[tuple[float, float, str, float]], query: str
) -> None:
    seen = timeline(
        *(Segment(start, start + length, "action", label, score) for start, length, label, score in rows)
    )
    found = moments_in_timeline(seen, query).moments
    scores = [moment.score or 0.0 for moment in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.55 - 1e-6 <= score <= 1 for score in scores)
    in_time = sorted(found, key=lambda moment: moment.start_seconds)
    for one, other in itertools.pairwise(in_time):
        assert one.end_seconds <= other.start_seconds
    for moment in found:
        assert moment.attributes["evidence"]
        assert moment.duration_seconds > 0
