"""Is it so, which of these, what comes first: answers that choose."""

from __future__ import annotations

import re
from collections.abc import Sequence

from muybridge.language.contents import MAX_TOLD, merged_by_label, written_answer
from muybridge.language.evidence import Evidence, has_words, is_sure, merged, plain
from muybridge.language.grammar import CERTAIN_ACTORS
from muybridge.language.measures import lines_of, ordinal_word
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
from muybridge.language.question import Option, Subject
from muybridge.language.scope import (
    MAX_EVIDENCE,
    Scope,
    absent,
    anchors_of,
    cannot_tell,
    claim,
    known,
    missing_kind,
    picked,
    surely,
)
from muybridge.values import Answer, Segment

__all__ = ["compare_answer", "extreme_answer", "options_answer", "yes_no_answer"]

_ALWAYS, _STILL_ENERGY = 0.9, 1e-3
_AT_SECONDS = 0.5  # so far from a second that is named, something is still said to be there
_STATES = ("camera", "object", "text", "action")
_COUNTED = ("shot", "cut", "dissolve", "fade", "transition", "keyframe")


def yes_no_answer(scope: Scope) -> Answer:
    """Whether something is so."""
    question, kind = scope.question, scope.subject.kind
    if question.subject is None:
        return cannot_tell("the question names nothing that was measured")
    if question.quantity is not None:
        return _quantity(scope)
    if question.at_end or (question.at_start and scope.window is not None):
        return _edge(scope)
    if question.ordinal is not None:
        return _one_then(scope)
    if kind == "camera":
        return _camera(scope)
    if kind == "text":
        return _text(scope)
    if kind == "object" and scope.subject.details == ("moves",):
        return _anything_moves(scope)
    if kind in ("date", "frames", "happens", "metadata"):
        return written_answer(scope) if kind == "date" else cannot_tell("that is not measured as a yes or no")
    sure = [one for one in scope.chosen if is_sure(one)]
    if sure and (doubt := _doubt_of_who(scope, sure)):
        seen = join_and(f"{clause(one)} {span(one)}" for one in merged(sure)[:MAX_TOLD])
        return Answer(sentence(f"{seen}; {doubt}"), tuple(sure), known=False)
    if sure:
        joined = merged(sure) if kind in ("object", "action") else sure
        told = clause(joined[0]) if kind == "action" else _there(kind, joined, scope.subject)
        where = "" if kind == "shot" and len(joined) > MAX_TOLD else f" {stretch(joined)}"
        return known(f"Yes, {told}{where}.", sure)
    if scope.segments:
        return Answer("Perhaps, but it was not recognized for sure.", scope.segments, known=False)
    if kind == "action":
        return cannot_tell("no such action was recognized")
    then = " then" if scope.window is not None else ""
    return known(f"No, the video does not show that {claim(scope.subject)}{then}.", [])


def _doubt_of_who(scope: Scope, found: Sequence[Segment]) -> str:
    """What was not measured of who does it; empty where nothing is claimed of them."""
    actors = scope.question.actors
    if actors and any(one.kind == "object" for one in found):
        return "whether it is a person was not measured"
    return "who it is was not measured" if CERTAIN_ACTORS & set(actors) else ""


def _edge(scope: Scope) -> Answer:
    """Whether something starts or ends then; without a time, whether it ends before the video does."""
    evidence, at_end = scope.evidence, scope.question.at_end
    if scope.subject.kind in ("date", "frames", "happens", "metadata", "motion"):
        return cannot_tell("that is not measured as a yes or no")
    every = evidence.find(scope.subject, scope.words)
    every = picked(every, scope.question.ordinal)
    if scope.subject.kind in ("camera", "object", "action"):
        every = merged(every)
    if not every or not all(is_sure(one) for one in every):
        return cannot_tell(f"it was not seen for sure that {claim(scope.subject, scope.words)}")
    spans, slack = [(evidence.start_seconds, evidence.end_seconds - _AT_SECONDS)], _AT_SECONDS
    if scope.window is not None:
        spans, slack = evidence.spans(scope.window), max(slack, scope.window.slack_seconds)
    near = [(start - slack, end + slack) if start == end else (start, end) for start, end in spans]
    moments = [(one, one.end_seconds if at_end else one.start_seconds) for one in every]
    fitting = [one for one, at in moments if any(start <= at <= end for start, end in near)]
    told = f"{_name_of(scope, fitting or every)} {stretch(fitting or every)}"
    return known(f"{'Yes' if fitting else 'No'}, {told}.", fitting or every)


