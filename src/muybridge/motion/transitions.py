"""Gradual transitions: dissolves, and fades through a flat picture.

A dissolve mixes two pictures, `frame = (1 - α) before + α after`, with α rising from 0 to 1. Three things follow, and
movement shows none of them together:

- each frame lies on the straight line from `before` to `after`: its distance from that line (the *residual*) is small,
  while a camera that pans or a thing that moves leaves the line at once;
- mixing unlike pictures lowers the contrast: the variance of the luma over time is a parabola that dips in the middle
  (Alattar, Detecting and compressing dissolve regions, ICASSP 1993; Truong, Dorai and Venkatesh, ACM Multimedia 2000);
- `before` and `after` are unlike, though no frame is unlike its neighbor
  (twin comparison: Zhang, Kankanhalli and Smoliar, Automatic partitioning of full-motion video, 1993).

A fade is a dissolve to and from a flat picture: the contrast falls nearly to nothing, and until then each frame
keeps the structure of its own side (Lienhart, SPIE 1999).

Windows of several lengths end at the newest frame; those that look like a transition compete, and the best of
those that overlap wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.motion.appearance import (
    THUMBNAIL_SIZE,
    Appearance,
    color_change,
    correlation,
    dissimilarity,
    structure_change,
)

__all__ = ["GradualFinder", "Gradual"]

WINDOW_LENGTHS = (8, 12, 18, 26, 38, 56, 80)  # in rows: transitions of a sixth of a second to two and a half
ROW_SECONDS = 1 / 33  # frames that follow each other faster than this are left out here
DISSOLVE_SCORE = 0.28
SURE_SCORE = 0.70  # below it, a movement of the camera is tried as well
MIN_SECONDS = 0.15  # shorter dissolves are jerks of a camera
MIN_UNLIKE = 0.40  # dissimilarity of a window's first and last frame
MAX_STEP = 0.45  # of α between rows: more is a cut
MAX_CHANGE = 0.60  # dissimilarity of neighboring frames: more is a cut
FADE_DIP = 0.60  # how much of the contrast a fade takes away at least
_ABOUT = 0.85  # of a fade's score, which differs as much between windows
_STEADY_ROWS = 3
_STEADY = 1.03  # by how much the contrast grows in so many rows once a fade is over, at most
_ALL_THERE = 0.95  # of the contrast
_FLAT_CONTRAST = 5.0
_MAX_FLAT_ROWS = 4
_FLAT_ROW_SECONDS = 0.5
_MOVED_SHARE = 0.7  # of what a mixture leaves unexplained; in dissolves, movement leaves 0.9 and more of it
_LEAST_INSIDE = 0.3  # of the picture that both show
_ECC_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 25, 1e-3)
KEPT_ROWS = 128  # the longest window, and what `ShotDetector` waits for before it settles


@dataclass(frozen=True, slots=True)
class Gradual:
    """A gradual transition that one window shows.

    Args:
        start: the row of the first mixed frame; rows are the finder's, counted from its first frame.
        end: the row of the first frame after it.
        middle_seconds: when it is half done: of a fade, the middle of what is flat.
        transition: `"dissolve"` or `"fade"`.
        score: how sure; about 0.25 to 2.
    """

    start: int
    end: int
    middle_seconds: float
    transition: str
    score: float

    def beats(self, other: Gradual) -> bool:
        """Whether it is the better one of two that overlap.

        Windows that begin or end within a fade show it as surely as the one that shows it whole: the longest does.
        """
        if self.transition == other.transition == "fade" and self.score > _ABOUT * other.score:
            return self.end - self.start > other.end - other.start
        return self.score > other.score


class GradualFinder:
    """Looks for gradual transitions in a stream of described frames, with a bounded window of rows."""

    def __init__(self) -> None:
        self._capacity = 2 * KEPT_ROWS
        # One row for each frame that is kept; see `_append`.
        self._thumbnails = np.empty((self._capacity, 0), np.float32)
        self._contrasts = np.zeros(self._capacity)
        self._looks: list[Appearance] = []
        self.pts_seconds: list[float] = []
        self.first_row = 0  # the number of the oldest row that is still kept
        self._flat_rows = 0
        self._change = 0.0
        self._changes = np.zeros(self._capacity)

    @property
    def num_rows(self) -> int:
        """Rows so far; the newest one has the number one less."""
        return self.first_row + len(self._looks)

    def observe(self, look: Appearance, pts_seconds: float, change: float) -> list[Gradual]:
        """Take the next frame, and its dissimilarity from the one before; return what its windows show."""
        self._change = max(self._change, change)
        if self.pts_seconds and pts_seconds - self.pts_seconds[-1] < ROW_SECONDS:
            return []
        # A long stretch of black is kept as few rows, so that both its fades fit into one window.
        self._flat_rows = self._flat_rows + 1 if look.contrast < _FLAT_CONTRAST else 0
        if (
            self._flat_rows > _MAX_FLAT_ROWS
            and pts_seconds - self.pts_seconds[-1] < _FLAT_ROW_SECONDS
            and dissimilarity(self._looks[-1], look) < 0.1
        ):
            return []
        self._append(look, pts_seconds)
        if self.num_rows % 2:
            return []
        return self._windows()

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "looks": [look.state() for look in self._looks],
            "pts_seconds": list(self.pts_seconds),
            "changes": self._changes[: len(self._looks)].copy(),
            "numbers": [self.first_row, self._flat_rows, self._change],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self.__init__()  # type: ignore[misc]  # forget everything
        for look, seconds in zip(state["looks"], state["pts_seconds"], strict=True):
            self._append(Appearance.from_state(look), float(seconds))
        self._changes[: len(self._looks)] = state["changes"]
        self.first_row, self._flat_rows, self._change = state["numbers"]

    def _append(self, look: Appearance, pts_seconds: float) -> None:
        if not self._thumbnails.size:
            self._thumbnails = np.empty((self._capacity, look.thumbnail.size), np.float32)
        if len(self._looks) == self._capacity:
            drop = self._capacity - KEPT_ROWS
            for table in (self._thumbnails, self._contrasts, self._changes):
                table[:-drop] = table[drop:].copy()
            del self._looks[:drop], self.pts_seconds[:drop]
            self.first_row += drop
        place = len(self._looks)
        self._thumbnails[place] = look.thumbnail
        self._contrasts[place] = look.contrast
        self._changes[place] = self._change
        self._change = 0.0
        self._looks.append(look)
        self.pts_seconds.append(pts_seconds)

    def _windows(self) -> list[Gradual]:
        """What the windows that end at the newest row show."""
        last = len(self._looks) - 1
        newest = self._looks[last]
        found: list[Gradual] = []
        for length in WINDOW_LENGTHS:
            first = last - length
            if first < 0:
                break
            # As `dissimilarity`, but most windows end here.
            color = color_change(self._looks[first], newest)
            if color < MIN_UNLIKE**2:
                continue
            unlike = math.sqrt(color * structure_change(self._looks[first], newest))
            gradual = self._window(first, last, unlike) if unlike >= MIN_UNLIKE else None
            if gradual is not None:
                found.append(gradual)
        return found

    def _jumps(self, first: int, last: int) -> bool:
        """Whether a cut lies between these rows: the quick way to what `mixture` would tell in the end."""
        changed = first + 1 + int(self._changes[first + 1 : last + 1].argmax())
        pictures = self._thumbnails
        whole = pictures[last] - pictures[first]
        step = float((pictures[changed] - pictures[changed - 1]) @ whole)
        return abs(step) > MAX_STEP * max(float(whole @ whole), 1e-6)

    def _window(self, first: int, last: int, unlike: float) -> Gradual | None:
        """What the rows from `first` to `last` show, which are that unlike."""
        length = last - first
        contrast = self._contrasts[first : last + 1]
        lower = min(contrast[0], contrast[-1])
        if contrast.min() < (1 - FADE_DIP) * lower:
            return self._fade(first, contrast, unlike)
        if lower < _FLAT_CONTRAST:
            return None  # half of a fade: a longer window will show both halves
        if self._jumps(first, last):
            return None
        alpha, residual = mixture(self._thumbnails[first : last + 1])
        inner = (alpha > 0.15) & (alpha < 0.85)
        if inner.sum() < 2 or np.abs(np.diff(alpha)).max() > MAX_STEP:
            return None
        start, end, deviation = ramp(alpha)
        if start < 1 or end > length - 1:
            return None  # it began before or ends after this window: another length will show it whole
        begin, over = round(start), round(end)
        times = self.pts_seconds
        if times[first + over] - times[first + begin] < MIN_SECONDS:
            return None
        if self._changes[first + begin : first + over + 1].max() > MAX_CHANGE:
            return None
        dip = 1 - float(contrast[inner].min()) / (lower + 5.0)
        # Witnesses for a dissolve less witnesses against it; the threshold is where reels of real clips part.
        score = unlike + dip - float(np.sqrt((residual[inner] ** 2).mean())) - 2 * deviation
        if score < DISSOLVE_SCORE:
            return None
        ends = self._thumbnails[first + begin - 1], self._thumbnails[first + over]
        if score < SURE_SCORE and moves(*ends, self._thumbnails[first + (begin - 1 + over) // 2]):
            return None
        row = self.first_row + first
        middle_seconds = times[first + round((start + end) / 2)]
        return Gradual(row + begin, row + over, middle_seconds, "dissolve", score)

    def _fade(self, first: int, contrast: NDArray[np.float64], unlike: float) -> Gradual | None:
        """A fade out, a fade in, or both around the flattest row of the window."""
        flattest = int(contrast.argmin())
        if not 2 <= flattest <= len(contrast) - 3:
            return None
        before, after = contrast[: flattest + 1], contrast[flattest:][::-1]
        last = len(self._looks) - 1
        # The window may begin within the fade: what is kept from before it tells.
        oldest = max(0, last - WINDOW_LENGTHS[-1])
        seen, bottom = self._contrasts[oldest : last + 1], first - oldest + flattest
        lower = min(contrast[0], contrast[-1])
        flat = max(min(_FLAT_CONTRAST, 0.1 * lower), 1.5 * contrast[flattest])
        textured = np.flatnonzero(seen > flat)
        darkens, brightens = textured[textured < bottom][-1], textured[textured > bottom][0]
        start = int(darkens) - _whole(seen[darkens::-1]) + 1
        end = int(brightens) + _whole(seen[brightens:])
        if start < 2 or end > len(seen) - 3:
            return None
        if not (self._fades(first, before, 1) or self._fades(last, after, -1)):
            return None
        score = unlike + 1 - contrast[flattest] / (lower + 5.0)
        # Of the flat rows themselves most are not kept.
        times = self.pts_seconds
        middle_seconds = (times[oldest + darkens] + times[oldest + brightens]) / 2
        row = self.first_row + oldest
        return Gradual(row + start, row + end, middle_seconds, "fade", float(score))

    def _fades(self, outer: int, contrast: NDArray[np.float64], direction: int) -> bool:
        """Whether the contrast falls step by step from the outer row inward while the structure stays."""
        fall = contrast[0] - contrast[-1]
        if np.diff(contrast).min() < -0.6 * fall:
            return False
        reference = self._looks[outer]
        kept = [
            correlation(reference, self._looks[outer + direction * place])
            for place in range(1, len(contrast))
            if 0.3 * contrast[0] <= contrast[place] <= 0.9 * contrast[0]
        ]
        return bool(kept) and float(np.median(kept)) > 0.6


def mixture(pictures: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Explain every picture as a mixture of the first and the last.

    Args:
        pictures: (N, D), one in each row.

    Returns:
        (N,) α, the share of the last picture by least squares, and (N,) the residual: the distance from the
        mixture over the distance between the first and the last.

    >>> alpha, residual = mixture(np.array([[0, 0], [1, 1], [2, 4], [4, 4]], np.float32))
    >>> alpha.round(2).tolist(), residual.round(2).tolist()
    ([0.0, 0.25, 0.75, 1.0], [0.0, 0.0, 0.25, 0.0])
    """
    moved = pictures - pictures[0]
    distance = max(float(moved[-1] @ moved[-1]), 1e-6)
    # Not the matrix product: for one this small, its threads cost more than they bring.
    alpha = np.einsum("nd,d->n", moved, moved[-1]) / distance
    from_first = np.einsum("nd,nd->n", moved, moved)
    residual = np.sqrt(np.maximum(from_first / distance - alpha**2, 0))
    return alpha, residual


