"""Times, counts and lists as English words; what a segment says as a clause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from muybridge.printable import printable
from muybridge.values import Segment

__all__ = ["clause", "counted", "join_and", "moment", "rounding_of", "sentence", "span", "stretch", "times"]

MAX_QUOTED = 80


def moment(seconds: float) -> str:
    """A moment or a length as a person writes it.

    Args:
        seconds: in seconds.

    >>> moment(2.5), moment(0.417), moment(79.5), moment(3725.0)
    ('2.5 s', '0.42 s', '1:19.5', '1:02:05')
    >>> moment(13.013 - 8.008), moment(13.013 - 8.008000000000001), moment(61.25), moment(-0.001)
    ('5.01 s', '5.01 s', '1:01.3', '0 s')
    """
    # A length is a difference of times, whose last digits are noise: 13.013 − 8.008 is to be 5.01, as on the page.
    microseconds = round(abs(seconds) * 1e6)
    hundredths, tenths = (microseconds + 5_000) // 10_000, (microseconds + 50_000) // 100_000
    sign = "-" if seconds < 0 and hundredths else ""
    if abs(seconds) < 60:
        return f"{sign}{hundredths / 100:g} s"
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02d}" + (f".{rest % 10}" if rest % 10 else "")
    return f"{sign}{hours}:{minutes:02d}:{tail}" if hours else f"{sign}{minutes}:{tail}"


def rounding_of(seconds: float) -> float:
    """How far a moment may be from what `moment` tells of it, in seconds.

    >>> rounding_of(1.0344), rounding_of(79.546)
    (0.005, 0.05)
    """
    return 0.005 if abs(seconds) < 60 else 0.05


def span(segment: Segment) -> str:
    """From when to when.

    >>> span(Segment(2.5, 4.0)), span(Segment(2.5, 2.5))
    ('from 2.5 s to 4 s', 'at 2.5 s')
    """
    start, end = moment(segment.start_seconds), moment(segment.end_seconds)
    return f"at {start}" if start == end else f"from {start} to {end}"


def stretch(segments: Sequence[Segment], *, most: int = 4) -> str:
    """Several spans, the first few of them.

    Args:
        segments: in order of time; one or more.
        most: how many are told.

    >>> stretch([Segment(0, 1), Segment(2, 3)])
    'from 0 s to 1 s and from 2 s to 3 s'
    >>> stretch([Segment(n, n) for n in range(9)], most=2)
    'at 0 s, at 1 s and 7 more times'
    """
    told = [span(segment) for segment in segments[:most]]
    left = len(segments) - len(told)
    return join_and([*told, f"{counted(left, 'more time')}"] if left else told)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "shot"), counted(3, "shot"), counted(0, "cut"), counted(2, "dissolve")
    ('1 shot', '3 shots', 'no cuts', '2 dissolves')
    """
    many = plural or f"{noun}s"
    return f"{number or 'no'} {noun if number == 1 else many}"


def times(number: int) -> str:
    """How often.

    >>> times(1), times(2), times(5)
    ('once', 'twice', '5 times')
    """
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def join_and(parts: Iterable[str], word: str = "and") -> str:
    """A list as it is spoken.

    >>> join_and(["a"]), join_and(["a", "b"]), join_and(["a", "b", "c"], "or")
    ('a', 'a and b', 'a, b or c')
    """
    items = list(parts)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}" if items else ""


def quoted(text: str) -> str:
    """Words from a screen or a user, in quotation marks that they cannot close, and not without end.

    >>> quoted("SALE"), quoted("so “fine”"), len(quoted("x" * 500))
    ('“SALE”', '“so "fine"”', 82)
    """
    plain = printable(text).replace("“", '"').replace("”", '"').strip()
    return f"“{plain if len(plain) <= MAX_QUOTED else plain[: MAX_QUOTED - 1] + '…'}”"


def clause(segment: Segment) -> str:
    """What a segment says, as a clause that fits after "when" or "then".

    >>> clause(Segment(0, 1, "camera", "camera pans left, shakes")), clause(Segment(0, 1, "camera", "camera static"))
    ('the camera pans left and shakes', 'the camera stands still')
    >>> clause(Segment(0, 1, "text", "EXIT")), clause(Segment(0, 1, "action", "wave"))
    ('“EXIT” is on the screen', 'the action “wave” is seen')
    """
    label = segment.label
    if segment.kind == "camera":
        words = label.removeprefix("camera ")
        if words == "static":
            return "the camera stands still"
        if words == "unknown":
            return "the camera’s motion cannot be seen"
        return f"the camera {join_and(words.split(', '))}"
    if segment.kind == "text":
        return f"{quoted(label)} is on the screen"
    if segment.kind == "action":
        return f"the action {quoted(label)} is seen"
    if segment.kind == "object":
        return label
    if segment.kind == "shot":
        return f"{label or 'a shot'} is shown"
    if segment.kind == "motion":
        return f"there is {label}"
    if segment.kind == "keyframe":
        return f"there is a {label or 'keyframe'}"
    return (
        f"{quoted(label)} is told"
        if segment.kind == "caption"
        else f"{quoted(label or segment.kind)} is found"
    )


def sentence(text: str) -> str:
    """With a capital letter and a full stop.

    >>> sentence("the camera stands still"), sentence("“go” is seen.")
    ('The camera stands still.', '“go” is seen.')
    """
    text = text.strip()
    first = text[:1].upper() + text[1:]
    return first if first.endswith((".", "!", "?")) else f"{first}."
