"""What is written, what the camera does, what moves where, what happens: answers that are words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from muybridge.language.caption import caption_timeline
from muybridge.language.evidence import Evidence, is_sure, merged
from muybridge.language.grammar import PATTERNS
from muybridge.language.phrases import clause, counted, join_and, moment, quoted, sentence, span, stretch
from muybridge.language.question import Subject
from muybridge.language.scope import MAX_EVIDENCE, Scope, absent, cannot_tell, known, picked, surely
from muybridge.values import Answer, Segment

__all__ = [
    "camera_answer",
    "direction_answer",
    "happenings_answer",
    "metadata_answer",
    "shot_answer",
    "written_answer",
]

_DATE = re.compile(r"\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")
MAX_TOLD = 6


def written_answer(scope: Scope) -> Answer:
    """The words on the screen, in the order in which they appear."""
    question, evidence = scope.question, scope.evidence
    texts = list(scope.segments)
    if scope.subject.kind == "date":
        texts = evidence.within(evidence.find(Subject("text")), scope.window)
        texts = [one for one in texts if _DATE.search(one.label)]
    sure = [one for one in texts if is_sure(one)]
    if not texts and scope.subject.phrase:
        return absent(scope)
    if not texts:
        what = "date" if scope.subject.kind == "date" else "text"
        then = " then" if scope.window is not None else ""
        return Answer(f"The video does not show any {what} that could be read{then}.", known=False)
    if not sure:
        read = join_and(quoted(one.label) for one in texts[:MAX_TOLD])
        return Answer(
            f"Something may be written, but it could not be read for sure: {read}.", tuple(texts), False
        )
    if scope.subject.kind == "date":
        dates = list(dict.fromkeys(found[0] for one in sure if (found := _DATE.search(one.label))))
        return known(f"The date on the screen is {join_and(map(quoted, dates))}.", sure)
    if question.ordinal is not None or question.relation in ("before", "after"):
        at = (
            question.ordinal if question.ordinal is not None else (-1 if question.relation == "before" else 1)
        )
        pool = sorted(sure, key=lambda one: one.start_seconds)
        at = len(pool) - 1 if at < 0 else at - 1
        if not 0 <= at < len(pool):
            return absent(scope)
        same = [one for one in pool if abs(one.start_seconds - pool[at].start_seconds) < 0.05]
        verb = "is" if len(same) == 1 else "are"
        return known(sentence(f"{_listed(same)} {verb} on the screen, {span(same[0])}"), same)
    return known(sentence(f"{_listed(sure)} {'is' if len(sure) == 1 else 'are'} written"), sure)


def _listed(texts: Sequence[Segment]) -> str:
    labels = list(dict.fromkeys(one.label for one in texts))
    told = [quoted(label) for label in labels[:MAX_TOLD]]
    left = len(labels) - len(told)
    return join_and([*told, f"{left} more"] if left else told)


def camera_answer(scope: Scope) -> Answer:
    """What the camera does, one stretch after the other."""
    evidence = scope.evidence
    # "How does it move?" is also answered by its standing still.
    asked = scope.subject.details not in ((), ("moves",))
    found = list(scope.segments) if asked else evidence.within(evidence.find(Subject("camera")), scope.window)
    found = [one for one in found if one.label != "camera unknown"]
    if scope.question.ordinal is not None:
        moving = [one for one in found if asked or one.label != "camera static"]
        found = picked(moving, scope.question.ordinal)
    if not found:
        return absent(scope) if asked else cannot_tell("the camera’s motion cannot be seen")
    told = [f"{clause(one)} {span(one)}" for one in found[:MAX_TOLD]]
    if len(found) == 1:
        return known(
            sentence(clause(found[0]) + ("" if scope.window is not None else f" {span(found[0])}")), found
        )
    more = f", and so on until {moment(found[-1].end_seconds)}" if len(found) > MAX_TOLD else ""
    return known(sentence(", then ".join(told) + more), found)


def direction_answer(scope: Scope) -> Answer:
    """Where to something moves."""
    if scope.subject.kind not in ("camera", "object"):
        return cannot_tell("the question does not say what moves")
    found = list(scope.segments)
    if scope.subject.kind == "camera":
        moving = [
            one for one in found if re.search(r"\b(?:left|right|up|down|in|out|\w*clockwise)\b", one.label)
        ]
        if not moving:
            return camera_answer(scope) if found else absent(scope)
        return camera_answer(Scope(scope.evidence, scope.question, tuple(moving), scope.window))
    found = [one for one in found if re.search(r"\b(?:left|right|up|down)\b", one.label)]
    if not found:
        return Answer("No movement in a clear direction was seen there.", known=False)
    if scope.question.ordinal is not None:
        return _listing(scope, found)
    labels = sorted({one.label for one in found}, key=lambda label: -_seconds(found, label))
    told = [f"{label} {stretch(_of_label(found, label), most=2)}" for label in labels[:MAX_TOLD]]
    return known(sentence(join_and(told)), found)


def happenings_answer(scope: Scope) -> Answer:
    """What happens, what somebody does, what comes first, next, last."""
    question, evidence, kind = scope.question, scope.evidence, scope.subject.kind
    text = question.text.casefold()
    if kind in ("shot", "cut", "dissolve", "fade", "transition"):
        return _how_it_begins(scope)
    if kind in ("keyframe", "motion", "frames"):
        return cannot_tell("it has a time, but no content in words")
    if re.search(PATTERNS["who"], text):
        return _of_whom(scope)
    if question.actors and not _asks_what_is_done(scope):
        return cannot_tell("only what somebody does was looked for")
    is_next = re.search(r"\bnext\b", text) is not None
    if is_next and not question.relation and question.window is None:
        return cannot_tell("“next” after what is not said")
    if kind == "object" or scope.words:
        return _movements(scope)
    if kind == "action" or question.actors:
        return _doings(scope)
    if question.subject is None:
        return cannot_tell("the question names nothing that was measured")
    events = evidence.within(evidence.events(), scope.window, starting=question.relation == "after")
    events = [one for one in events if not _same(one, scope.anchors)]
    if not events:
        return Answer("Nothing that was looked for happens there.", known=False)
    if question.ordinal is not None or question.relation in ("before", "after") or is_next:
        at = -1 if question.relation == "before" else 1
        ordered = sorted(events, key=lambda event: event.start_seconds)
        chosen = picked(ordered, at if question.ordinal is None else question.ordinal)
        if not chosen:
            return _too_few(events)
        one = chosen[0]
        same = [event for event in events if abs(event.start_seconds - one.start_seconds) < 0.05]
        return known(sentence(f"{join_and(clause(_named(event)) for event in same)} {span(one)}"), same)
    return _listing(scope, events)


def _asks_what_is_done(scope: Scope) -> bool:
    """Whether a question about somebody asks what they do: not what they have, take or see, nor how they are."""
    kind = scope.subject.kind
    if (kind == "action" and not scope.words) or (kind == "object" and scope.question.intent == "how"):
        return True
    return re.search(PATTERNS["doing"], scope.question.text.casefold()) is not None


@surely
def _movements(scope: Scope) -> Answer:
    """What moves, and how; when an action that is named is done."""
    return _listing(scope, merged_by_label(scope.segments))


@surely
def _of_whom(scope: Scope) -> Answer:
    """Who does something: what was seen of it, and that nobody knows by whom."""
    if scope.question.subject is None or scope.subject.kind == "happens":
        return cannot_tell("who is to be seen was not measured")
    told = _movements(scope)
    if not told.known:
        return told
    return Answer(f"{told.text.removesuffix('.')}; who it is was not measured.", told.evidence, known=False)


def _doings(scope: Scope) -> Answer:
    """What people do."""
    evidence = scope.evidence
    actions = [one for one in evidence.within(evidence.actions, scope.window) if is_sure(one)]
    if actions:
        return _listing(scope, merged_by_label(actions))
    gestures = [
        one for word in ("waves", "falls", "runs") for one in evidence.find(Subject("object", (word,)))
    ]
    gestures = evidence.within(gestures, scope.window)
    if gestures:
        return _listing(scope, sorted(gestures, key=lambda one: one.start_seconds))
    if not evidence.looked_for("action"):
        return cannot_tell("nobody looked for what people do")
    return Answer("No action was recognized there.", known=False)


def _listing(scope: Scope, found: Sequence[Segment]) -> Answer:
    """All of what was found, or the one of it that an ordinal picks."""
    if not found:
        return absent(scope)
    chosen = picked(found, scope.question.ordinal)
    if not chosen:
        return _too_few(found)
    told = [f"{clause(_named(one))} {span(one)}" for one in chosen[:MAX_TOLD]]
    left = len(chosen) - len(told)
    return known(sentence(join_and([*told, f"{left} more things happen"] if left else told)), chosen)


def _too_few(found: Sequence[Segment]) -> Answer:
    verb = "was" if len(found) == 1 else "were"
    told = f"Only {counted(len(found), 'thing')} {verb} seen to happen there."
    return Answer(told, tuple(found[:MAX_EVIDENCE]), known=False)


def _how_it_begins(scope: Scope) -> Answer:
    chosen = scope.chosen
    if not chosen:
        return absent(scope)
    told = []
    for one in chosen[:MAX_TOLD]:
        if scope.subject.kind != "shot":
            told.append(f"there is a {one.label} {span(one)}")
            continue
        how = str(one.attributes.get("transition", one.label or "cut"))
        begins = "with the video" if how == "start" else f"with a {how}"
        told.append(f"{one.label or 'it'} begins {begins} at {moment(one.start_seconds)}")
    return known(sentence(join_and(told)), chosen)


def shot_answer(scope: Scope) -> Answer:
    """What is said of one shot, or of each."""
    captions = caption_timeline(scope.evidence.timeline)
    shots = scope.chosen
    told = [
        one
        for one in captions[1:] or captions
        if any(shot.start_seconds <= one.start_seconds < shot.end_seconds for shot in shots)
    ]
    return known(" ".join(one.label for one in told), shots) if told else absent(scope)


def metadata_answer(scope: Scope) -> Answer:
    """What the container says."""
    asks_yes_no = scope.question.intent == "yes_no"
    if len(scope.subject.details) > 1 and not asks_yes_no:
        each = [replace(scope.subject, details=(what,)) for what in scope.subject.details]
        answers = [
            metadata_answer(replace(scope, question=replace(scope.question, subject=one))) for one in each
        ]
        return Answer(" ".join(one.text for one in answers), known=all(one.known for one in answers))
    metadata, what = scope.evidence.metadata, scope.subject.details[0]
    if what == "damage":
        warnings = list(scope.evidence.timeline.warnings)
        if not warnings:
            return known("No damage was met.", []) if not asks_yes_no else known("No, no damage was met.", [])
        return known(f"Yes: the video {'; it '.join(warnings)}.", [])
    facts = {
        "size": f"The picture is {metadata.width} × {metadata.height} pixels." if metadata.width else "",
        "codec": f"The codec is {metadata.codec}." if metadata.codec else "",
        "container": f"The container is {metadata.container}." if metadata.container else "",
        "frame_rate": _frame_rate(scope.evidence),
        "rotation": (
            f"The stored picture is turned by {metadata.rotation_degrees} degrees."
            if metadata.rotation_degrees
            else "The stored picture is not turned."
        ),
    }
    if asks_yes_no and what != "rotation":
        return cannot_tell(f"that is no yes or no; {facts[what] or 'nothing is known of it'}".rstrip("."))
    return known(facts[what], []) if facts[what] else cannot_tell("the file does not say")


def _frame_rate(evidence: Evidence) -> str:
    metadata = evidence.metadata
    if not metadata.frames_per_second:
        return ""
    kind = ", and it varies" if metadata.frame_rate_kind == "variable" else ""
    return f"The video has {metadata.frames_per_second:.4g} frames per second{kind}."


def merged_by_label(segments: Iterable[Segment]) -> list[Segment]:
    """Stretches of one label each, in order of time."""
    labels: dict[str, list[Segment]] = {}
    for one in segments:
        labels.setdefault(one.label, []).append(one)
    joined = [stretch for same in labels.values() for stretch in merged(same)]
    return sorted(joined, key=lambda one: (one.start_seconds, one.end_seconds))


def _named(event: Segment) -> Segment:
    """A transition between shots as something that happens."""
    if event.kind == "shot" and event.label in ("cut", "dissolve", "fade"):
        return Segment(event.start_seconds, event.end_seconds, "motion", f"a {event.label}")
    return event


def _same(event: Segment, anchors: Iterable[Segment]) -> bool:
    key = (event.start_seconds, event.end_seconds, event.label)
    return any(key == (one.start_seconds, one.end_seconds, one.label) for one in anchors)


def _seconds(found: Iterable[Segment], label: str) -> float:
    return sum(one.duration_seconds for one in found if one.label == label)


def _of_label(found: Iterable[Segment], label: str) -> list[Segment]:
    return [one for one in found if one.label == label]
