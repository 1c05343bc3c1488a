r"""Subtitles that come with a video: its own text streams, and .srt and .vtt files that lie beside it.

    talk.mp4        streams of mov_text, SubRip, WebVTT, ASS
    talk.srt        beside it, on the player's clock: 00:00:00 is the first frame
    talk.en.vtt     the same, with a language: see subtitle_files.py

Pictures of subtitles (DVD, Blu-ray) hold no text and are left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av.error

from muybridge.printable import printable
from muybridge.values import Segment
from muybridge.video.container import open_container, video_stream
from muybridge.video.subtitle_files import subtitle_files

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.subtitles.stream import SubtitleStream

__all__ = ["parse_subtitles", "read_subtitles"]

MAX_LINES = 200_000
_CLOCK = r"(?:(\d{1,5}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_ARROW = re.compile(r"^\s*[\d.,]*:[\d:.,]*\s*-->")  # also where the times make no sense
_NUMBER = re.compile(r"\s*\d+\s*")
# The tags of SubRip, WebVTT and ASS and no others: "a < b and c > d" is text.
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAGS = re.compile(
    r"</?(?:[bius]|em|strong|c|v|ruby|rt|lang|font|span|p|div)(?:\.[^\s<>]{1,200})?>"
    r"|<(?:v|lang|font|span|p|div)(?:\.[^\s<>]{1,200})?\s[^<>\n]{0,200}>"
    r"|<(?:\d+:)?\d{2}:\d{2}\.\d{3}>"
    r"|\{\\[^{}\n]{0,500}\}",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"(\{[^{}\n]*\})")  # in ASS: tags, and what an author noted
_SCALE = re.compile(r"\\p(?:([0-9])|(?![a-z]))")  # of the shapes that follow; 0 or none where text follows
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)


def read_subtitles(path: str | Path) -> list[Segment]:
    r"""The subtitles in a video file and in files beside it, in order of time.

    Args:
        path: the video.

    Returns:
        Segments of kind `"subtitle"` in seconds of the source, whose label is the text; `source` among the
        attributes says where it stood. Lines that cannot be read are left out.

    Raises:
        VideoError: the video cannot be opened.

    >>> import shutil
    >>> path = shutil.copy(getfixture("sample_video"), getfixture("tmp_path") / "talk.mp4")
    >>> _ = path.with_suffix(".srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello.\n")
    >>> [(line.start_seconds, line.end_seconds, line.label) for line in read_subtitles(path)]
    [(0.5, 1.5, 'Hello.')]
    """
    with open_container(path) as container:
        start = _start_seconds(container, str(path))
        found = _embedded(container)
    for file in subtitle_files(Path(path)):
        source = {"source": file.name}
        for line in parse_subtitles(_read_text(file)):
            begin, end = line.start_seconds + start, line.end_seconds + start
            found.append(Segment(begin, end, "subtitle", line.label, None, source))
    return sorted(found, key=lambda line: (line.start_seconds, line.end_seconds))


def parse_subtitles(text: str) -> list[Segment]:
    r"""The lines of a SubRip or WebVTT file, on its own clock.

    Args:
        text: the file's content; cues without sensible times are left out. A line with times begins a cue, also
            where the empty line before it is missing.

    >>> parse_subtitles("WEBVTT\n\n00:01.000 --> 00:02.500 align:start\n<i>Who</i>\nis there?")[0].label
    'Who is there?'
    """
    found: list[Segment] = []
    for times, lines in _cues(text):
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        label = _plain(" ".join(lines))
        if label and end >= start:
            found.append(Segment(start, end, "subtitle", label))
        if len(found) >= MAX_LINES:
            break
    return found


def _cues(text: str) -> Iterator[tuple[re.Match[str], list[str]]]:
    """The line with the times of each cue, and the lines of its text."""
    times: re.Match[str] | None = None
    said: list[str] = []
    before, is_numbered = "", False
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for line in [*text.split("\n"), ""]:
        is_next = _ARROW.match(line) is not None
        if times is not None and (is_next or not line.strip(" \t")):
            # In a file that numbers its cues, the number of the next one is not what this one says.
            is_glued = is_next and is_numbered and said and _NUMBER.fullmatch(said[-1])
            yield times, said[:-1] if is_glued else said
            times = None
        if is_next:
            times, said = _TIMES.match(line), []
            is_numbered = _NUMBER.fullmatch(before) is not None
        elif times is not None:
            said.append(line)
        before = line


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return 3600.0 * int(hours) + 60 * int(minutes) + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _without_shapes(text: str) -> str:
    r"""Without what ASS draws: from `{\p1}` to `{\p0}`, or to the end, stand coordinates and no words.

    >>> print(_without_shapes(r"{\p1}m 0 0 l 9 0 9 9{\p0}Left {\pos(1,2)}of it"))
    {\p1}{\p0}Left {\pos(1,2)}of it
    """
    kept, draws = [], False
    for place, part in enumerate(_BLOCK.split(text)):
        is_block = place % 2 == 1
        if is_block and (scales := _SCALE.findall(part)):
            draws = scales[-1] not in ("", "0")
        if is_block or not draws:
            kept.append(part)
    return "".join(kept)


def _plain(text: str) -> str:
    text = _TAGS.sub("", _BREAK.sub(" ", _without_shapes(text)))
    text = text.replace(r"\h", " ").replace(r"\N", " ").replace(r"\n", " ")
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return " ".join(printable(text).split())


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError:
        return ""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _start_seconds(container: InputContainer, path: str) -> float:
    """When the first frame appears: where the player's clock begins."""
    stream = video_stream(container, path)
    return float((stream.start_time or 0) * (stream.time_base or 1))


def _embedded(container: InputContainer) -> list[Segment]:
    streams = [stream for stream in container.streams.subtitles if stream.codec_context is not None]
    return [line for stream in streams for line in _lines(container, stream)] if streams else []


def _lines(container: InputContainer, stream: SubtitleStream) -> Iterator[Segment]:
    source = {"source": f"stream {stream.index}"} | (
        {"language": stream.language} if stream.language and stream.language != "und" else {}
    )
    try:
        container.seek(0)
        for number, packet in enumerate(container.demux(stream)):
            if number >= MAX_LINES:
                return
            if packet.pts is None or not packet.size:
                continue
            start = float(packet.pts * (packet.time_base or 1))
            end = start + float((packet.duration or 0) * (packet.time_base or 1))
            for rect in packet.decode():
                # FFmpeg gives all text as ASS, whose ninth field is what is shown.
                event = getattr(rect, "ass", b"").decode("utf-8", "replace")
                label = _plain(_BLOCK.sub("", _without_shapes(event.split(",", 8)[-1])))
                if label:
                    yield Segment(start, max(start, end), "subtitle", label, None, source)
    except (av.error.FFmpegError, ValueError, IndexError):
        return  # damaged from here on: what came before counts
