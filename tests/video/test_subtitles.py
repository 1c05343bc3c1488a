"""Subtitles inside a video and beside it."""

import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.subtitles.subtitle import SubtitleSet
from hypothesis import given, strategies as st

from muybridge.errors import VideoOpenError
from muybridge.video.subtitle_files import is_subtitle_of
from muybridge.video.subtitles import parse_subtitles, read_subtitles

HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize\r\n"
    b"Style: Default,Arial,16\r\n\r\n[Events]\r\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)
LINES = [(500, 1500, rb"We left the {\i1}harbor{\i0}\Nat dawn, early."), (2500, 400, "空间里面".encode())]


def write_with_subtitles(path: Path, codec: str) -> Path:
    with av.open(str(path), "w") as out:
        video = out.add_stream("h264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        stream = out.add_stream(codec)
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.subtitle_header = HEADER
        for number in range(32):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * number, np.uint8), format="rgb24")
            out.mux(video.encode(frame))
            for start, length, text in LINES:
                if number * 100 == start:
                    line = SubtitleSet.create(
                        text=b"0,0,Default,,0,0,0,," + text, start=0, end=length, pts=start * 1000
                    )
                    packet = stream.codec_context.encode_subtitle(line)
                    packet.stream, packet.time_base = stream, Fraction(1, 1000)
                    packet.pts = packet.dts = start
                    packet.duration = length
                    out.mux(packet)
        out.mux(video.encode())
    return path


@pytest.mark.parametrize(
    ("codec", "suffix"), [("subrip", "mkv"), ("webvtt", "mkv"), ("ass", "mkv"), ("mov_text", "mp4")]
)
def test_streams_of_text_are_read(tmp_path: Path, codec: str, suffix: str) -> None:
    found = read_subtitles(write_with_subtitles(tmp_path / f"talk.{suffix}", codec))
    assert [(line.label, round(line.start_seconds, 3), round(line.end_seconds, 3)) for line in found] == [
        ("We left the harbor at dawn, early.", 0.5, 2.0),
        ("空间里面", 2.5, 2.9),
    ]
    assert {line.kind for line in found} == {"subtitle"}
    assert found[0].attributes["source"] == "stream 1"


