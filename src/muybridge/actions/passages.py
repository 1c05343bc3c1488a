"""Pieces of activity become labeled segments: what is being done is told over seconds and across cuts, not per window.

    cuts        |      |      |      |      |      |
    pieces      ├──────┼──────┼──────┼──────┼──────┤      each with the mean scores of its windows
    path            ·      ■      ■      ■      ·      ·  `LabelPath`: evidence counts by its length in windows
    segment            ├────────────────────┤

A passage is a row of pieces that no stillness parts. Stillness bounds an action for certain, so beginning and ending
there costs nothing; a cut, or scores that change while the motion goes on, may be either the end of an action or a
doubt of the classifier, so a change of the label has to be worth its price. So has an action with which a row begins or
ends where the source does. A piece alone has no others to be doubted by: it is what it looks most like.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.actions.detection_rule import DetectionRule
from muybridge.actions.label_path import LabelPath
from muybridge.values import Segment

__all__ = ["Passages", "Piece"]

# However sure a network says it is, of scenes it has never seen it is wrong at least so often.
LEAST_PROBABILITY = 0.01
# How likely a label is where nothing moves, beside the background's 1.
STILL_PROBABILITY = 0.2
LABELS_TOLD = 2


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of activity that has one label.

    Args:
        start_seconds: where it begins.
        end_seconds: where it ends.
        scores: (K,) mean probability of each label; None where nothing moves.
        actionness: mean over what has scores.
        still_seconds: how much of it is stillness between actions, which has no scores.
    """

    start_seconds: float
    end_seconds: float
    scores: NDArray[np.float64] | None
    actionness: float = 0.0
    still_seconds: float = 0.0

    @property
    def scored_seconds(self) -> float:
        """How much of it the scores are the mean of."""
        return 0.0 if self.scores is None else self.end_seconds - self.start_seconds - self.still_seconds


