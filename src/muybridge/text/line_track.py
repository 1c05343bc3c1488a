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

__all__ = ["LineTrack", "adjoins", "area_of", "box_of_quad", "outgrows", "overlap"]

MAX_READINGS = 8
_SURE = 0.98


@dataclass(slots=True, eq=False)
class LineTrack:
    """One line of writing while it is on the screen.

    Args:
        quad: its corners when it was read best, in pixels of the source.
        patch: what it looked like in the small picture when it was last confirmed.
        start_seconds: when it appeared.
        confirmed_seconds: when it was last known to stand.
        found_seconds: when a look first found it.
        as_read: what it looked like when it was last read, or began to move; `patch` is renewed more often.
        as_read_seconds: when that was.
        moved: (x, y) by how much it has moved since the quad was taken, in pixels of the small picture.
        velocity: (x, y) pixels of the small picture per second.
        readings: the evidence of the frames it was read from, at most eight.
        num_readings: how many frames it was read from.
        last_read_seconds: when it was last read.
        num_missed: how many readings in a row said something else.
        patience: seconds from one reading to the next where its look has changed and its words have not.
        not_before: until when another line stood in its place.
        gave_way: when it was last as it was read, and since when another text stands in its place.
    """

    quad: Polygon
    patch: Patch
    start_seconds: float
    confirmed_seconds: float
    found_seconds: float
    as_read: Patch
    as_read_seconds: float
    moved: tuple[float, float] = (0.0, 0.0)
    velocity: tuple[float, float] = (0.0, 0.0)
    readings: list[Evidence] = field(default_factory=list)
    num_readings: int = 0
    last_read_seconds: float = 0.0
    num_missed: int = 0
    patience: float = 0.2
    not_before: float = -np.inf
    gave_way: tuple[float, float] | None = None
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

    def shift_after(self, seconds: float) -> tuple[int, int]:
        """(x, y) pixels of the small picture by which it has moved, so many seconds after it was confirmed."""
        return round(self.velocity[0] * seconds), round(self.velocity[1] * seconds)

    def expected(self, picture: NDArray[np.uint8], seconds: float) -> tuple[int, int]:
        """Where it should stand in a picture: (x, y) pixels from its patch.

        A line that scrolls is sought there by its look of long ago: from patch to patch, the halves of pixels
        that are lost in rounding would add up until it is another line that is followed.
        """
        dx, dy = self.shift_after(seconds - self.confirmed_seconds)
        if not self.is_moving or self.as_read.pixels.shape != self.patch.pixels.shape:
            return dx, dy
        gone_x, gone_y = self._gone()
        x, y, score = self.as_read.find(picture, gone_x + dx, gone_y + dy, 3)
        return (x - gone_x, y - gone_y) if score >= 0.8 else (dx, dy)

    def move(self, patch: Patch, seconds: float) -> None:
        """It was seen again, in the box of a newer patch as large as the one before."""
        dx, dy = patch.box[0] - self.patch.box[0], patch.box[1] - self.patch.box[1]
        elapsed, was_moving = seconds - self.confirmed_seconds, self.is_moving
        self.moved = (self.moved[0] + dx, self.moved[1] + dy)
        self.patch, self.confirmed_seconds = patch, seconds
        is_moving = (dx, dy) != (0, 0) and elapsed > 0
        if is_moving != was_moving or self.as_read.pixels.shape != patch.pixels.shape:
            self.velocity = (dx / elapsed, dy / elapsed) if is_moving else (0.0, 0.0)
            if is_moving or was_moving:
                self.as_read, self.as_read_seconds = patch, seconds
        elif is_moving:
            elapsed = seconds - self.as_read_seconds
            gone_x, gone_y = self._gone()
            self.velocity = gone_x / elapsed, gone_y / elapsed

    def _gone(self) -> tuple[int, int]:
        return self.patch.box[0] - self.as_read.box[0], self.patch.box[1] - self.as_read.box[1]

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

    def has_changed(self, picture: NDArray[np.uint8], before: NDArray[np.uint8], seconds: float) -> bool:
        """Whether a spot of it looks otherwise than when it was read, for so long that it is worth reading again.

        Args:
            picture: the small picture, in which it stands.
            before: the one a glance earlier.
            seconds: the picture's moment.
        """
        if self.is_moving or seconds - self.last_read_seconds < self.patience - 1e-6:
            return False
        box = self.patch.box
        if self.as_read.strokes.shape != (box[3] - box[1], box[2] - box[0]):
            self.as_read = self.patch
            return False
        spot = self.as_read.spot(picture, before, box)
        # What never holds still is a background, or hundredths of a second.
        return spot.has_changed and (
            spot.holds_still or seconds - self.last_read_seconds >= max(1.0, self.patience)
        )

    def settle(self, evidence: Evidence, look: Patch) -> None:
        """It was read again because its look had changed, and does not say anything else for sure."""
        self.patience = min(4.0, 2 * self.patience)
        if _plain(evidence.decode().text) == _plain(self.best.text):
            self.as_read = look

    def is_contradicted_by(self, evidence: Evidence, *, may_grow: bool = False) -> bool:
        """Whether a reading of the same place surely says something else; more characters do not if it `may_grow`.

        White space does not count.
        """
        return _contradict(self.best, evidence.decode(), may_grow=may_grow)

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
        old, new = self.best, evidence.decode()
        is_worse = old.confidence < new.confidence and fuzz.ratio(old.text, new.text) > 80
        return is_worse or (
            len(old.text) <= len(new.text.strip()) and fuzz.partial_ratio(old.text, new.text) > 70
        )

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
            "as_read": self.as_read.state(),
            "as_read_seconds": self.as_read_seconds,
            "patience": self.patience,
            "not_before": float(self.not_before),
            "gave_way": list(self.gave_way) if self.gave_way else None,
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
            Patch.from_state(state["as_read"]),
            state["as_read_seconds"],
            (state["moved"][0], state["moved"][1]),
            (state["velocity"][0], state["velocity"][1]),
            [Evidence.from_state(reading) for reading in state["readings"]],
            state["num_readings"],
            state["last_read_seconds"],
            state["num_missed"],
            state["patience"],
            state["not_before"],
            (state["gave_way"][0], state["gave_way"][1]) if state["gave_way"] else None,
        )


