"""The seconds that a question names: at 5 s, between 1:05 and 1:10, in the last minute, at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import inf

from muybridge.language.phrases import moment

__all__ = ["Window", "cut", "take_window"]

_EDGE_SECONDS = 1.0
_LEAST_SLACK_SECONDS, _SLACK_SECONDS = 0.05, 0.5
_AROUND = ("about", "around", "near")
_VIDEO = r"(?:it|(?:the|this) (?:video|clip|film|movie|footage|recording))\b"
_NUMBER = r"(\d+(?::\d\d){1,2}(?:\.\d+)?|\d+(?:\.\d+)?)"
_UNIT = r" ?(seconds?|secs?|s|minutes?|mins?|hours?)?\b"


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the video that a question is about: seconds of the source, and how they are meant.

    Args:
        how: `"at"` and `"around"` a moment, `"during"`, `"before"`, `"after"`, or `"first"` and `"last"` with a length.
        start_seconds: where it begins.
        end_seconds: where it ends; the length of `"first"` and `"last"`.
        spans: the parts of it that are meant, in order, without overlaps; empty for all of it.
        slack_seconds: how far from a named moment a change may be, such as a cut, and is still meant: who says "at
            8 s" names it to the second.
    """

    how: str
    start_seconds: float = float("-inf")
    end_seconds: float = float("inf")
    spans: tuple[tuple[float, float], ...] = ()
    slack_seconds: float = 0.0

    def counted_from(self, first_seconds: float) -> Window:
        """The same in seconds of a source whose first frame is at `first_seconds`.

        No frame is before the first one: who names such a second counts from it, as players do.

        >>> [Window("at", at, at).counted_from(3600.0).start_seconds for at in (5.0, 3605.0)]
        [3605.0, 3605.0]
        """
        is_length = self.how in ("first", "last")
        if is_length or not any(-inf < one < first_seconds for one in (self.start_seconds, self.end_seconds)):
            return self
        start, end = self.start_seconds + first_seconds, self.end_seconds + first_seconds
        return replace(self, start_seconds=start, end_seconds=end)

    def outside(self, first_seconds: float, end_seconds: float) -> str:
        """What of the window is not in a video from `first_seconds` to `end_seconds`, in words; empty where any is.

        >>> Window("at", 20, 20).outside(0, 18), Window("after", 20).outside(0, 18), Window("after", 2).outside(0, 18)
        ('20 s', 'what comes after 20 s', '')
        """
        start, end = self.start_seconds, self.end_seconds
        if self.how in ("first", "last") or end_seconds <= first_seconds:
            return ""
        if start < end_seconds and (end > first_seconds or start == end == first_seconds):
            return ""
        if self.how in ("after", "before"):
            return f"what comes {self.how} {moment(start if self.how == 'after' else end)}"
        return moment(start) if start == end else f"{moment(start)} to {moment(end)}"


def _seconds(number: str, unit: str | None) -> float:
    if ":" in number:
        total = 0.0
        for part in number.split(":"):
            total = 60 * total + float(part)
        return total
    return float(number) * _unit_seconds(unit)


def _unit_seconds(unit: str | None) -> float:
    return {"min": 60.0, "hou": 3600.0}.get((unit or "")[:3], 1.0)


def take_window(words: str) -> tuple[str, Window | None]:
    """The seconds that a question names, taken out of it."""
    both = re.search(
        rf"\b(?:between|from) (?:second )?{_NUMBER}{_UNIT} (?:and|to|until) (?:second )?{_NUMBER}{_UNIT}",
        words,
    )
    if both and (both[2] or both[4] or ":" in both[0] or "second " in both[0]):
        start, end = _seconds(both[1], both[2] or both[4]), _seconds(both[3], both[4] or both[2])
        return cut(words, both), Window("during", min(start, end), max(start, end))
    part = re.search(
        rf"\b(?:in|during|within|for) the (?:very )?(1st|last) (?:{_NUMBER} ?)?"
        r"(seconds?|secs?|s|minutes?|mins?|hours?)\b",
        words,
    )
    if part:
        length = _seconds(part[2] or "1", part[3])
        return cut(words, part), Window("first" if part[1] == "1st" else "last", 0.0, length)
    ordinal = re.search(r"\b(at|in|during|after|before|until) the (\d+)(?:st|nd|rd|th) seconds?\b", words)
    if ordinal:
        return cut(words, ordinal), _window_of(ordinal[1], ordinal[2])
    inside = re.search(
        rf"\b(?:(at|around|about|near|after|before|until|since|from) )?{_NUMBER}{_UNIT}"
        rf" (?:into {_VIDEO}|in(?:to)?(?= *(?:,|$)))",
        words,
    )
    if inside and (inside[3] or ":" in inside[2]) and not _is_length(words, inside, inside[1]):
        return cut(words, inside), _window_of(inside[1] or "at", inside[2], inside[3])
    one = re.search(
        rf"\b(at|around|about|near|after|before|until|since|from) (?:second |minute )?{_NUMBER}{_UNIT}", words
    )
    is_time = one and (one[3] or ":" in one[2] or "second " in one[0] or "minute " in one[0])
    if one and is_time and not _is_length(words, one, one[1]):
        return cut(words, one), _window_of(one[1], one[2], "minute" if "minute " in one[0] else one[3])
    edge = re.search(
        r"\b(?:at|in|from) the (?:very )?(start|beginning|end)\b"
        r"(?! of (?!the (?:video|clip|film|movie)))(?: of the \w+)?",
        words,
    )
    if edge:
        return cut(words, edge), Window("last" if edge[1] == "end" else "first", 0.0, _EDGE_SECONDS)
    return words, None


def _is_length(words: str, match: re.Match[str], how: str | None) -> bool:
    """Whether a number of seconds is how long, not when: "for about five seconds", "is 5 seconds into the video"."""
    if how is not None and how not in _AROUND:
        return False
    before = r"\b(?:for|is|be|was|lasts?|takes?|of|than|long|1st)$"
    return re.search(before, words[: match.start()].rstrip()) is not None


def _window_of(how: str, number: str, unit: str | None = None) -> Window:
    seconds = _seconds(number, unit)
    if how in ("after", "since", "from"):
        return Window("after", seconds)
    if how in ("before", "until"):
        return Window("before", end_seconds=seconds)
    if how in _AROUND:
        return Window("around", seconds, seconds, (), max(1.0, 0.1 * _unit_seconds(unit)))
    # "At 3 s" may be half a second off, "at 3.04 s" no more than the eye can tell.
    half_digit = 0.5 * 10.0 ** -len(number.partition(".")[2]) * _unit_seconds(unit)
    return Window("at", seconds, seconds, (), min(max(half_digit, _LEAST_SLACK_SECONDS), _SLACK_SECONDS))


def cut(words: str, match: re.Match[str]) -> str:
    """The words without a match."""
    return re.sub(r" +", " ", f"{words[: match.start()]} {words[match.end() :]}").strip()
