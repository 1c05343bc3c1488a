"""What a timeline holds for a question: the segments of a subject, and whether anybody looked for it.

What an observer did not find is absent; what nobody looked for is unknown. The two must not be mixed up.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from rapidfuzz import fuzz

from muybridge.language.phrases import rounding_of
from muybridge.language.question import Subject, Window, stem
from muybridge.values import Segment, Timeline

__all__ = ["DOUBTFUL_SCORE", "Evidence", "merged"]

DOUBTFUL_SCORE = 0.85
"""Text that was read with less is told as doubtful."""
DOUBTFUL_LETTER_SCORE = 0.97
"""A letter on its own is often a line or a leg that looks like one."""
DOUBTFUL_ACTION_SCORE = 0.6
_TOUCH_SECONDS, _NEAR_SECONDS = 0.1, 0.05
_CHANGES = ("cut", "dissolve", "fade")
_SIMILAR = 82.0
_MIN_FUZZY_CHARACTERS = 5
_KINDS_OF_OBSERVER = {
    "scenes": ("shot", "keyframe", "motion"),
    "motion": ("camera", "object"),
    "text": ("text",),
    "actions": ("action",),
}
_CAMERA_VERBS = ("pans", "tilts", "zooms", "rolls", "shakes", "static")
_NOTHING = frozenset(("none of these", "none", "background", "nothing"))


class Evidence:
    """A timeline, arranged for questions.

    Args:
        timeline: of `muybridge.analyze`, or of any other source.

    >>> from muybridge.values import VideoMetadata
    >>> shots = (Segment(0, 2, "shot", "shot 1"), Segment(2, 5, "shot", "shot 2", None, {"transition": "cut"}))
    >>> evidence = Evidence(Timeline(VideoMetadata("cat.mp4", duration_seconds=5.0), shots))
    >>> [cut.start_seconds for cut in evidence.find(Subject("cut"))], evidence.looked_for("text")
    ([2.0], False)
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.metadata = timeline.metadata
        self.start_seconds = timeline.metadata.start_seconds
        self.end_seconds = self.start_seconds + timeline.duration_seconds
        self.of_kind: dict[str, list[Segment]] = {}
        for segment in timeline.segments:
            self.of_kind.setdefault(segment.kind, []).append(segment)

    def looked_for(self, kind: str) -> bool:
        """Whether somebody looked for segments of that kind."""
        if kind in ("cut", "dissolve", "fade", "transition"):
            kind = "shot"
        return kind in self._kinds

    @cached_property
    def _kinds(self) -> frozenset[str]:
        kinds = set(self.of_kind)
        for observer, found in _KINDS_OF_OBSERVER.items():
            # Whoever reports shots without gaps, or the camera, also reports what stands out in them.
            told = observer in self.timeline.observers
            if told or (not self.timeline.observers and found[0] in self.of_kind):
                kinds.update(found)
        return frozenset(kinds)

    @cached_property
    def actions(self) -> list[Segment]:
        """What people do, without what the model calls none of its actions."""
        return [
            segment for segment in self.of_kind.get("action", ()) if segment.label.casefold() not in _NOTHING
        ]

    def action_labels(self, words: Iterable[str]) -> set[str]:
        """The labels of found actions that words name, by their stems; the nearest ones.

        >>> from muybridge.values import VideoMetadata
        >>> found = Timeline(VideoMetadata("a.mp4"), (Segment(0, 2, "action", "jog in place"),))
        >>> Evidence(found).action_labels(["jogging"]), Evidence(found).action_labels(["dog"])
        ({'jog in place'}, set())
        """
        wanted = {stem(part) for word in words for part in re.findall(r"\w+", word)}
        if not wanted:
            return set()
        stems = {label: _stems(label) for label in {segment.label for segment in self.actions}}
        exact = {label for label, parts in stems.items() if parts == wanted}
        return exact or {label for label, parts in stems.items() if wanted <= parts}

    def find(self, subject: Subject, words: Sequence[str] = ()) -> list[Segment]:
        """The segments of a subject, in order of time.

        Args:
            subject: what is looked for.
            words: the name of an action, where the subject is one.
        """
        kind, details = subject.kind, subject.details
        if kind == "action":
            labels = self.action_labels(words) if words else None
            return [segment for segment in self.actions if labels is None or segment.label in labels]
        if kind == "camera":
            return [
                segment for segment in self.of_kind.get("camera", ()) if _camera_fits(segment.label, details)
            ]
        if kind == "object":
            own = [
                segment for segment in self.of_kind.get("object", ()) if _object_fits(segment.label, details)
            ]
            verbs = [word for word in details if word in ("falls", "runs", "waves")]
            labels = self.action_labels(verbs) if verbs else set()
            known = [segment for segment in self.actions if segment.label in labels]
            return known or own
        if kind == "text":
            return self._texts(subject.phrase)
        if kind in ("cut", "dissolve", "fade", "transition"):
            return self._transitions(kind)
        return list(self.of_kind.get(kind, ()))

    def events(self) -> list[Segment]:
        """All that happens: actions, movements, the camera's motion, words, cuts, in order of time."""
        found = [*self.actions, *self.of_kind.get("object", ()), *self.of_kind.get("motion", ())]
        found += [
            segment for segment in self.of_kind.get("camera", ()) if _camera_fits(segment.label, ("moves",))
        ]
        found += [segment for segment in self.of_kind.get("text", ()) if is_sure(segment)]
        found += self._transitions("transition")
        return sorted(found, key=lambda segment: (segment.start_seconds, segment.end_seconds))

    def within(
        self, segments: Iterable[Segment], window: Window | None, *, starting: bool = False
    ) -> list[Segment]:
        """The segments that are so within a window.

        Args:
            segments: in order of time.
            window: None for all of the video.
            starting: whether they must begin in it.
        """
        if window is None:
            return list(segments)
        spans = self.spans(window)
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        near = max(window.slack_seconds, _NEAR_SECONDS)
        found = []
        for segment in segments:
            # Spans are in order and apart: those that end before it cannot hold it, nor those that begin after it.
            first = bisect_left(ends, segment.start_seconds - near)
            after = bisect_right(starts, segment.end_seconds + near)
            if any(_fits(segment, *span, window, starting) for span in spans[first:after]):
                found.append(segment)
        return found

    def clipped(self, segments: Iterable[Segment], window: Window | None) -> list[Segment]:
        """What of segments lies within a window; all of them where it is a single moment."""
        spans = [] if window is None else self.spans(window)
        if all(start == end for start, end in spans):
            return list(segments)
        return [
            replace(one, start_seconds=max(one.start_seconds, start), end_seconds=min(one.end_seconds, end))
            for one in segments
            for start, end in spans
            if one.start_seconds < end and one.end_seconds > start
        ]

    def spans(self, window: Window) -> list[tuple[float, float]]:
        """From when to when a window is, in seconds of the source: its parts, in order."""
        if window.how == "first":
            return [(self.start_seconds, self.start_seconds + window.end_seconds)]
        if window.how == "last":
            return [(max(self.start_seconds, self.end_seconds - window.end_seconds), self.end_seconds)]
        spans = window.spans or ((window.start_seconds, window.end_seconds),)
        return [(max(start, self.start_seconds), min(end, self.end_seconds)) for start, end in spans]

    def _texts(self, phrase: str) -> list[Segment]:
        found = self.of_kind.get("text", [])
        if not phrase:
            return list(found)
        wanted = plain(phrase)
        labels = {segment.label: plain(segment.label) for segment in found}
        fits = {label for label, read in labels.items() if has_words(read, wanted)}
        # What was misread is asked for only where nothing was read as it stands.
        fits = fits or {label for label, read in labels.items() if says(read, wanted)}
        return [segment for segment in found if segment.label in fits]

    def _transitions(self, kind: str) -> list[Segment]:
        points = []
        for shot in self.of_kind.get("shot", ()):
            how = shot.attributes.get(
                "transition", "cut" if shot.start_seconds > self.start_seconds else "start"
            )
            if how == "start" or (kind != "transition" and how != kind):
                continue
            start = float(shot.attributes.get("transition_start_seconds", shot.start_seconds))
            end = float(shot.attributes.get("transition_end_seconds", start))
            points.append(Segment(start, max(start, end), "shot", str(how), shot.score))
        return points


