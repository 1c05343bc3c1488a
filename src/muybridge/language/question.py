"""A question in English → what is asked for, of what, and when.

    "When does the camera pan left after “TAXI”?"
       │ quoted, capital and non-Latin words become phrases:  when does the camera pan left after #0#
       │ times and relations:                                 after → Subject(text “TAXI”)
       │ intent:                                              when
       │ subject:                                             camera, pans left
       ▼ the rest must say nothing                            ()

Nothing is guessed: words that nobody understood stay in `Question.rest`, words of a second subject in
`Question.beside`, and an answer that would have to leave them out is not given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from muybridge.language.grammar import ACTORS, ADDS_NOTHING, INTENTS, NEUTRAL, PATTERNS, SUBJECTS
from muybridge.language.window import Window, cut, take_window
from muybridge.language.wording import normalized

__all__ = ["Option", "Question", "Subject", "Window", "parse_question"]

_CAMERA_WORDS = (
    r"pan|tilt|zoom|roll|move|shake|still|static|not|left|right|up|down|in|out|clockwise|counterclockwise"
)
_QUANTITY = re.compile(
    r"\b(more than|at least|fewer than|less than|exactly|only)? ?\b(\d+)\b(?= (?:hard |on-?screen )?"
    r"(?:cuts?|shots?|scenes?|dissolves?|cross-?fades?|fades?|transitions?|(?:scene|shot) (?:changes?|boundar(?:y|ies))"
    r"|key ?frames?|texts?|words?|letters?|lines?|subtitles?|captions?|titles?|inscriptions?|times?)\b)"
)
_RELATION = re.compile(r"(.+?) (right before|right after|before|after|while|during|when|as long as)\b(.*)$")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question is about.

    Args:
        kind: `"camera"`, `"object"`, `"text"`, `"cut"`, `"shot"`, `"action"`, `"metadata"`, `"happens"`, …
        details: which of its kind: `("pans", "left")`, `("codec",)`.
        phrase: the words that are to be found on the screen; empty for any.
    """

    kind: str
    details: tuple[str, ...] = ()
    phrase: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the things to choose from: as it was written, and as it was understood."""

    text: str
    subject: Subject | None
    ordinal: int | None = None
    rest: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question.

    Args:
        text: as it was asked.
        intent: `"when"`, `"how_long"`, `"how_often"`, `"count"`, `"direction"`, `"what"`, `"how"`, `"yes_no"`,
            `"compare"` (which of two comes before the other), or `"unknown"`.
        subject: what it is about; None where no word says so.
        window: seconds that it names.
        relation: `"before"`, `"after"` or `"during"` the anchor; empty for none.
        anchor: what the relation refers to.
        anchor_at_end: whether it refers to the anchor's end.
        ordinal: 1 for the first, 2 for the second, −1 for the last; None for any.
        extreme: `"longest"` or `"shortest"`.
        at_end: whether the end is asked for, not the start.
        at_start: whether the start is named.
        whole: whether it must be so all the time.
        ever: whether it is enough that it is so at some time.
        quantity: (comparison, number), such as `("more than", 1)`.
        options: what is to be chosen from.
        actors: words for people.
        rest: words that were not understood; an action's name may be among them.
        beside: words of other subjects: how they go together with the subject was not understood.
        phrases: words to look for on the screen.
    """

    text: str
    intent: str
    subject: Subject | None = None
    window: Window | None = None
    relation: str = ""
    anchor: Subject | None = None
    anchor_ordinal: int | None = None
    anchor_at_end: bool = False
    anchor_rest: tuple[str, ...] = ()
    ordinal: int | None = None
    extreme: str = ""
    at_end: bool = False
    at_start: bool = False
    whole: bool = False
    ever: bool = False
    quantity: tuple[str, int] | None = None
    options: tuple[Option, ...] = ()
    actors: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What words say: the subject, and what was left."""

    subject: Subject | None
    rest: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()


def parse_question(text: str) -> Question:
    """Read a question.

    Args:
        text: in English; words to look for on the screen may be in any script, in quotation marks or not.

    Raises:
        OptionError: an empty question, or one of more than 2000 characters.

    >>> question = parse_question("When does the camera pan left after 5 s?")
    >>> question.intent, question.subject.kind, question.subject.details, question.window.start_seconds
    ('when', 'camera', ('pans', 'left'), 5.0)
    >>> parse_question("When does the dog bark?").rest
    ('dog', 'bark')
    """
    words, phrases = normalized(text)
    beside = [found[0] for found in re.finditer(PATTERNS["length_from"], words)]
    words, options = _split_options(words)
    words, compare, anchor = _compared(words)
    anchor, anchor_window = take_window(f"at {anchor}") if anchor else ("", None)
    words, window = take_window(words)
    relation = "compare" if compare else ""
    if not compare:
        words, relation, anchor = _relation(words)
    words = words.strip(" ,")
    asks_until = re.search(PATTERNS["until"], words) is not None
    intent, words = ("compare", words) if compare else _intent(words, options)
    beside += [found[0] for found in re.finditer(PATTERNS["edge"], f"{words} {anchor}")]
    if intent != "direction":  # "Which way does it move in?"
        beside += [found[0] for part in (words, anchor) for found in re.finditer(PATTERNS["moves_in"], part)]
    at_end, words = _take(PATTERNS["end"], words)
    at_end |= asks_until
    at_start = re.search(PATTERNS["start"], words) is not None
    if intent == "when" and at_start and at_end:
        at_start = at_end = False  # both are told where neither is asked for
    whole, words = _take(PATTERNS["whole"], words)
    ever, words = _take(PATTERNS["ever"], words)
    words, ordinal, extreme, quantity, strange = _which_one(words, intent)
    read = _read(words, phrases)
    anchor_ordinal: int | None = None
    anchored = _Read(None)
    anchor_at_end = False
    if anchor:
        anchor, anchor_ordinal, anchor_extreme, _, anchor_strange = _which_one(anchor, "")
        anchor_at_end, anchor = _take(PATTERNS["end"], anchor)
        anchored = _read(anchor, phrases)
        beside += [word for word in (anchor_extreme, *anchored.beside, *anchor_strange) if word]
    return Question(
        text=text.strip(),
        intent=intent,
        subject=read.subject,
        window=window or anchor_window,
        relation="" if compare else relation,
        anchor=anchored.subject,
        anchor_ordinal=anchor_ordinal,
        anchor_at_end=anchor_at_end,
        anchor_rest=anchored.rest,
        ordinal=ordinal,
        extreme=extreme,
        at_end=at_end,
        at_start=at_start,
        whole=whole,
        ever=ever,
        quantity=quantity,
        options=tuple(_option(part, phrases) for part in options),
        actors=read.actors,
        rest=read.rest,
        beside=(*read.beside, *strange, *beside),
        phrases=phrases,
    )


def stem(word: str) -> str:
    """A word without its ending, so that its forms are equal; rough, and enough for the names of actions.

    >>> {stem(word) for word in ("wave", "waves", "waving")}, stem("clapping"), stem("boxing")
    ({'wav'}, 'clap', 'box')
    """
    word = word.casefold()
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls"
    return word[:-1] if doubled else word


def _split_options(words: str) -> tuple[str, list[str]]:
    """What is to be chosen from: after a colon, or after a comma where "or" follows."""
    head, colon, tail = words.partition(": ")
    if (
        not colon
        and re.search(r"\bor\b", words)
        and not re.search(r"\b(?:before|after) or (?:before|after)\b", words)
    ):
        head, comma, tail = words.partition(",")
        if not comma:
            return words, []
    parts = [part.strip() for part in re.split(r",|\bor\b|;", tail) if part.strip()]
    return (head, parts) if len(parts) > 1 else (words, [])


def _compared(words: str) -> tuple[str, bool, str]:
    """(what is left, whether the order of two things is asked for, the words of the other thing)."""
    found = re.search(r"\b(?:before or after|after or before)\b(.*)$", words)
    return (words[: found.start()].strip(), True, found[1].strip()) if found else (words, False, "")


def _relation(words: str) -> tuple[str, str, str]:
    """(what is left, "before" | "after" | "during" | "", the anchor's words)."""
    inside = re.search(
        r"\b(?:in|during|within|of) (?:the )?((?:\d+(?:st|nd|rd|th)|last) (?:shot|scene)|(?:shot|scene) \d+)\b",
        words,
    )
    if inside and inside.start() > 0:
        anchor = re.sub(r"^(?:shot|scene) (\d+)$", r"\1th shot", inside[1])
        return cut(words, inside), "during", anchor
    # In "until when is it shown" nothing happens "when": that is what is asked for.
    bare = re.search(PATTERNS["bare_when"], words)
    found = _RELATION.match(words, bare.end() if bare else 0)
    if found:
        word = found[2].removeprefix("right ")
        relation = word if word in ("before", "after") else "during"
        return words[: found.end(1)].strip(), relation, found[3].strip()
    return words, "", ""


def _intent(words: str, options: list[str]) -> tuple[str, str]:
    for intent, pattern in INTENTS:
        match = re.search(pattern, words)
        if match:
            if intent == "how_long":
                words = re.sub(r"\b(?:last|lasts|take|takes)$", "", words)
            # A length or a moment is asked for by the words themselves; the other heads say more than that.
            kept = cut(words, match) if intent != "what" else words
            either = rf"\b(?:{_CAMERA_WORDS}) or (?:{_CAMERA_WORDS})\b"
            if intent == "yes_no" and not options and re.search(rf"\bcamera\b.*{either}", kept):
                return "what", re.sub(either, " ", kept)
            return intent, kept
    return "unknown", words


def _take(pattern: str, words: str) -> tuple[bool, str]:
    taken = re.sub(pattern, " ", words)
    return taken != words, re.sub(r" +", " ", taken).strip()


def _which_one(
    words: str, intent: str
) -> tuple[str, int | None, str, tuple[str, int] | None, tuple[str, ...]]:
    """Take the ordinal, the extreme and the quantity out of a question; last, what of them was not understood."""
    words = re.sub(r"\bnext\b", " ", words)
    extreme, ordinal, quantity = "", None, None
    found = re.search(r"\b(longest|shortest)\b", words)
    if found:
        extreme, words = found[1], cut(words, found)
    found = _QUANTITY.search(words)
    if found and intent == "yes_no" and not re.search(r"\b(?:shot|scene|cut) \d+\b", words):
        quantity, words = (found[1] or "exactly", int(found[2])), cut(words, found)
    found = re.search(PATTERNS["which_one"], words)
    if found:
        ordinal = -1 if found[2] else int(found[1] or found[3])
        words = re.sub(
            rf"{re.escape(found[1] or '')}(?:st|nd|rd|th)\b" if found[1] else rf"\b{found[2] or found[3]}\b",
            " ",
            words,
            count=1,
        )
    # "The first and the last", "the second to last": one is taken, and what the other has to do with it is unknown.
    strange = ("last",) if ordinal is not None and re.search(PATTERNS["left_ordinal"], words) else ()
    return re.sub(r" +", " ", words).strip(), ordinal, extreme, quantity, strange


def _option(part: str, phrases: tuple[str, ...]) -> Option:
    shown = re.sub(r"#(\d+)#", lambda match: f"“{phrases[int(match[1])]}”", part)
    words, ordinal, _, _, strange = _which_one(part, "")
    read = _read(words, phrases, is_option=True)
    return Option(
        shown.replace("1st", "first").replace("2nd", "second").replace("3th", "third"),
        read.subject,
        ordinal,
        read.rest,
        (*read.beside, *strange),
    )


def _read(words: str, phrases: tuple[str, ...], *, is_option: bool = False) -> _Read:
    """What words say; in an option a direction may stand alone."""
    input_words = words
    found: dict[str, list[str]] = {}
    said: dict[str, list[str]] = {}
    phrase, *others = [*re.findall(r"#(\d+)#", words), ""]
    words = re.sub(r"#\d+#", " ", words)
    for kind, pattern, detail in SUBJECTS:
        for match in re.finditer(pattern, words):
            said.setdefault(kind, []).append(match[0].strip())
            details = found.setdefault(kind, [])
            told = detail.split() or ([match[1]] if kind == "direction" else [])
            details += [word for word in told if word not in details]
        words = re.sub(pattern, " ", words)
    left = re.findall(r"[\w-]+", words)
    strange = [word for word in left if word not in NEUTRAL and word not in ACTORS]
    # One phrase is what is looked for; what a second one has to do with it was not understood.
    rest = tuple(dict.fromkeys([*strange, *(phrases[int(other)] for other in others if other)]))
    actors = tuple(word for word in left if word in ACTORS)
    subject = _choose(found, phrases[int(phrase)] if phrase else "")
    kind = subject.kind if subject is not None else ""
    used = {kind} | ADDS_NOTHING.get(kind, set())
    if subject is not None and subject.phrase:
        used |= {"text"}
    is_named = "camera" in said.get("camera", ())
    if kind == "camera" and not is_named and not _is_of_camera(found["camera"], input_words, actors):
        used.discard("camera")
    has_verb = {"moves", "object"} & set(found) or (kind == "camera" and found["camera"])
    if not has_verb and not is_option:
        used.discard("direction")  # "left" alone is a place
    beside = [word for kind, told in said.items() if kind not in used for word in told]
    if phrase and subject is not None and not subject.phrase:
        beside.append(phrases[int(phrase)])
    return _Read(subject, rest, tuple(dict.fromkeys(beside)), actors)


def _is_of_camera(details: Sequence[str], words: str, actors: Sequence[str]) -> bool:
    """Whether movements can only be the camera's though it is not named.

    What pans may stand on a stove, and who rolls, shakes or stands still may be somebody.
    """
    if actors or {"pans", "rolls"} & set(details):
        return False
    return not {"static", "shakes"} & set(details) or re.search(PATTERNS["video"], words) is not None


def _choose(found: dict[str, list[str]], phrase: str) -> Subject | None:
    """Of the kinds that were named, the one that is meant."""
    directions = tuple(found.get("direction", ()))
    if "camera" in found:
        moves = ("moves",) if "moves" in found and not directions and not found["camera"] else ()
        return Subject("camera", (*found["camera"], *moves, *directions))
    if phrase:
        return Subject("text", (), phrase)
    if "object" in found:
        return Subject("object", (*found["object"], *directions))
    for kind in (
        "motion",
        "metadata",
        "keyframe",
        "cut",
        "dissolve",
        "fade",
        "transition",
        "shot",
        "date",
        "text",
    ):
        if kind in found:
            return Subject(kind, tuple(found[kind]))
    if "moves" in found or directions:
        return Subject("object", ("moves", *directions))
    for kind in ("frames", "action", "happens"):
        if kind in found:
            return Subject(kind)
    return None
