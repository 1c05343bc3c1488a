"""Flow fields as pictures: two color codes, one scale for a whole video, a legend, arrows.

Both codes show the direction by the hue:

- `"middlebury"`, the published color wheel: still is white, faster is more saturated, beyond the scale is dark.
- `"hsv"`, the habit of many tutorials: still is black, faster is brighter; red is right, and the hue grows
  clockwise (yellow-green down, cyan left, violet up).
"""

from __future__ import annotations

import functools
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.motion.flow import as_flow
from muybridge.motion.flow_files import is_known

__all__ = ["color_flow", "draw_arrows", "draw_legend", "list_flow_colors"]

# The lengths of the six segments of the published wheel, from red over yellow, green, cyan, blue and magenta
# back to red, and the channel that rises (+) or falls (-) along each.
_WHEEL_SEGMENTS = ((15, 1, +1), (6, 0, -1), (4, 2, +1), (11, 1, -1), (13, 0, +1), (6, 2, -1))
_COLORS = ("hsv", "middlebury")
_ROUNDING = np.float32(1e-6)  # a few steps of float32 at 1


def list_flow_colors() -> list[str]:
    """The color codes that `color_flow` knows.

    >>> list_flow_colors()
    ['hsv', 'middlebury']
    """
    return list(_COLORS)


def color_flow(
    flow: NDArray[Any], *, colors: str = "middlebury", max_magnitude: float | None = None
) -> NDArray[np.uint8]:
    """Paint a flow field: hue for direction, saturation or brightness for length.

    Args:
        flow: (H, W, 2) vectors (dx, dy), dy down. Unknown ones (not finite, or beyond 1e9) become black.
        colors: `"middlebury"` or `"hsv"`.
        max_magnitude: the length at full color, in the unit of the vectors; give one number for a whole video,
            so that a color means the same speed in each frame. None takes the longest vector of this field.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ShapeError: not a flow field.
        UnknownNameError: an unknown color code.
        OptionError: a `max_magnitude` that is not positive.

    Source: `colorcode.cpp` of the Middlebury flow benchmark (Baker et al., IJCV 2011).

    >>> color_flow(np.array([[[0.0, 0.0], [2.0, 0.0], [-2.0, 0.0]]]))[0].tolist()
    [[255, 255, 255], [255, 0, 0], [0, 209, 255]]
    >>> color_flow(np.array([[[0.0, 0.0], [2.0, 0.0], [-2.0, 0.0]]]), colors="hsv")[0].tolist()
    [[0, 0, 0], [255, 0, 0], [0, 255, 255]]
    """
    if colors not in _COLORS:
        raise UnknownNameError("flow color code", colors, _COLORS)
    field = as_flow(flow)
    with np.errstate(invalid="ignore"):
        known = is_known(field)
    vectors = np.where(known[..., None], field, 0)
    lengths = np.hypot(vectors[..., 0], vectors[..., 1])
    if max_magnitude is None:
        scale = float(lengths.max()) or 1.0
    elif max_magnitude > 0 and math.isfinite(max_magnitude):
        scale = float(max_magnitude)
    else:
        raise OptionError(f"max_magnitude is {max_magnitude}; it must be positive, or None")
    paint = _paint_middlebury if colors == "middlebury" else _paint_hsv
    picture = paint(np.asarray(vectors / scale, np.float32))
    picture[~known] = 0
    return picture


