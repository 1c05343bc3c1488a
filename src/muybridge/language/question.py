"""A question in English → what is asked for, of what, and when.

    "When does the camera pan left after “TAXI”?"
       │ quoted, capital and non-Latin words become phrases:  when does the camera pan left after #0#
       │ times and relations:                                 after → Subject(text “TAXI”)
       │ intent:                                              when
       │ subject:                                             camera, pans left
       ▼ the rest must say nothing                            ()

Nothing is guessed: words that nobody understood stay in `Question.rest`, and an answer that would have to
leave them out is not given.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from muybridge.errors import OptionError
from muybridge.language.grammar import ACTORS, INTENTS, NEUTRAL, REWRITES, SUBJECTS, SYNONYMS

__all__ = ["Option", "Question", "Subject", "Window", "parse_question"]

MAX_CHARACTERS = 2000
_EDGE_SECONDS = 1.0
_NUMBER = r"(\d+(?::\d\d){1,2}(?:\.\d+)?|\d+(?:\.\d+)?)"
_UNIT = r" ?(seconds?|secs?|s|minutes?|mins?|hours?)?\b"
_END_WORDS = (
    r"\b(?:end|ends|ended|ending|stop|stops|stopped|disappears?|finish(?:es)?|vanish(?:es)?|over|gone)\b"
)
_WHOLE_WORDS = r"\b(?:whole|entire|always|all the time|throughout|constantly|only|the entire time)\b"


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
class Window:
    """The part of the video that a question is about: seconds of the source, and how they are meant."""

    how: str
    start_seconds: float = float("-inf")
    end_seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class Option:
    """One of the things to choose from: as it was written, and as it was understood."""

    text: str
    subject: Subject | None
    ordinal: int | None = None
    rest: tuple[str, ...] = ()


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
        ordinal: 1 for the first, 2 for the second, −1 for the last; None for any.
        extreme: `"longest"` or `"shortest"`.
        at_end: whether the end is asked for, not the start.
        whole: whether it must be so all the time.
        quantity: (comparison, number), such as `("more than", 1)`.
        options: what is to be chosen from.
        has_actor: whether it speaks of a person.
        rest: words that were not understood; an action's name may be among them.
        phrases: words to look for on the screen.
    """

    text: str
    intent: str
    subject: Subject | None = None
    window: Window | None = None
    relation: str = ""
    anchor: Subject | None = None
    anchor_ordinal: int | None = None
    anchor_rest: tuple[str, ...] = ()
    ordinal: int | None = None
    extreme: str = ""
    at_end: bool = False
    whole: bool = False
    quantity: tuple[str, int] | None = None
    options: tuple[Option, ...] = ()
    has_actor: bool = False
    rest: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()


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
    words, phrases = _normalize(text)
    words, options = _split_options(words)
    words, compare, anchor = _compared(words)
    anchor, anchor_window = _window(f"at {anchor}") if anchor else ("", None)
    words, window = _window(words)
    relation = "compare" if compare else ""
    if not compare:
        words, relation, anchor = _relation(words)
    intent, words = ("compare", words) if compare else _intent(words.strip(" ,"), options)
    at_end, words = _take(_END_WORDS, words)
    whole, words = _take(_WHOLE_WORDS, words)
    words, ordinal, extreme, quantity = _which_one(words, intent)
    subject, rest, has_actor = _subject(words, phrases)
    anchor_subject: Subject | None = None
    anchor_ordinal: int | None = None
    anchor_rest: tuple[str, ...] = ()
    if anchor:
        anchor, anchor_ordinal, _, _ = _which_one(anchor, "")
        anchor_subject, anchor_rest, _ = _subject(_take(_END_WORDS, anchor)[1], phrases)
    return Question(
        text=text.strip(),
        intent=intent,
        subject=subject,
        window=window or anchor_window,
        relation="" if compare else relation,
        anchor=anchor_subject,
        anchor_ordinal=anchor_ordinal,
        anchor_rest=anchor_rest,
        ordinal=ordinal,
        extreme=extreme,
        at_end=at_end,
        whole=whole,
        quantity=quantity,
        options=tuple(_option(part, phrases) for part in options),
        has_actor=has_actor,
        rest=rest,
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


def _normalize(text: str) -> tuple[str, tuple[str, ...]]:
    text = unicodedata.normalize("NFC", text).strip()
    if not any(char.isalnum() for char in text):
        raise OptionError("the question is empty; ask something like 'When is the first cut?'")
    if len(text) > MAX_CHARACTERS:
        raise OptionError(f"the question has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    phrases: list[str] = []

    def keep(match: re.Match[str]) -> str:
        phrases.append(next(group for group in match.groups() if group))
        return f" #{len(phrases) - 1}# "

    text = text.replace("#", " ")
    text = re.sub(r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|「([^」]+)」|(?<!\w)['‘]([^'’]+)['’](?!\w)", keep, text)
    # Words in a script without capitals and words in capitals are meant as they are written.
    text = re.sub(
        r"([\u0370-\u1fff\u2c00-\ud7ff\uf900-\ufdff\uff66-\uffdc]+(?:[ ]*[\u0370-\u1fff\u2c00-\ud7ff]+)*)",
        keep,
        text,
    )
    if any(char.islower() for char in re.sub(r"#\d+#", "", text)):
        text = re.sub(r"\b((?!FPS\b|HZ\b)[A-Z0-9]*[A-Z][A-Z0-9&.'-]*[A-Z0-9]\b(?: [A-Z0-9]+\b)*)", keep, text)
    words = re.sub(r"\s+", " ", text.casefold()).strip()
    for pattern, new in REWRITES:
        words = re.sub(pattern, new, words)
    named = re.search(r"\b(?:the|a) (?:word|words|phrase|name) ([a-z0-9'-]+)", words)
    if named and named[1] not in NEUTRAL | _TEXT_VERBS and not re.search(_END_WORDS, named[1]):
        phrases.append(named[1])
        words = words.replace(named[1], f"#{len(phrases) - 1}#", 1)
    for pattern, new in SYNONYMS:
        words = re.sub(pattern, new, words)
    return re.sub(r"[?!;]+|[.](?!\d)", " ", words).strip(), tuple(phrases)


_TEXT_VERBS = frozenset(("written", "change", "changes", "changed", "move", "moves", "scroll", "scrolls"))


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


def _seconds(number: str, unit: str | None) -> float:
    if ":" in number:
        total = 0.0
        for part in number.split(":"):
            total = 60 * total + float(part)
        return total
    return float(number) * {"min": 60, "hou": 3600}.get((unit or "")[:3], 1)


def _window(words: str) -> tuple[str, Window | None]:
    """The seconds that a question names, taken out of it."""
    both = re.search(
        rf"\b(?:between|from) (?:second )?{_NUMBER}{_UNIT} (?:and|to|until) (?:second )?{_NUMBER}{_UNIT}",
        words,
    )
    if both:
        start, end = _seconds(both[1], both[2] or both[4]), _seconds(both[3], both[4] or both[2])
        return _cut(words, both), Window("during", min(start, end), max(start, end))
    part = re.search(rf"\b(?:in|during|within) the (1st|last) {_NUMBER}{_UNIT}", words)
    if part and part[3]:
        length = _seconds(part[2], part[3])
        return _cut(words, part), Window("first" if part[1] == "1st" else "last", 0.0, length)
    ordinal = re.search(r"\b(at|in|during|after|before|until) the (\d+)(?:st|nd|rd|th) seconds?\b", words)
    if ordinal:
        return _cut(words, ordinal), _window_of(ordinal[1], float(ordinal[2]))
    one = re.search(
        rf"\b(at|around|about|near|after|before|until|since|from) (?:second |minute )?{_NUMBER}{_UNIT}", words
    )
    if one and (one[3] or ":" in one[2] or "second " in one[0] or "minute " in one[0]):
        unit = "minute" if "minute " in one[0] else one[3]
        return _cut(words, one), _window_of(one[1], _seconds(one[2], unit))
    edge = re.search(
        r"\b(?:at|in|from) the (?:very )?(start|beginning|end)\b"
        r"(?! of (?!the (?:video|clip|film|movie)))(?: of the \w+)?",
        words,
    )
    if edge:
        return _cut(words, edge), Window("last" if edge[1] == "end" else "first", 0.0, _EDGE_SECONDS)
    return words, None


def _window_of(how: str, seconds: float) -> Window:
    if how in ("after", "since", "from"):
        return Window("after", seconds)
    if how in ("before", "until"):
        return Window("before", end_seconds=seconds)
    return Window("at", seconds, seconds)


def _cut(words: str, match: re.Match[str]) -> str:
    return re.sub(r" +", " ", f"{words[: match.start()]} {words[match.end() :]}").strip()


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
        return _cut(words, inside), "during", anchor
    found = re.search(
        r"^(.+?) (right before|right after|before|after|while|during|when|as long as)\b(.*)$", words
    )
    if found:
        word = found[2].removeprefix("right ")
        relation = word if word in ("before", "after") else "during"
        return found[1].strip(), relation, found[3].strip()
    return words, "", ""


def _intent(words: str, options: list[str]) -> tuple[str, str]:
    for intent, pattern in INTENTS:
        match = re.search(pattern, words)
        if match:
            if intent == "how_long":
                words = re.sub(r"\b(?:last|lasts|take|takes)$", "", words)
            # A length or a moment is asked for by the words themselves; the other heads say more than that.
            kept = _cut(words, match) if intent != "what" else words
            if intent == "yes_no" and not options and re.search(r"\bcamera\b.*\b\w+ or \w+", kept):
                return "what", re.sub(r"\b\w+ or \w+\b", " ", kept)
            return intent, kept
    return "unknown", words


def _take(pattern: str, words: str) -> tuple[bool, str]:
    taken = re.sub(pattern, " ", words)
    return taken != words, re.sub(r" +", " ", taken).strip()


def _which_one(words: str, intent: str) -> tuple[str, int | None, str, tuple[str, int] | None]:
    """Take the ordinal, the extreme and the quantity out of a question."""
    words = re.sub(r"\bnext\b", " ", words)
    extreme, ordinal, quantity = "", None, None
    found = re.search(r"\b(longest|shortest)\b", words)
    if found:
        extreme, words = found[1], _cut(words, found)
    found = re.search(
        r"\b(more than|at least|fewer than|less than|exactly|only)? ?\b(\d+)\b(?!#)(?= \w)", words
    )
    if found and intent == "yes_no":
        quantity, words = (found[1] or "exactly", int(found[2])), _cut(words, found)
    found = re.search(r"\b(\d+)(?:st|nd|rd|th)\b|\b(last)\b|\b(?:shot|scene|cut) (\d+)\b", words)
    if found:
        ordinal = -1 if found[2] else int(found[1] or found[3])
        words = re.sub(
            rf"{re.escape(found[1] or '')}(?:st|nd|rd|th)\b" if found[1] else rf"\b{found[2] or found[3]}\b",
            " ",
            words,
        )
    return re.sub(r" +", " ", words).strip(), ordinal, extreme, quantity


def _option(part: str, phrases: tuple[str, ...]) -> Option:
    shown = re.sub(r"#(\d+)#", lambda match: f"“{phrases[int(match[1])]}”", part)
    words, ordinal, _, _ = _which_one(part, "")
    subject, rest, _ = _subject(words, phrases)
    return Option(
        shown.replace("1st", "first").replace("2nd", "second").replace("3th", "third"), subject, ordinal, rest
    )


def _subject(words: str, phrases: tuple[str, ...]) -> tuple[Subject | None, tuple[str, ...], bool]:
    """(what it is about, words not understood, whether a person is meant)."""
    found: dict[str, list[str]] = {}
    phrase, *others = [*re.findall(r"#(\d+)#", words), ""]
    words = re.sub(r"#\d+#", " ", words)
    for kind, pattern, detail in SUBJECTS:
        for match in re.finditer(pattern, words):
            details = found.setdefault(kind, [])
            told = detail.split() or ([match[1]] if kind == "direction" else [])
            details += [word for word in told if word not in details]
        words = re.sub(pattern, " ", words)
    left = re.findall(r"[\w-]+", words)
    strange = [word for word in left if word not in NEUTRAL and word not in ACTORS]
    # One phrase is what is looked for; what a second one has to do with it was not understood.
    rest = tuple(dict.fromkeys([*strange, *(phrases[int(other)] for other in others if other)]))
    has_actor = any(word in ACTORS for word in left)
    return _choose(found, phrases[int(phrase)] if phrase else ""), rest, has_actor


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