def test_files_beside_are_on_the_player_s_clock(tmp_path: Path) -> None:
    """A file whose first frame appears at 10 s: a subtitle at 1 s belongs to 11 s of the source."""
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as out:
        video = out.add_stream("h264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = 100 + number, Fraction(1, 10)
            out.mux(video.encode(frame))
        out.mux(video.encode())
    (tmp_path / "late.srt").write_text("1\n00:00:01,000 --> 00:00:01,500\nHello.\n")
    (line,) = read_subtitles(path)
    assert (line.start_seconds, line.end_seconds) == (11.0, 11.5)


def test_names_and_encodings_of_files_beside(tmp_path: Path, sample_video: Path) -> None:
    video = Path(shutil.copy(sample_video, tmp_path / "talk.mp4"))
    block = "00:00:0{}.000 --> 00:00:0{}.500\n{}\n"
    (tmp_path / "talk.srt").write_bytes(block.format(0, 0, "plain").encode("utf-8-sig"))
    (tmp_path / "talk.de.VTT").write_bytes(("WEBVTT\n\n" + block.format(1, 1, "Straße")).encode("cp1252"))
    (tmp_path / "talk.zh.srt").write_bytes(block.format(2, 2, "空间").encode("utf-16"))
    (tmp_path / "talks.srt").write_text(block.format(3, 3, "another video's"))
    (tmp_path / "talk.en.txt").write_text(block.format(4, 4, "no subtitles"))
    found = read_subtitles(video)
    assert [line.label for line in found] == ["plain", "Straße", "空间"]
    assert [line.attributes["source"] for line in found] == ["talk.srt", "talk.de.VTT", "talk.zh.srt"]


def test_the_subtitles_of_another_video_are_not_this_one_s(tmp_path: Path, sample_video: Path) -> None:
    for name in ("lecture.mp4", "lecture.2.mp4", "lecture.en.MKV"):
        shutil.copy(sample_video, tmp_path / name)
    names = ["lecture.2.srt", "lecture.2.de.srt", "lecture.en.srt", "lecture.en.forced.vtt", "lecture.3.srt"]
    for name in [*names, "lecture.fr.srt"]:
        (tmp_path / name).write_text(f"00:00:00.000 --> 00:00:01.000\n{name}\n")
    found = {
        video: [line.label for line in read_subtitles(tmp_path / video)]
        for video in ("lecture.mp4", "lecture.2.mp4", "lecture.en.MKV")
    }
    assert found == {
        "lecture.mp4": ["lecture.fr.srt"],
        "lecture.2.mp4": ["lecture.2.de.srt", "lecture.2.srt"],
        "lecture.en.MKV": ["lecture.en.forced.vtt", "lecture.en.srt"],
    }


@pytest.mark.parametrize(
    "tags",
    [
        *("en.forced", "en.sdh", "eng", "ger.hi", "forced", "en.default.cc", "pt-BR", "zh_Hans_CN", "es-419"),
        *("English", "english.forced", "français", "EN", "en-orig"),
    ],
)
def test_languages_and_marks_may_follow_the_name(tags: str) -> None:
    assert is_subtitle_of(f"my.film.{tags}", "my.film")


@pytest.mark.parametrize("tags", ["2", "1080p", "part2", "director", "en.draft", "xx", "old", "", "en..cc"])
def test_other_words_are_no_languages(tags: str) -> None:
    assert not is_subtitle_of(f"film.{tags}", "film")


def test_marks_and_notes_are_no_text() -> None:
    text = (
        "WEBVTT - title\n\nNOTE 00:00:01.000 is not a time\n\nSTYLE\n::cue { color: red }\n\n"
        "intro\n01:00:00.000 --> 01:00:01.000 line:0\n<v Ann>Tom &amp; <b>Jerry</b>\n\n"
        "2\n00:00:05,000 --> 00:00:04,000\nbackwards\n\n3\n00:00:06,000 --> 00:00:07,000\n\n"
        "4\r\n00:00:08,5 --> 00:00:09,25\r\n{\\an8}top\r\n"
    )
    found = parse_subtitles(text)
    assert [(line.start_seconds, line.end_seconds, line.label) for line in found] == [
        (3600.0, 3601.0, "Tom & Jerry"),
        (8.5, 9.25, "top"),
    ]


DRAWN = {
    r"{\p1}m 0 0 l 100 0 100 100 0 100{\p0}": "",
    r"Left {\an7\pos(3,4)\p2}m 0 0 {\c&HFF&}l 9 9{\p0\b1} of it": "Left of it",
    r"{\p0\p1}m 0 0 l 9 9 to the end": "",
    r"{\p1\p0}both were {\pbo8}switched{\p} off": "both were switched off",
    r"{\pos(1,2)}m 1 is a motorway": "m 1 is a motorway",
}


def test_what_is_drawn_is_not_said() -> None:
    cues = "".join(f"00:0{place}.000 --> 00:0{place}.500\n.{text}\n\n" for place, text in enumerate(DRAWN))
    expected = [" ".join(f".{said}".split()) for said in DRAWN.values()]
    assert [line.label for line in parse_subtitles(cues)] == expected


@pytest.mark.parametrize("codec", ["ass", "subrip"])
def test_what_a_stream_draws_or_notes_is_not_said(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [*DRAWN, r"{a note}seen{\i0}, with {another one} commas"] if codec == "ass" else ["plain"]
    monkeypatch.setattr(f"{__name__}.LINES", [(100 * n, 50, text.encode()) for n, text in enumerate(texts)])
    said = [line.label for line in read_subtitles(write_with_subtitles(tmp_path / "drawn.mkv", codec))]
    shown = [*DRAWN.values(), "seen, with commas"] if codec == "ass" else ["plain"]
    assert said == [text for text in shown if text]


def test_only_tags_are_taken_out() -> None:
    shown = {
        "if a < b and c > d": "if a < b and c > d",
        "x <y> z, a<b": "x <y> z, a<b",
        "<laughs> ok": "<laughs> ok",
        '<font color="#ff0000" size=3><I>red</I></font> sky': "red sky",
        "<v.loud Ann B.>Hi</v> <c.yellow.bg_blue>there</c><00:00:01.500> you": "Hi there you",
        "Who<br>is<BR />there": "Who is there",
        r"{\an8}{\i1}up{\i0} {not ass}": "up {not ass}",
    }
    for written, label in shown.items():
        assert [line.label for line in parse_subtitles(f"00:01.000 --> 00:02.000\n{written}\n")] == [label]


def test_entities_are_decoded_once() -> None:
    shown = {
        "It&#39;s &quot;late&quot; &#x2014; caf&eacute;&nbsp;&amp; bar": 'It\'s "late" \u2014 café & bar',
        "&lt;b&gt; is a tag, &amp;lt; an entity": "<b> is a tag, &lt; an entity",
        "AT&T, R&D, ?a=1&copy=2, &unheard;": "AT&T, R&D, ?a=1&copy=2, &unheard;",
        "bell&#7;rings &#xD83D; &#9999999;": "bellrings \ufffd \ufffd",
    }
    for written, label in shown.items():
        assert [line.label for line in parse_subtitles(f"00:01.000 --> 00:02.000\n{written}\n")] == [label]


def test_every_line_with_times_begins_a_cue() -> None:
    """The empty line between cues is often lost; a number that is spoken is not the next cue's."""
    glued = (
        "\ufeff1\n00:00:01,000 --> 00:00:02,000\nHow many?\n42\n2\n00:00:03,000 --> 00:00:04,000\nSo many.\n"
        "3\n00:00:05 --> 00:00:06\nno fraction\n4\n00:00:07,000 --> 00:00:08,000\n5 --> 6 here\n\nlost\n"
    )
    assert [(line.start_seconds, line.label) for line in parse_subtitles(glued)] == [
        (1.0, "How many? 42"),
        (3.0, "So many."),
        (7.0, "5 --> 6 here"),
    ]
    bare = "WEBVTT\n\n00:01.000 --> 00:02.000\n42\n00:03.000 --> 00:04.000\nyes"
    assert [line.label for line in parse_subtitles(bare)] == ["42", "yes"]
    assert parse_subtitles(f"{'9' * 5000}:00:00,000 --> {'9' * 5000}:00:01,000\nnever") == []


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_without_error(text: str) -> None:
    for lines in (parse_subtitles(text), parse_subtitles(f"00:00:01,000 --> 00:00:02,000\n{text}")):
        assert all(line.label.strip() and line.start_seconds < line.end_seconds for line in lines)


def test_a_video_without_subtitles_has_none(sample_video: Path, tmp_path: Path) -> None:
    assert read_subtitles(sample_video) == []
    with pytest.raises(VideoOpenError):
        read_subtitles(tmp_path / "absent.mp4")
