"""What a decoder gives back: a reading, how likely it is, and where each of its characters was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CharacterSpan", "Hypothesis", "spans_of_path"]


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


def spans_of_path(
    path: NDArray[np.integer], probabilities: NDArray[np.float64], symbols: dict[int, str]
) -> tuple[CharacterSpan, ...]:
    """The runs of a path.

    Args:
        path: (T,) the symbol, or the state, of each time step.
        probabilities: (T,) how likely it was there.
        symbols: what the entries of `path` write; those that are left out write nothing.

    >>> spans_of_path(np.array([0, 1, 1, 0, 1]), np.array([0.9, 0.5, 0.6, 0.7, 0.8]), {1: "a"})[1]
    CharacterSpan(character='a', start=4, stop=5, confidence=0.8)
    """
    if not len(path):
        return ()
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    stops = np.append(starts[1:], len(path))
    highest = np.maximum.reduceat(probabilities, starts)
    return tuple(
        CharacterSpan(symbols[entry], start, stop, confidence)
        for entry, start, stop, confidence in zip(
            path[starts].tolist(), starts.tolist(), stops.tolist(), highest.tolist(), strict=True
        )
        if entry in symbols
    )
