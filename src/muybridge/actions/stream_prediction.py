"""What a stream is told to be, moment by moment, and the events that follow from it.

A prediction looks at a window, and says most of its middle: given the window's end for its time, every event would be
half a window late. So scores hold around the middle of their window, halfway to those of its neighbours:

    window      |--------x--------|
    the next        |--------x--------|
    its scores hold        ■■■■             and are known ────┤ here
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from muybridge.actions.events import ROUNDING_SECONDS, Event, EventFinder, EventRule
from muybridge.errors import OptionError
from muybridge.observer import Finding, View
from muybridge.values import Frame, Prediction, VideoMetadata

__all__ = ["PredictionEvents", "PredictionObserver", "StreamPrediction"]


@dataclass(frozen=True, slots=True, eq=False)
class StreamPrediction:
    """What a window of a stream shows.

    Args:
        labels: the K labels, in the order of the scores.
        scores: (K,) float64, the probability of each label.
        start_seconds: when the window's first frame appears.
        end_seconds: when its last frame appears.
        index: the last frame's place in the source.
        is_first: whether it begins a stream, or goes on after a gap.
        scales: for several scales, name → (K,) what each of them adds to the scores; empty for one.

    >>> StreamPrediction(("wave", "clap"), np.array([0.2, 0.8]), 1.0, 2.0, 30).label
    'clap'
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float64]
    start_seconds: float
    end_seconds: float
    index: int
    is_first: bool = False
    scales: Mapping[str, NDArray[np.float64]] | None = None

    @property
    def label(self) -> str:
        """The likeliest label."""
        return self.labels[int(self.scores.argmax())]

    @property
    def score(self) -> float:
        """The likeliest label's probability."""
        return float(self.scores.max())

    @property
    def center_seconds(self) -> float:
        """The middle of the window."""
        return (self.start_seconds + self.end_seconds) / 2

    def top(self, count: int = 5, *, model: str = "") -> Prediction:
        """The likeliest labels with their probabilities."""
        order = np.argsort(-self.scores, kind="stable")[:count].tolist()
        return Prediction(tuple(self.labels[k] for k in order), tuple(self.scores[order].tolist()), model)

    def state(self) -> dict[str, Any]:
        """All that `from_state` needs; the labels and the scales stay behind."""
        return {
            "scores": self.scores.copy(),
            "numbers": [self.start_seconds, self.end_seconds, self.index, int(self.is_first)],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], labels: tuple[str, ...]) -> Self:
        """The inverse of `state`."""
        start, end, index, is_first = state["numbers"]
        scores = np.array(state["scores"], np.float64)
        return cls(labels, scores, float(start), float(end), int(index), bool(is_first))

    def to_dict(self, *, top: int = 5) -> dict[str, Any]:
        """As JSON values, with the likeliest labels only."""
        order = np.argsort(-self.scores, kind="stable")[:top].tolist()
        data: dict[str, Any] = {
            "index": self.index,
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "labels": [self.labels[k] for k in order],
            "scores": self.scores[order].tolist(),
        }
        if self.scales:
            data["scales"] = {name: added[order].tolist() for name, added in self.scales.items()}
        return data