def _whole(contrast: NDArray[np.float64]) -> int:
    """From a flat picture outward: the first place where it is all there, as the contrast then hardly grows.

    >>> _whole(np.array([10.0, 20, 30, 40, 50, 50, 51, 50, 80]))
    4
    """
    steps = min(_STEADY_ROWS, len(contrast) - 1)
    before, after = contrast[: len(contrast) - steps], contrast[steps:]
    steady = np.flatnonzero(after < _STEADY * before)
    top = contrast[: steady[0] + steps + 1 if len(steady) else len(contrast)].max()
    return int(np.flatnonzero(contrast >= _ALL_THERE * top)[0])


def ramp(alpha: NDArray[np.float32]) -> tuple[float, float, float]:
    """The straight rise from 0 to 1 that fits best.

    Args:
        alpha: (N,) shares, about 0 at first and about 1 at last.

    Returns:
        The last place where the ramp is 0, the first where it is 1, and the root mean square deviation from it.

    >>> [round(value, 3) for value in ramp(np.array([0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0], np.float32))]
    [1.0, 5.0, 0.0]
    """
    low = int(np.flatnonzero(alpha < 0.15)[-1])
    rest = np.flatnonzero(alpha[low:] > 0.85)
    if not len(rest) or rest[0] < 3:
        return 0.0, float(len(alpha)), 1.0
    places = np.arange(low + 1, low + rest[0])
    center, middle = places.mean(), float(alpha[places].mean())
    offsets = places - center
    slope = float(offsets @ alpha[places]) / float(offsets @ offsets)
    if slope <= 0:
        return 0.0, float(len(alpha)), 1.0
    start, end = center - middle / slope, center + (1 - middle) / slope
    fit = np.clip((np.arange(len(alpha)) - start) * slope, 0, 1)
    return float(start), float(end), float(np.sqrt(((alpha - fit) ** 2).mean()))


