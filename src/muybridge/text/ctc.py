r"""CTC decoding: from one row of scores for each time step to text.

A CTC network gives, for each of T time steps, a distribution over the characters and a *blank*. A path is one
symbol for each step; its text is the path with repeats merged and blanks dropped, so many paths write one
text:

    path   a a - b b -     a - - - b -     - a - b b b
    text   ab              ab              ab

`greedy_decode` takes the best path, `beam_search` the best *text* (the sum over its paths),
`log_probability` sums all the paths of a given text. Source: A. Graves et al., "Connectionist Temporal
Classification", ICML 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.text.lattice import Alphabet, Kind, as_matrix, peak_log_probabilities

__all__ = ["CharacterSpan", "Hypothesis", "best_path", "best_paths", "greedy_decode"]


@dataclass(frozen=True, slots=True)
class CharacterSpan:
    """One character of a decoded line and where it was seen.

    Args:
        character: what is written (one symbol of the alphabet).
        start: its first time step.
        stop: the time step after its last.
        confidence: its highest probability within the span, in [0, 1].
    """

    character: str
    start: int
    stop: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reading of a line.

    Args:
        text: the reading.
        log_probability: natural log: of the best path from `best_path`; of all the paths that the beam kept,
            a lower bound of the text's own, from `beam_search`.
        score: what the reading was ranked by: the log-probability plus what language model and lexicon added.
        characters: one span for each symbol of `text`, in order; empty where spans were not asked for.
    """

    text: str
    log_probability: float
    score: float
    characters: tuple[CharacterSpan, ...] = ()

    @property
    def confidence(self) -> float:
        """The mean confidence of the characters, in [0, 1]; 0.0 for an empty text."""
        if not self.characters:
            return 0.0
        return sum(span.confidence for span in self.characters) / len(self.characters)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; times are time steps of the network."""
        return {
            "text": self.text,
            "log_probability": self.log_probability,
            "score": self.score,
            "characters": [
                {"character": s.character, "start": s.start, "stop": s.stop, "confidence": s.confidence}
                for s in self.characters
            ],
        }


def greedy_decode(
    log_probs: ArrayLike, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> str:
    """Read a line by its best path: the best symbol of each step, repeats merged, blanks dropped.

    Args:
        log_probs: (T, K) log-probabilities or logits.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        The text; empty where T is 0.

    Raises:
        ShapeError: `log_probs` is not (T, K).
        OptionError: NaN, values that are not what `kind` says, a blank outside, an alphabet of a wrong
            length.

    >>> steps = np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    >>> greedy_decode(steps, "ab")
    'aa'
    """
    return best_path(log_probs, alphabet, blank=blank, kind=kind).text


def best_path(
    log_probs: ArrayLike, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> Hypothesis:
    """Read a line by its best path, with the span and the confidence of each character.

    Takes the same arguments, and raises the same errors, as `greedy_decode`.

    >>> path = best_path([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1]], "ab", kind="probabilities")
    >>> path.characters
    (CharacterSpan(character='a', start=0, stop=2, confidence=0.8),)
    """
    matrix = as_matrix(log_probs, kind=kind)
    symbols = Alphabet.of(alphabet, num_columns=matrix.shape[1], blank=blank)
    columns, peaks = peak_log_probabilities(matrix, kind=kind)
    characters = _spans_of_path(columns, np.exp(peaks), symbols)
    log_probability = float(peaks.sum())
    return Hypothesis(
        "".join([span.character for span in characters]), log_probability, log_probability, characters
    )


def best_paths(
    lines: Sequence[ArrayLike] | NDArray[np.floating],
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    kind: Kind = "auto",
) -> list[Hypothesis]:
    """Read a batch of lines by their best paths.

    Args:
        lines: (B, T, K), or B matrices (Tᵢ, K) of different lengths.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        One hypothesis for each line.

    Raises:
        ShapeError: a line is not (T, K).
        OptionError: as `greedy_decode`.

    >>> [path.text for path in best_paths(np.log([[[0.1, 0.9]], [[0.9, 0.1]]]), "a")]
    ['a', '']
    """
    return [best_path(line, alphabet, blank=blank, kind=kind) for line in lines]


def _spans_of_path(
    columns: NDArray[np.int64], peaks: NDArray[np.float64], alphabet: Alphabet
) -> tuple[CharacterSpan, ...]:
    """The runs of one column in a path (T,), blanks left out; `peaks` holds the path's probabilities."""
    if not len(columns):
        return ()
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    stops = np.append(starts[1:], len(columns))
    highest = np.maximum.reduceat(peaks, starts)
    return tuple(
        CharacterSpan(alphabet.symbols[column], start, stop, confidence)
        for column, start, stop, confidence in zip(
            columns[starts].tolist(), starts.tolist(), stops.tolist(), highest.tolist(), strict=True
        )
        if column != alphabet.blank
    )
