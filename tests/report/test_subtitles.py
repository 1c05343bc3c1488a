"""SubRip and WebVTT, read back by FFmpeg's demuxers and decoders, which share no code with the writers."""

import io
import random
import re
from itertools import pairwise

import av
import pytest
from hypothesis import given, strategies as st

from muybridge.report.subtitles import segments_to_srt, segments_to_vtt
from muybridge.values import Segment

WRITERS = {"srt": segments_to_srt, "webvtt": segments_to_vtt}


def read_back(text: str, format_name: str) -> list[tuple[float, float, str]]:
    """(start, end, words) of each cue as FFmpeg understands them, its ASS escapes undone."""
    cues = []
    with av.open(io.BytesIO(text.encode()), format=format_name) as container:
        stream = container.streams[0]
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                continue
            start = float(packet.pts * packet.time_base)
            end = start + float((packet.duration or 0) * packet.time_base)
            subtitles = stream.codec_context.decode2(packet)  # type: ignore[union-attr]
            words = b"\n".join(event.ass.split(b",", 8)[8] for event in subtitles or ()).decode()
            cues.append((start, end, words.replace("\\N", "\n").replace("\\{{}", "{")))
    return cues


@pytest.mark.parametrize("name", WRITERS)
def test_players_read_back_what_was_written(name: str) -> None:
    segments = [Segment(61.5, 62.25, "text", "second"), Segment(0.0, 1.04, "text", "first\nline two")]
    assert read_back(WRITERS[name](segments), name) == [
        (0.0, 1.04, "first\nline two"),
        (61.5, 62.25, "second"),
    ]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "words",
    [
        "SALT & PEPPER",
        "a < b > c",
        "x --> y",
        "00:00:01,000 --> 00:00:02,000",
        "<b>bold</b>",
        "<font color=red>red</font>",
        "<script>alert(1)</script>",
        "{curly}",
        "WEBVTT",
        "NOTE this",
        "7",
        "出口 مخرج",
    ],
)
def test_hostile_words_stay_words(name: str, words: str) -> None:
    cues = read_back(WRITERS[name]([Segment(1, 2, "text", words), Segment(3, 4, "text", "after")]), name)
    assert [(start, end) for start, end, _ in cues] == [(1.0, 2.0), (3.0, 4.0)]
    assert cues[0][2].replace("\u2060", "") == words
    assert cues[1][2] == "after"


def test_words_that_look_like_entities_stay_so_in_webvtt() -> None:
    assert read_back(segments_to_vtt([Segment(0, 1, "text", "&amp; &lt;")]), "webvtt") == [
        (0.0, 1.0, "&amp; &lt;")
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_blank_lines_and_controls_do_not_end_a_cue(name: str) -> None:
    text = WRITERS[name](
        [Segment(0, 1, "text", "one\n\n \r\n\x00two\x1b\u2028three"), Segment(1, 2, "text", " \n")]
    )
    assert read_back(text, name) == [(0.0, 1.0, "one\ntwo\nthree")]


def test_overlapping_segments_are_cues_of_their_own_in_webvtt_and_cut_in_subrip() -> None:
    segments = [Segment(0, 4, "text", "A"), Segment(1, 3, "text", "B"), Segment(2, 3, "text", "A")]
    assert read_back(segments_to_vtt(segments), "webvtt") == [(0, 4, "A"), (1, 3, "B"), (2, 3, "A")]
    assert read_back(segments_to_srt(segments), "srt") == [(0, 1, "A"), (1, 3, "A\nB"), (3, 4, "A")]


def test_hours_beyond_ninety_nine() -> None:
    start = 123 * 3600 + 4 * 60 + 5.678
    assert "123:04:05.678 --> 123:04:06.678" in segments_to_vtt([Segment(start, start + 1, "text", "late")])
    assert "123:04:05,678 --> 123:04:06,678" in segments_to_srt([Segment(start, start + 1, "text", "late")])


def test_times_are_those_of_a_player_that_counts_from_the_first_frame() -> None:
    text = segments_to_vtt([Segment(9.9, 11, "text", "a"), Segment(12, 13, "text", "b")], start_seconds=10.0)
    assert read_back(text, "webvtt") == [(0.0, 1.0, "a"), (2.0, 3.0, "b")]


def test_nothing_found_is_still_a_file_of_the_format() -> None:
    assert segments_to_vtt([]) == "WEBVTT\n"
    assert segments_to_srt([]) == ""


TIMES = st.floats(0, 500_000, allow_nan=False)
CUE = re.compile(r"(\d+):(\d\d):(\d\d)[.,](\d\d\d) --> (\d+):(\d\d):(\d\d)[.,](\d\d\d)")


@given(
    st.lists(st.tuples(TIMES, st.floats(0, 30), st.sampled_from(["A", "B", "C"])), max_size=12), st.randoms()
)
def test_every_cue_ends_after_it_starts_and_none_runs_backwards(
    spans: list[tuple[float, float, str]], shuffle: random.Random
) -> None:
    segments = [Segment(start, start + length, "text", label) for start, length, label in spans]
    shuffle.shuffle(segments)
    for name, writer in WRITERS.items():
        cues = []
        for groups in CUE.findall(writer(segments)):
            h1, m1, s1, f1, h2, m2, s2, f2 = map(int, groups)
            assert max(m1, s1, m2, s2) < 60
            cues.append((((h1 * 60 + m1) * 60 + s1) * 1000 + f1, ((h2 * 60 + m2) * 60 + s2) * 1000 + f2))
        assert all(start < end for start, end in cues)
        assert cues == sorted(cues)
        if name == "srt":
            assert all(before[1] <= after[0] for before, after in pairwise(cues))
        else:
            assert len(cues) == len(segments)