def _contradict(old: Hypothesis, new: Hypothesis, *, may_grow: bool = False) -> bool:
    """Whether two readings differ in a character of which both are sure; a text that grows gains some at an end."""
    for edit in Levenshtein.editops(old.text, new.text):
        if may_grow and edit.tag == "insert" and edit.src_pos in (0, len(old.text)):
            beside = old.text[:1] if edit.src_pos == 0 else old.text[-1:]
            if not (beside.isdigit() and new.text[edit.dest_pos].isdigit()):
                continue  # a number with another digit is another number
        sides = []
        if edit.tag != "insert":
            sides.append(old.characters[edit.src_pos])
        if edit.tag != "delete":
            sides.append(new.characters[edit.dest_pos])
        if min(side.confidence for side in sides) > 0.95 and any(_plain(side.character) for side in sides):
            return True
    return False


def _plain(text: str) -> str:
    return "".join(text.split())


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


def outgrows(box: Box, known: Box) -> bool:
    """Whether a box around a known one holds more: by its area, or at one end by a character."""
    end = max(known[0] - box[0], box[2] - known[2])
    return area_of(box) >= 1.3 * area_of(known) or 3 * end > box[3] - box[1]


def adjoins(line: Box, new: Box) -> bool:
    """Whether new strokes stand in the rows of a line, next to it or inside it."""
    height = line[3] - line[1]
    rows = min(line[3], new[3]) - max(line[1], new[1])
    gap = max(line[0], new[0]) - min(line[2], new[2])
    return 2 * rows > min(height, new[3] - new[1]) and gap < height
