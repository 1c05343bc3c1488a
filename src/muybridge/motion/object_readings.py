"""Tracks of moving regions → words: moves left, right, up, down; runs, falls, waves.

Each rule looks at the last seconds of one track and either says nothing or gives the word with the numbers
that made it say so. Speeds are told in the region's own height, so that near and far people count alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.motion.regions import Track
from muybridge.values import Segment

__all__ = ["ObjectReader", "Reading", "falls", "moves", "read_track", "runs", "waves"]

_SECONDS, _X, _Y, _VX, _VY, _LEFT, _TOP, _WIDTH, _HEIGHT, _AREA = range(10)
_STEP_SECONDS = 0.12
"""Tracks are read this often."""
_DIRECTIONS = ("right", "up", "left", "down")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one track does, from when, and the numbers that say so."""

    label: str
    start_seconds: float
    end_seconds: float
    strength: float
    numbers: Mapping[str, Any] = field(default_factory=dict)


def read_track(track: Track) -> list[Reading]:
    """All that can be said of a track at its last moment.

    Args:
        track: what one region did over the last seconds.
    """
    fallen, ran, waved = falls(track), runs(track), waves(track)
    # A run and a fall are also a movement; the stronger word says it.
    moved = None if fallen or ran or waved else moves(track)
    return [reading for reading in (moved, ran, fallen, waved) if reading is not None]


def moves(track: Track, *, window_seconds: float = 0.5) -> Reading | None:
    """Says "something moves left" and the like: a region that goes somewhere.

    Its center goes at least a quarter of its own height per second, and the flow inside it goes steadily along.

    Args:
        track: what one region did over the last seconds.
        window_seconds: how long it must have gone so.
    """
    rows = track.since(track.last_seconds - window_seconds)
    if len(rows) < 4 or rows[-1, _SECONDS] - rows[0, _SECONDS] < 0.7 * window_seconds:
        return None
    velocity, flow = _slopes(rows, (_X, _Y)), rows[:, (_VX, _VY)]
    mean_flow = flow.mean(axis=0)
    speed, flow_speed = float(np.hypot(*velocity)), float(np.hypot(*mean_flow))
    if speed < max(0.03, 0.25 * float(np.median(rows[:, _HEIGHT]))):
        return None
    steadiness = flow_speed / max(float(np.hypot(flow[:, 0], flow[:, 1]).mean()), 1e-9)
    along = float(mean_flow @ velocity)
    if steadiness < 0.75 or along < 0.7 * speed * flow_speed or flow_speed < 0.2 * speed:
        return None
    degrees = math.degrees(math.atan2(-velocity[1], velocity[0])) % 360
    label = f"something moves {_DIRECTIONS[round(degrees / 90) % 4]}"
    numbers = {"speed_heights_per_second": speed, "direction_degrees": degrees}
    return _reading(label, rows, speed, numbers)


def runs(track: Track, *, window_seconds: float = 1.0) -> Reading | None:
    """Says "something runs left" or "right": an upright region that goes sideways faster than a walk.

    A person walks at 0.8 body heights per second and runs from about 1.3 on (people change from walk to run
    at 2 m/s: Hreljac, Med. Sci. Sports Exerc. 1993). Both edges of the region must travel, and farther than
    an arm reaches.

    Args:
        track: what one region did over the last seconds.
        window_seconds: how far back to look.
    """
    rows = track.since(track.last_seconds - window_seconds)
    if len(rows) < 6 or rows[-1, _SECONDS] - rows[0, _SECONDS] < 0.5 * window_seconds:
        return None
    travel = abs(float(rows[-1, _X] - rows[0, _X]))
    if travel < 0.13:
        return None
    height, width = np.median(rows[:, (_HEIGHT, _WIDTH)], axis=0).tolist()
    # A body that fills the picture's height is cut off by it: its own height is not known.
    if not 0.1 <= height <= 0.9 or height < width or travel < 1.3 * height:
        return None
    edges = np.column_stack([rows[:, _SECONDS], rows[:, _LEFT], rows[:, _LEFT] + rows[:, _WIDTH]])
    left, right = _slopes(edges, (1, 2)).tolist()
    vx, vy = _slopes(rows, (_X, _Y)).tolist()
    slowest = min(abs(vx), abs(left) * 1.5, abs(right) * 1.5)
    if left * right <= 0 or slowest < 1.3 * height or abs(vy) > 0.4 * abs(vx):
        return None
    # The center alone also jumps when two people meet; the flow inside does not.
    if np.median(rows[:, _VX]) * np.sign(vx) < max(height, 0.4 * abs(vx)):
        return None
    numbers = {
        "speed_heights_per_second": abs(vx),
        "speed_body_heights_per_second": abs(vx) / height,
        "body_height": height,
    }
    return _reading(f"something runs {'right' if vx > 0 else 'left'}", rows, abs(vx), numbers)


