"""Why a segment matched, for people: the words that it shares with the query, or how near its meaning is.

Words are shared when the text index makes the same of both (`waves`, `waving` → `wave`), so the index splits the texts
here, too. That takes about a millisecond a call, whatever the length, so all texts are split in one go.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import regex

from muybridge.search.tables import reading

if TYPE_CHECKING:
    from muybridge.search.store import Store

__all__ = ["reason", "stems_of", "without_stop_words", "words_of"]

# Words that nearly all sentences have; a query of nothing else keeps them.
_COMMON_WORDS = """
a an and are as at be been being but by can could did do does for from had has have he her his how i in into is it
its me my of on or our she so than that the their them then there these they this those to was we were what when
where which while who whom whose why will with would you your show find video clip
"""
_STOP_WORDS = frozenset(_COMMON_WORDS.split())
# Between texts: a word that nobody can have written, and that has no ending which a stemmer takes off.
_BORDER = "".join(random.SystemRandom().choices("bdgkpqvxz", k=20))


def stems_of(store: Store, texts: Sequence[str]) -> list[set[str]]:
    """What the text index makes of the words of each text; common words are left out where others remain."""
    joined = f"\n{_BORDER}\n".join(map(without_stop_words, texts))
    with reading(store.uri):
        tokens = [token.text for token in store.tables.segments.tokenize(joined, column="text")]
    stems: list[set[str]] = [set()]
    for token in tokens:
        if token == _BORDER:
            stems.append(set())
        else:
            stems[-1].add(token)
    return stems


def reason(
    text: str, stems: set[str], asked: set[str], similarity: float | None, *, words: bool, name: bool
) -> str:
    """Why a segment matched.

    Args:
        text: the segment's.
        stems: of the text.
        asked: stems of the query.
        similarity: the cosine of their meanings; None where meaning did not match.
        words: whether it was found by its words.
        name: whether its video was found by its name.

    >>> reason("WELCOME TO PARIS", {"welcom", "pari"}, {"pari"}, 0.5, words=True, name=False)
    'words: paris; meaning 0.50'
    """
    reasons = []
    if name:
        reasons.append("file name")
    elif words:
        spelled = dict.fromkeys(_as_spelled(stem, text) for stem in sorted(asked & stems))
        reasons.append(f"words: {', '.join(spelled)}" if spelled else "words, nearly")
    if similarity is not None:
        reasons.append(f"meaning {similarity:.2f}")
    return "; ".join(reasons)


def words_of(text: str) -> list[str]:
    """Runs of letters and runs of digits, in lower case.

    >>> words_of("Holiday_2024-beach.take2")
    ['holiday', '2024', 'beach', 'take', '2']
    """
    return [match[0] for match in regex.finditer(r"\p{L}+|\p{N}+", text.lower())]


def without_stop_words(text: str) -> str:
    """The text without words that nearly all sentences have, or as it is where nothing else remains.

    >>> without_stop_words("where is the goal?"), without_stop_words("to be")
    ('goal?', 'to be')
    """
    words = [word for word in text.split() if word.strip(".,;:!?\"'").lower() not in _STOP_WORDS]
    return " ".join(words) or text


def _as_spelled(stem: str, text: str) -> str:
    """The word of a text that has this stem.

    >>> _as_spelled("pari", "WELCOME TO PARIS"), _as_spelled("不了", "赢不了")
    ('paris', '不了')
    """
    beginning = stem[: max(3, len(stem) - 1)]
    return next((word for word in words_of(text) if len(stem) > 2 and word.startswith(beginning)), stem)