def _one_then(scope: Scope) -> Answer:
    """Whether there is a first, a second, … of a kind, in the time that is meant."""
    kind = scope.subject.kind
    if kind not in _COUNTED:
        return cannot_tell("whether it is that one was not measured")
    every = scope.evidence.find(scope.subject)
    chosen = picked(every, scope.question.ordinal)
    if not chosen:
        verb = "is" if len(every) == 1 else "are"
        return known(f"No, there {verb} {'only ' if every else ''}{counted(len(every), kind)}.", every)
    word = "Yes" if scope.evidence.within(chosen, scope.window) else "No"
    return known(f"{word}, {_name_of(scope, chosen)} {span(chosen[0])}.", chosen)


def _name_of(scope: Scope, segments: Sequence[Segment]) -> str:
    kind, ordinal = scope.subject.kind, scope.question.ordinal
    if ordinal is not None and kind in _COUNTED:
        return f"the {ordinal_word(ordinal)} {kind} is"
    return _there(kind, segments, scope.subject)


def _there(kind: str, joined: Sequence[Segment], subject: Subject) -> str:
    if kind in _COUNTED:
        return f"there {'is' if len(joined) == 1 else 'are'} {counted(len(joined), kind)}"
    return claim(subject)


def _camera(scope: Scope) -> Answer:
    evidence, details = scope.evidence, scope.subject.details
    seen = evidence.within(evidence.find(Subject("camera")), scope.window)
    clear = [one for one in seen if one.label != "camera unknown"]

    def seconds(segments: Sequence[Segment]) -> float:
        return sum(one.duration_seconds for one in evidence.clipped(segments, scope.window))

    if not clear or seconds(clear) < 0.5 * seconds(seen):
        return cannot_tell("the camera’s motion cannot be seen")
    fitting = [one for one in scope.segments if one.label != "camera unknown"]
    share = seconds(fitting) / max(seconds(clear), 1e-9)
    says = claim(scope.subject)
    must_last = scope.question.whole or ("static" in details and not scope.question.ever)
    if fitting and (share >= _ALWAYS or not must_last):
        where = "" if len(fitting) == len(clear) else f" {stretch(merged(fitting))}"
        return known(f"Yes, {says}{where}.", fitting)
    others = [one for one in clear if one not in fitting]
    told = join_and(f"{clause(one)} {span(one)}" for one in others[:3]) if others else ""
    if fitting:
        return known(f"No, not all the time: {told}.", others)
    return known(f"No, {told}." if told else f"No, the video does not show that {says}.", others)


def _text(scope: Scope) -> Answer:
    phrase, evidence = scope.subject.phrase, scope.evidence
    sure = [one for one in scope.segments if is_sure(one)]
    if sure and phrase and not any(has_words(plain(one.label), plain(phrase)) for one in sure):
        read = join_and(quoted(one.label) for one in sure[:3])
        return Answer(f"Perhaps: {read} was read, which is similar.", tuple(sure), known=False)
    if sure:
        labels = list(dict.fromkeys(one.label for one in sure))
        told = join_and(map(quoted, labels[:MAX_TOLD]))
        verb = "is" if len(labels) == 1 else "are"
        return known(f"Yes, {told} {verb} on the screen {stretch(merged(sure))}.", sure)
    if scope.segments:
        read = join_and(quoted(one.label) for one in scope.segments[:3])
        return Answer(f"Perhaps: {read} was read, but not for sure.", scope.segments, known=False)
    elsewhere = evidence.find(scope.subject) if scope.window is not None else []
    if elsewhere:
        return known(f"No, {claim(scope.subject)} {stretch(merged(elsewhere))}.", elsewhere)
    if not phrase:
        return known("No, no text was read on the screen.", [])
    others = evidence.find(Subject("text"))
    if not others:
        return Answer(
            f"No text at all was read, so whether {quoted(phrase)} is there cannot be told.", (), False
        )
    return known(f"No, {quoted(phrase)} was not read on the screen; other words were.", others)


