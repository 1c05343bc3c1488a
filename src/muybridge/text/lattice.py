"""What a CTC network gives, checked: log-probabilities, one row per time step, one column per symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["Alphabet", "Kind", "as_log_probabilities", "as_matrix", "peak_log_probabilities"]

Kind = Literal["auto", "log_probabilities", "logits", "probabilities"]
"""What the numbers of a matrix are. `"auto"` takes logits and log-probabilities alike: log-softmax turns
the first into the second and leaves the second as it is. `"auto"` refuses probabilities: name them as
such."""

_KINDS = ("auto", "log_probabilities", "logits", "probabilities")
_TOLERANCE = 1e-3  # float32 softmax over thousands of classes stays well inside


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The symbols of a network's columns.

    Args:
        symbols: one string for each of the K columns; the blank's is empty.
        blank: the blank's column, 0 ≤ blank < K.

    >>> Alphabet.of("ab", num_columns=3, blank=-1)
    Alphabet(symbols=('a', 'b', ''), blank=2)
    """

    symbols: tuple[str, ...]
    blank: int

    @classmethod
    def of(cls, characters: str | Sequence[str], *, num_columns: int, blank: int) -> Alphabet:
        """Pair the characters with the columns, the blank left out.

        Args:
            characters: the K − 1 characters in the order of their columns; a sequence of strings where one
                column stands for several code points, such as a letter with its combining marks.
            num_columns: K.
            blank: the blank's column; negative counts from the end.

        Raises:
            OptionError: the blank lies outside the columns, or the alphabet has the wrong length.
        """
        return _alphabet(characters if isinstance(characters, str) else tuple(characters), num_columns, blank)

    def text(self, columns: Sequence[int] | NDArray[np.integer]) -> str:
        """The text of a labeling.

        >>> Alphabet.of("ab", num_columns=3, blank=0).text([2, 1])
        'ba'
        """
        return "".join([self.symbols[column] for column in columns])

    def columns(self, text: str) -> list[int]:
        """One labeling of a text: of several symbols that fit, the longest that lets the rest be written.

        Raises:
            OptionError: the text cannot be written with the alphabet.

        >>> Alphabet.of(["a", "e\u0301"], num_columns=3, blank=0).columns("ae\u0301a")
        [1, 2, 1]
        """
        longest: dict[int, tuple[int, int]] = {}
        for start, stop, column in self.arcs(text):
            if start not in longest or stop > longest[start][0]:
                longest[start] = stop, column
        columns, position = [], 0
        while position < len(text):
            position, column = longest[position]
            columns.append(column)
        return columns

    @property
    def is_ambiguous(self) -> bool:
        """Whether two labelings might write one text: a symbol stands twice, or has several code points."""
        written = [symbol for symbol in self.symbols if symbol]
        return len(set(written)) < len(written) or max(map(len, written), default=1) > 1

    def arcs(self, text: str) -> list[tuple[int, int, int]]:
        """All labelings of a text as one graph over its positions, from 0 to its length.

        Returns:
            (start, stop, column) for each symbol that some labeling writes there, in the order of `start`.

        Raises:
            OptionError: the text cannot be written with the alphabet.

        >>> Alphabet.of(["a", "b", "ab"], num_columns=4, blank=0).arcs("ab")
        [(0, 1, 1), (0, 2, 3), (1, 2, 2)]
        """
        known, longest = _columns_of_symbols(self.symbols)
        found, reached = [], {0}
        for start in range(len(text)):
            if start not in reached:
                continue
            for stop in range(start + 1, min(start + longest, len(text)) + 1):
                for column in known.get(text[start:stop], ()):
                    found.append((start, stop, column))
                    reached.add(stop)
        if len(text) not in reached:
            position = max(reached)
            raise OptionError(
                f"{text[position]!r} at position {position} of {text!r} is not in the alphabet; "
                "the network cannot write it"
            )
        arcs, ending = [], {len(text)}
        for start, stop, column in reversed(found):
            if stop in ending:
                ending.add(start)
                arcs.append((start, stop, column))
        return arcs[::-1]


@lru_cache(maxsize=64)
def _alphabet(characters: str | tuple[str, ...], num_columns: int, blank: int) -> Alphabet:
    if not -num_columns <= blank < num_columns:
        raise OptionError(
            f"blank={blank} is not one of the {num_columns} columns; the last is {num_columns - 1} or -1"
        )
    if len(characters) != num_columns - 1:
        hint = "; leave the blank out" if len(characters) == num_columns else ""
        raise OptionError(
            f"the alphabet has {len(characters)} characters, but {num_columns} columns with one blank "
            f"need {num_columns - 1}{hint}"
        )
    if "" in tuple(characters):
        raise OptionError(
            "the alphabet holds an empty string; only the blank writes nothing, and it is left out"
        )
    blank %= num_columns
    symbols = (*characters[:blank], "", *characters[blank:])
    return Alphabet(symbols, blank)