def _fits(segment: Segment, start: float, end: float, window: Window, starting: bool) -> bool:
    """Whether a segment is so within one of the spans of a window, or begins there."""
    if starting:
        return _starts_in(segment, start, end)
    return _is_at(segment, start, window) if start == end else _is_in(segment, start, end)


def _starts_in(segment: Segment, start: float, end: float) -> bool:
    return start - 0.05 <= segment.start_seconds < max(end, start + 0.05)


def _is_at(segment: Segment, at: float, window: Window) -> bool:
    """Whether a segment is there at a moment, which is known as finely as it was named.

    A change is at the second that it is near to. What lasts is there from when it is told to begin, which is rounded.
    """
    start, end, slack = segment.start_seconds, segment.end_seconds, window.slack_seconds
    if start == end or (segment.kind == "shot" and segment.label in _CHANGES):
        near = max(slack, _NEAR_SECONDS)
        return start - near < at <= end + near
    early, late = (slack, slack) if window.how == "around" else (rounding_of(at), 0.0)
    return start < at + early and at < max(end, start + _NEAR_SECONDS) + late


def _is_in(segment: Segment, start: float, end: float) -> bool:
    # What only reaches a moment into the window belongs to what stands beside it.
    least = min(_TOUCH_SECONDS, 0.5 * (end - start))
    shared = min(segment.end_seconds, end) - max(segment.start_seconds, start)
    return (
        segment.start_seconds < end
        and (segment.end_seconds > start or segment.start_seconds == start)
        and shared >= min(least, 0.5 * segment.duration_seconds)
    )