def moves(first: NDArray[np.float32], last: NDArray[np.float32], middle: NDArray[np.float32]) -> bool:
    """Whether a camera's movement explains the picture in the middle clearly better than a mixture of both ends does.

    A soft picture that is panned over changes smoothly, much as in a dissolve; but shifted, turned or scaled, each end
    is what is seen in the middle. (The alignment is Evangelidis and Psarakis's, ECC, PAMI 2008.)

    Args:
        first: (3·18·32,) thumbnail, of the frame before the transition.
        last: of the one after it.
        middle: of one in its middle.

    >>> noise = np.random.default_rng(0).uniform(-99, 99, (4, 9)).astype(np.float32)
    >>> wide = cv2.resize(noise, (52, 18), interpolation=cv2.INTER_CUBIC)
    >>> start, between, end = (np.tile(wide[:, left : left + 32].reshape(-1), 3) for left in (0, 2, 4))
    >>> moves(start, end, between), moves(start, end, (start + end) / 2)
    (True, False)
    """
    share = float((middle - first) @ (last - first)) / max(float((last - first) @ (last - first)), 1e-6)
    mixed = _planes(first + np.float32(share) * (last - first))
    seen = _planes(middle)
    for end in (_planes(first), _planes(last)):
        aligned = _aligned(end, seen)
        if aligned is None:
            return False
        moved, inside = aligned
        if ((moved - seen)[inside] ** 2).mean() > _MOVED_SHARE**2 * ((mixed - seen)[inside] ** 2).mean():
            return False
    return True


def _aligned(
    picture: NDArray[np.float32], seen: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """(18, 32, 3), the picture laid over another, and (18, 32), where it lies; None where that cannot be done."""
    everywhere = np.ones(seen.shape[:2], np.uint8)
    try:
        _, shift = cv2.findTransformECC(
            seen[..., 0],
            picture[..., 0],
            np.eye(2, 3, dtype=np.float32),
            cv2.MOTION_AFFINE,
            _ECC_STOP,
            everywhere,
            1,
        )
    except cv2.error:  # it found none
        return None
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, shift, THUMBNAIL_SIZE, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(everywhere.astype(np.float32), shift, THUMBNAIL_SIZE, flags=flags) > 0.999
    return (np.asarray(moved, np.float32), inside) if inside.mean() >= _LEAST_INSIDE else None


def _planes(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    """(18, 32, 3), as OpenCV takes it."""
    width, height = THUMBNAIL_SIZE
    return np.ascontiguousarray(thumbnail.reshape(3, height, width).transpose(1, 2, 0))
