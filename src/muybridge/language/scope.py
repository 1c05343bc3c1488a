"""The segments that a question is about, within the time that it means; and how not knowing is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Self, TypeVar

from muybridge.language.evidence import Evidence, is_sure, merged
from muybridge.language.phrases import clause, join_and, moment, quoted, sentence, span
from muybridge.language.question import Question, Subject, Window
from muybridge.values import Answer, Segment

__all__ = ["MAX_EVIDENCE", "Scope", "absent", "cannot_tell", "claim", "known", "surely"]

T = TypeVar("T")
MAX_EVIDENCE = 100
"""The most segments that an answer carries along."""
_MAX_DOUBTFUL = 3
_NOUNS = {
    "action": "what people do",
    "camera": "the camera’s motion",
    "keyframe": "keyframes",
    "motion": "movement",
    "object": "moving things",
    "shot": "shots",
    "text": "text on the screen",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A question with its evidence, cut to the time that it means.

    Args:
        evidence: of the timeline.
        question: as parsed.
        segments: of the subject, within the window, in order of time.
        window: None for all of the video.
        words: the name of the action that is meant.
        reason: why it cannot be answered; empty where it can.
        anchors: the segments to which "before" and "after" refer.
    """

    evidence: Evidence
    question: Question
    segments: tuple[Segment, ...] = ()
    window: Window | None = None
    words: tuple[str, ...] = ()
    reason: str = ""
    anchors: tuple[Segment, ...] = ()

    @classmethod
    def of(cls, evidence: Evidence, question: Question, words: Sequence[str]) -> Self:
        """Look up what a question is about."""
        # "Before or after the fifth second" names a moment to compare with; what is asked for may lie anywhere.
        subject, window = question.subject, question.window if question.intent != "compare" else None
        if subject is not None and (missing := missing_kind(evidence, subject)):
            return cls(evidence, question, reason=f"nobody looked for {_NOUNS.get(missing, missing)}")
        # An end may be asked for a moment too late.
        if window is not None and not question.at_end and (reason := _outside(evidence, window)):
            return cls(evidence, question, reason=reason)
        anchors: list[Segment] = []
        if question.relation:
            if question.anchor is None:
                return cls(evidence, question, reason=f"“{question.relation}” what is not said")
            if missing := missing_kind(evidence, question.anchor):
                return cls(evidence, question, reason=f"nobody looked for {_NOUNS.get(missing, missing)}")
            anchors, reason = anchors_of(evidence, question.anchor, question.anchor_ordinal)
            if reason:
                return cls(evidence, question, reason=reason)
            window = _window_of(question, anchors)
        found = [] if subject is None else evidence.find(subject, words)
        within = evidence.within(found, window, starting=_starts(question, anchors))
        return cls(evidence, question, tuple(within), window, tuple(words), "", tuple(anchors[:1]))

    @property
    def subject(self) -> Subject:
        """What the question is about; of kind `"happens"` where no word says so."""
        return self.question.subject or Subject("happens")

    @property
    def chosen(self) -> list[Segment]:
        """The one that an ordinal picks, or all."""
        return picked(self.segments, self.question.ordinal)


def missing_kind(evidence: Evidence, subject: Subject) -> str:
    """The kind of evidence that a subject needs and nobody looked for; empty where all is there."""
    kind = {"cut": "shot", "dissolve": "shot", "fade": "shot", "transition": "shot", "date": "text"}.get(
        subject.kind, subject.kind
    )
    return kind if kind in _NOUNS and not evidence.looked_for(kind) else ""


def picked(segments: Sequence[T], ordinal: int | None) -> list[T]:
    """The first, second, … or last (−1) of segments; all where there is no ordinal."""
    if ordinal is None:
        return list(segments)
    at = len(segments) - 1 if ordinal < 0 else ordinal - 1
    return [segments[at]] if 0 <= at < len(segments) else []


def anchors_of(evidence: Evidence, anchor: Subject, ordinal: int | None) -> tuple[list[Segment], str]:
    """(the segments to which "before" and "after" refer, why there are none)."""
    found = evidence.find(anchor)
    anchors = picked([one for one in found if is_sure(one)], ordinal)
    if anchors:
        return anchors, ""
    if picked(found, ordinal):
        return [], f"it was not seen for sure that {claim(anchor)}"
    return [], f"the video does not show that {claim(anchor)}"