def plain(text: str) -> str:
    """Letters and digits alone, in small letters: how text is compared.

    >>> plain("Fire-Exit 2!")
    'fire exit 2'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(char if char.isalnum() else " " for char in folded).split())


def has_words(label: str, wanted: str) -> bool:
    """Whether text has these very words; both of `plain`.

    >>> has_words("no fire exit here", "fire exit"), has_words("taxis", "tax")
    (True, False)
    """
    return bool(wanted) and (f" {wanted} " in f" {label} " or (not wanted.isascii() and wanted in label))


def says(label: str, wanted: str) -> bool:
    """Whether text says certain words; a letter may be read wrongly in longer ones.

    Args:
        label: what was read, of `plain`.
        wanted: what is looked for, of `plain`.

    >>> says("no fire exit here", "fire exit"), says("taxis", "tax"), says("assernbly point", "assembly")
    (True, False, True)
    """
    if has_words(label, wanted):
        return True
    if len(wanted) < _MIN_FUZZY_CHARACTERS:
        return False
    num_words, words = len(wanted.split()), label.split()
    parts = (" ".join(words[at : at + num_words]) for at in range(len(words) - num_words + 1))
    # One wrong digit is another number; one wrong letter is a misreading.
    return any(_digits(part) == _digits(wanted) and fuzz.ratio(wanted, part) >= _SIMILAR for part in parts)


def is_sure(segment: Segment) -> bool:
    """Whether text was read, or an action recognized, with enough confidence to say it."""
    if segment.kind == "text":
        floor = DOUBTFUL_SCORE if len(segment.label.strip()) > 1 else DOUBTFUL_LETTER_SCORE
        return segment.score is None or segment.score >= floor
    if segment.kind == "action":
        return segment.score is None or segment.score >= DOUBTFUL_ACTION_SCORE
    return True


def is_something(action: Segment) -> bool:
    """Whether an action is one, and not the model's word for none of its actions."""
    return action.label.casefold() not in _NOTHING


def merged(segments: Iterable[Segment], *, gap_seconds: float = 0.1) -> list[Segment]:
    """Neighbors that touch each other as one: the stretches in which any of them is so.

    Args:
        segments: in order of time.
        gap_seconds: pauses up to this long do not part them.

    >>> [(one.start_seconds, one.end_seconds) for one in merged([Segment(0, 1), Segment(1, 2), Segment(4, 5)])]
    [(0.0, 2.0), (4.0, 5.0)]
    """
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last is not None and segment.start_seconds <= last.end_seconds + gap_seconds:
            end = max(last.end_seconds, segment.end_seconds)
            joined[-1] = Segment(last.start_seconds, end, last.kind, last.label, last.score)
        else:
            joined.append(segment)
    return joined


def _camera_fits(label: str, details: Sequence[str]) -> bool:
    words = label.removeprefix("camera ")
    if not details:
        return True
    parts = [part.split() for part in words.split(", ")]
    moving = words not in ("static", "unknown")
    verbs = [word for word in details if word in _CAMERA_VERBS]
    directions = [word for word in details if word not in _CAMERA_VERBS and word != "moves"]
    if "static" in verbs:
        return words == "static"
    if not verbs:
        return moving and all(any(word in part for part in parts) for word in directions)
    return moving and all(
        any(part[0] == verb and set(directions) <= set(part) for part in parts) for verb in verbs
    )


def _object_fits(label: str, details: Sequence[str]) -> bool:
    words = label.split()
    # Who falls goes down; no label says it twice.
    implied = ("moves", "down") if "falls" in details else ("moves",)
    return all(word in words for word in details if word not in implied)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _stems(label: str) -> set[str]:
    return {
        stem(word)
        for word in re.findall(r"\w+", label.casefold())
        if word not in ("in", "on", "to", "and", "a")
    }
