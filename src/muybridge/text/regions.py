"""From a probability map to text regions: threshold, connected components, geometry, filters.

A detection network gives, for every pixel, how likely it belongs to text. Neighboring pixels above a
threshold make a region; each is measured (box, area, aspect ratio, rotated rectangle, mean score) and either
kept or removed, with the reason it fell to. Coordinates are continuous: pixel i covers [i, i + 1), so a strip
that fills columns 10 to 159 spans x from 10 to 160 and is 150 pixels wide.

Detectors trained by differentiable binarization (DB) predict a shrunken core of each line; `expand_ratio`
undoes that: a rectangle of area A and perimeter L grows by A · ratio / L on every side.
Source: Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.values import Polygon

__all__ = ["PRESETS", "Region", "RegionOptions", "RemovedRegion", "expand_quad", "find_regions"]


@dataclass(frozen=True, slots=True)
class Region:
    """One connected region of a probability map.

    Args:
        box: left, top, right, bottom in pixels; right and bottom lie outside.
        area_px: how many pixels it has.
        aspect_ratio: width / height of `box`.
        score: mean probability of its pixels.
        quad: corners of the smallest rotated rectangle around it, grown by `expand_ratio`; clockwise from
            the upper left.
        polygon: its outline, where asked for; empty otherwise.
    """

    box: tuple[int, int, int, int]
    area_px: int
    aspect_ratio: float
    score: float
    quad: Polygon
    polygon: Polygon = ()

    @property
    def width_px(self) -> int:
        """Width of the box."""
        return self.box[2] - self.box[0]

    @property
    def height_px(self) -> int:
        """Height of the box."""
        return self.box[3] - self.box[1]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        corners = {"quad": [list(corner) for corner in self.quad], "polygon": [list(p) for p in self.polygon]}
        return asdict(self) | {"box": list(self.box)} | corners


@dataclass(frozen=True, slots=True)
class RemovedRegion(Region):
    """A region that a filter removed; `reason` says which and why."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionOptions:
    """What a region must be like to be kept; None leaves a limit open.

    Args:
        min_area_px: fewest pixels.
        max_area_px: most pixels.
        min_side_px: shortest side of the rotated rectangle, before expansion.
        min_score: least mean probability.
        min_aspect_ratio: least width / height of the box.
        max_aspect_ratio: greatest width / height of the box.
        expand_ratio: how much the rotated rectangle grows; 0 leaves it, DB detectors want 1.5 to 2.
    """

    min_area_px: int | None = None
    max_area_px: int | None = None
    min_side_px: float | None = None
    min_score: float | None = None
    min_aspect_ratio: float | None = None
    max_aspect_ratio: float | None = None
    expand_ratio: float = 0.0

    def __post_init__(self) -> None:
        for name in (item.name for item in fields(self)):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise OptionError(f"{name} is {value}; it must be a finite number of at least 0, or None")

    def reason_against(self, region: Region, short_side_px: float) -> str:
        """Why a region is removed; empty where it is kept."""
        limits = (
            ("area", region.area_px, self.min_area_px, self.max_area_px, " px"),
            ("shorter side", short_side_px, self.min_side_px, None, " px"),
            ("score", region.score, self.min_score, None, ""),
            ("aspect ratio", region.aspect_ratio, self.min_aspect_ratio, self.max_aspect_ratio, ""),
        )
        for name, value, least, most, unit in limits:
            if least is not None and value < least:
                return f"{name} {value:.4g}{unit} is below {least:.4g}{unit}"
            if most is not None and value > most:
                return f"{name} {value:.4g}{unit} is above {most:.4g}{unit}"
        return ""


PRESETS: Mapping[str, RegionOptions] = {
    "horizontal_lines": RegionOptions(min_area_px=24, min_side_px=3, min_score=0.5, min_aspect_ratio=2.0),
    "vertical_lines": RegionOptions(min_area_px=24, min_side_px=3, min_score=0.5, max_aspect_ratio=0.5),
    "any_direction": RegionOptions(min_area_px=12, min_side_px=3, min_score=0.5),
}
"""Ready-made options: `"horizontal_lines"`, `"vertical_lines"`, and `"any_direction"` for rotated text."""


