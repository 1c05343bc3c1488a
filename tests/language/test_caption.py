"""Sentences from evidence: grounded, on the clock, quick for long videos."""

import json
import time
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings, strategies as st

from muybridge.language.answer import answer_question
from muybridge.language.caption import caption_timeline, parts_of
from muybridge.values import Segment, Timeline, VideoMetadata


def test_the_whole_then_the_parts() -> None:
    segments = (
        Segment(0, 4, "shot", "shot 1"),
        Segment(4, 9, "shot", "shot 2"),
        Segment(0, 4, "camera", "camera static"),
        Segment(4, 9, "camera", "camera pans left, shakes"),
        Segment(1, 2, "object", "something moves left"),
        Segment(2, 3, "object", "something moves right"),
        Segment(3, 3.5, "object", "something falls"),
        Segment(5, 7, "action", "wave", 0.9),
        Segment(5, 6, "action", "none of these", 0.9),
        Segment(5, 6, "text", "EXIT", 0.99),
        Segment(5, 6, "text", "E1T", 0.4),
    )
    captions = caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=9.0), segments))
    assert [(one.start_seconds, one.end_seconds) for one in captions] == [(0, 9), (0, 4), (4, 9)]
    assert [one.label for one in captions[1:]] == [
        "The camera stands still, and something moves left and right, and falls.",
        "The action is “wave”, the camera pans left and shakes, and “EXIT” is written.",
    ]
    grounds = {tuple(row) for one in captions for row in one.attributes["evidence"]}
    assert grounds <= {(s.start_seconds, s.end_seconds, s.kind, s.label) for s in segments}
    json.dumps([one.to_dict() for one in captions])


def test_actions_beyond_the_third_are_counted() -> None:
    names = ("wave", "clap", "box", "jog", "sit")
    lasting = [Segment(10 * n, 10 * n + 9 - n, "action", name, 0.9) for n, name in enumerate(names)]
    for number, told in ((3, "“wave”, “clap” and “box”"), (5, "“wave”, “clap”, “box” and 2 more")):
        found = Timeline(VideoMetadata("a.mp4", duration_seconds=50.0), tuple(lasting[:number]))
        (only,) = caption_timeline(found)
        assert only.label == f"The video lasts 50 s. The actions are {told}."
        assert [row[3] for row in only.attributes["evidence"]] == list(names[:number])


def test_each_thing_that_is_told_has_its_evidence_however_many_shots_and_lines_there_are() -> None:
    shots = [Segment(n, n + 1, "shot", f"shot {n + 1}") for n in range(30)]
    lines = [Segment(n, n + 1, "text", f"line {n}", 0.99) for n in range(30)]
    rest = (
        Segment(3, 6, "action", "wave", 0.9),
        *(Segment(n, n + 0.4, "object", "something moves left") for n in range(25)),
        Segment(28, 29, "object", "something falls"),
        Segment(0, 20, "camera", "camera static"),
        Segment(20, 30, "camera", "camera pans left"),
    )
    found = Timeline(VideoMetadata("a.mp4", duration_seconds=30.0), (*shots, *lines, *rest))
    whole = caption_timeline(found)[0]
    assert whole.label == (
        "The video lasts 30 s and has 30 shots. The action is “wave”. The camera stands still and pans left."
        " Something moves left and falls. “line 0”, “line 1”, “line 2” and 27 more lines are written."
    )
    rows = whole.attributes["evidence"]
    assert len(rows) == 20
    told = ["wave", "camera static", "camera pans left", "something moves left", "something falls"]
    assert {"shot 1", *told, "line 0", "line 1", "line 2"} <= {row[3] for row in rows}
    assert [row[2] for row in rows] == sorted(
        (row[2] for row in rows), key=["shot", "action", "camera", "object", "text"].index
    )


def test_nothing_found_is_said() -> None:
    (only,) = caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=2.0)))
    assert only.label == "The video lasts 2 s. Nothing else was found in it."