def _anything_moves(scope: Scope) -> Answer:
    evidence = scope.evidence
    found = list(scope.segments)
    if found:
        labels = list(dict.fromkeys(one.label for one in found))
        return known(f"Yes: {join_and(labels[:4])}.", found)
    energy = evidence.timeline.signal("motion energy")
    if energy is not None and len(energy) and scope.window is None:
        if float(energy.values.max()) < _STILL_ENERGY:
            return known("No, nothing changes in the picture.", [])
        return known(
            "Yes, something moves in the picture, but in no clear direction.",
            evidence.find(Subject("motion")),
        )
    return cannot_tell("no clear movement was seen there")


@surely
def _quantity(scope: Scope) -> Answer:
    assert scope.question.quantity is not None
    comparison, number = scope.question.quantity
    if scope.subject.kind not in (*_COUNTED, "text"):
        return cannot_tell("what is to be counted was not searched for")
    if scope.subject.phrase and not scope.segments:
        return absent(scope)
    is_text = scope.subject.kind == "text"
    # The same line may be shown several times.
    asks_times = is_text and re.search(r"\btimes\b", scope.question.text.casefold()) is not None
    found = len(lines_of(scope.segments) if is_text and not asks_times else scope.segments)
    is_so = {
        "more than": found > number,
        "at least": found >= number,
        "fewer than": found < number,
        "less than": found < number,
    }.get(comparison, found == number)
    word, verb = "Yes" if is_so else "No", "is" if found == 1 else "are"
    if asks_times and found:
        told = f"{claim(scope.subject)} {times(found)}: {stretch(scope.segments)}"
        return known(f"{word}, {told}.", scope.segments)
    told = counted(found, *(("line of text", "lines of text") if is_text else (scope.subject.kind,)))
    return known(f"{word}, there {verb} {told}.", scope.segments)


@surely
def compare_answer(scope: Scope) -> Answer:
    """Which of two things comes before the other."""
    question, evidence = scope.question, scope.evidence
    is_one_each = scope.subject.kind == "text" and question.ordinal is not None
    every = merged(scope.segments) if scope.subject.kind in _STATES and not is_one_each else scope.segments
    every = picked(every, question.ordinal)
    if not every and scope.segments:
        return cannot_tell("there are not so many of them")
    if not every:
        return Answer(f"The video does not show that {claim(scope.subject, scope.words)}.", known=False)
    moments = [one.end_seconds if question.at_end else one.start_seconds for one in every]
    anchors: list[Segment] = []
    if question.window is not None:
        start = question.window.start_seconds
        name = moment(start)
    elif question.anchor is not None and not missing_kind(evidence, question.anchor):
        anchors, reason = anchors_of(evidence, question.anchor, question.anchor_ordinal)
        if reason:
            return Answer(sentence(reason), known=False)
        start = anchors[0].end_seconds if question.anchor_at_end else anchors[0].start_seconds
        is_point = anchors[0].kind == "shot"
        name = _transition(question.anchor_ordinal, anchors[0]) if is_point else clause(anchors[0])
        if not is_point and len(merged(anchors)) > 1:
            name += " for the first time"
    else:
        return cannot_tell("with what it is to be compared was not understood")
    is_both = min(moments) < start - 0.02 and max(moments) > start + 0.02
    told = every if is_both else every[:1]
    parts = list(scope.segments) if is_both else _parts_of(every[0], scope.segments)
    grounds = [*parts[: MAX_EVIDENCE - 1], *anchors[:1]]
    if not is_both and abs(moments[0] - start) < 0.02:
        return (
            known(f"At the same moment, {moment(start)}.", grounds)
            if question.window is None
            else known(f"It starts right at {name}, so after it.", grounds)
        )
    word = "Both before and after" if is_both else "Before" if moments[0] < start else "After"
    return known(f"{word} {name}: {claim(scope.subject, scope.words)} {stretch(told)}.", grounds)


def _parts_of(whole: Segment, segments: Sequence[Segment]) -> list[Segment]:
    """The segments that a stretch was merged of."""
    start, end = whole.start_seconds, whole.end_seconds
    return [one for one in segments if start <= one.start_seconds and one.end_seconds <= end]