def find_regions(
    prob_map: ArrayLike,
    *,
    threshold: float = 0.5,
    preset: str | None = None,
    min_area_px: int | None = None,
    max_area_px: int | None = None,
    min_side_px: float | None = None,
    min_score: float | None = None,
    min_aspect_ratio: float | None = None,
    max_aspect_ratio: float | None = None,
    expand_ratio: float | None = None,
    with_polygons: bool = False,
) -> tuple[list[Region], list[RemovedRegion]]:
    """Find the text regions of a probability map.

    Args:
        prob_map: (H, W) probabilities in [0, 1].
        threshold: pixels above it belong to text; those that touch, also by a corner, make one region.
        preset: a name of `PRESETS` to start from; the options below override what it says.
        min_area_px: fewest pixels.
        max_area_px: most pixels.
        min_side_px: shortest side of the rotated rectangle, before expansion.
        min_score: least mean probability.
        min_aspect_ratio: least width / height of the box.
        max_aspect_ratio: greatest width / height of the box.
        expand_ratio: how much the rotated rectangle grows; 0 leaves it, DB detectors want 1.5 to 2.
        with_polygons: also give each region's outline.

    Returns:
        The kept regions and the removed ones, each from top to bottom, then from left to right.

    Raises:
        ShapeError: not a map of two dimensions and numbers, or one without pixels.
        OptionError: values outside [0, 1] or NaN, or an option outside what is allowed.
        UnknownNameError: an unknown preset.

    >>> prob_map = np.zeros((200, 300))
    >>> prob_map[20:28, 10:160] = 0.9     # a line of text: 150 × 8 pixels
    >>> prob_map[100:116, 40:56] = 0.85   # a blob: 16 × 16 pixels
    >>> kept, removed = find_regions(prob_map, preset="horizontal_lines")
    >>> kept[0].box, kept[0].aspect_ratio, round(kept[0].score, 3)
    ((10, 20, 160, 28), 18.75, 0.9)
    >>> removed[0].box, removed[0].reason
    ((40, 100, 56, 116), 'aspect ratio 1 is below 2')
    """
    chosen: dict[str, Any] = {
        name: value
        for name, value in (
            ("min_area_px", min_area_px),
            ("max_area_px", max_area_px),
            ("min_side_px", min_side_px),
            ("min_score", min_score),
            ("min_aspect_ratio", min_aspect_ratio),
            ("max_aspect_ratio", max_aspect_ratio),
            ("expand_ratio", expand_ratio),
        )
        if value is not None
    }
    if preset is not None and preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    options = replace(PRESETS[preset] if preset else RegionOptions(), **chosen)
    if not 0 <= threshold < 1:
        raise OptionError(f"threshold is {threshold}; it must lie in [0, 1)")
    probabilities = _checked(prob_map)

    kept: list[Region] = []
    removed: list[RemovedRegion] = []
    for region, short_side_px in _measure(probabilities, threshold, with_polygons):
        reason = options.reason_against(region, short_side_px)
        if reason:
            known = {item.name: getattr(region, item.name) for item in fields(Region)}
            removed.append(RemovedRegion(**known, reason=reason))
        elif options.expand_ratio:
            kept.append(replace(region, quad=expand_quad(region.quad, options.expand_ratio)))
        else:
            kept.append(region)
    return kept, removed


