"""Cheap measures on small gray pictures: where new writing may stand, and whether known writing still stands.

Writing on the screen is a set of strokes: within a few pixels the picture gets brighter and darker again. What is
worth reading stays for a moment. So new writing shows as strokes that hold still between two glances and were not
there before (`StrokeMap`), and known writing is recognized by its strokes alone, whatever moves behind it
(`Patch`). Nothing here reads; it decides when and where to read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Change", "Patch", "StrokeMap", "box_of_cells"]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""

_CELL_PX = 9  # a line of small text at this scale
_STEP = 24  # gray levels across two pixels that make the side of a stroke
_DENSE = 0.06  # share of a cell's pixels on either side of strokes
_HELD = 0.5  # share of a cell's strokes that hold still
_NUM_GLANCES = 3  # that strokes must hold still for
_CHANGED = (
    0.3  # a spot's squared difference in units of the strokes': noise is below 0.28, a serif above 0.35
)

_Sides = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class StrokeMap:
    """Finds strokes that are new and hold still, glance by glance."""

    def __init__(self) -> None:
        self._glances: list[_Sides] = []  # where the picture gets brighter, and darker, to the right
        self._known: NDArray[np.uint8] | None = None
        self._since: NDArray[np.float64] | None = None

    def glance(
        self, picture: NDArray[np.uint8], seconds: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Compare a picture with the ones before and with what was known at the last look.

        Args:
            picture: (H, W) uint8 gray.
            seconds: its moment.

        Returns:
            Two (rows, columns) maps of cells of 9 × 9 pixels, two in a row at least: those with new strokes
            that hold still, and those with new strokes of any kind.
        """
        slope = cv2.Sobel(picture, cv2.CV_16S, 1, 0, ksize=1)
        rising, falling = (slope > _STEP).view(np.uint8), (slope < -_STEP).view(np.uint8)
        if self._glances and self._glances[-1][0].shape != rising.shape:
            self.__init__()  # type: ignore[misc]  # the source has changed its size: nothing is known of it
        self._glances = [*self._glances, (rising, falling)][-_NUM_GLANCES:]
        self._forget()
        moving = self._dense(rising, falling)
        still = np.zeros_like(moving)
        if len(self._glances) == _NUM_GLANCES and moving.any():
            held = [np.bitwise_and.reduce(sides) for sides in zip(*self._glances, strict=True)]
            share = _share(held[0] | held[1]) > _HELD * _share(rising | falling)
            still = _in_rows(self._dense(held[0], held[1]) & share)
        since = np.full(still.shape, seconds) if self._since is None else self._since
        self._since = np.where(still, np.minimum(since, seconds), np.inf)
        return still, _in_rows(moving)

    def still_since(self, box: Box) -> float:
        """Since which glance new strokes hold still in the box; infinity where they do not."""
        if self._since is None:
            return float("inf")
        left, top, right, bottom = (value // _CELL_PX for value in box)
        return float(self._since[top : bottom + 1, left : right + 1].min(initial=np.inf))

    def remember(self, area: Box | None = None) -> None:
        """A reader has looked at an area, or at all: what stands there now is known."""
        if not self._glances:
            return
        seen = _standing(self._glances[-1:])
        known = np.zeros_like(seen) if self._known is None else self._known.copy()
        left, top, right, bottom = area or (0, 0, seen.shape[1], seen.shape[0])
        known[top:bottom, left:right] = seen[top:bottom, left:right]
        self._known = known

    def _forget(self) -> None:
        """What has been gone for two glances is not known any more: other writing may stand there next."""
        if self._known is not None:
            self._known = self._known & _standing(self._glances[-2:])

    def _dense(self, rising: NDArray[np.uint8], falling: NDArray[np.uint8]) -> NDArray[np.bool_]:
        if self._known is not None:
            rising, falling = rising & ~self._known, falling & ~self._known
        # A stroke has two sides; the border of a person or a wall has one.
        return np.asarray(np.minimum(_share(rising), _share(falling)) > _DENSE)

    def state(self) -> dict[str, Any]:
        """As arrays and lists."""
        glances = [list(sides) for sides in self._glances]
        return {"glances": glances, "known": self._known, "since": self._since}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self._glances = [(rising, falling) for rising, falling in state["glances"]]
        self._known, self._since = state["known"], state["since"]


def _standing(glances: Sequence[_Sides]) -> NDArray[np.uint8]:
    """Where strokes stand in any of some glances, or within a pixel."""
    sides = np.bitwise_or.reduce([rising | falling for rising, falling in glances])
    return np.asarray(cv2.dilate(sides, np.ones((3, 3), np.uint8)), np.uint8)


def _in_rows(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells with a neighbor to the left or right: writing is wider than a pole."""
    pairs = cells[:, 1:] & cells[:, :-1]
    kept = np.zeros_like(cells)
    kept[:, 1:] |= pairs
    kept[:, :-1] |= pairs
    return kept


def _share(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean of each cell, of zeros and ones; what does not fill a cell at the right and below is left out.

    >>> _share(np.eye(18, dtype=np.uint8)).astype(float).round(3).tolist()
    [[0.111, 0.0], [0.0, 0.111]]
    """
    height, width = min(_CELL_PX, mask.shape[0]), min(_CELL_PX, mask.shape[1])
    rows, columns = mask.shape[0] // height, mask.shape[1] // width
    inside = mask[: rows * height, : columns * width]
    # At most 81 ones in a cell: bytes are wide enough, and adding bytes is fastest.
    lines = np.add.reduce(inside.reshape(rows, height, columns * width), axis=1, dtype=np.uint8)
    counts = np.add.reduce(lines.reshape(rows, columns, width), axis=2, dtype=np.uint8)
    return np.asarray(counts * np.float32(1 / (height * width)), np.float32)


def box_of_cells(cells: NDArray[np.bool_], picture: NDArray[np.uint8]) -> Box:
    """The smallest box in pixels around all cells that are set; there must be one."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    height, width = picture.shape
    return (
        int(columns[0]) * _CELL_PX,
        int(rows[0]) * _CELL_PX,
        min(width, (int(columns[-1]) + 1) * _CELL_PX),
        min(height, (int(rows[-1]) + 1) * _CELL_PX),
    )


class Spot(NamedTuple):
    """The part of a line that differs most from a patch of it, in units of the strokes' mean square.

    Args:
        difference: how much it differs.
        unrest: how much it differs from the picture a moment earlier.
        unrest_anywhere: the most that any part of the line differs from the picture a moment earlier.
    """

    difference: float
    unrest: float
    unrest_anywhere: float

    @property
    def has_changed(self) -> bool:
        """Whether it may be another character."""
        return self.difference > _CHANGED

    @property
    def holds_still(self) -> bool:
        """Whether what stands there now has stood there before, as a moving background has not."""
        return self.unrest < 0.25 * self.difference


@dataclass(slots=True)
class Patch:
    """What a line of writing looked like, to recognize it again.

    Args:
        box: where it stood, inside the picture.
        pixels: (h, w) uint8, the picture there.
        strokes: (h, w) float32, the picture there less its surroundings' brightness.
        mask: (h, w) bool, where strokes are strong.
    """

    box: Box
    pixels: NDArray[np.uint8]
    strokes: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @classmethod
    def of(cls, picture: NDArray[np.uint8], box: Box) -> Patch:
        """Take the patch of a picture, (H, W) uint8 gray, in a box inside it."""
        left, top, right, bottom = box
        pixels = picture[top:bottom, left:right].copy()
        strokes = _strokes(pixels)
        return cls(box, pixels, strokes, np.abs(strokes) > max(3.0, 0.7 * float(strokes.std())))

    @property
    def contrast(self) -> float:
        """How strong the strokes are, in gray levels."""
        return float(np.abs(self.strokes[self.mask]).mean()) if self.mask.any() else 0.0

    def presence(self, picture: NDArray[np.uint8], dx: int = 0, dy: int = 0) -> float:
        """How much of the writing stands in a picture, moved by (dx, dy).

        The smaller of two numbers on the pixels of the strokes: their correlation with the patch, which is low
        for other writing, and their strength in units of the patch's, which goes down as writing fades.

        Returns:
            1.0 where it stands as it stood, about 0.0 where it does not, or has left the picture.
        """
        left, top, right, bottom = self.box
        height, width = picture.shape
        x0, y0, x1, y1 = max(0, left + dx), max(0, top + dy), min(width, right + dx), min(height, bottom + dy)
        if x1 - x0 < 3 or y1 - y0 < 3:
            return 0.0
        inside = slice(y0 - top - dy, y1 - top - dy), slice(x0 - left - dx, x1 - left - dx)
        mask = self.mask[inside]
        if mask.sum() < max(6, self.mask.sum() // 3):
            return 0.0
        then, now = self.strokes[inside][mask], _strokes(picture[y0:y1, x0:x1])[mask]
        common = float(then @ now)
        own, other = float(then @ then), float(now @ now)
        if common <= 0:
            return 0.0
        return float(min(1.0, common / own, common / (own * other) ** 0.5))

    def share(self, picture: NDArray[np.uint8], without: NDArray[np.uint8]) -> float | None:
        """How far a picture is from one without the writing towards the patch, which is with it.

        Where the background holds still, its own strokes stand in all three pictures and say nothing; this
        measures what differs.

        Returns:
            0.0 as without, 1.0 as the patch, in between while it fades; None where the two hardly differ.
        """
        left, top, right, bottom = self.box
        empty = _strokes(without[top:bottom, left:right])
        difference = self.strokes - empty
        where = self.mask & (np.abs(difference) > 6)
        if where.sum() < max(4, 0.1 * self.mask.sum()):
            return None
        difference = difference[where]
        now = _strokes(picture[top:bottom, left:right])[where] - empty[where]
        return float(difference @ now) / float(difference @ difference)

    def find(self, picture: NDArray[np.uint8], dx: int, dy: int, reach: int) -> tuple[int, int, float]:
        """Look for the writing around where it is expected.

        Args:
            picture: (H, W) uint8 gray.
            dx: expected movement.
            dy: expected movement.
            reach: how far around that, in pixels.

        Returns:
            The movement that fits best, and the correlation there; 0.0 where there is nowhere to look.
        """
        left, top, right, bottom = self.box
        height, width = picture.shape
        x0, y0 = max(0, left + dx - reach), max(0, top + dy - reach)
        # A place outside has no pixels: Python would count a negative end from the other side.
        x1, y1 = max(0, min(width, right + dx + reach)), max(0, min(height, bottom + dy + reach))
        window = picture[y0:y1, x0:x1]
        if window.shape[0] < self.pixels.shape[0] or window.shape[1] < self.pixels.shape[1]:
            return dx, dy, 0.0
        if float(self.pixels.std()) < 1:
            return dx, dy, 0.0
        scores = cv2.matchTemplate(window, self.pixels, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        return x0 + int(x) - left, y0 + int(y) - top, float(score)

    def spot(self, picture: NDArray[np.uint8], before: NDArray[np.uint8], box: Box) -> Spot:
        """Where the writing looks most otherwise, though the rest may well stand: another digit, say.

        `presence` adds up the whole line, of which one character is a small share; this takes the spot, a third
        as wide as the line is high, that differs most. That the line as a whole is weaker or stronger is no
        difference.

        Args:
            picture: (H, W) uint8 gray.
            before: the picture a moment earlier.
            box: where the line stands in both, as large as the patch's.
        """
        left, top, right, bottom = box
        now, earlier = _strokes(picture[top:bottom, left:right]), _strokes(before[top:bottom, left:right])
        own = float(np.square(self.strokes).sum())
        if not own or not self.mask.any():
            return Spot(0.0, 0.0, 0.0)
        gain = float(np.clip((self.strokes * now).sum() / own, 0.5, 2.0))
        side = max(3, (bottom - top) // 3)
        unit = gain**2 * float(np.square(self.strokes[self.mask]).mean())
        difference = cv2.blur(np.square(now - gain * self.strokes), (side, side)) / unit
        unrest = cv2.blur(np.square(now - earlier), (side, side)) / unit
        place = np.unravel_index(int(difference.argmax()), difference.shape)
        return Spot(float(difference[place]), float(unrest[place]), float(unrest.max()))

    def state(self) -> dict[str, Any]:
        """As arrays and lists."""
        return {"box": list(self.box), "pixels": self.pixels, "mask": self.mask}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Patch:
        """The inverse of `state`."""
        left, top, right, bottom = state["box"]
        pixels = np.asarray(state["pixels"], np.uint8)
        return cls((left, top, right, bottom), pixels, _strokes(pixels), np.asarray(state["mask"], np.bool_))


class Change:
    """What differs between writing and what stands in its place later, to tell when the one gave way to the other.

    Args:
        old: what the writing looked like.
        picture: (H, W) uint8 gray, with what followed.
        box: where, as large as the patch's.
    """

    def __init__(self, old: Patch, picture: NDArray[np.uint8], box: Box) -> None:
        left, top, right, bottom = box
        self._inside = slice(top, bottom), slice(left, right)
        difference = _strokes(picture[self._inside]) - old.strokes
        self._where = np.abs(difference) > 0.35 * float(np.abs(difference).max())
        self._old, self._difference = old.strokes[self._where], difference[self._where]
        self._power = max(1e-6, float(self._difference @ self._difference))

    def share(self, picture: NDArray[np.uint8]) -> float:
        """How far a picture is on the way: 0.0 where the old writing stands, 1.0 where the new one does."""
        return float(self._difference @ (self._now(picture) - self._old)) / self._power

    def distance(self, picture: NDArray[np.uint8]) -> float:
        """How far a picture is from the old writing, in any direction; about 1.0 where the new one stands."""
        away = self._now(picture) - self._old
        return float(away @ away) / self._power

    def _now(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(_strokes(picture[self._inside])[self._where], np.float32)


def _strokes(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness less that of the surroundings, which are about as large as the line is high."""
    size = max(3, min(pixels.shape) | 1)
    values = pixels.astype(np.float32)
    return np.asarray(values - cv2.blur(values, (size, size)), np.float32)
