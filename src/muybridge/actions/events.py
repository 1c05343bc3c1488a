"""Events, not flicker: scores over time become segments with a beginning and an end.

    score    .2  .7  .8  .5  .3  .7  .6  .1        on 0.6, off 0.4
    active    ·   ■   ■   ■   ·   ■   ■   ·        begins at 0.6, lasts until it falls below 0.4
    merged    ·   ■■■■■■■■■■■■■■■■■■■■■   ·        a gap shorter than `merge_gap_seconds` is closed
                  └ announced here if that is long enough (`min_duration_seconds`), else dropped

Two thresholds instead of one (a Schmitt trigger) keep a score that trembles around a single threshold from
making ten events out of one. Gaps are closed first, what is still too short is dropped then. The finder is
incremental: it keeps the open events and nothing else, so a live stream and an array of scores run through the same
code.

Source of the four settings: pyannote.audio's `Binarize` (onset, offset, min_duration_on, min_duration_off), after
Gelly and Gauvain, "Minimum Word Error Training of RNN-based Voice Activity Detection", Interspeech 2015.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.values import Segment

__all__ = ["Event", "EventFinder", "EventRule", "find_events"]

# Times are sums of floats: a step that touches the one before must not count as a gap.
ROUNDING_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class EventRule:
    """When something begins, when it is over, and what is too short to matter.

    Args:
        on_threshold: an event begins with a score of at least that.
        off_threshold: it lasts while the score is at least that; at most `on_threshold`.
        min_duration_seconds: shorter events are dropped.
        merge_gap_seconds: events of one label with a gap shorter than that between them are one.

    Raises:
        OptionError: thresholds outside [0, 1] or in the wrong order, or a time that is negative or not finite.

    >>> EventRule(on_threshold=0.3, off_threshold=0.5)
    Traceback (most recent call last):
    ...
    muybridge.errors.OptionError: off_threshold 0.5 is above on_threshold 0.3; give a lower one
    """

    on_threshold: float = 0.6
    off_threshold: float = 0.4
    min_duration_seconds: float = 0.0
    merge_gap_seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in ("on_threshold", "off_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} is {getattr(self, name)}; it must lie in [0, 1]")
        if self.off_threshold > self.on_threshold:
            raise OptionError(
                f"off_threshold {self.off_threshold} is above on_threshold {self.on_threshold}; give a lower one"
            )
        for name in ("min_duration_seconds", "merge_gap_seconds"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise OptionError(f"{name} is {getattr(self, name)}; it must be 0 or more seconds")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens, while it lasts and when it is over.

    Args:
        label: what happens.
        start_seconds: when its score reached the on threshold.
        end_seconds: when it was over; while it lasts, until when it has been seen.
        score: mean over the time in which it was active.
        peak_score: the highest.
        latency_seconds: from its start to the moment at which it was announced, on the source's clock.
        is_over: false when it is announced, true when it has ended.

    >>> Event("wave", 1.0, 3.0, 0.8, 0.9, latency_seconds=0.5, is_over=True).to_segment().duration_seconds
    2.0
    """

    label: str
    start_seconds: float
    end_seconds: float
    score: float
    peak_score: float
    latency_seconds: float
    is_over: bool

    def to_segment(self, *, kind: str = "action") -> Segment:
        """As a segment of a timeline."""
        attributes = {"peak_score": self.peak_score, "latency_seconds": self.latency_seconds}
        return Segment(self.start_seconds, self.end_seconds, kind, self.label, self.score, attributes)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "label": self.label,
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "score": self.score,
            "peak_score": self.peak_score,
            "latency_seconds": self.latency_seconds,
            "is_over": self.is_over,
        }


@dataclass(slots=True)
class _OpenEvent:
    start: float
    end: float
    weighted_score: float = 0.0
    active_seconds: float = 0.0
    peak: float = 0.0
    is_active: bool = True
    latency: float | None = None  # None until it has been announced

    def extend(self, start: float, end: float, score: float) -> None:
        self.weighted_score += score * (end - start)
        self.active_seconds += end - start
        self.end, self.is_active = end, True
        self.peak = max(self.peak, score)