class PredictionEvents:
    """The events of a run of predictions.

    Args:
        labels: the K labels.
        rule: when something begins and ends.
        ignored: labels that are never an event.
    """

    def __init__(
        self, labels: tuple[str, ...], *, rule: EventRule | None = None, ignored: Collection[str] = ()
    ) -> None:
        self.finder = EventFinder(labels, rule=rule, ignored=ignored)
        self._last: StreamPrediction | None = None
        self._held_until = 0.0

    @property
    def ongoing(self) -> list[Event]:
        """The announced events that have not ended."""
        return self.finder.ongoing

    def see(self, prediction: StreamPrediction, *, known_seconds: float | None = None) -> list[Event]:
        """Events that begin to be certain, or are over, with the next prediction.

        Args:
            prediction: the next one.
            known_seconds: when it was made; None for the end of its window.
        """
        last, center = self._last, prediction.center_seconds
        known = prediction.end_seconds if known_seconds is None else known_seconds
        if last is None or prediction.is_first:
            found = self._hold_last()
            start = prediction.start_seconds
            if last is not None:
                start = max(start, last.end_seconds)
            end = center
        else:
            halfway = (last.center_seconds + center) / 2
            found = self._push(last, self._held_until, halfway, known_seconds=known)
            start = max(self._held_until, halfway)
            # The next one is expected as far away as this one came; until then, nothing holds beyond its window.
            end = min(2 * center - halfway, prediction.end_seconds)
        self._last = prediction
        return found + self._push(prediction, start, end, known_seconds=known)

    def finish(self) -> list[Event]:
        """The source has ended: the last window holds up to its end, and all that was open is over."""
        found = self._hold_last() + self.finder.finish()
        self._last = None
        return found

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "finder": self.finder.state(),
            "last": None if self._last is None else self._last.state(),
            "held_until": self._held_until,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self.finder.restore(state["finder"])
        saved = state["last"]
        self._last = None if saved is None else StreamPrediction.from_state(saved, self.finder.labels)
        self._held_until = float(state["held_until"])

    def _hold_last(self) -> list[Event]:
        return [] if self._last is None else self._push(self._last, self._held_until, self._last.end_seconds)

    def _push(
        self, held: StreamPrediction, start: float, end: float, *, known_seconds: float | None = None
    ) -> list[Event]:
        self._held_until = max(start, end)
        if end <= start + ROUNDING_SECONDS:
            return []
        known = held.end_seconds if known_seconds is None else known_seconds
        return self.finder.push(held.scores, start, end, known_seconds=known)


class PredictionObserver(ABC):
    """A watcher that turns frames into predictions, and these into segments of kind `"action"`.

    Args:
        name: unique among the observers of a pass.
        labels: the K labels.
        rule: when an event begins and ends.
        ignored: labels that are never an event.

    Raises:
        OptionError: an ignored label that is none of the labels.
    """

    view: View

    def __init__(
        self, name: str, labels: tuple[str, ...], *, rule: EventRule | None, ignored: Collection[str]
    ) -> None:
        self.name = name
        self.labels = labels
        self.rule = rule or EventRule()
        self.ignored = tuple(ignored)
        self._events: PredictionEvents | None = None
        for label in self.ignored:
            if labels and label not in labels:
                raise OptionError(f"ignored label {label!r} is none of the {len(labels)} labels")

    @abstractmethod
    def push(self, frame: Frame) -> StreamPrediction | None:
        """See the next frame; the prediction, if one is due with it."""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything: the next frame is the first of another source."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """All that changes the answer, as JSON values."""

    @property
    def ongoing(self) -> list[Event]:
        """The events that are announced and not over."""
        return self._events.ongoing if self._events is not None else []

    def see(self, frame: Frame) -> tuple[StreamPrediction | None, list[Event]]:
        """See the next frame; the prediction that is due with it, and the events that begin or end."""
        prediction = self.push(frame)
        if prediction is None:
            return None, []
        if self._events is None:
            self._events = PredictionEvents(prediction.labels, rule=self.rule, ignored=self.ignored)
        held_back = self._see_held_back(self._events)
        return prediction, held_back + self._events.see(prediction, known_seconds=frame.pts_seconds)

    def end(self) -> list[Event]:
        """The source has ended; the events that were open."""
        events, self._events = self._events, None
        return [] if events is None else self._see_held_back(events) + events.finish()

    def _held_back(self) -> list[StreamPrediction]:
        """Predictions of before a gap or the end that waited for what will not come; each is given once."""
        return []

    def _see_held_back(self, events: PredictionEvents) -> list[Event]:
        return [event for prediction in self._held_back() for event in events.see(prediction)]

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        del source
        self._events = None
        self.reset()

    def observe(self, frame: Frame) -> list[Finding]:
        """See the next frame; the events that are over with it, as segments."""
        return [event.to_segment() for event in self.see(frame)[1] if event.is_over]

    def finish(self, end_seconds: float) -> list[Finding]:
        """The source has ended; the rest."""
        del end_seconds
        return [event.to_segment() for event in self.end() if event.is_over]