def test_words_of_the_screen_stay_in_their_quotation_marks() -> None:
    text = Segment(0, 1, "text", "stop” said he. \x1b[31m Ignore that", 0.99)
    (only,) = caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=2.0), (text,)))
    assert only.label.count("“") == only.label.count("”") == 1
    assert "\x1b" not in only.label


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_parts_tile_the_shots(lengths: list[float]) -> None:
    shots, at = [], 0.0
    for length in lengths:
        shots.append(Segment(at, at + length, "shot"))
        at += length
    parts = parts_of(shots)
    assert parts[0].start_seconds == 0
    assert parts[-1].end_seconds == at
    assert all(a.end_seconds == b.start_seconds for a, b in pairwise(parts))
    assert max(part.duration_seconds for part in parts) <= 20.0 + 1e-6


def test_eight_hours_take_seconds() -> None:
    kinds = (
        ("object", "something moves left"),
        ("text", "word"),
        ("camera", "camera pans left"),
        ("shot", "shot"),
    )
    segments = tuple(
        Segment(n * 0.288, n * 0.288 + (1.152 if n % 4 == 3 else 0.2), *kinds[n % 4]) for n in range(100_000)
    )
    started = time.process_time()
    captions = caption_timeline(Timeline(VideoMetadata("long.mp4", duration_seconds=28_800.0), segments))
    assert time.process_time() - started < 20
    assert len(captions) == 25_001


def test_a_real_clip(shared: Path) -> None:
    from muybridge import analyze
    from muybridge.pipeline import default_observers

    path = shared / "clips" / "nasa_13013.mp4"
    captions = caption_timeline(analyze(path, observers=default_observers(without=["text"])))
    assert [round(one.start_seconds) for one in captions] == [0, 0, 5, 8]
    assert captions[0].label.startswith("The video lasts 13.01 s and has 3 shots.")
    assert "zooms out" in captions[3].label


def cameras(*rows: tuple[float, float, str]) -> list[Segment]:
    return [Segment(start, end, "camera", label, 0.9) for start, end, label in rows]


def test_a_camera_that_moves_in_many_short_stretches_moves() -> None:
    pans = [
        (at, at + 4, "camera pans left, shakes" if at % 8 else "camera pans left") for at in range(4, 60, 4)
    ]
    segments = cameras((0, 4, "camera static"), *pans)
    timeline = Timeline(VideoMetadata("a.mp4", duration_seconds=60.0), tuple(segments))
    (whole,) = caption_timeline(timeline)
    # 56 s of panning, 28 s of them shaking, and 4 s of rest: less than 9 s, 15 % of the whole.
    assert whole.label == "The video lasts 1:00. The camera pans left and shakes."
    assert answer_question(timeline, "What does the video show?").text == whole.label
    rows = whole.attributes["evidence"]
    assert 3 <= len(rows) <= 6
    assert {row[3] for row in rows} == {"camera pans left", "camera pans left, shakes"}


def test_directions_sum_up_to_their_verb_and_rare_ones_are_left_out() -> None:
    # Of 100 s: 12 s to the left, 12 s to the right, 1 s up, 75 s of rest.
    turns = [(75 + 2 * n, 77 + 2 * n, f"camera pans {'right' if n % 2 else 'left'}") for n in range(12)]
    segments = cameras((0, 75, "camera static"), *turns, (99, 100, "camera tilts up"))
    (whole,) = caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=100.0), tuple(segments)))
    assert whole.label.endswith("The camera stands still, and pans left and right.")
    # What lasts longest is told where nothing takes its share: 2 × 2 s before 3 s of 60 s.
    short = cameras((0, 3, "camera static"), (3, 5, "camera zooms in"), (50, 52, "camera zooms in"))
    (whole,) = caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=60.0), tuple(short)))
    assert whole.label.endswith("The camera zooms in.")


def test_short_stretches_sum_up_within_a_part_too() -> None:
    shots = [Segment(0, 20, "shot", "shot 1"), Segment(20, 40, "shot", "shot 2")]
    tilts = [(at, at + 2, f"camera tilts up{', shakes' * (at % 4 == 0)}") for at in range(22, 40, 2)]
    segments = [*shots, *cameras((0, 22, "camera static"), *tilts)]
    captions = caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=40.0), tuple(segments)))
    assert [one.label for one in captions[1:]] == [
        "The camera stands still.",
        "The camera tilts up and shakes.",
    ]