def falls(track: Track, *, window_seconds: float = 0.8) -> Reading | None:
    """Says "something falls": a body-sized region that goes down fast, and either topples or drops.

    Its center sinks faster than one body height per second. It topples: it was upright, sinks by a third of
    its height and lies there as long as it was high. Or it drops: it sinks by more than its height. Who sits
    down, squats or lowers the arms does neither.

    Args:
        track: what one region did over the last seconds.
        window_seconds: how long a fall takes.
    """
    rows = track.since(track.last_seconds - window_seconds)
    if len(rows) < 4:
        return None
    first = int(np.argmin(rows[:, _Y]))
    before, rows = track.rows[: len(track.rows) - len(rows) + first + 1], rows[first:]
    drop, aside = float(rows[-1, _Y] - rows[0, _Y]), abs(float(rows[-1, _X] - rows[0, _X]))
    if len(rows) < 3 or drop < 0.045 or aside > 2 * drop:
        return None
    body = float(np.percentile(track.rows[:, _HEIGHT], 90))
    if not 0.15 <= body <= 0.9 or drop < 0.3 * body:
        return None
    peak = float(np.max((rows[2:, _Y] - rows[:-2, _Y]) / (rows[2:, _SECONDS] - rows[:-2, _SECONDS])))
    sinking = drop / float(rows[-1, _SECONDS] - rows[0, _SECONDS])
    along = float(np.mean(rows[1:, _VY])) / sinking
    if peak < body or along < 0.1:
        return None
    was_upright = bool(np.median(before[-8:, _HEIGHT] / before[-8:, _WIDTH]) > 1.2)
    # An arm that is lowered also ends flat, but not as long as the region was high.
    lies = bool(rows[-1, _WIDTH] > max(1.2 * rows[-1, _HEIGHT], 0.8 * body))
    # A toppling head is too fast for the flow, but a body that lies where one stood cannot be mistaken.
    topples = was_upright and lies and body > 0.2 and drop > 0.35 * body
    if not topples and (drop < body or along < 0.4):
        return None
    numbers = {
        "drop_body_heights": drop / body,
        "peak_speed_body_heights_per_second": peak / body,
        "body_height": body,
    }
    return _reading("something falls", rows, peak, numbers)


def waves(track: Track, *, min_swings: int = 4, window_seconds: float = 3.0) -> Reading | None:
    """Says "something waves": a region that swings to and fro in its place, with its frequency.

    At least two whole periods of similar swings between 0.75 and 4 Hz, over a good part of the region's own
    width, and the flow swings along. A swipe or a throw has fewer swings; a clap moves both hands against
    each other, so that their center rests; a crowd is mostly empty between its people.

    Args:
        track: what one region did over the last seconds.
        min_swings: how many changes of side, two for each period.
        window_seconds: how far back to look.
    """
    rows = track.since(track.last_seconds - window_seconds)
    if len(rows) < 8 or np.ptp(rows[:, _X]) < 0.025:
        return None
    turns = turning_points(rows[:, _X], min_swing=0.025)
    if len(turns) < min_swings + 1:
        return None
    num_swings = _num_alike(rows[turns], min_swings)
    if num_swings < min_swings:
        return None
    core = turns[-min_swings - 1 :]
    part, swings = rows[core[0] : core[-1] + 1], np.diff(rows[core, _X])
    box = np.median(part[:, _WIDTH] * part[:, _HEIGHT])
    size = float(np.median(np.abs(swings)))
    if size < 0.25 * np.median(part[:, _WIDTH]) or np.median(part[:, _AREA]) < 0.3 * box:
        return None
    along = [
        swing * np.mean(rows[begin + 1 : end + 1, _VX]) > 0
        for swing, begin, end in zip(swings, core, core[1:], strict=False)
    ]
    if np.mean(along) < 0.7 or np.ptp(part[:, _Y]) > 1.6 * np.ptp(part[:, _X]):
        return None
    part = rows[turns[-num_swings - 1] : turns[-1] + 1]
    frequency = 0.5 / float(np.median(np.diff(rows[turns[-num_swings - 1 :], _SECONDS])))
    if not 0.75 <= frequency <= 4.0:
        return None
    numbers = {"frequency_hertz": frequency, "amplitude_heights": size / 2, "num_swings": num_swings}
    return _reading("something waves", part, num_swings + size, numbers)


def _num_alike(turns: NDArray[np.float64], at_least: int) -> int:
    """How many of the newest swings between turning points are alike in size and length."""
    sizes, lengths = np.abs(np.diff(turns[:, _X])), np.diff(turns[:, _SECONDS])
    count = 0
    for num in range(at_least, len(sizes) + 1):
        some, long = sizes[-num:], lengths[-num:]
        if some.min() < 0.28 * some.max() or long.max() > min(1.0, 4 * long.min()):
            break
        count = num
    return count