def expand_quad(quad: Polygon, ratio: float) -> Polygon:
    """Grow a rectangle by area · ratio / perimeter on every side.

    Args:
        quad: four corners (x, y) of a rectangle, in order; it may be rotated.
        ratio: 0 leaves it as it is.

    >>> expand_quad(((10, 10), (30, 10), (30, 20), (10, 20)), 1.5)
    ((5.0, 5.0), (35.0, 5.0), (35.0, 25.0), (5.0, 25.0))
    """
    corners = np.asarray(quad, np.float64)
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = float(np.hypot(*along)), float(np.hypot(*down))
    if not (width and height):
        return quad
    distance = width * height * ratio / (2 * (width + height))
    along, down = along * (distance / width), down * (distance / height)
    grown = corners + np.stack([-along - down, along - down, along + down, down - along])
    return _as_polygon(grown)


def _checked(prob_map: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(prob_map)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "fbiu":
        raise ShapeError(
            f"prob_map is {array.shape} {array.dtype}; it must be (H, W) numbers, at least one pixel"
            " (take one map of a batch at a time)"
        )
    probabilities = np.ascontiguousarray(array, np.float32)
    low, high = float(probabilities.min()), float(probabilities.max())
    if not (low >= 0 and high <= 1):  # NaN fails both
        raise OptionError(
            f"prob_map lies between {low:.4g} and {high:.4g}; probabilities lie in [0, 1]"
            " (divide 8-bit maps by 255, put logits through a sigmoid)"
        )
    return probabilities


def _measure(
    probabilities: NDArray[np.float32], threshold: float, with_polygons: bool
) -> list[tuple[Region, float]]:
    """Every connected region, with the shorter side of its rotated rectangle."""
    mask = (probabilities > threshold).view(np.uint8)
    # On two levels: outlines, also of what lies in another's hole, and below each the outlines of its holes.
    outlines, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found: list[tuple[Region, float]] = []
    for outline, (_, _, hole, parent) in zip(
        outlines, [] if hierarchy is None else hierarchy[0], strict=True
    ):
        if parent >= 0:
            continue
        rings = [outline]
        while hole >= 0:
            rings.append(outlines[hole])
            hole = hierarchy[0][hole][0]
        left, top, width, height = cv2.boundingRect(outline)
        rows, columns = slice(top, top + height), slice(left, left + width)
        inside = np.zeros((height, width), np.uint8)
        # Even-odd filling leaves out the holes with all that lies in them; outlines are drawn on text pixels.
        cv2.fillPoly(inside, rings, (1,), offset=(-left, -top))
        inside &= mask[rows, columns]
        score = min(1.0, cv2.mean(probabilities[rows, columns], inside)[0])
        quad, short_side_px = _rotated_rectangle(outline)
        polygon = _outline(outline) if with_polygons else ()
        box = (left, top, left + width, top + height)
        area = cv2.countNonZero(inside)
        found.append((Region(box, area, width / height, score, quad, polygon), short_side_px))
    found.sort(key=lambda item: (item[0].box[1], item[0].box[0]))
    return found


def _rotated_rectangle(contour: NDArray[Any]) -> tuple[Polygon, float]:
    (x, y), (width, height), degrees = cv2.minAreaRect(contour)
    # The side that runs closest to the horizontal is the width, so that no quad stands on its corner.
    turns = round(degrees / 90)
    if turns % 2:
        width, height = height, width
    angle = math.radians(degrees - 90 * turns)
    # Outlines run through pixel centers; the region reaches half a pixel further on every side.
    half_width, half_height = (width + 1) / 2, (height + 1) / 2
    along_x, along_y = math.cos(angle) * half_width, math.sin(angle) * half_width
    down_x, down_y = -math.sin(angle) * half_height, math.cos(angle) * half_height
    x, y = x + 0.5, y + 0.5
    quad = (
        (x - along_x - down_x, y - along_y - down_y),
        (x + along_x - down_x, y + along_y - down_y),
        (x + along_x + down_x, y + along_y + down_y),
        (x - along_x + down_x, y - along_y + down_y),
    )
    return quad, min(width, height) + 1


def _outline(contour: NDArray[Any]) -> Polygon:
    return _as_polygon(cv2.approxPolyDP(contour, 1.0, True)[:, 0] + 0.5)


def _as_polygon(corners: NDArray[np.floating]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in corners)
