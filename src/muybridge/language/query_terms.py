"""A free-text query → terms, each with what it weighs; the same words, however they are written, are one term.

'the man waves while the camera pans left "EXIT"'
man 0.25 · wave 1 · camera 0.5 · pan 1 · left 1 · phrase "exit" 2, which must be there
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from muybridge.errors import OptionError
from muybridge.language.thesaurus import (
    ACTORS,
    DOERS,
    FILM_WORDS,
    IRREGULAR,
    LIGHT,
    NEGATIONS,
    STOP_WORDS,
)

__all__ = ["Term", "folded", "parse_query", "stem_of", "words_of"]

MAX_CHARACTERS = 1000
ACTOR_WEIGHT, LIGHT_WEIGHT, PHRASE_WEIGHT = 0.25, 0.5, 2.0
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|「([^」]+)」|(?<!\w)'([^']+)'(?!\w)")
_ZOOM = re.compile(r"\bzoom(?:s|ed|ing)?[ -](?:\w+ )?(in|out)\b|\bzooms? (in|out)")
# "A man cuts bread" and "someone left", but "a cut to a man", "he fades in" and "he moves left".
_OF_FILM = re.compile(
    r"\b(?:(?:a|the|hard|jump|first|next|last|any) (?:cut|dissolve|fade)s?"
    r"|(?:cut|dissolv)\w* (?:to|from|between)|fad\w+ (?:to|from|in|out)|(?:scene|shot) changes?)\b"
)
_WENT = re.compile(rf"\b((?:{'|'.join(sorted(DOERS))})s?|we|i|you|who|has|have|had) left\b(?! of\b)")
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a query asks for.

    Args:
        text: as it was written, for messages.
        stem: what is compared.
        weight: how much it counts.
        is_phrase: whether it stood in quotation marks: these very words, on the screen or spoken.
        is_required: whether nothing matches without it: quoted words, and those that turn the rest round.
        is_deed: whether the query names who or what does it, and nothing of the camera or of cuts: then what the camera
            or a cut does is no match.
    """

    text: str
    stem: str
    weight: float = 1.0
    is_phrase: bool = False
    is_required: bool = False
    is_deed: bool = False


def parse_query(query: str) -> list[Term]:
    """The terms of a query, each once.

    Args:
        query: words in English, or words in any script that are to be found on the screen.

    Raises:
        OptionError: nothing in it can be looked for.

    >>> [(term.text, term.weight) for term in parse_query("When does the camera zoom in on a man who was waving?")]
    [('camera', 0.5), ('zoom in', 1.0), ('man', 0.25), ('waving', 1.0)]
    >>> [(term.stem, term.is_phrase) for term in parse_query('"Fire  EXIT" 空间里')]
    [('fire exit', True), ('空间里', False)]
    >>> [[term.is_deed for term in parse_query(text)] for text in ("he turns", "the camera turns to him")]
    [[True], [False, False, False]]
    """
    if len(query) > MAX_CHARACTERS:
        raise OptionError(f"the query has {len(query)} characters; at most {MAX_CHARACTERS} are looked for")
    terms: dict[str, Term] = {}

    def add(term: Term) -> None:
        terms.setdefault(("“" if term.is_phrase else "") + term.stem, term)

    def take(match: re.Match[str]) -> str:
        text = next(group for group in match.groups() if group)
        if stem := " ".join(words_of(text)):
            add(Term(text.strip(), stem, PHRASE_WEIGHT, is_phrase=True, is_required=True))
        return " "

    rest = _ZOOM.sub(lambda found: f" zoom{found[1] or found[2]} ", folded(_QUOTED.sub(take, query)))
    rest = _WENT.sub(r"\1 leave", rest)
    words = words_of(rest)
    is_deed = _names_doer(words) and not _is_of_film(rest, words)
    telling = [word for word in words if word not in STOP_WORDS]
    # "to be or not to be" is a query too: words that say nothing count where there are no others.
    for word in telling or ([] if terms else words):
        stem = stem_of(word)
        weight = ACTOR_WEIGHT if {stem, word} & ACTORS else LIGHT_WEIGHT if {stem, word} & LIGHT else 1.0
        text = {"zoomin": "zoom in", "zoomout": "zoom out"}.get(word, word)
        add(Term(text, stem, weight, is_required=word in NEGATIONS, is_deed=is_deed))
    if not terms:
        raise OptionError("the query is empty; describe what to find, such as 'the camera pans left'")
    return list(terms.values())


def _names_doer(words: Sequence[str]) -> bool:
    return any({word, word.removesuffix("s")} & DOERS for word in words)


def _is_of_film(text: str, words: Sequence[str]) -> bool:
    """Whether a query speaks of the camera or of cuts."""
    return _OF_FILM.search(text) is not None or bool(set(map(stem_of, words)) & _film_stems())


def folded(text: str) -> str:
    """Text in one way of writing: compatible characters as one (NFKC), without case.

    >>> folded("ＥＸＩＴ Straße"), folded("ﬁre")
    ('exit strasse', 'fire')
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def words_of(text: str) -> list[str]:
    """The words of a text, folded; writing without spaces stays in one piece.

    >>> words_of("Platform 9¾: don't!"), words_of("空间里 绝对")
    (['platform', '93', '4', 'don', 't'], ['空间里', '绝对'])
    """
    return _WORDS.findall(folded(text))


@functools.lru_cache(maxsize=65536)
def stem_of(word: str) -> str:
    """A word without its ending, by Snowball's English rules; other scripts stay as they are.

    >>> {stem_of(word) for word in ("wave", "waves", "waving", "waved")}, stem_of("ran")
    ({'wave'}, 'run')
    """
    if not word.isascii() or not word.isalpha():
        return word
    stem: str = _stemmer().stemWord(IRREGULAR.get(word, word))
    return IRREGULAR.get(stem, stem)


@functools.cache
def _film_stems() -> frozenset[str]:
    return frozenset(map(stem_of, FILM_WORDS))


@functools.cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
