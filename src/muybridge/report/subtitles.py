"""Segments → SubRip (.srt) and WebVTT (.vtt).

Both round to milliseconds such that every cue ends after it starts and no cue starts before the one above it.
They differ where segments overlap:

    segments   ├── A ──┤            WebVTT   ├── A ──┤         one cue for each segment; cues may overlap
                   ├── B ──┤                     ├── B ──┤
                                    SubRip   ├A─┤AB─┤B─┤       cut at each change: many players show only
                                                               one SubRip cue at a time
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from muybridge.values import Segment

__all__ = ["segments_to_srt", "segments_to_vtt"]

_WORD_JOINER = "\u2060"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")


class _Cue(NamedTuple):
    start_ms: int
    end_ms: int
    text: str


def segments_to_srt(segments: Iterable[Segment], *, start_seconds: float = 0.0) -> str:
    """Write labels as SubRip subtitles that never overlap.

    Where several segments are so at once, their labels stand below each other, the oldest on top. SubRip has
    no escape for its markup: an invisible word joiner keeps words from being taken for it.

    Args:
        segments: in any order; those with an empty label are left out.
        start_seconds: the second of the source at which the player's clock shows 0.

    >>> print(segments_to_srt([Segment(0.5, 2, "text", "NO ENTRY"), Segment(1, 2, "text", "EXIT")]), end="")
    1
    00:00:00,500 --> 00:00:01,000
    NO ENTRY
    <BLANKLINE>
    2
    00:00:01,000 --> 00:00:02,000
    NO ENTRY
    EXIT
    <BLANKLINE>
    """
    blocks = [
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{_srt_text(cue.text)}\n"
        for number, cue in enumerate(_flatten(_cues(segments, start_seconds)), 1)
    ]
    return "\n".join(blocks)


def segments_to_vtt(segments: Iterable[Segment], *, start_seconds: float = 0.0) -> str:
    """Write labels as WebVTT cues, one for each segment.

    Args:
        segments: in any order; those with an empty label are left out.
        start_seconds: the second of the source at which the player's clock shows 0.

    Source: W3C, WebVTT: The Web Video Text Tracks Format, section 4 (syntax).

    >>> print(segments_to_vtt([Segment(0.5, 2, "text", "SALT & PEPPER")]), end="")
    WEBVTT
    <BLANKLINE>
    00:00:00.500 --> 00:00:02.000
    SALT &amp; PEPPER
    """
    blocks = [
        f"\n{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{_vtt_text(cue.text)}\n"
        for cue in _cues(segments, start_seconds)
    ]
    return "".join(["WEBVTT\n", *blocks])


def _cues(segments: Iterable[Segment], start_seconds: float) -> list[_Cue]:
    cues = []
    for segment in segments:
        start = round((segment.start_seconds - start_seconds) * 1000)
        end = round((segment.end_seconds - start_seconds) * 1000)
        text = _lines(segment.label)
        if text and end >= 0:
            cues.append(_Cue(max(start, 0), max(end, start + 1, 1), text))
    # A stable sort: of two that start together, the one that was given first stays above.
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms))


def _flatten(cues: list[_Cue]) -> list[_Cue]:
    """Cut overlapping cues at every start and end, so that each moment has one cue."""
    starts = sorted({cue.start_ms for cue in cues} | {cue.end_ms for cue in cues})
    flat: list[_Cue] = []
    active: list[_Cue] = []
    waiting = 0
    for start, end in pairwise(starts):
        active = [cue for cue in active if cue.end_ms > start]
        while waiting < len(cues) and cues[waiting].start_ms <= start:
            active.append(cues[waiting])
            waiting += 1
        if not active:
            continue
        text = "\n".join(dict.fromkeys(cue.text for cue in active))
        if flat and flat[-1].end_ms == start and flat[-1].text == text:
            flat[-1] = flat[-1]._replace(end_ms=end)
        else:
            flat.append(_Cue(start, end, text))
    return flat


def _clock(milliseconds: int, separator: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{milliseconds:03d}"


def _lines(label: str) -> str:
    """A label as lines of a cue: a blank line would end the cue, a control character may end the parser."""
    lines = (_CONTROLS.sub("", line).strip() for line in label.splitlines())
    return "\n".join(line for line in lines if line)


def _vtt_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _srt_text(text: str) -> str:
    text = re.sub(r"<(?=\s*[A-Za-z/!])", f"<{_WORD_JOINER}", text)  # <i>, </font>
    text = re.sub(r"\{(?=[\\A-Za-z])", f"{{{_WORD_JOINER}", text)  # {\an8}, {y:i}
    return text.replace("-->", f"--{_WORD_JOINER}>")
