"""What one frame looks like, in few numbers: enough to say whether two frames show the same scene.

    pixels ─► every k-th pixel ─► YCrCb ─► thumbnail (3, 18, 32)  where things are
                                       ├─► color histogram (1024,)  which colors there are, wherever they are
                                       └─► contrast  the standard deviation of the luma

A file's frames skip the first two steps: the decoder's own planes are sampled (`describe_planes`).

Movement changes the thumbnail but hardly the histogram; a flash or a change of exposure changes the histogram
but hardly the thumbnail's structure; a cut changes both. So the dissimilarity of two frames is the geometric mean
of the two changes. The intersection of histograms is Swain and Ballard's (Color indexing, IJCV 1991). That pixels
and histograms fail on different things is what comparisons find (Boreczky and Rowe, SPIE 1996; Lienhart, SPIE 1999).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import ShapeError

__all__ = ["ANALYSIS_SIDE_PX", "Appearance", "describe", "describe_planes", "dissimilarity"]

ANALYSIS_SIDE_PX = 72
"""The short side at which frames are described; larger frames are thinned to about this by taking every k-th pixel."""
NEW_SCENE_CHANGE = 0.3
"""Between frames that are less unlike than this, one scene goes on."""

THUMBNAIL_SIZE = (32, 18)
_BINS = [16, 8, 8]
# Chroma beyond this is rare and counts as missing; neutral lies in the middle of a bin, so that noise stays in it.
_RANGES = [0, 256, 56, 184, 56, 184]
_BLACK_BINS = _BINS[1] * _BINS[2]  # those of the lowest step of luma
_BLACK_LUMA = 20.0 - 128.0
_LEAST_SHARE = 0.25
_NOISE_VARIANCE = 25.0  # luma variance at which structure counts half: below it, there is mostly noise

_FLAT_DIFFERENCE = 120.0  # of the three channels together, between flat pictures that have nothing in common


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """One frame in numbers.

    Args:
        thumbnail: (3·18·32,) float32, Y, Cr and Cb one after the other, each value from −128 to 127.
        histogram: (1024,) float32 that sums to at most 1.
        luma: (18·32,) float32, the thumbnail's luma.
        luma_mean: of the thumbnail's luma.
        luma_variance: of the thumbnail's luma, never below zero.
        has_black: whether some of the thumbnail is black, as a letterbox is.
        contrast: the standard deviation of the luma of the thinned frame.
        brightness: the mean luma, 0 to 255.
    """

    thumbnail: NDArray[np.float32]
    histogram: NDArray[np.float32]
    luma: NDArray[np.float32]
    luma_mean: float
    luma_variance: float
    has_black: bool
    contrast: float
    brightness: float

    def state(self) -> dict[str, Any]:
        """As numbers and arrays."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state`."""
        return cls(**state)


def thin(pixels: NDArray[np.uint8], short_side_px: int = ANALYSIS_SIDE_PX) -> NDArray[np.uint8]:
    """Every k-th pixel, so that the shorter side is about `short_side_px`, never fewer; contiguous.

    Args:
        pixels: (H, W, 3) or (H, W) uint8.
        short_side_px: the size to come near to.

    >>> thin(np.zeros((270, 480, 3), np.uint8)).shape
    (90, 160, 3)
    """
    step = max(1, min(pixels.shape[:2]) // short_side_px)
    if step == 1:
        return np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    if height % step == 0 and width % step == 0:
        # The same pixels, four times as fast as a strided copy.
        size = (width // step, height // step)
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return np.ascontiguousarray(pixels[::step, ::step])


def describe(pixels: NDArray[np.uint8]) -> Appearance:
    """Describe one frame.

    Args:
        pixels: (H, W, 3) uint8 RGB, or (H, W) uint8 luma; any size, small is enough.

    Raises:
        ShapeError: another shape or dtype, or no pixels.

    >>> gray = describe(np.full((40, 60), 128, np.uint8))
    >>> gray.brightness, gray.contrast
    (128.0, 0.0)
    """
    shape = pixels.shape
    if (
        pixels.dtype != np.uint8
        or len(shape) not in (2, 3)
        or 0 in shape
        or (len(shape) == 3 and shape[2] != 3)
    ):
        raise ShapeError(f"a frame is {shape} {pixels.dtype}; it must be (H, W, 3) RGB or (H, W) luma, uint8")
    small = thin(pixels)
    if small.ndim == 2:
        neutral = np.full(small.shape, 128, np.uint8)
        return describe_planes(small, neutral, neutral)
    luma, red, blue = (
        np.asarray(plane, np.uint8) for plane in cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb))
    )
    return describe_planes(luma, red, blue)


