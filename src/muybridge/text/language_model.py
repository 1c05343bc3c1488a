"""How likely a character is after those before it: n-gram models, from a text or from an ARPA file.

A model is held as ARPA files hold it: the probability of every n-gram that was seen, and for every history a
weight with which the shorter history answers for what was not. Sources: T. Bell, I. Witten, "Text
Compression", 1990, method C (Witten-Bell); R. Kneser, H. Ney, "Improved backing-off for m-gram language
modeling", ICASSP 1995.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from muybridge.counts import check_count
from muybridge.errors import MuybridgeError, OptionError

__all__ = ["CharacterLanguageModel", "Smoothing"]

Smoothing = Literal["witten-bell", "kneser-ney", "none"]
History = tuple[str, ...]

_DISCOUNT = 0.75  # of absolute discounting in Kneser-Ney
_START = "<s>"
_UNKNOWN = "<unk>"
_MARKERS = frozenset({_START, "</s>", _UNKNOWN})  # what ARPA files list besides the characters
_SPACES = ("<space>", "▁", "|")  # what character models write for the blank between words, the surest first


class CharacterLanguageModel:
    """A character n-gram model with backing off.

    A character is a code point, or whatever string the model lists as one (a letter with its combining marks).

    Args:
        probabilities: for each history (a tuple of the characters before) the natural log-probability of each
            character that was seen after it.
        backoff: for each history the natural log of the weight of the shorter history for what was not seen;
            0.0 where it is not listed.
        unknown: natural log-probability of a character that the model has never seen.

    >>> model = CharacterLanguageModel.train("the theme of the thesis", order=3)
    >>> model.log_probability("the") > model.log_probability("teh")
    True
    """

    def __init__(
        self,
        probabilities: dict[History, dict[str, float]],
        backoff: dict[History, float],
        *,
        unknown: float = -math.inf,
    ) -> None:
        self._probabilities = probabilities
        self._backoff = _with_beginnings(probabilities, backoff)
        self.unknown = unknown
        self.order = 1 + max(map(len, probabilities), default=0)
        listed = probabilities.get((), {}).keys() - _MARKERS
        self._long = frozenset(character for character in listed if len(character) > 1)

    @classmethod
    def train(cls, text: str, *, order: int = 5, smoothing: Smoothing = "witten-bell") -> Self:
        """Learn a model from any text.

        Args:
            text: the text; every run of white space counts as one space.
            order: how many characters an n-gram has, 1 or more.
            smoothing: `"witten-bell"` and `"kneser-ney"` leave a chance to what was not seen; `"none"`
                forbids it (relative frequencies, good only where nothing but the seen pairs may be written).

        Raises:
            OptionError: an empty text, an order that is no whole number of at least 1, or an unknown smoothing.
        """
        check_count("order", order)
        if smoothing not in ("witten-bell", "kneser-ney", "none"):
            raise OptionError(f"smoothing={smoothing!r} is not one of witten-bell, kneser-ney, none")
        characters = f" {' '.join(text.split())} "
        if not characters.strip():
            raise OptionError("a language model cannot be learned from an empty text")
        counts: defaultdict[History, Counter[str]] = defaultdict(Counter)
        for length in range(order):
            for start in range(len(characters) - length):
                counts[tuple(characters[start : start + length])][characters[start + length]] += 1
        if smoothing == "none":
            return cls(*_relative_frequencies(counts))
        if smoothing == "kneser-ney":
            counts = _continuation_counts(counts, order)
        return cls._smoothed(counts, smoothing)

    @classmethod
    def _smoothed(cls, counts: dict[History, Counter[str]], smoothing: Smoothing) -> Self:
        """Interpolate each history with the shorter one, down to equal chances for all and one unknown."""
        uniform = 1 / (len(counts[()]) + 1)
        probabilities: dict[History, dict[str, float]] = {}
        backoff: dict[History, float] = {}
        for history in sorted(counts, key=len):
            seen = counts[history]
            total, kinds = sum(seen.values()), len(seen)
            if smoothing == "witten-bell":
                discount, total = 0.0, total + kinds
                weight = kinds / total
            else:
                discount = _DISCOUNT
                weight = discount * kinds / total
            shorter = probabilities[history[1:]] if history else dict.fromkeys(seen, uniform)
            # Every character seen after a history was seen after the shorter one as well.
            probabilities[history] = {
                character: (count - discount) / total + weight * shorter[character]
                for character, count in seen.items()
            }
            backoff[history] = weight
        unknown = math.log(backoff[()] * uniform)
        return cls(
            {
                history: {character: math.log(value) for character, value in row.items()}
                for history, row in probabilities.items()
            },
            {history: math.log(weight) for history, weight in backoff.items() if history},
            unknown=unknown,
        )

    @classmethod
    def from_arpa(cls, path: str | Path) -> Self:
        """Read a model of characters from an ARPA file, as SRILM and KenLM write them.

        Args:
            path: the file; its space is `<space>`, or `▁` where it lists no `<space>`, or else `|`. The others
                are taken for themselves.

        Raises:
            MuybridgeError: the file cannot be read, or is not an ARPA file.
        """
        try:
            lines = iter(Path(path).read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise MuybridgeError(f"{path}: cannot be read as an ARPA file ({error})") from error
        probabilities: defaultdict[History, dict[str, float]] = defaultdict(dict)
        backoff: dict[History, float] = {}
        for length, fields in _arpa_entries(path, lines):
            if len(fields) not in (length + 1, length + 2):
                raise MuybridgeError(f"{path}: an entry of {length} tokens reads {' '.join(fields)!r}")
            tokens = tuple(fields[1 : length + 1])
            try:
                probabilities[tokens[:-1]][tokens[-1]] = float(fields[0]) * math.log(10)
                if len(fields) == length + 2:
                    backoff[tokens] = float(fields[-1]) * math.log(10)
            except ValueError as error:
                raise MuybridgeError(f"{path}: {error} in {' '.join(fields)!r}") from error
        if not probabilities:
            raise MuybridgeError(f"{path}: holds no n-grams; an ARPA file begins with \\data\\")
        listed = probabilities[()]
        space = next((token for token in _SPACES if token in listed), None)
        return cls(
            {
                _replaced(history, space, " "): {
                    " " if token == space else token: value for token, value in row.items()
                }
                for history, row in probabilities.items()
            },
            {_replaced(history, space, " "): weight for history, weight in backoff.items()},
            unknown=listed.get(_UNKNOWN, -math.inf),
        )

    def save_arpa(self, path: str | Path) -> None:
        """Write the model as an ARPA file; the space is written `<space>`."""
        ngrams = {
            (*history, character): value
            for history, row in self._probabilities.items()
            for character, value in row.items()
        }
        if self.unknown > -math.inf:
            ngrams.setdefault((_UNKNOWN,), self.unknown)
        for history in self._backoff:
            # A weight stands behind an n-gram, so one that was never counted is listed as it backs off.
            if history and history not in ngrams:
                ngrams[history] = self.next_log_probability(history[:-1], history[-1])
        entries: defaultdict[int, list[str]] = defaultdict(list)
        for ngram, value in ngrams.items():
            tokens = " ".join(_replaced(ngram, " ", "<space>"))
            weight = self._backoff.get(ngram)
            tail = "" if weight is None else f"\t{weight / math.log(10):.7f}"
            entries[len(ngram)].append(f"{value / math.log(10):.7f}\t{tokens}{tail}")
        counts = "".join(f"ngram {n}={len(entries[n])}\n" for n in sorted(entries))
        sections = "".join(f"\n\\{n}-grams:\n" + "\n".join(entries[n]) + "\n" for n in sorted(entries))
        Path(path).write_text(f"\\data\\\n{counts}{sections}\n\\end\\\n", encoding="utf-8")

    @property
    def start(self) -> History:
        """The history of a line's first character: the model's own start, or else a space."""
        return self.shortened((_START,) if (_START,) in self._probabilities else (" ",))

    def shortened(self, history: History) -> History:
        """The part of a history that the model tells apart from shorter ones."""
        history = history[max(0, len(history) - self.order + 1) :]
        while history and history not in self._probabilities and history not in self._backoff:
            history = history[1:]
        return history

    def next_log_probability(self, history: History, character: str) -> float:
        """The natural log-probability of a character after a history."""
        weight = 0.0
        while True:
            row = self._probabilities.get(history, {})
            if character in row:
                return weight + row[character]
            if not history:
                return weight + self.unknown
            weight += self._backoff.get(history, 0.0)
            history = history[1:]

    def next_log_probabilities(self, history: History, symbols: Sequence[str]) -> NDArray[np.float64]:
        """The natural log-probabilities (K,) of several symbols after a history.

        A symbol of several characters has the product of theirs, each after those before it.
        """
        history = self.shortened(history)
        return np.array(
            [
                self.next_log_probability(history, symbol)
                if len(symbol) == 1
                else self._written(history, symbol)[0]
                for symbol in symbols
            ]
        )

    def after(self, history: History, text: str) -> History:
        """The history when a text is added, as far as the model looks back."""
        return self._written(history, text)[1]

    def log_probability(self, text: str) -> float:
        """The natural log-probability of a text, each character after those before it."""
        return self._written(self.start, text)[0]

    def _written(self, history: History, text: str) -> tuple[float, History]:
        """What a text adds after a history, and the history then."""
        total = 0.0
        for character in self._characters(text):
            total += self.next_log_probability(history, character)
            history = self.shortened((*history, character))
        return total, history

    def _characters(self, text: str) -> Iterator[str]:
        """The text's characters: the longest that the model lists, or else code points."""
        longest = max(map(len, self._long), default=1)
        at = 0
        while at < len(text):
            lengths = range(min(longest, len(text) - at), 1, -1)
            length = next((n for n in lengths if text[at : at + n] in self._long), 1)
            yield text[at : at + length]
            at += length

    def perplexity(self, text: str) -> float:
        """The geometric mean of one over each character's probability; 1.0 is a perfect guess.

        >>> CharacterLanguageModel.train("ababab", order=2, smoothing="none").perplexity("b")
        inf
        """
        if not text:
            raise OptionError("the perplexity of an empty text is not defined")
        return math.exp(-self.log_probability(text) / len(text))

    def knows_any(self, symbols: Sequence[str]) -> bool:
        """Whether the model has seen any character of the symbols."""
        known = self._probabilities.get((), {})
        return any(character in known for symbol in symbols for character in self._characters(symbol))