class Passages:
    """Labels pieces in order, and joins neighbors of one label.

    Args:
        labels: the K labels of the scores.
        background: those that mean that nothing is being done.
        rule: with the price of a change, and what is too short or too unlikely to be said.
        window_seconds: how much time one look of the classifier takes in: scores of that long are one evidence.
    """

    def __init__(
        self, labels: Sequence[str], background: Collection[str], rule: DetectionRule, window_seconds: float
    ) -> None:
        self.labels = tuple(labels)
        self.rule = rule
        self.window_seconds = window_seconds
        self._is_background = np.array([label in background for label in self.labels], bool)
        self._actions = np.flatnonzero(~self._is_background)
        count = len(self._actions)
        self._path = LabelPath(count + 1, background=count, switch_cost=rule.switch_cost)
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._path.reset()
        self._undecided: list[Piece] = []
        self._label: int | None = None  # of the segment that is being put together
        self._whole: Piece | None = None  # it
        self._known_seconds = 0.0
        self._num_pieces = 0

    @property
    def is_open(self) -> bool:
        """Whether a passage is going on."""
        return bool(self._undecided) or self._whole is not None

    @property
    def end_seconds(self) -> float:
        """Where the last piece ends."""
        last = self._undecided[-1] if self._undecided else self._whole
        return 0.0 if last is None else last.end_seconds

    def push(self, piece: Piece, *, now_seconds: float, is_bounded: bool = True) -> list[Segment]:
        """Add the next piece.

        Args:
            piece: not before the end of the one before.
            now_seconds: how far the source has been seen.
            is_bounded: for the first of a passage, whether stillness is before it, and neither a cut nor nothing.

        Returns:
            The segments that are over with it.
        """
        entry_cost = 0.0 if is_bounded else self.rule.switch_cost
        decided = self._path.push(self._evidence(piece), entry_cost=entry_cost)
        self._undecided.append(piece)
        self._num_pieces += 1
        return self._take(decided, now_seconds)

    def end(self, now_seconds: float, *, is_bounded: bool = True) -> list[Segment]:
        """The passage is over.

        Args:
            now_seconds: how far the source has been seen.
            is_bounded: whether nothing moves any more; else the source is over.

        Returns:
            The segments that are left.
        """
        if self._num_pieces == 1:
            self._path.reset()
            self._path.push(self._evidence(self._undecided[0]))
            is_bounded = True
        decided = self._path.finish(exit_cost=0.0 if is_bounded else self.rule.switch_cost)
        found = self._take(decided, now_seconds) + self._close()
        self._num_pieces = 0
        return found

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "path": self._path.state(),
            "undecided": [_piece_state(piece) for piece in self._undecided],
            "label": self._label,
            "whole": None if self._whole is None else _piece_state(self._whole),
            "known_seconds": self._known_seconds,
            "num_pieces": self._num_pieces,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._path.restore(state["path"])
        self._undecided = [_piece_of(saved) for saved in state["undecided"]]
        self._label = state["label"]
        self._whole = None if state["whole"] is None else _piece_of(state["whole"])
        self._known_seconds = float(state["known_seconds"])
        self._num_pieces = int(state["num_pieces"])

    def _evidence(self, piece: Piece) -> NDArray[np.float64]:
        """Log-likelihood of each action, and last of the background, by the piece's length in windows."""
        if piece.scores is None:
            probabilities = np.append(np.full(len(self._actions), STILL_PROBABILITY), 1.0)
        else:
            # A model without background answers with an unlikely action: what is below the least score is background.
            rest = (
                piece.scores[self._is_background].sum() if self._is_background.any() else self.rule.min_score
            )
            probabilities = np.append(piece.scores[self._actions], rest)
        windows = (piece.end_seconds - piece.start_seconds) / self.window_seconds
        return np.asarray(windows * np.log(np.maximum(probabilities, LEAST_PROBABILITY)))

    def _take(self, decided: list[int], now_seconds: float) -> list[Segment]:
        """Put decided pieces to the segment that they belong to."""
        found: list[Segment] = []
        for choice in decided:
            piece = self._undecided.pop(0)
            label = int(self._actions[choice]) if choice < len(self._actions) else None
            if label != self._label:
                found += self._close()
                self._label, self._known_seconds = label, now_seconds
            if label is not None:
                self._whole = _joined(self._whole, piece)
        return found

    def _close(self) -> list[Segment]:
        """The segment is over."""
        whole, label = self._whole, self._label
        self._whole, self._label = None, None
        if whole is None or label is None or whole.scores is None:
            return []
        start, end, scores = whole.start_seconds, whole.end_seconds, whole.scores
        if end - start < self.rule.min_duration_seconds or scores[label] < self.rule.min_score:
            return []
        others = [row for row in np.argsort(-scores, kind="stable").tolist() if row != label][:LABELS_TOLD]
        attributes = {
            "actionness": round(whole.actionness, 4),
            "latency_seconds": max(0.0, self._known_seconds - start),
            "alternatives": [[self.labels[row], round(float(scores[row]), 4)] for row in others],
        }
        return [Segment(start, end, "action", self.labels[label], float(scores[label]), attributes)]


def _joined(first: Piece | None, second: Piece) -> Piece:
    """One piece with the mean scores of both."""
    if first is None:
        return second
    start, end = first.start_seconds, second.end_seconds
    seen = [piece for piece in (first, second) if piece.scores is not None]
    if not seen:
        return Piece(start, end, None)
    lengths = [piece.scored_seconds for piece in seen]
    scores = np.average([piece.scores for piece in seen], axis=0, weights=lengths)
    actionness = float(np.average([piece.actionness for piece in seen], weights=lengths))
    return Piece(start, end, scores, actionness, end - start - sum(lengths))


def _piece_state(piece: Piece) -> dict[str, Any]:
    numbers = [piece.start_seconds, piece.end_seconds, piece.actionness, piece.still_seconds]
    return {"numbers": numbers, "scores": piece.scores}


def _piece_of(state: Mapping[str, Any]) -> Piece:
    start, end, actionness, still = (float(number) for number in state["numbers"])
    scores = None if state["scores"] is None else np.array(state["scores"], np.float64)
    return Piece(start, end, scores, actionness, still)
