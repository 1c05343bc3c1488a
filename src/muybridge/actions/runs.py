"""A stretch in which something moves, and what the classifier says of it.

short   ├───── one action ─────┤           the mean of its windows names it, the motion bounds it
long    ├───┼───┼───┼───┼───┼──┤           each window's scores hold around its middle: pieces
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from muybridge.actions.passages import Piece
from muybridge.actions.stream_prediction import StreamPrediction

__all__ = ["Run"]


class Run:
    """Something is going on.

    Args:
        start_seconds: since when.
        end_seconds: until when it has been seen to move.
        is_bounded: whether stillness is before it; else it may have gone on before a cut, or before the source began.

    >>> run = Run(1.0, 1.5)
    >>> run.predictions.append(StreamPrediction(("wave", "clap"), np.array([0.75, 0.25]), 1.0, 2.0, 30))
    >>> run.end_seconds = 2.5
    >>> [(piece.start_seconds, piece.end_seconds, piece.scores.tolist()) for piece in run.rest()]
    [(1.0, 2.5, [0.75, 0.25])]
    """

    def __init__(self, start_seconds: float, end_seconds: float, *, is_bounded: bool = True) -> None:
        self.start_seconds = start_seconds
        self.end_seconds = end_seconds
        self.is_bounded = is_bounded
        self.predictions: list[StreamPrediction] = []  # all of a short run, the last one of a long one
        self.is_long = False
        self._told_until = start_seconds
        self._actionness = 0.0
        self._num_steps = 0

    @property
    def actionness(self) -> float:
        """The mean so far."""
        return self._actionness / max(1, self._num_steps)

    def add_step(self, actionness: float) -> None:
        """The next step of motion."""
        self._actionness += actionness
        self._num_steps += 1

    def part(self) -> list[Piece]:
        """It has become too long for one action: the pieces that are certain so far.

        The last prediction waits for the next one, halfway to which it holds.
        """
        self.is_long = True
        pieces = []
        for earlier, later in zip(self.predictions[:-1], self.predictions[1:], strict=True):
            pieces += self._until((earlier.center_seconds + later.center_seconds) / 2, earlier)
        del self.predictions[:-1]
        return pieces

    def rest(self) -> list[Piece]:
        """The run is over at `end_seconds`: what has not been told of it."""
        if not self.predictions:
            return []
        if self.is_long:
            return self._until(self.end_seconds, self.predictions[-1])
        scores = np.mean([prediction.scores for prediction in self.predictions], axis=0)
        return [Piece(self.start_seconds, self.end_seconds, scores, self.actionness)]

    def state(self) -> dict[str, Any]:
        """All that `from_state` needs; the labels stay behind."""
        return {
            "numbers": [self.start_seconds, self.end_seconds, self._told_until, self._actionness],
            "num_steps": self._num_steps,
            "is_bounded": self.is_bounded,
            "is_long": self.is_long,
            "predictions": [prediction.state() for prediction in self.predictions],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], labels: tuple[str, ...]) -> Self:
        """The inverse of `state`."""
        start, end, told, actionness = (float(number) for number in state["numbers"])
        run = cls(start, end, is_bounded=bool(state["is_bounded"]))
        run._told_until, run._actionness, run._num_steps = told, actionness, int(state["num_steps"])
        run.is_long = bool(state["is_long"])
        run.predictions = [StreamPrediction.from_state(saved, labels) for saved in state["predictions"]]
        return run

    def _until(self, seconds: float, prediction: StreamPrediction) -> list[Piece]:
        start, end = self._told_until, min(seconds, self.end_seconds)
        if end <= start:
            return []
        self._told_until = end
        return [Piece(start, end, prediction.scores, self.actionness)]
