"""One line of writing while it is on the screen: its readings, its looks, where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from muybridge.text.ctc import Hypothesis
from muybridge.text.readings import Evidence, combine
from muybridge.text.strokes import Box, Patch
from muybridge.values import Polygon, TextTrack

__all__ = ["LineTrack", "area_of", "box_of_quad", "overlap"]

MAX_READINGS = 8
_SURE = 0.98


@dataclass(slots=True)
class LineTrack:
    """One line of writing while it is on the screen.

    Args:
        quad: its corners when it was read best, in pixels of the source.
        patch: what it looked like in the small picture when it was last confirmed.
        start_seconds: when it appeared.
        confirmed_seconds: when it was last known to stand.
        found_seconds: when a look first found it.
        moved: (x, y) by how much it has moved since the quad was taken, in pixels of the small picture.
        velocity: (x, y) pixels of the small picture per second.
        readings: the evidence of the frames it was read from, at most eight.
        num_readings: how many frames it was read from.
        last_read_seconds: when it was last read.
        num_missed: how many readings in a row said something else.
    """

    quad: Polygon
    patch: Patch
    start_seconds: float
    confirmed_seconds: float
    found_seconds: float
    moved: tuple[float, float] = (0.0, 0.0)
    velocity: tuple[float, float] = (0.0, 0.0)
    readings: list[Evidence] = field(default_factory=list)
    num_readings: int = 0
    last_read_seconds: float = 0.0
    num_missed: int = 0
    _best: Hypothesis | None = None

    @property
    def best(self) -> Hypothesis:
        """What all readings together say."""
        if self._best is None:
            self._best = combine(self.readings).decode()
        return self._best

    @property
    def is_moving(self) -> bool:
        """Whether it scrolls."""
        return self.velocity != (0.0, 0.0)

    def add(self, evidence: Evidence, seconds: float) -> None:
        """Another frame was read; of many the surest are kept."""
        self.readings.append(evidence)
        self.num_readings += 1
        self.last_read_seconds = seconds
        self.num_missed = 0
        self._best = None
        if len(self.readings) > MAX_READINGS:
            sureness = [float(reading.log_probs.max(axis=1).mean()) for reading in self.readings]
            del self.readings[int(np.argmin(sureness))]

    def renew(self, patch: Patch, seconds: float) -> bool:
        """Take a newer look for the line's own; not while it fades, so that its full strength is the measure."""
        if not self.is_moving and patch.contrast < 0.8 * self.patch.contrast:
            return False
        self.patch, self.confirmed_seconds = patch, seconds
        return True

    def wants_reading(self, seconds: float) -> bool:
        """Whether another frame would help: twice to be sure, more often while the letters are doubtful."""
        if self.num_readings >= MAX_READINGS:
            return False
        if self.num_readings >= 2 and min((s.confidence for s in self.best.characters), default=0.0) > _SURE:
            return False
        return seconds - self.last_read_seconds >= 0.2 * 1.5 ** (self.num_readings - 1)

    def says_the_same(self, evidence: Evidence) -> bool:
        """Whether another reading may be of the same line."""
        old, new = self.best, evidence.decode()
        likeness = Levenshtein.normalized_similarity(old.text, new.text)
        if old.confidence > 0.9 and new.confidence > 0.9:
            return likeness > 0.8 and not _contradict(old, new)
        return likeness >= 0.5

    def may_contain(self, evidence: Evidence) -> bool:
        """Whether a reading may be of a part of this line."""
        part = evidence.decode().text.strip()
        return len(part) > 1 and fuzz.partial_ratio(part, self.best.text) > 70

    def may_be_part_of(self, evidence: Evidence) -> bool:
        """Whether this line may be a part, or a worse reading, of what another reading says."""
        whole = evidence.decode().text.strip()
        return len(self.best.text) <= len(whole) and fuzz.partial_ratio(self.best.text, whole) > 70

    def to_text_track(self, end_seconds: float) -> TextTrack:
        """The finished line."""
        best = self.best
        return TextTrack(
            best.text.strip(),
            self.start_seconds,
            max(end_seconds, self.start_seconds),
            best.confidence,
            self.quad,
            self.num_readings,
        )

    def state(self) -> dict[str, Any]:
        """As lists and arrays."""
        return {
            "quad": [list(corner) for corner in self.quad],
            "patch": self.patch.state(),
            "start_seconds": self.start_seconds,
            "confirmed_seconds": self.confirmed_seconds,
            "found_seconds": self.found_seconds,
            "moved": list(self.moved),
            "velocity": list(self.velocity),
            "readings": [reading.state() for reading in self.readings],
            "num_readings": self.num_readings,
            "last_read_seconds": self.last_read_seconds,
            "num_missed": self.num_missed,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LineTrack:
        """The inverse of `state`."""
        return cls(
            tuple((x, y) for x, y in state["quad"]),
            Patch.from_state(state["patch"]),
            state["start_seconds"],
            state["confirmed_seconds"],
            state["found_seconds"],
            (state["moved"][0], state["moved"][1]),
            (state["velocity"][0], state["velocity"][1]),
            [Evidence.from_state(reading) for reading in state["readings"]],
            state["num_readings"],
            state["last_read_seconds"],
            state["num_missed"],
        )


def _contradict(old: Hypothesis, new: Hypothesis) -> bool:
    """Whether two sure readings differ in a character of which both are sure."""
    edits = Levenshtein.editops(old.text, new.text)
    for edit in edits:
        sides = []
        if edit.tag != "insert":
            sides.append(old.characters[edit.src_pos].confidence)
        if edit.tag != "delete":
            sides.append(new.characters[edit.dest_pos].confidence)
        if min(sides) > 0.95:
            return True
    return False


def box_of_quad(quad: Polygon, scale: float, picture: NDArray[np.uint8]) -> Box:
    """The upright box around a quad, in the small picture; at least four pixels on each side."""
    corners = np.asarray(quad) * scale
    height, width = picture.shape
    left, top = np.floor(corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    left, top = max(0, min(left, width - 4)), max(0, min(top, height - 4))
    return int(left), int(top), int(min(width, max(right, left + 4))), int(min(height, max(bottom, top + 4)))


def overlap(a: Box, b: Box) -> float:
    """Intersection over the smaller box: 1.0 where one lies inside the other."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(area_of(a), area_of(b))


def area_of(box: Box) -> int:
    """Its pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])