def _transition(ordinal: int | None, anchor: Segment) -> str:
    name = anchor.label if anchor.label in ("cut", "dissolve", "fade") else "shot"
    return f"the {ordinal_word(ordinal or 1)} {name} at {moment(anchor.start_seconds)}"


@surely
def extreme_answer(scope: Scope) -> Answer:
    """The longest or the shortest of a kind."""
    kind = scope.subject.kind
    if kind not in ("shot", "text", "action", "camera", "dissolve", "fade") or not scope.segments:
        return cannot_tell("there is nothing of that kind to compare")
    if scope.subject.phrase:
        return cannot_tell("only lines of text are compared, by how long they are shown")
    every = merged_by_label(scope.segments) if kind in ("camera", "action") else list(scope.segments)
    choose = max if scope.question.extreme == "longest" else min
    one = choose(every, key=lambda segment: segment.duration_seconds)
    number = every.index(one) + 1
    name = f"the {ordinal_word(number)} shot" if kind == "shot" else clause(one)
    if scope.question.intent == "yes_no":
        asked = picked(every, scope.question.ordinal)
        if len(asked) != 1:
            return cannot_tell("the question does not say which one is to be compared")
        word = "Yes" if asked[0] == one else "No"
        return known(f"{word}, the {scope.question.extreme} is {name}, {span(one)}.", [one])
    lasts = f"{moment(one.duration_seconds)}, {span(one)}"
    return known(
        sentence(
            f"the {scope.question.extreme} is {name}, with {lasts}"
            if kind == "shot"
            else f"{name} for the {scope.question.extreme} time, {lasts}"
        ),
        [one],
    )


def options_answer(scope: Scope) -> Answer:
    """Which of several things is so, or comes first."""
    evidence, question = scope.evidence, scope.question
    rows = [(option.text, _look(evidence, option)) for option in question.options]
    found = [(shown, list(segments)) for shown, segments in rows if segments]
    unknown = [quoted(shown) for shown, segments in rows if segments is None]
    missing = join_and(unknown)
    is_order = question.ordinal is not None or "before" in question.text.casefold()
    # One that was found is found, whatever the others are; but who comes first cannot be told of strangers.
    if missing and (is_order or not found or not evidence.looked_for("action")):
        return cannot_tell(f"the video was not searched for {missing}")
    if not found:
        return Answer("None of these was found in the video.", known=False)
    if is_order:
        return _in_order(found, 1 if question.ordinal is None else question.ordinal)
    told = [f"{shown} {stretch(merged(segments), most=2)}" for shown, segments in found]
    caveat = f"; {missing} {'was' if len(unknown) == 1 else 'were'} not recognized" if missing else ""
    return known(sentence(join_and(told) + caveat), [one for _, segments in found for one in segments])


def _in_order(found: Sequence[tuple[str, list[Segment]]], ordinal: int) -> Answer:
    """Which comes first, second, … or last (−1): what is shown last, though it was also shown before."""
    at = -1 if ordinal < 0 else 0
    rows = sorted(found, key=lambda row: row[1][at].start_seconds)
    if not (chosen := picked(rows, ordinal)):
        return Answer(f"Only {len(rows)} of these were found in the video.", known=False)
    (shown, segments), start = chosen[0], chosen[0][1][at].start_seconds
    same = [name for name, ones in rows if abs(ones[at].start_seconds - start) < 0.02]
    if len(same) > 1:
        return known(sentence(f"{join_and(same)} at the same moment, {moment(start)}"), segments)
    return known(sentence(f"{shown}, {span(segments[at])}"), segments)


def _look(evidence: Evidence, option: Option) -> list[Segment] | None:
    """The segments of an option; None where it is not something that was looked for."""
    subject = option.subject
    details = subject.details if subject is not None and subject.kind == "object" else ()
    words = tuple(word for word in (*details, *option.rest) if word != "moves")
    if subject is None or option.rest:
        # An action that was not found may be one that nobody could have found.
        return [one for one in evidence.find(Subject("action"), words) if is_sure(one)] or None
    if missing_kind(evidence, subject) or option.beside:
        return None
    return [one for one in picked(evidence.find(subject), option.ordinal) if is_sure(one)]