def _with_beginnings(
    probabilities: dict[History, dict[str, float]], backoff: dict[History, float]
) -> dict[History, float]:
    """The weights, with 0.0 for what begins a history without being one.

    Else `shortened` would forget the beginning before the rest of the history is written.
    """
    closed = dict(backoff)
    for history in (*probabilities, *backoff):
        for length in range(1, len(history)):
            if history[:length] not in probabilities:
                closed.setdefault(history[:length], 0.0)
    return closed


def _replaced(ngram: History, token: str | None, by: str) -> History:
    return tuple(by if other == token else other for other in ngram)


def _relative_frequencies(
    counts: dict[History, Counter[str]],
) -> tuple[dict[History, dict[str, float]], dict[History, float]]:
    probabilities, backoff = {}, {}
    for history, seen in counts.items():
        total = sum(seen.values())
        probabilities[history] = {character: math.log(count / total) for character, count in seen.items()}
        backoff[history] = -math.inf
    return probabilities, backoff


def _continuation_counts(
    counts: dict[History, Counter[str]], order: int
) -> defaultdict[History, Counter[str]]:
    """Below the highest order Kneser-Ney counts how many characters an n-gram was seen after."""
    continued: defaultdict[History, Counter[str]] = defaultdict(Counter)
    for history, seen in counts.items():
        if len(history) == order - 1:
            continued[history] = seen
        if history:
            for character in seen:
                continued[history[1:]][character] += 1
    return continued


