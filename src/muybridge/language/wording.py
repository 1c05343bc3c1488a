"""A question's text → plain words in small letters, and the words that are to be found on the screen.

    "How MANY times is “Exit 4” or TAXI shown?" ─► how many times is #0# or #1# shown,  ("Exit 4", "TAXI")

Quoted words, words in capitals and words of a script without capitals are meant as they are written. Capitals may also
stress a word of the question itself; then they say nothing more.
"""

from __future__ import annotations

import re
import unicodedata

from muybridge.errors import OptionError
from muybridge.language.grammar import ACTORS, ASKING, NEUTRAL, PATTERNS, REWRITES, SUBJECTS, SYNONYMS

__all__ = ["normalized"]

MAX_CHARACTERS = 2000
_QUOTED = re.compile(
    r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|「([^」]+)」|(?<!\w)['‘]([^'’]+)['’](?!\w)",
)
_WITHOUT_CAPITALS = re.compile(
    r"([\u0370-\u1fff\u2c00-\ud7ff\uf900-\ufdff\uff66-\uffdc]+(?:[ ]*[\u0370-\u1fff\u2c00-\ud7ff]+)*)"
)
_CAPITALS = re.compile(r"\b((?!FPS\b|HZ\b)[A-Z0-9]*[A-Z][A-Z0-9&.'-]*[A-Z0-9]\b(?: [A-Z0-9]+\b)*)")
_TEXT_VERBS = frozenset(("written", "change", "changes", "changed", "move", "moves", "scroll", "scrolls"))


def normalized(text: str) -> tuple[str, tuple[str, ...]]:
    """The words of a question as the grammar has them, and the words to look for on the screen.

    Args:
        text: the question as it was asked.

    Returns:
        (words, phrases); in the words `#0#` stands for the first phrase.

    Raises:
        OptionError: an empty question, or one of more than 2000 characters.

    >>> normalized("When is the FIRST cut after “Exit 4”?")
    ('when is the 1st cut after #0#', ('Exit 4',))
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not any(char.isalnum() for char in text):
        raise OptionError("the question is empty; ask something like 'When is the first cut?'")
    if len(text) > MAX_CHARACTERS:
        raise OptionError(f"the question has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    phrases: list[str] = []

    def keep(match: re.Match[str]) -> str:
        phrases.append(next(group for group in match.groups() if group))
        return f" #{len(phrases) - 1}# "

    text = _QUOTED.sub(keep, text.replace("#", " "))
    text = _WITHOUT_CAPITALS.sub(keep, text)
    if any(char.islower() for char in re.sub(r"#\d+#", "", text)):
        text = _CAPITALS.sub(lambda match: match[0] if _is_stressed(match) else keep(match), text)
    words = re.sub(r"\s+", " ", text.casefold()).strip()
    for pattern, new in REWRITES:
        words = re.sub(pattern, new, words)
    named = re.search(r"\b(?:the|a) (?:word|words|phrase|name) ([a-z0-9'-]+)", words)
    if named and named[1] not in NEUTRAL | _TEXT_VERBS and not re.search(PATTERNS["end"], named[1]):
        phrases.append(named[1])
        words = words.replace(named[1], f"#{len(phrases) - 1}#", 1)
    for pattern, new in SYNONYMS:
        words = re.sub(pattern, new, words)
    return re.sub(r"[?!;]+|[.](?!\d)", " ", words).strip(), tuple(phrases)


def _is_stressed(capitals: re.Match[str]) -> bool:
    """Whether words in capitals are words of the question: "How many CUTS are there?", but not "When is GO shown?"."""
    text, (start, end) = capitals.string.casefold(), capitals.span()
    before, run, after = text[:start], text[start:end], text[end:]
    left = run
    for _, pattern, _ in SUBJECTS:
        left = re.sub(pattern, " ", left)
    own = (word.removesuffix("'s") for word in left.split())
    if not all(word in NEUTRAL or word in ACTORS or word in ASKING or word.isdigit() for word in own):
        return False
    if re.search(PATTERNS["the_word"], before):
        return False
    asking = ASKING | ACTORS
    if all(word in asking or re.search(PATTERNS["on_screen"], word) for word in run.split()):
        return True
    # Where something is said to be shown, a verb or a direction in the place of its name is one: a sign may say GO.
    may_be_name = re.search(PATTERNS["name_may_follow"], before)
    is_name = may_be_name and re.search(PATTERNS["on_screen"], f"{before} {after}")
    return not (is_name or re.search(PATTERNS["name_follows"], before))