def claim(subject: Subject, words: Sequence[str] = ()) -> str:
    """What a subject says is so, as a clause.

    >>> claim(Subject("camera", ("pans", "left"))), claim(Subject("text", (), "EXIT")), claim(Subject("cut"))
    ('the camera pans left', '“EXIT” is on the screen', 'there is a cut')
    """
    details = " ".join(subject.details)
    if subject.kind == "camera":
        if "static" in subject.details:
            return "the camera stands still"
        verbs = {"pans", "tilts", "zooms", "rolls", "shakes", "moves"} & set(subject.details)
        return f"the camera {details if verbs else f'moves {details}'.strip()}"
    if subject.kind == "object":
        return f"something {details}"
    if subject.kind == "text":
        return f"{quoted(subject.phrase)} is on the screen" if subject.phrase else "text is on the screen"
    if subject.kind == "action":
        return f"{quoted(' '.join(words))} is done" if words else "anybody does anything that was recognized"
    if subject.kind == "motion":
        return "any movement stands out"
    article = "an" if subject.kind[0] in "aeiou" else "a"
    return f"there is {article} {subject.kind}"


def known(text: str, evidence: Sequence[Segment]) -> Answer:
    """An answer that the evidence gives."""
    return Answer(text, tuple(evidence[:MAX_EVIDENCE]))


def absent(scope: Scope) -> Answer:
    """What was looked for is not there."""
    where = " then" if scope.window is not None else ""
    if scope.subject.phrase:
        return Answer(f"{quoted(scope.subject.phrase)} was not read on the screen{where}.", known=False)
    return Answer(f"The video does not show that {claim(scope.subject, scope.words)}{where}.", known=False)


def surely(answer: Callable[[Scope], Answer]) -> Callable[[Scope], Answer]:
    """Have a question answered from what was seen for sure; where nothing was, from the rest, as doubtful.

    Args:
        answer: what answers from all segments of a scope.
    """

    @wraps(answer)
    def from_the_sure(scope: Scope) -> Answer:
        sure = tuple(one for one in scope.segments if is_sure(one))
        if scope.segments and not sure:
            return doubtful(scope)
        return answer(replace(scope, segments=sure))

    return from_the_sure


def doubtful(scope: Scope) -> Answer:
    """What was seen, but not for sure."""
    told = [f"{clause(one)} {span(one)}" for one in scope.segments[:_MAX_DOUBTFUL]]
    left = len(scope.segments) - len(told)
    listed = join_and([*told, f"{left} more"] if left else told)
    return Answer(
        sentence(f"perhaps, but not for sure: {listed}"), scope.segments[:MAX_EVIDENCE], known=False
    )


def cannot_tell(reason: str) -> Answer:
    """Not knowing, and why."""
    return Answer(f"That cannot be told: {reason}.", known=False)


def either(parts: Sequence[str]) -> str:
    """Several possibilities."""
    return join_and(parts, "or")


def _outside(evidence: Evidence, window: Window) -> str:
    """Why nothing can be said of a time that the video does not have; empty where it has it."""
    start, end = evidence.start_seconds, evidence.end_seconds
    named = window.outside(start, end)
    return f"the video runs from {moment(start)} to {moment(end)}, and {named} lies outside" if named else ""


def _window_of(question: Question, anchors: Sequence[Segment]) -> Window:
    anchor, at_end = anchors[0], question.anchor_at_end
    if anchor.kind != "shot":  # shots touch each other, and are still told apart
        anchor = merged(anchors)[0]
    if question.relation == "before":
        return Window("before", end_seconds=anchor.end_seconds if at_end else anchor.start_seconds)
    if question.relation == "after":
        is_transition = anchor.kind == "shot" and anchor.label in ("cut", "dissolve", "fade")
        if is_transition and question.subject is not None and question.subject.kind == "shot":
            return Window("after", anchor.start_seconds)  # the new shot begins within it
        # What begins while the anchor is still there also comes after it: after its beginning.
        return Window(
            "after", anchor.end_seconds if is_transition or at_end else anchor.start_seconds + 0.051
        )
    if at_end:
        return Window("at", anchor.end_seconds, anchor.end_seconds)
    spans = tuple((one.start_seconds, one.end_seconds) for one in merged(anchors))
    return Window("during", spans[0][0], spans[-1][1], spans)


def _starts(question: Question, anchors: Sequence[Segment]) -> bool:
    """Whether what is asked for must begin in the window: events after an event, but not the camera's state."""
    kind = question.subject.kind if question.subject is not None else ""
    return bool(anchors) and question.relation == "after" and kind != "camera"