def _arpa_entries(path: str | Path, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """The entries of an ARPA file with their lengths."""
    length, begun = 0, False
    for line in lines:
        text = line.strip()
        if text == "\\data\\":
            begun = True
        elif text == "\\end\\":
            return
        elif begun and text.startswith("\\") and text.endswith("-grams:"):
            try:
                length = int(text[1 : -len("-grams:")])
            except ValueError as error:
                raise MuybridgeError(f"{path}: the section {text!r} names no length") from error
        elif length and text:
            yield length, text.split()
    if begun:
        raise MuybridgeError(f"{path}: ends without \\end\\; the file is cut off")


class LanguageModelScorer:
    """A language model's say in a beam search: weight × log-probability, plus a bonus for each column.

    Args:
        model: the model.
        symbols: what each column writes.
        weight: what the model's log-probabilities are multiplied by.
        length_bonus: what each column adds, against a model's liking for short texts.
    """

    def __init__(
        self, model: CharacterLanguageModel, symbols: Sequence[str], *, weight: float, length_bonus: float
    ) -> None:
        self._model, self._symbols = model, symbols
        self._weight, self._length_bonus = weight, length_bonus

    def start(self) -> History:
        """The model's own."""
        return self._model.start

    def scores(self, state: History) -> NDArray[np.float64]:
        """(K,) what each next column adds."""
        values = self._model.next_log_probabilities(state, self._symbols)
        scores: NDArray[np.float64] = self._weight * values + self._length_bonus
        return scores

    def after(self, state: History, column: int) -> History:
        """The characters so far, as far as the model looks back."""
        return self._model.after(state, self._symbols[column])

    def at_end(self, state: History) -> float:
        """Nothing: a line may end anywhere."""
        return 0.0
