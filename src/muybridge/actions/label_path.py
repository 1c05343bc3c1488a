"""The likeliest labels along a row of pieces, where changing the label has its price: Viterbi, while the row grows.

    evidence for "fight"   -2   -1   +2   -3   +2   +3   -1   +4   -3   -2
    each by itself          ·    ·    ■    ·    ■    ■    ·    ■    ·    ·       three events
    the path, price 1.5     ·    ·    ·    ·    ■    ■    ■    ■    ·    ·       one: the doubtful piece is bridged,
                                                                                 the lone one not worth two changes

A piece is decided as soon as all paths that may still win agree on it; what is decided is forgotten, so memory is that
of the doubtful pieces, whose number is bounded.

Papers: Viterbi, "Error Bounds for Convolutional Codes …", IEEE Trans. Inf. Theory 13(2), 1967; Šrámek, Brejová and
Vinař, "On-Line Viterbi Algorithm for Analysis of Long Biological Sequences", WABI 2007 (deciding where paths meet).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["LabelPath"]

MAX_UNDECIDED = 256


class LabelPath:
    """Labels pieces one after the other.

    Args:
        num_labels: K.
        background: the label that stands before and after the row.
        switch_cost: what a change from one piece to the next costs, in the unit of the evidence; 0 or more.

    Raises:
        OptionError: a background that is none of the labels, or a negative cost.

    >>> path = LabelPath(2, background=1, switch_cost=1.5)
    >>> evidence = [-2, -1, 2, -3, 2, 3, -1, 4, -3, -2]
    >>> labels = [label for e in evidence for label in path.push([e, 0.0])] + path.finish()
    >>> "".join("■" if label == 0 else "·" for label in labels)
    '····■■■■··'
    """

    def __init__(self, num_labels: int, *, background: int, switch_cost: float) -> None:
        if not 0 <= background < num_labels or not switch_cost >= 0:
            raise OptionError(
                f"background {background} of {num_labels} labels, switch_cost {switch_cost}:"
                " one of the labels, and 0 or more"
            )
        self.num_labels = num_labels
        self.background = background
        self.switch_cost = switch_cost
        self.reset()

    @property
    def num_undecided(self) -> int:
        """Pieces that have been pushed and not been decided."""
        return len(self._from)

    def reset(self) -> None:
        """Forget the row."""
        self._totals = np.zeros(self.num_labels)
        # For each undecided piece and label: the label of the piece before, on the best path that ends there.
        self._from: list[NDArray[np.intp]] = []

    def push(self, evidence: ArrayLike, *, entry_cost: float = 0.0) -> list[int]:
        """Add a piece.

        Args:
            evidence: (K,) log-likelihood of each label.
            entry_cost: for the first piece of a row: what it costs to begin with anything but background.

        Returns:
            The labels of the oldest undecided pieces, as far as they are certain now.

        Raises:
            ShapeError: not (K,).
            OptionError: evidence that is not finite.
        """
        values = np.asarray(evidence, np.float64)
        if values.shape != (self.num_labels,):
            raise ShapeError(f"evidence is {values.shape}; there are {self.num_labels} labels")
        if not np.isfinite(values).all():
            raise OptionError(
                "evidence must be finite; raise probabilities of 0 to a small one before the log"
            )
        stay = np.arange(self.num_labels)
        if not self._from:
            self._totals = values - entry_cost * (stay != self.background)
            self._from.append(stay)
            return []
        best = int(self._totals.argmax())
        change = self._totals[best] - self.switch_cost
        self._from.append(np.where(self._totals >= change, stay, best))
        self._totals = np.maximum(self._totals, change) + values
        self._totals -= self._totals.max()
        return self._decide()

    def finish(self, *, exit_cost: float = 0.0) -> list[int]:
        """End the row.

        Args:
            exit_cost: what it costs to end with anything but background.

        Returns:
            The labels of all undecided pieces.
        """
        if not self._from:
            return []
        last = int((self._totals - exit_cost * (np.arange(self.num_labels) != self.background)).argmax())
        labels = self._backward(last, len(self._from))
        self.reset()
        return labels

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {"totals": self._totals.copy(), "from": [row.tolist() for row in self._from]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._totals = np.array(state["totals"], np.float64)
        self._from = [np.array(row, np.intp) for row in state["from"]]

    def _decide(self) -> list[int]:
        """Where all paths meet, going back; the best path alone where too much is undecided."""
        alive = np.flatnonzero(np.isfinite(self._totals))
        ancestors = alive
        for place in range(len(self._from) - 1, 0, -1):
            ancestors = self._from[place][ancestors]
            if (ancestors == ancestors[0]).all():
                return self._forget(int(ancestors[0]), place)
            if len(self._from) > MAX_UNDECIDED and place == MAX_UNDECIDED // 2:
                chosen = int(ancestors[int(self._totals[alive].argmax())])
                self._totals[alive[ancestors != chosen]] = -np.inf
                return self._forget(chosen, place)
        return []

    def _forget(self, label: int, count: int) -> list[int]:
        """Decide the first `count` pieces, the last of which has this label."""
        labels = self._backward(label, count)
        del self._from[:count]
        return labels

    def _backward(self, label: int, count: int) -> list[int]:
        labels = [label]
        for place in range(count - 1, 0, -1):
            label = int(self._from[place][label])
            labels.append(label)
        return labels[::-1]