def draw_legend(
    picture: NDArray[np.uint8],
    *,
    max_magnitude: float,
    unit: str = "px",
    colors: str = "middlebury",
    size_px: int | None = None,
) -> NDArray[np.uint8]:
    """Put the color wheel and its scale into the lower right corner of a painted field.

    A vector's color is found on the wheel where the vector would end, starting at its center.

    Args:
        picture: (H, W, 3) uint8 RGB; it is not changed.
        max_magnitude: the length at the wheel's rim.
        unit: of that length, such as `"px"` or `"px/s"`.
        colors: the color code of the picture.
        size_px: the wheel's diameter; None takes a fifth of the shorter side, at least 32 px.

    Returns:
        (H, W, 3) uint8 RGB; unchanged where the picture is too small for a wheel of that size.

    Raises:
        ShapeError: not such a picture.

    >>> drawn = draw_legend(np.zeros((120, 160, 3), np.uint8), max_magnitude=10)
    >>> drawn.shape, bool(drawn.any())
    ((120, 160, 3), True)
    """
    result = _checked_picture(picture).copy()
    height, width = result.shape[:2]
    size = size_px or max(32, min(height, width) // 5)
    text = f"{max_magnitude:.0f} {unit}" if max_magnitude >= 100 else f"{max_magnitude:.3g} {unit}"
    font_scale = max(0.3, size / 160)
    text_width, text_height = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, font_scale, 1)[0]
    margin = max(2, size // 12)
    box_width, box_height = max(size, text_width) + 2 * margin, size + text_height + 3 * margin
    if box_width > width or box_height > height:
        return result
    box = result[height - box_height :, width - box_width :]
    box[...] = box // 2  # the legend stays readable on white and on black
    left = (box_width - size) // 2
    wheel, inside = _wheel_picture(size, colors)
    np.copyto(box[margin : margin + size, left : left + size], wheel, where=inside[..., None])
    corner = (box_width - text_width) // 2, box_height - margin
    lettered = np.ascontiguousarray(box)
    cv2.putText(lettered, text, corner, cv2.FONT_HERSHEY_SIMPLEX, font_scale, (255, 255, 255), 1, cv2.LINE_AA)
    box[...] = lettered
    return result


def draw_arrows(
    picture: NDArray[np.uint8],
    flow: NDArray[Any],
    *,
    step_px: int = 16,
    length_scale: float = 1.0,
    min_magnitude: float = 0.5,
    color: tuple[int, int, int] = (255, 255, 0),
) -> NDArray[np.uint8]:
    """Lay arrows over a picture, one for each cell of a grid: from where something is to where it goes.

    Args:
        picture: (H, W, 3) uint8 RGB, or (H, W) gray; it is not changed.
        flow: (H, W, 2) pixels; each arrow shows the mean of its cell.
        step_px: side of a cell.
        length_scale: pixels of arrow for each unit of flow.
        min_magnitude: cells that move less get no arrow.
        color: red, green, blue.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ShapeError: sizes that do not fit each other.
        OptionError: a `step_px` below 2.

    >>> drawn = draw_arrows(np.zeros((32, 32), np.uint8), np.full((32, 32, 2), (8.0, 0.0)))
    >>> drawn.shape, drawn.max(axis=(0, 1)).tolist()
    ((32, 32, 3), [255, 255, 0])
    """
    field = as_flow(flow)
    gray = np.asarray(picture)
    result = _checked_picture(np.repeat(gray[..., None], 3, axis=2) if gray.ndim == 2 else gray).copy()
    if result.shape[:2] != field.shape[:2]:
        raise ShapeError(f"picture is {result.shape[:2]} and flow {field.shape[:2]}; they must be equal")
    if step_px < 2:
        raise OptionError(f"step_px is {step_px}; it must be at least 2")
    with np.errstate(invalid="ignore"):
        field = np.where(is_known(field)[..., None], field, 0)
    height, width = field.shape[:2]
    size = max(1, width // step_px), max(1, height // step_px)
    means = cv2.resize(field, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 2)
    for row, column in np.argwhere(np.hypot(means[..., 0], means[..., 1]) >= min_magnitude):
        x, y = (column + 0.5) * width / size[0], (row + 0.5) * height / size[1]
        dx, dy = (float(value) * length_scale for value in means[row, column])
        start, end = (round(x), round(y)), (round(x + dx), round(y + dy))
        tip = min(0.5, 4 / max(math.hypot(dx, dy), 1e-6))
        cv2.arrowedLine(result, start, end, color, 1, cv2.LINE_AA, tipLength=tip)
    return result


@functools.cache
def _color_wheel() -> NDArray[np.uint8]:
    """(55, 3) uint8 RGB: the published wheel, with its integer steps."""
    wheel = np.zeros((sum(length for length, _, _ in _WHEEL_SEGMENTS), 3), np.uint8)
    color, start = np.array([255, 0, 0]), 0
    for length, channel, sign in _WHEEL_SEGMENTS:
        ramp = 255 * np.arange(length) // length
        wheel[start : start + length] = color
        wheel[start : start + length, channel] = ramp if sign > 0 else 255 - ramp
        color[channel] = 255 if sign > 0 else 0
        start += length
    return wheel


def _paint_middlebury(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    wheel = _color_wheel().astype(np.float32) / 255
    dx, dy = vectors[..., 0], vectors[..., 1]
    lengths = np.hypot(dx, dy)[..., None]
    # + 0.0 turns a −0.0 into 0.0: the sign of zero decides on which end of the wheel atan2 puts "right".
    turns = (np.arctan2(-(dy + 0.0), -(dx + 0.0)) / np.float32(np.pi) + 1) / 2
    place = turns * (len(wheel) - 1)
    lower = np.clip(np.floor(place).astype(np.int64), 0, len(wheel) - 1)
    share = (place - lower)[..., None].astype(np.float32)
    hue = (1 - share) * wheel[lower] + share * wheel[(lower + 1) % len(wheel)]
    # The division by the scale rounds: the longest vector itself may come out a hair longer than it.
    shade = np.where(lengths <= 1 + _ROUNDING, 1 - np.minimum(lengths, 1) * (1 - hue), hue * np.float32(0.75))
    return np.asarray(np.floor(255 * shade), np.uint8)


def _paint_hsv(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    dx, dy = np.ascontiguousarray(vectors[..., 0]), np.ascontiguousarray(vectors[..., 1])
    hsv = np.empty((*dx.shape, 3), np.float32)
    hsv[..., 0] = np.round(np.degrees(np.arctan2(dy, dx)), 3) % 360
    hsv[..., 1] = 1
    hsv[..., 2] = np.minimum(np.hypot(dx, dy), 1)
    return np.asarray(np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255), np.uint8)


def _wheel_picture(size_px: int, colors: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The wheel as (size, size, 3) RGB, and where it is."""
    axis = (np.arange(size_px) + 0.5) / size_px * 2 - 1
    vectors = np.stack(np.meshgrid(axis, axis), axis=-1)
    return color_flow(vectors, colors=colors, max_magnitude=1), np.hypot(*vectors.transpose(2, 0, 1)) <= 1


def _checked_picture(picture: NDArray[Any]) -> NDArray[np.uint8]:
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise ShapeError(f"picture is {array.shape} {array.dtype}; it must be (H, W, 3) uint8 RGB")
    return array
