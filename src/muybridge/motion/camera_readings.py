"""Camera motion over time → words: static, pans, tilts, zooms, rolls, shakes.

    speed of each pair ─► window around each moment ─► words with hysteresis ─► segments without gaps
                          steady motion | shake

The steady part of a speed is what the median of the window agrees on with its mean; the shake is what a
running median takes away. A cut ends a segment and nothing is averaged over it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.motion.camera import CameraSpeed
from muybridge.values import Segment

__all__ = ["CameraReader", "CameraThresholds"]

_WORDS = {
    "pan": ("pans left", "pans right"),
    "tilt": ("tilts down", "tilts up"),
    "zoom": ("zooms out", "zooms in"),
    "roll": ("rolls counterclockwise", "rolls clockwise"),
}
_VISIBLE = np.array([1.0, 1.0, 0.5, math.radians(0.5)])
"""What a zoom and a roll move half a picture height from the middle, in picture heights."""
_UNKNOWN = "unknown"
_STEP_SECONDS = 0.2
"""Words are chosen this often."""


@dataclass(frozen=True, slots=True)
class CameraThresholds:
    """From where on a motion is worth a word; half of each is where the word ends again.

    Args:
        pan: picture heights per second, for tilts too.
        zoom: natural logarithm of the magnification per second.
        roll: degrees per second.
        shake: picture heights per second, root mean square.
        window_seconds: how much time around a moment decides what it is called.
        min_seconds: shorter changes are part of what surrounds them.
    """

    pan: float = 0.03
    zoom: float = 0.04
    roll: float = 3.0
    shake: float = 0.09
    window_seconds: float = 0.9
    min_seconds: float = 0.5


class CameraReader:
    """Turns the speeds of frame pairs into segments of kind `"camera"`, in order and without gaps."""

    def __init__(self, thresholds: CameraThresholds | None = None) -> None:
        self.thresholds = thresholds or CameraThresholds()
        # Of each pair: start, end, pan, tilt, zoom, roll, trust.
        self._rows: list[tuple[float, ...]] = []
        self._num_decided = 0
        self._active: dict[str, float] = {}
        self._spans: list[_Span] = []
        self._begins_with_cut = False

    def push(self, start: float, end: float, speed: CameraSpeed, trust: float) -> list[Segment]:
        """Add the pair between two times; `trust` 0.0 where nothing could be measured."""
        self._rows.append((start, end, speed.pan, speed.tilt, speed.zoom, speed.roll, trust))
        half = self.thresholds.window_seconds / 2
        segments = []
        while self._num_decided < len(self._rows):
            if self._rows[self._num_decided][0] + _STEP_SECONDS + half > end:
                break
            segments += self._decide()
        oldest = self._rows[min(self._num_decided, len(self._rows) - 1)][0] - half
        num_old = next(number for number, row in enumerate(self._rows) if row[1] >= oldest)
        del self._rows[:num_old]
        self._num_decided -= num_old
        return segments

    def cut(self, start: float, end: float) -> list[Segment]:
        """A new shot begins at `end`; the old one is seen until then."""
        segments = self._drain()
        if self._spans:
            self._spans[-1].end = end
            segments += self._emit(ends_with_cut=True)
        else:
            segments.append(self._segment(_Span(_UNKNOWN, start, end), ends_with_cut=True))
        self._rows, self._num_decided, self._active = [], 0, {}
        self._begins_with_cut = True
        return segments

    def finish(self, start: float, end: float) -> list[Segment]:
        """The source ended; `start` is where it goes on from the last pair."""
        segments = self._drain()
        if self._spans:
            self._spans[-1].end = max(end, self._spans[-1].end)
            segments += self._emit(ends_with_cut=False)
        elif end > start:
            segments.append(self._segment(_Span(_UNKNOWN, start, end), ends_with_cut=False))
        return segments

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "rows": [list(row) for row in self._rows],
            "num_decided": self._num_decided,
            "active": dict(self._active),
            "spans": [span.state() for span in self._spans],
            "begins_with_cut": int(self._begins_with_cut),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._rows = [tuple(row) for row in state["rows"]]
        self._num_decided = int(state["num_decided"])
        self._active = dict(state["active"])
        self._spans = [_Span.of_state(item) for item in state["spans"]]
        self._begins_with_cut = bool(state["begins_with_cut"])

    def _drain(self) -> list[Segment]:
        segments = []
        while self._num_decided < len(self._rows):
            segments += self._decide()
        return segments

    def _decide(self) -> list[Segment]:
        """Name the next few pairs by the window around them."""
        table = np.array(self._rows)
        start = table[self._num_decided, 0]
        until = np.searchsorted(table[:, 0], start + _STEP_SECONDS - 1e-6)
        until = max(int(until), self._num_decided + 1)
        end = table[until - 1, 1]
        self._num_decided = until
        middle, half = (start + end) / 2, self.thresholds.window_seconds / 2
        near = table[(table[:, 1] > middle - half) & (table[:, 0] < middle + half)]
        seen = near[near[:, 6] > 0]
        if len(seen) < max(1, 0.3 * len(near)):
            self._active = {}
            return self._extend(start, end, _UNKNOWN, np.zeros(6))
        steady, shake = _steady(seen[:, 2:6]), _shake(seen)
        self._hysteresis(steady, shake)
        words = [_WORDS[name][value > 0] for name, value in self._active.items() if name in _WORDS]
        label = ", ".join(words + ["shakes"] * ("shake" in self._active)) or "static"
        return self._extend(start, end, label, np.array([*steady, shake, seen[:, 6].mean()]))

    def _hysteresis(self, steady: NDArray[np.float64], shake: float) -> None:
        limits = self.thresholds
        floors = np.array([limits.pan, limits.pan, limits.zoom, limits.roll]) * _VISIBLE
        visible = steady * _VISIBLE
        strongest = float(np.abs(visible).max())
        # Beside a strong motion or a shake, a little of another is no motion of its own.
        needs = np.maximum(floors, max(0.35 * strongest, 0.5 * shake))
        active = {}
        for name, value, need in zip(_WORDS, visible.tolist(), needs.tolist(), strict=True):
            goes_on = value * self._active.get(name, 0.0) > 0
            if abs(value) >= need * (0.6 if goes_on else 1.0):
                active[name] = value
        if shake >= max(limits.shake, 0.3 * strongest) * (0.6 if "shake" in self._active else 1.0):
            active["shake"] = shake
        self._active = active

    def _extend(self, start: float, end: float, label: str, numbers: NDArray[np.float64]) -> list[Segment]:
        """Append one decided pair; give out the segment that has become certain, if any."""
        spans = self._spans
        if spans and spans[-1].label != label and spans[0].label == label:
            # Back to what it was: whatever lay between did not last.
            spans[0].absorb(*spans[1:])
            del spans[1:]
        if not spans or spans[-1].label != label:
            spans.append(_Span(label, start, end))
        spans[-1].add(end, numbers)
        if len(spans) == 1:
            return []
        head, *between, last = spans
        if last.end - last.start >= self.thresholds.min_seconds:
            for span in between:
                _nearer(span, head, last).absorb(span)
        elif last.end - spans[1].start >= 2 * self.thresholds.min_seconds:
            # Words that come and go: the most frequent of them stands for all.
            last = _most(spans[1:])
        else:
            return []
        self._spans = [last]
        if head.end - head.start < self.thresholds.min_seconds:
            last.absorb(head)
            return []
        head.end = last.start
        return [self._segment(head, ends_with_cut=False)]

    def _emit(self, *, ends_with_cut: bool) -> list[Segment]:
        longest = max(self._spans, key=lambda span: span.end - span.start)
        longest.absorb(*self._spans)
        self._spans = []
        return [self._segment(longest, ends_with_cut=ends_with_cut)]

    def _segment(self, span: _Span, *, ends_with_cut: bool) -> Segment:
        pan, tilt, zoom, roll, shake, trust = (span.sums / max(span.weight, 1e-9)).tolist()
        attributes = {
            "pan_heights_per_second": round(pan, 4) + 0.0,  # no minus zero
            "tilt_heights_per_second": round(tilt, 4) + 0.0,
            "magnification_per_second": round(math.exp(zoom), 4),
            "roll_degrees_per_second": round(roll, 3) + 0.0,
            "shake_heights_per_second": round(shake, 4),
            "starts_with_cut": self._begins_with_cut,
            "ends_with_cut": ends_with_cut,
        }
        self._begins_with_cut = False
        score = None if span.label == _UNKNOWN else min(1.0, trust)
        return Segment(span.start, span.end, "camera", f"camera {span.label}", score, attributes)


class _Span:
    """A run of pairs of one label, with what its numbers add up to."""

    def __init__(self, label: str, start: float, end: float) -> None:
        self.label, self.start, self.end = label, start, end
        self.weight = 0.0
        self.sums = np.zeros(6)

    @property
    def steady(self) -> NDArray[np.float64]:
        """Mean pan, tilt, zoom and roll."""
        return self.sums[:4] / max(self.weight, 1e-9)

    def add(self, end: float, numbers: NDArray[np.float64]) -> None:
        self.end = end
        self.weight += 1
        self.sums = self.sums + numbers

    def absorb(self, *others: _Span) -> None:
        # The numbers stay those of the moments that gave the label.
        self.start = min(self.start, *(other.start for other in others))
        self.end = max(self.end, *(other.end for other in others))

    def state(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "start": self.start,
            "end": self.end,
            "weight": self.weight,
            "sums": self.sums.copy(),
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> _Span:
        span = cls(state["label"], state["start"], state["end"])
        span.weight, span.sums = float(state["weight"]), np.array(state["sums"])
        return span


def _nearer(span: _Span, head: _Span, last: _Span) -> _Span:
    """Which neighbor shares more words with a short span; where they are even, the one that moves more alike."""
    words = set(span.label.split(", "))
    shared = [len(words & set(other.label.split(", "))) for other in (head, last)]
    if shared[0] != shared[1]:
        return last if shared[1] > shared[0] else head
    apart = [float(np.abs((span.steady - other.steady) * _VISIBLE).sum()) for other in (head, last)]
    return last if apart[1] < apart[0] else head


def _most(spans: list[_Span]) -> _Span:
    """One span over all of them, of the label that they have for the longest time."""
    seconds: dict[str, float] = {}
    for span in spans:
        seconds[span.label] = seconds.get(span.label, 0.0) + span.end - span.start
    label = max(seconds, key=lambda name: seconds[name])
    whole = _Span(label, spans[0].start, spans[-1].end)
    for span in spans:
        if span.label == label:
            whole.weight += span.weight
            whole.sums = whole.sums + span.sums
    return whole


def _steady(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What median and mean agree on: a few wrong pairs move only the mean, a shake only the median."""
    ordered = np.sort(values, axis=0)
    median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    mean = values.mean(axis=0)
    return np.asarray(np.where(median * mean > 0, np.sign(median) * np.minimum(abs(median), abs(mean)), 0.0))


def _shake(near: NDArray[np.float64]) -> float:
    """Root mean square of the speed without its running median, in picture heights per second.

    What goes one way hardly counts: a jolt or one wrong pair is no shake.
    """
    seconds = float(near[-1, 1] - near[0, 0]) / len(near)
    reach = max(1, round(0.27 / max(seconds, 1e-3)))
    if len(near) < 2 * reach + 1:
        return 0.0
    values = near[:, (2, 3, 5)] * _VISIBLE[[0, 1, 3]]
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)
    left = values - np.partition(windows, reach, axis=2)[..., reach]
    forth = (np.maximum(left, 0) ** 2).mean(axis=0)
    back = (np.minimum(left, 0) ** 2).mean(axis=0)
    return math.sqrt(float(np.minimum(forth + back, 5 * np.minimum(forth, back)).sum()))