@lru_cache(maxsize=64)
def _columns_of_symbols(symbols: tuple[str, ...]) -> tuple[dict[str, list[int]], int]:
    known: dict[str, list[int]] = {}
    for column, symbol in enumerate(symbols):
        if symbol:
            known.setdefault(symbol, []).append(column)
    return known, max(map(len, known), default=0)


def as_matrix(values: ArrayLike, *, kind: Kind = "auto") -> NDArray[np.floating]:
    """Check one line's network output and give it back as a floating-point array.

    Args:
        values: (T, K) logits, log-probabilities or probabilities; T may be 0.
        kind: what the values are.

    Raises:
        ShapeError: not of rank 2, no column, or not numbers.
        OptionError: an unknown kind; NaN; +inf; a row without any finite value; values that do not keep what
            `kind` says; values that are plainly probabilities although `kind` does not say so.
    """
    if kind not in _KINDS:
        raise OptionError(f"kind={kind!r} is not one of {', '.join(_KINDS)}")
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ShapeError(
            f"a line's network output is (time steps, columns), but its shape is {matrix.shape}; "
            "decode the lines of a batch with best_paths or beam_search_batch"
        )
    if matrix.dtype.kind not in "fiu":
        raise ShapeError(f"network output must be real numbers, not {matrix.dtype}")
    if matrix.dtype not in (np.float32, np.float64):
        matrix = matrix.astype(np.float64)
    if matrix.shape[0]:
        _check_values(matrix, kind)
    return matrix


def _check_values(matrix: NDArray[np.floating], kind: Kind) -> None:
    highest = matrix.max(axis=1)
    if not np.isfinite(highest).all():
        row = int(np.argmin(np.isfinite(highest)))
        what = "NaN" if np.isnan(highest[row]) else "+inf" if highest[row] > 0 else "only -inf"
        raise OptionError(f"time step {row} holds {what}; mend the network's output before decoding it")
    if kind == "logits":
        return
    lowest = float(matrix.min())
    if kind == "probabilities":
        sums = matrix.sum(axis=1, dtype=np.float64)
        worst = int(np.abs(sums - 1).argmax())
        if lowest < 0 or abs(sums[worst] - 1) > _TOLERANCE:
            why = f"a value of {lowest:g}" if lowest < 0 else f"row {worst} sums to {sums[worst]:g}"
            raise OptionError(
                f"these are not probabilities: {why}; divide each row by its sum, or give logits"
            )
    elif kind == "log_probabilities":
        sums = np.exp(matrix).sum(axis=1, dtype=np.float64)
        worst = int(np.abs(sums - 1).argmax())
        if abs(sums[worst] - 1) > _TOLERANCE:
            raise OptionError(
                f"these are not log-probabilities: those of row {worst} sum to {sums[worst]:g}, not 1; "
                "use kind='logits' to have them normalized"
            )
    elif lowest >= 0 and highest.max() <= 1 and matrix.shape[1] > 1:
        # A few logits may lie so by chance; then only rows that sum to one exactly give probabilities away.
        away = np.abs(matrix.sum(axis=1) - 1).max()
        if away <= (0.5 if matrix.size >= 24 else 1e-4):
            raise OptionError(
                "every value lies in [0, 1] and every row sums to about 1, as probabilities do; "
                "pass kind='probabilities', or kind='logits' if they truly are logits"
            )


def as_log_probabilities(values: ArrayLike, *, kind: Kind = "auto") -> NDArray[np.float64]:
    """Bring one line's network output to normalized natural log-probabilities.

    Args:
        values: (T, K) logits, log-probabilities or probabilities.
        kind: what the values are; `"auto"` is right for logits and for log-probabilities.

    Returns:
        (T, K); the probabilities of each row sum to one.

    Raises:
        ShapeError: not of rank 2, no column, or not numbers.
        OptionError: the values are not what `kind` says, or hold NaN or +inf.

    >>> np.exp(as_log_probabilities([[0.0, 0.0], [-np.inf, 3.0]])).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    matrix = as_matrix(values, kind=kind).astype(np.float64)
    if not matrix.shape[0]:
        return matrix
    if kind == "probabilities":
        with np.errstate(divide="ignore"):
            np.log(matrix, out=matrix)
    matrix -= matrix.max(axis=1, keepdims=True)
    matrix -= np.log(np.exp(matrix).sum(axis=1, keepdims=True))
    return matrix


def peak_log_probabilities(
    matrix: NDArray[np.floating], *, kind: Kind
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best column of each time step and its log-probability, without normalizing the whole matrix.

    Args:
        matrix: (T, K) as `as_matrix` gives it.
        kind: what its values are.

    Returns:
        (T,) columns and (T,) natural logs.
    """
    if not matrix.shape[0]:
        return np.zeros(0, np.int64), np.zeros(0)
    columns = matrix.argmax(axis=1)
    peaks = np.take_along_axis(matrix, columns[:, None], axis=1)
    if kind == "probabilities":
        return columns, np.log(peaks[:, 0] / matrix.sum(axis=1, dtype=np.float64))
    return columns, -np.log(np.exp(matrix - peaks).sum(axis=1, dtype=np.float64))