def describe_planes(
    luma: NDArray[np.uint8], red_chroma: NDArray[np.uint8], blue_chroma: NDArray[np.uint8]
) -> Appearance:
    """`describe` for a small frame that is in YCrCb already, one array for each.

    Args:
        luma: (H, W) uint8, contiguous, 0 for black to 255 for white.
        red_chroma: (H, W) uint8, contiguous, 128 for neutral.
        blue_chroma: the same for blue.

    >>> luma, neutral = np.full((40, 60), 200, np.uint8), np.full((40, 60), 128, np.uint8)
    >>> describe_planes(luma, neutral, neutral).brightness
    200.0
    """
    planes = (luma, red_chroma, blue_chroma)
    counts = cv2.calcHist(planes, [0, 1, 2], None, _BINS, _RANGES).reshape(-1)
    mean, deviation = cv2.meanStdDev(luma)
    tiny = np.empty((3, THUMBNAIL_SIZE[1], THUMBNAIL_SIZE[0]), np.uint8)
    for plane, place in zip(planes, tiny, strict=True):
        cv2.resize(plane, THUMBNAIL_SIZE, dst=place, interpolation=cv2.INTER_AREA)
    thumbnail = tiny.astype(np.float32).reshape(-1)
    thumbnail -= 128
    small_luma = thumbnail[: thumbnail.size // 3]
    luma_mean = float(np.add.reduce(small_luma)) / small_luma.size
    return Appearance(
        thumbnail,
        np.asarray(counts * np.float32(1 / luma.size), np.float32),
        small_luma,
        luma_mean,
        max(0.0, float(small_luma @ small_luma) / small_luma.size - luma_mean**2),
        bool(np.minimum.reduce(small_luma) < _BLACK_LUMA),
        float(deviation[0, 0]),
        float(mean[0, 0]),
    )


def mixed(a: Appearance, b: Appearance, share: float) -> Appearance:
    """What a picture between two looks like that are much alike: so much of the second, the rest of the first.

    >>> dark, bright = (describe(np.full((40, 60), level, np.uint8)) for level in (100, 120))
    >>> mixed(dark, bright, 0.25).brightness
    105.0
    """
    thumbnail = a.thumbnail + np.float32(share) * (b.thumbnail - a.thumbnail)
    luma = thumbnail[: a.luma.size]
    mean = float(np.add.reduce(luma)) / luma.size
    return Appearance(
        thumbnail,
        a.histogram + np.float32(share) * (b.histogram - a.histogram),
        luma,
        mean,
        max(0.0, float(luma @ luma) / luma.size - mean**2),
        a.has_black and b.has_black,
        a.contrast + share * (b.contrast - a.contrast),
        a.brightness + share * (b.brightness - a.brightness),
    )


def steps_between(
    before: Appearance, start: float, look: Appearance, end: float, between: Sequence[float], change: float
) -> list[tuple[Appearance, float, float]]:
    """Pictures that were not decoded, and the one after them, as if all had been; where one scene goes on.

    What was left out lies between its neighbors: so a transition takes as many steps as it has frames. On real clips,
    the dissimilarity of two frames grows about as the square root of the steps between them.

    Args:
        before: the last picture that was decoded.
        start: when it appears, in seconds.
        look: the next one.
        end: when that appears.
        between: when the others appear, in order.
        change: dissimilarity of the two.

    Returns:
        (what it looks like, when it appears, its dissimilarity from the one before) of each; the last is `look`.

    >>> dark, bright = (describe(np.full((40, 60), level, np.uint8)) for level in (100, 120))
    >>> steps = steps_between(dark, 0.0, bright, 1.0, [0.25, 0.5], 0.1)
    >>> [(round(step.brightness), seconds) for step, seconds, _ in steps]
    [(105, 0.25), (110, 0.5), (120, 1.0)]
    """
    step = change / math.sqrt(len(between) + 1)
    steps = [(mixed(before, look, (seconds - start) / (end - start)), seconds, step) for seconds in between]
    return [*steps, (look, end, step)]


def structure_change(a: Appearance, b: Appearance) -> float:
    """One less the correlation of the lumas, from 0 (same structure, at whatever exposure) to 1.

    Between flat pictures, which have no structure, it is the mean difference of their colors instead.
    """
    change = min(1.0, max(0.0, 1.0 - correlation(a, b)))
    variance = max(a.luma_variance, b.luma_variance)
    weight = variance / (variance + _NOISE_VARIANCE)
    if weight > 0.9:
        return change
    flat_change = min(1.0, float(np.abs(a.thumbnail - b.thumbnail).mean()) * 3 / _FLAT_DIFFERENCE)
    return weight * change + (1 - weight) * flat_change


def correlation(a: Appearance, b: Appearance) -> float:
    """Of the lumas, where at least one is not black: a letterbox that both have says nothing."""
    first, second = a.luma, b.luma
    if not (a.has_black and b.has_black):
        covariance = float(first @ second) / first.size - a.luma_mean * b.luma_mean
        return covariance / (math.sqrt(a.luma_variance * b.luma_variance) + _NOISE_VARIANCE)
    seen = (np.maximum(first, second) > _BLACK_LUMA).astype(np.float32)
    count = float(np.add.reduce(seen))
    if count < _LEAST_SHARE * seen.size:
        seen[:], count = 1.0, float(seen.size)
    x, y = first * seen, second * seen
    x_mean, y_mean = float(first @ seen) / count, float(second @ seen) / count
    x_variance, y_variance = float(x @ x) / count - x_mean**2, float(y @ y) / count - y_mean**2
    covariance = float(x @ y) / count - x_mean * y_mean
    return covariance / (math.sqrt(max(0.0, x_variance * y_variance)) + _NOISE_VARIANCE)


def color_change(a: Appearance, b: Appearance) -> float:
    """One less the intersection of the histograms, from 0 (same colors) to 1; black that both have is left out."""
    first, second = a.histogram, b.histogram
    common = cv2.compareHist(first, second, cv2.HISTCMP_INTERSECT)
    black = cv2.compareHist(first[:_BLACK_BINS], second[:_BLACK_BINS], cv2.HISTCMP_INTERSECT)
    return min(1.0, max(0.0, (1 - common) / max(_LEAST_SHARE, 1 - black)))


def dissimilarity(a: Appearance, b: Appearance, *, floor: float = 0.0) -> float:
    """How unlike two frames are, from 0 (the same) to 1 (nothing in common).

    The geometric mean of the change of structure and the change of colors, so that it is high only where both are.

    Args:
        a: one frame.
        b: the other.
        floor: 0 may be given for anything below this, which saves half of the work.

    >>> left = np.zeros((72, 128, 3), np.uint8)
    >>> left[:, :64] = (200, 120, 40)
    >>> right = 255 - left
    >>> same, other = (dissimilarity(describe(left), describe(picture)) for picture in (left, right))
    >>> round(same, 2), round(other, 2)
    (0.0, 1.0)
    """
    color = color_change(a, b)
    if color < floor**2:
        return 0.0
    return math.sqrt(color * structure_change(a, b))
