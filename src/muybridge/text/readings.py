"""What a recognition network saw of one line, and how the evidence of several frames adds up.

A network that reads 18,000 characters gives a (T, 18710) matrix for each line, nearly all of it zero.
`Evidence` keeps the columns that matter. The evidence of one line in several frames is brought onto one time
axis (dynamic time warping: a frame that is shifted or stretched by a step would otherwise weaken every
character) and its log-probabilities are averaged, as a product of experts: a blurred frame, whose
distributions are flat, changes little; sharp frames that agree outvote one that errs.
Sources: Sakoe and Chiba 1978 (dynamic time warping); Hinton 2002 (products of experts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.text.ctc import Hypothesis, best_path
from muybridge.text.evidence import add_evidence

__all__ = ["Evidence", "combine"]

_LEAST = 1e-3  # a character below this in every step is left out
_FLOOR = 1e-5  # what a character left out is taken to be worth; it bounds how much one frame can veto


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Log-probabilities of one line over the characters that may be in it.

    Args:
        log_probs: (T, 1 + K) float32, natural logs; column 0 is the blank.
        characters: the K characters of the other columns.
    """

    log_probs: NDArray[np.float32]
    characters: tuple[str, ...]

    @classmethod
    def of_probabilities(cls, probabilities: NDArray[np.floating], alphabet: Sequence[str]) -> Evidence:
        """Keep what matters of a network's output.

        Args:
            probabilities: (T, K) rows that sum to one; column 0 is the blank.
            alphabet: the K − 1 characters of the other columns.

        >>> Evidence.of_probabilities(np.array([[0.1, 0.9, 0.0], [0.8, 0.2, 0.0]]), "ab").characters
        ('a',)
        """
        peaks = probabilities.max(axis=0, initial=0.0)
        columns = np.flatnonzero(peaks[1:] > _LEAST) + 1
        chosen = probabilities[:, np.concatenate([[0], columns])]
        return cls(_log_normalized(chosen), tuple(alphabet[column - 1] for column in columns.tolist()))

    def decode(self) -> Hypothesis:
        """The best path: text, and the span and confidence of each character."""
        return best_path(self.log_probs, self.characters, kind="log_probabilities")

    def over(self, characters: Sequence[str]) -> NDArray[np.float32]:
        """The same over another set of characters: (T, 1 + len(characters)) probabilities."""
        place = {character: column + 1 for column, character in enumerate(self.characters)}
        wide = np.full((len(self.log_probs), 1 + len(characters)), _FLOOR, np.float32)
        wide[:, 0] = np.exp(self.log_probs[:, 0])
        for column, character in enumerate(characters, start=1):
            if character in place:
                wide[:, column] = np.exp(self.log_probs[:, place[character]])
        return wide

    def state(self) -> dict[str, Any]:
        """As arrays and lists."""
        return {"log_probs": self.log_probs, "characters": list(self.characters)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Evidence:
        """The inverse of `state`."""
        return cls(np.asarray(state["log_probs"], np.float32), tuple(state["characters"]))


def combine(readings: Sequence[Evidence]) -> Evidence:
    """Add up the evidence that several frames give of one line.

    Args:
        readings: one or more; the surest gives the time axis.

    Returns:
        Evidence on that axis: the mean log-probabilities, normalized.

    >>> sharp = Evidence.of_probabilities(np.array([[0.1, 0.9, 0.0], [0.9, 0.0, 0.1]]), "ab")
    >>> blurred = Evidence.of_probabilities(np.array([[0.3, 0.3, 0.4], [0.4, 0.3, 0.3]]), "ab")
    >>> blurred.decode().text, combine([blurred, sharp]).decode().text
    ('b', 'a')
    """
    if len(readings) == 1:
        return readings[0]
    characters = sorted(set().union(*(reading.characters for reading in readings)))
    spread = [reading.over(characters) for reading in readings]
    sureness = [
        float(reading.log_probs.max(axis=1).mean()) if len(reading.log_probs) else -np.inf
        for reading in readings
    ]
    reference = spread[int(np.argmax(sureness))]
    aligned = [looks if looks is reference else _align(looks, reference) for looks in spread]
    total = add_evidence([np.log(np.maximum(looks, _FLOOR)) for looks in aligned], floor=0.0)
    return Evidence(_log_normalized(np.exp(total / len(spread))), tuple(characters))


def _align(probabilities: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring (S, K) onto the T steps of the reference by dynamic time warping."""
    if not len(probabilities):
        return np.ones_like(reference)
    # The Bhattacharyya coefficient of two distributions: 1 where they agree, 0 where they exclude each other.
    cost = 1.0 - np.sqrt(reference) @ np.sqrt(probabilities).T
    T, S = cost.shape
    # A small price for leaving the diagonal keeps long runs of blanks, which all agree, from collapsing.
    best = np.full((T + 1, S + 1), np.inf)
    best[0, 0] = 0.0
    for t in range(T):
        row, above = best[t + 1], best[t]
        reach = np.minimum(above[:-1], above[1:] + _SKIP) + cost[t]
        for s in range(S):
            row[s + 1] = min(reach[s], row[s] + _SKIP + cost[t, s])
    aligned = np.zeros_like(reference)
    counts = np.zeros(T)
    t, s = T, S
    while t and s:
        aligned[t - 1] += probabilities[s - 1]
        counts[t - 1] += 1
        steps = (best[t - 1, s - 1], best[t - 1, s] + _SKIP, best[t, s - 1] + _SKIP)
        move = int(np.argmin(steps))
        t, s = t - (move != 2), s - (move != 1)
    return np.asarray(aligned / np.maximum(counts, 1)[:, None], np.float32)


_SKIP = 0.02


def _log_normalized(probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
    floored = np.maximum(probabilities, _FLOOR)
    return np.asarray(np.log(floored / floored.sum(axis=1, keepdims=True)), np.float32)
