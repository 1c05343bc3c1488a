"""What an answer would leave out of its question: then it is not given.

A question may name a time, an order, a whole, an end, and each kind of answer looks at some of these alone:

    "How many shots end before 10 s?"    count_answer looks at the time, and not at ends  →  not understood
    "Is HELLO always on the screen?"     of texts nobody asks whether they last           →  not understood
"""

from __future__ import annotations

import re

from muybridge.language.grammar import DIRECTIONS, PATTERNS
from muybridge.language.phrases import quoted
from muybridge.language.question import Question, Subject

__all__ = ["left_out"]

_TIME = frozenset({"window", "relation"})
_USED = {
    "compare": frozenset({"window", "ordinal", "at_end", "at_start"}),
    "options": frozenset({"options", "ordinal"}),
    "extreme": frozenset({"extreme", "ordinal"}),
    "when": _TIME | {"ordinal", "at_end", "at_start"},
    "how_long": _TIME | {"ordinal"},
    "how_often": _TIME,
    "count": _TIME,
    "yes_no": _TIME | {"ordinal", "at_end", "at_start", "quantity"},
}
_USED_BY_OTHERS = _TIME | {"ordinal"}
_CAMERA_VERBS = frozenset({"pans", "tilts", "zooms", "rolls", "shakes", "static"})

_DONE_BY_NOBODY = (
    *(
        "camera",
        "cut",
        "date",
        "dissolve",
        "fade",
        "frames",
        "keyframe",
        "metadata",
        "motion",
        "shot",
        "text",
    ),
    "transition",
)
"""What the video has, whoever is in it."""


def left_out(question: Question) -> str:
    """What of a question its answer would not look at, in words; empty where it looks at all.

    >>> from muybridge.language.question import parse_question
    >>> left_out(parse_question("How many shots end before 10 s?"))
    'where something ends was not looked at'
    >>> left_out(parse_question("How many shots are there?"))
    ''
    """
    if question.beside:
        return f"how {quoted(question.beside[0])} is meant here was not understood"
    for subject in (question.subject, question.anchor):
        if subject is not None and (reason := _of_subject(subject, question)):
            return reason
    if question.intent == "summary" and question.actors:
        return "what people look like was not measured"
    if question.window is not None and question.relation:
        return f"a time and “{question.relation}” were not looked at together"
    used = _used(question)
    for name, reason in (
        ("window", "the time that it names"),
        ("relation", f"“{question.relation}” something else"),
        ("ordinal", "which one in order"),
        ("extreme", f"which is the {question.extreme}"),
        ("at_end", "where something ends"),
        ("at_start", "where something starts"),
        ("whole", "whether it is so all the time"),
        ("quantity", "how many of them"),
        ("options", "what there is to choose from"),
    ):
        value = getattr(question, name)
        if value not in (None, False, "", ()) and name not in used:
            return f"{reason} was not looked at"
    return ""


def _used(question: Question) -> frozenset[str]:
    kind = question.subject.kind if question.subject is not None else ""
    if question.intent == "compare":
        return _USED["compare"]
    if question.options:
        return _USED["options"] if kind in ("", "action", "happens") else frozenset()
    if question.extreme:
        is_one = question.intent == "yes_no" or question.ordinal in (None, 1)
        takes = question.intent in ("what", "yes_no", "when", "how_long") and is_one
        return _USED["extreme"] if takes else frozenset()
    if kind == "metadata":
        return frozenset()
    used = _USED.get(question.intent, _USED_BY_OTHERS)
    if kind == "camera" and question.intent == "yes_no":
        used |= {"whole"}
    if question.window is None and not question.relation and (kind == "shot" or question.intent == "yes_no"):
        used |= {"at_start"}  # how a shot begins; and what starts is there
    return used


def _of_subject(subject: Subject, question: Question) -> str:
    """Why a subject cannot be meant as it was read."""
    text = question.text.casefold()
    directions = [word for word in subject.details if word in DIRECTIONS]
    verbs = _CAMERA_VERBS & set(subject.details)
    if subject.kind in ("camera", "object") and (len(directions) > 1 or len(verbs) > 1):
        return "two movements at once were not looked for"
    asks_what_it_does = question.intent in ("what", "how", "summary") and subject is question.subject
    if subject.kind == "camera" and not subject.details:
        is_described = question.intent == "summary" or re.search(PATTERNS["camera_does"], text)
        if not (asks_what_it_does and is_described):
            return "the question does not say what the camera is to do"
    asks_who = question.intent == "what" and re.search(PATTERNS["who"], text)
    if (question.actors or asks_who) and subject is question.subject and subject.kind in _DONE_BY_NOBODY:
        return "who is to be seen in the video was not measured"
    asks_for_parts = question.intent == "count" or question.ordinal is not None or question.extreme
    if subject.kind == "text" and asks_for_parts and (part := re.search(PATTERNS["part_of_text"], text)):
        one = part[0].removesuffix("s")
        return f"text is read in lines, and was not looked at {one} by {one}"
    if question.intent == "yes_no" and question.at_end and re.search(r"\b(?:gone|over)\b", text):
        return "what is no longer there was not looked at; ask when it ends"
    if re.search(r"\bnext\b", text) and subject.kind != "happens" and subject is question.subject:
        return "“next” after what is not said"
    # Capitals alone are no proof that words on the screen are meant: "Is it an MP4?"
    in_quotes = re.search(rf"[“\"«「'‘]{re.escape(subject.phrase.casefold())}", text)
    if subject.phrase.isascii() and subject.phrase and question.intent == "yes_no" and not in_quotes:
        return (
            ""
            if re.search(PATTERNS["on_screen"], text)
            else f"{quoted(subject.phrase)} is looked for on the screen alone"
        )
    return ""
