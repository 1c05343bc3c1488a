"""When, how long, how often, how many: answers that are numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from muybridge.language.evidence import merged
from muybridge.language.grammar import PATTERNS
from muybridge.language.phrases import (
    clause,
    counted,
    join_and,
    moment,
    quoted,
    sentence,
    span,
    stretch,
    times,
)
from muybridge.language.scope import Scope, absent, cannot_tell, claim, known, surely
from muybridge.values import Answer, Segment

__all__ = ["count_answer", "how_long_answer", "how_often_answer", "when_answer"]

_ORDINALS = {1: "first", 2: "second", 3: "third", -1: "last"}
_POINTS = ("cut", "keyframe")
_NOUNS = {
    "text": ("line of text", "lines of text"),
    "action": ("action", ""),
    "motion": ("outburst of movement", ""),
    "camera": ("such movement of the camera", "such movements of the camera"),
    "object": ("such movement", ""),
}


def ordinal_word(number: int) -> str:
    """An ordinal as a word.

    >>> ordinal_word(2), ordinal_word(-1), ordinal_word(11)
    ('second', 'last', '11th')
    """
    return _ORDINALS.get(number, f"{number}th")


@surely
def when_answer(scope: Scope) -> Answer:
    """From when, until when, at which moment."""
    question, kind = scope.question, scope.subject.kind
    if question.subject is None or kind in ("happens", "metadata", "date", "frames"):
        return cannot_tell("the question does not say of what")
    if not scope.segments:
        return absent(scope)
    if kind == "motion":
        if question.ordinal not in (None, 1):
            return cannot_tell("only the strongest movement is known")
        strongest = max(scope.segments, key=lambda one: float(one.attributes.get("peak", 0.0)))
        return known(sentence(f"the movement is strongest {span(strongest)}"), [strongest])
    joined = (
        merged(scope.segments) if kind in ("camera", "object", "text", "action") else list(scope.segments)
    )
    if question.ordinal is not None:
        return _when_one(scope, joined)
    if question.at_end:
        ends = join_and(moment(one.end_seconds) for one in joined[:4])
        return known(sentence(f"{_so(scope, joined)} until {ends}"), scope.segments)
    if kind in _POINTS:
        return known(sentence(f"{_so(scope, joined)} {stretch(joined)}"), joined)
    return known(sentence(f"{_so(scope, joined)} {stretch(joined)}"), scope.segments)


def _when_one(scope: Scope, joined: Sequence[Segment]) -> Answer:
    kind, number = scope.subject.kind, scope.question.ordinal
    assert number is not None
    # Shots and cuts are counted one by one, whatever touches.
    pool = scope.segments if kind in ("shot", *_POINTS, "text") else joined
    at = len(pool) - 1 if number < 0 else number - 1
    if not 0 <= at < len(pool):
        return Answer(
            f"There {_is(len(pool))} only {counted(len(pool), *_noun(kind))}.", tuple(pool), known=False
        )
    one = pool[at]
    name = f"the {ordinal_word(number)} {_noun(kind)[0]}"
    if kind in ("cut", "keyframe"):
        return known(sentence(f"{name} is at {moment(one.start_seconds)}"), [one])
    if scope.question.at_end:
        return known(sentence(f"{name} ends at {moment(one.end_seconds)}"), [one])
    if kind in ("shot", "dissolve", "fade", "transition", "text"):
        shown = f", {quoted(one.label)}," if kind == "text" else ""
        return known(sentence(f"{name}{shown} is {span(one)}"), [one])
    return known(sentence(f"{clause(one)} for the {ordinal_word(number)} time {span(one)}"), [one])


@surely
def how_long_answer(scope: Scope) -> Answer:
    """How long something lasts; the video itself where nothing is named."""
    evidence, kind = scope.evidence, scope.subject.kind
    if scope.question.subject is None or kind == "frames":
        if evidence.metadata.duration_seconds is None and not evidence.timeline.segments:
            return cannot_tell("the length of the video is not known")
        if not re.fullmatch(PATTERNS["length_of_video"], scope.question.text.casefold()):
            return cannot_tell("the question does not say of what")
        length = evidence.timeline.duration_seconds
        return known(f"The video is {moment(length)} long.", [])
    if kind in ("happens", "metadata", "date"):
        return cannot_tell("the question does not say of what")
    if kind in _POINTS:
        return cannot_tell(f"a {kind} is a moment, and has no length")
    chosen = scope.chosen
    if not chosen:
        return absent(scope)
    text = scope.question.text.casefold()
    if kind == "shot" and scope.question.relation in ("before", "after") and re.search(r"\bshot\b", text):
        chosen = chosen[-1:] if scope.question.relation == "before" else chosen[:1]
    if kind == "shot" and len(chosen) > 1 and re.search(r"\b(?:total|altogether|overall)\b", text):
        return known(f"{counted(len(chosen), kind)} last {moment(_total(chosen))} in total.", chosen)
    if kind in ("camera", "object", "text", "action"):
        chosen = scope.evidence.clipped(chosen, scope.window)
    if kind in ("shot", "dissolve", "fade", "transition") and len(chosen) > 1:
        mean = _total(chosen) / len(chosen)
        return known(f"{counted(len(chosen), kind)} last {moment(mean)} on average.", chosen)
    joined = merged(chosen) if kind != "shot" else chosen
    total = _total(joined)
    parts = (
        f", {stretch(joined)}" if len(joined) <= 4 else f", in {counted(len(joined), 'stretch', 'stretches')}"
    )
    if kind in ("shot", "dissolve", "fade", "transition", "cut"):
        name = (
            f"the {ordinal_word(scope.question.ordinal)} {kind}" if scope.question.ordinal else f"the {kind}"
        )
        return known(sentence(f"{name} lasts {moment(total)}{parts}"), chosen)
    return known(sentence(f"{_so(scope, joined)} for {moment(total)}{parts}"), chosen)


@surely
def how_often_answer(scope: Scope) -> Answer:
    """How many times something is so."""
    kind = scope.subject.kind
    if scope.question.subject is None or kind in ("happens", "metadata", "date", "frames"):
        return cannot_tell("the question does not say of what")
    if kind == "action" or scope.subject.details[:1] == ("waves",):
        if not scope.segments:
            return absent(scope)
        joined = merged(scope.segments)
        seen = f"{clause(joined[0])} in {counted(len(joined), 'stretch', 'stretches')}, {stretch(joined)}"
        return Answer(
            sentence(f"{seen}; how often within it was not counted"), tuple(scope.segments), known=False
        )
    joined = merged(scope.segments) if kind in ("camera", "object") else list(scope.segments)
    if not joined:
        return known(f"Never: the video does not show that {claim(scope.subject)}.", [])
    return known(sentence(f"{_so(scope, joined)} {times(len(joined))}: {stretch(joined)}"), scope.segments)


@surely
def count_answer(scope: Scope) -> Answer:
    """How many there are of something."""
    kind, metadata = scope.subject.kind, scope.evidence.metadata
    if kind == "frames" and scope.window is not None:
        return cannot_tell("frames are counted for the whole video alone")
    if kind == "frames":
        if metadata.num_frames is None:
            return cannot_tell("the number of frames is not known without decoding them all")
        return known(f"The video has {counted(metadata.num_frames, 'frame')}.", [])
    if scope.question.subject is None or kind in ("happens", "camera", "object", "date", "metadata"):
        if kind in ("camera", "object") and not scope.question.actors and scope.subject.details != ("moves",):
            return how_often_answer(scope)
        return cannot_tell("what is to be counted was not searched for")
    found = list(scope.segments)
    if kind == "action" and scope.words:
        return cannot_tell("how often it is done, and by how many people, was not counted")
    if kind == "action":
        names = sorted({one.label for one in found})
        return known(f"{counted(len(names), 'action')}: {join_and(map(quoted, names)) or 'none'}.", found)
    if kind == "text":
        found = lines_of(found)
    if scope.subject.phrase and not found:
        return absent(scope)
    where = "" if scope.window is None else " there"
    told = f": {stretch(found)}" if found and kind != "shot" else ""
    text = f"The video shows {counted(len(found), *_noun(kind))}{where}{told}."
    return known(text, found or scope.evidence.find(scope.subject))


def lines_of(texts: Iterable[Segment]) -> list[Segment]:
    """Texts, each line of them once however often it is shown.

    >>> [one.start_seconds for one in lines_of([Segment(0, 1, "text", "GO"), Segment(2, 3, "text", "GO")])]
    [2.0]
    """
    return list({one.label: one for one in texts}.values())


def _so(scope: Scope, joined: Sequence[Segment]) -> str:
    """What is so, as the subject says it, or as the segments do where it leaves that open."""
    subject = scope.subject
    if subject.kind == "text":
        labels = list(dict.fromkeys(one.label for one in scope.segments))
        if subject.phrase and len(labels) == 1:
            return f"{quoted(labels[0])} is on the screen"
        return f"{quoted(subject.phrase)} is on the screen" if subject.phrase else "text is on the screen"
    if subject.kind in ("object", "camera") and subject.details:
        return claim(subject)
    if subject.kind == "camera":
        return "the camera is seen"
    if subject.kind in ("shot", "cut", "dissolve", "fade", "transition", "keyframe"):
        return (
            f"there is a {subject.kind}"
            if len(joined) == 1
            else f"there are {counted(len(joined), subject.kind)}"
        )
    return clause(joined[0])


def _total(segments: Sequence[Segment]) -> float:
    return sum(one.duration_seconds for one in segments)


def _noun(kind: str) -> tuple[str, str]:
    return _NOUNS.get(kind, (kind, ""))


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