def turning_points(values: NDArray[np.float64], *, min_swing: float) -> list[int]:
    """Where a curve turns, small wiggles left out: the indices of alternating highs and lows.

    Args:
        values: (N,) the curve.
        min_swing: the least difference between a high and its neighboring low.

    >>> turning_points(np.array([0, 3, 2.9, 3.1, -2, 2.0]), min_swing=0.5)
    [0, 3, 4, 5]
    """
    high = low = 0
    turns: list[int] = []
    rising: bool | None = None
    for index, value in enumerate(values.tolist()):
        if value > values[high]:
            high = index
        if value < values[low]:
            low = index
        if rising is not False and values[high] - value >= min_swing:
            turns.append(high)
            rising, low = False, index
        elif rising is not True and value - values[low] >= min_swing:
            turns.append(low)
            rising, high = True, index
        if rising:
            low = index
        elif rising is False:
            high = index
    if rising is not None:
        turns.append(high if rising else low)
    return turns


class ObjectReader:
    """Joins the readings of all tracks into segments of kind `"object"`, one run of time for each label.

    Args:
        merge_seconds: pauses up to this long do not end a segment.
        min_seconds: shorter segments are left out.
    """

    def __init__(self, *, merge_seconds: float = 0.6, min_seconds: float = 0.3) -> None:
        self.merge_seconds = merge_seconds
        self.min_seconds = min_seconds
        self._open: dict[str, dict[str, Any]] = {}
        self._read_seconds = -1e9

    def push(self, seconds: float, tracks: Iterable[Track]) -> list[Segment]:
        """Read the tracks that were seen at that moment; return the segments that are over."""
        if seconds < self._read_seconds + _STEP_SECONDS:
            return []
        self._read_seconds = seconds
        counts: dict[str, int] = {}
        for track in tracks:
            if track.last_seconds < seconds - _STEP_SECONDS:
                continue
            for reading in read_track(track):
                counts[reading.label] = counts.get(reading.label, 0) + 1
                self._add(reading, counts[reading.label])
        over = [name for name, item in self._open.items() if seconds - item["end"] > self.merge_seconds]
        return self._close(over)

    def finish(self) -> list[Segment]:
        """The source or the shot ended; return the rest."""
        return self._close(list(self._open))

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        items = {name: dict(item) | {"numbers": dict(item["numbers"])} for name, item in self._open.items()}
        return {"open": items, "read_seconds": self._read_seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        items = state["open"].items()
        self._open = {name: dict(item) | {"numbers": dict(item["numbers"])} for name, item in items}
        self._read_seconds = float(state["read_seconds"])

    def _add(self, reading: Reading, num_objects: int) -> None:
        start, end = reading.start_seconds, reading.end_seconds
        item = self._open.setdefault(
            reading.label, {"start": start, "end": end, "strength": -1.0, "numbers": {}, "num_objects": 1}
        )
        item["start"] = min(item["start"], start)
        item["end"] = max(item["end"], end)
        item["num_objects"] = max(item["num_objects"], num_objects)
        if reading.strength > item["strength"]:
            item["strength"], item["numbers"] = reading.strength, dict(reading.numbers)

    def _close(self, names: Iterable[str]) -> list[Segment]:
        segments = []
        for name in names:
            item = self._open.pop(name)
            if item["end"] - item["start"] >= self.min_seconds:
                numbers = {**item["numbers"], "num_objects": item["num_objects"]}
                segments.append(Segment(item["start"], item["end"], "object", name, None, numbers))
        return segments


def _slopes(rows: NDArray[np.float64], columns: tuple[int, ...]) -> NDArray[np.float64]:
    """Least-squares velocity of some columns over the time in column 0."""
    seconds = rows[:, _SECONDS] - rows[:, _SECONDS].mean()
    values = rows[:, columns]
    return np.asarray(seconds @ (values - values.mean(axis=0)) / max(float(seconds @ seconds), 1e-12))


def _reading(label: str, rows: NDArray[np.float64], strength: float, numbers: dict[str, Any]) -> Reading:
    left, top = float(rows[:, _LEFT].min()), float(rows[:, _TOP].min())
    right = float((rows[:, _LEFT] + rows[:, _WIDTH]).max())
    bottom = float((rows[:, _TOP] + rows[:, _HEIGHT]).max())
    box = [round(value, 4) for value in (left, top, right - left, bottom - top)]
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value for name, value in numbers.items()
    }
    return Reading(
        label, float(rows[0, _SECONDS]), float(rows[-1, _SECONDS]), strength, rounded | {"box_heights": box}
    )