class EventFinder:
    """Turns scores into events, step by step.

    Args:
        labels: the K labels, in the order of the scores.
        rule: when something begins and ends.
        ignored: labels that are never an event, such as `"none of these"`.

    Raises:
        OptionError: no labels, the same label twice, or an ignored label that is none of them.

    >>> finder = EventFinder(["wave", "clap"], rule=EventRule(min_duration_seconds=0.2))
    >>> for step in range(6):
    ...     wave = 0.9 if 1 <= step < 4 else 0.1
    ...     for event in finder.push([wave, 0.0], 0.1 * step, 0.1 * (step + 1)):
    ...         print(event.label, "over" if event.is_over else "begins", f"{event.end_seconds:.1f}")
    wave begins 0.3
    wave over 0.4
    """

    def __init__(
        self, labels: Sequence[str], *, rule: EventRule | None = None, ignored: Collection[str] = ()
    ) -> None:
        self.labels = tuple(labels)
        self.rule = rule or EventRule()
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise OptionError("labels must be at least one, and each of them once")
        for label in ignored:
            if label not in self.labels:
                raise OptionError(f"ignored label {label!r} is none of the {len(self.labels)} labels")
        self._counts = np.array([label not in ignored for label in self.labels])
        self._open: dict[int, _OpenEvent] = {}
        self._last_end: float | None = None

    @property
    def ongoing(self) -> list[Event]:
        """The announced events that have not ended, as they stand now."""
        return [self._event(k, self._open[k]) for k in sorted(self._open) if self._is_announced(k)]

    def reset(self) -> None:
        """Forget everything; what was open is never reported."""
        self._open.clear()
        self._last_end = None

    def push(
        self,
        scores: ArrayLike,
        start_seconds: float,
        end_seconds: float,
        *,
        known_seconds: float | None = None,
    ) -> list[Event]:
        """See the scores of the next step.

        Args:
            scores: (K,) probabilities, which hold from `start_seconds` until just before `end_seconds`.
            start_seconds: not before the end of the step before; time between them counts as unseen, thus as off.
            end_seconds: after `start_seconds`.
            known_seconds: the moment of the source at which the scores were known; None for `end_seconds`.
                Latency counts up to it.

        Returns:
            Events that begin to be certain with this step, and events that are over with it.

        Raises:
            ShapeError: not (K,) scores.
            OptionError: a score that is NaN or outside [0, 1], or times out of order.
        """
        values = self._checked(scores, start_seconds, end_seconds)
        known = end_seconds if known_seconds is None else known_seconds
        found = self._end_before(start_seconds)
        candidates = (values >= self.rule.on_threshold) & self._counts
        for k in sorted({*np.flatnonzero(candidates).tolist(), *self._open}):
            score, event = float(values[k]), self._open.get(k)
            if event is None:
                event = self._open[k] = _OpenEvent(start_seconds, end_seconds)
                event.extend(start_seconds, end_seconds, score)
            elif score >= (self.rule.off_threshold if event.is_active else self.rule.on_threshold):
                event.extend(start_seconds, end_seconds, score)
            else:
                event.is_active = False
            found += self._announce(k, event, known)
        self._last_end = end_seconds
        # A gap that is as long as the rule allows ends an event at once, not only with the next step.
        return found + self._end_before(end_seconds, only_inactive=True)

    def finish(self) -> list[Event]:
        """The source has ended; the events that were open are over."""
        found = [self._closed(k) for k in sorted(self._open)]
        self.reset()
        return [event for event in found if event is not None]

    def state(self) -> dict[str, Any]:
        """All that `restore` needs: the open events."""
        return {
            "last_end": self._last_end,
            "open": [{"row": k} | asdict(event) for k, event in sorted(self._open.items())],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._last_end = state["last_end"]
        self._open = {
            int(saved["row"]): _OpenEvent(**{name: value for name, value in saved.items() if name != "row"})
            for saved in state["open"]
        }

    def _checked(self, scores: ArrayLike, start: float, end: float) -> NDArray[np.float64]:
        values = np.asarray(scores, np.float64)
        if values.shape != (len(self.labels),):
            raise ShapeError(f"scores are {values.shape}; there are {len(self.labels)} labels")
        # Negated, so that NaN fails too; rounding of a softmax in low precision passes.
        if not ((values >= -1e-3) & (values <= 1 + 1e-3)).all():
            raise OptionError("a score is NaN or outside [0, 1]; take the softmax or sigmoid of logits first")
        if not (math.isfinite(start) and math.isfinite(end) and start < end):
            raise OptionError(f"a step from {start} to {end}: finite, and the end after the start")
        if self._last_end is not None and start < self._last_end - ROUNDING_SECONDS:
            raise OptionError(
                f"a step begins at {start} s, the one before ended at {self._last_end} s; steps come in order,"
                " reset() begins another source"
            )
        return values.clip(0.0, 1.0)

    def _end_before(self, seconds: float, *, only_inactive: bool = False) -> list[Event]:
        """Close what has been off for too long to be gone on with."""
        limit = max(self.rule.merge_gap_seconds, ROUNDING_SECONDS)
        over = [
            k
            for k, event in sorted(self._open.items())
            if not (only_inactive and event.is_active) and seconds - event.end >= limit - ROUNDING_SECONDS / 2
        ]
        found = [self._closed(k) for k in over]
        for k in over:
            del self._open[k]
        return [event for event in found if event is not None]

    def _announce(self, k: int, event: _OpenEvent, known: float) -> list[Event]:
        long_enough = event.end - event.start >= self.rule.min_duration_seconds - ROUNDING_SECONDS
        if event.latency is not None or not event.is_active or not long_enough:
            return []
        event.latency = max(0.0, known - event.start)
        return [self._event(k, event)]

    def _is_announced(self, k: int) -> bool:
        return self._open[k].latency is not None

    def _closed(self, k: int) -> Event | None:
        return replace(self._event(k, self._open[k]), is_over=True) if self._is_announced(k) else None

    def _event(self, k: int, event: _OpenEvent) -> Event:
        return Event(
            self.labels[k],
            event.start,
            event.end,
            score=event.weighted_score / event.active_seconds,
            peak_score=event.peak,
            latency_seconds=event.latency or 0.0,
            is_over=False,
        )


def find_events(
    scores: ArrayLike,
    seconds: ArrayLike,
    labels: Sequence[str],
    *,
    rule: EventRule | None = None,
    ignored: Collection[str] = (),
    kind: str = "action",
) -> list[Segment]:
    """The events in scores that are known in full.

    Args:
        scores: (T, K) probabilities.
        seconds: (T + 1,) ascending: when each step begins, and when the last one ends.
        labels: the K labels.
        rule: when something begins and ends.
        ignored: labels that are never an event.
        kind: of the segments.

    Returns:
        Segments by start, with `peak_score` and `latency_seconds` among their attributes.

    Raises:
        ShapeError: arrays that do not fit each other.
        OptionError: NaN, scores outside [0, 1], or times out of order.

    >>> [s.to_dict()["end_seconds"] for s in find_events([[0.9], [0.5], [0.1]], [0.0, 1.0, 2.0, 3.0], ["wave"])]
    [2.0]
    """
    values, moments = np.asarray(scores, np.float64), np.asarray(seconds, np.float64)
    if values.ndim != 2 or moments.shape != (values.shape[0] + 1,):
        raise ShapeError(
            f"scores {values.shape} and seconds {moments.shape}; they must be (T, K) and (T + 1,)"
        )
    finder = EventFinder(labels, rule=rule, ignored=ignored)
    found: list[Event] = []
    for row, start, end in zip(values, moments[:-1].tolist(), moments[1:].tolist(), strict=True):
        found += finder.push(row, start, end)
    found += finder.finish()
    segments = [event.to_segment(kind=kind) for event in found if event.is_over]
    return sorted(segments, key=lambda segment: (segment.start_seconds, segment.end_seconds, segment.label))
