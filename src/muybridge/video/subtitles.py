r"""Subtitles that come with a video: its own text streams, and .srt and .vtt files that lie beside it.

    talk.mp4        streams of mov_text, SubRip, WebVTT, ASS
    talk.srt        beside it, on the player's clock: 00:00:00 is the first frame
    talk.en.vtt     the same, with a language

Pictures of subtitles (DVD, Blu-ray) hold no text and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av.error

from muybridge.values import Segment
from muybridge.video.container import open_container, video_stream

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.subtitles.stream import SubtitleStream

__all__ = ["parse_subtitles", "read_subtitles"]

MAX_FILE_BYTES = 16 * 2**20
MAX_LINES = 200_000
_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_TAGS = re.compile(r"<[^<>\n]{0,200}>|\{\\[^{}\n]{0,500}\}")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&amp;": "&"}


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
    for file in _beside(Path(path)):
        source = {"source": file.name}
        for line in parse_subtitles(_read_text(file)):
            begin, end = line.start_seconds + start, line.end_seconds + start
            found.append(Segment(begin, end, "subtitle", line.label, None, source))
    return sorted(found, key=lambda line: (line.start_seconds, line.end_seconds))


def parse_subtitles(text: str) -> list[Segment]:
    r"""The lines of a SubRip or WebVTT file, on its own clock.

    Args:
        text: the file's content; blocks without sensible times are left out.

    >>> parse_subtitles("WEBVTT\n\n00:01.000 --> 00:02.500 align:start\n<i>Who</i>\nis there?")[0].label
    'Who is there?'
    """
    found: list[Segment] = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        for place, line in enumerate(lines):
            if times := _TIMES.match(line):
                start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
                label = _plain(" ".join(lines[place + 1 :]))
                if label and end >= start:
                    found.append(Segment(start, end, "subtitle", label))
                break
        if len(found) >= MAX_LINES:
            break
    return found


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return 3600.0 * int(hours) + 60 * int(minutes) + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _plain(text: str) -> str:
    text = _TAGS.sub("", text).replace(r"\h", " ").replace(r"\N", " ").replace(r"\n", " ")
    for entity, char in _ENTITIES.items():
        text = text.replace(entity, char)
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _beside(video: Path) -> list[Path]:
    """`talk.srt`, `talk.en.vtt` … beside `talk.mp4`, in order of their names."""
    try:
        files = [file for file in video.parent.iterdir() if file.suffix.lower() in (".srt", ".vtt")]
        fit = (f for f in files if f.stem == video.stem or f.stem.rpartition(".")[0] == video.stem)
        return sorted(file for file in fit if file.is_file() and file.stat().st_size <= MAX_FILE_BYTES)
    except OSError:
        return []


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
                text = getattr(rect, "dialogue", b"") or getattr(rect, "text", b"")
                label = _plain(text.decode("utf-8", "replace").replace("\n", " "))
                if label:
                    yield Segment(start, max(start, end), "subtitle", label, None, source)
    except (av.error.FFmpegError, ValueError):
        return  # damaged from here on: what came before counts
