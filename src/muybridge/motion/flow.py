"""Optical flow between two frames: by how many pixels each pixel moves.

A flow field is (H, W, 2) float32: `flow[y, x]` is (dx, dy), the displacement in pixels, from the first frame
to the second, of what stands at (x, y) in the first. x grows to the right and y **down**, as in every image.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.flow_files import (
    as_flow,
    is_known,
    read_flo,
    read_kitti_flow,
    write_flo,
    write_kitti_flow,
)
from muybridge.motion.flow_methods import (
    Dis,
    Farneback,
    FlowMethod,
    create_flow_method,
    list_flow_methods,
)
from muybridge.values import Frame

__all__ = [
    "Dis",
    "Farneback",
    "FlowMethod",
    "as_flow",
    "compute_flow",
    "create_flow_method",
    "list_flow_methods",
    "read_flo",
    "read_kitti_flow",
    "rescale_flow",
    "write_flo",
    "write_kitti_flow",
]

_UNKNOWN_MARK = 1e10  # what the published tools write; all beyond `UNKNOWN_FLOW` means the same
FrameLike: TypeAlias = Frame | NDArray[Any]


def compute_flow(
    frame1: FrameLike,
    frame2: FrameLike,
    *,
    method: str | FlowMethod = "dis",
    max_side_px: int | None = None,
) -> NDArray[np.float32]:
    """Find by how many pixels each pixel of `frame1` moves until `frame2`.

    Flat areas have no flow to find: there the result is what the method fills in, mostly zero.

    Args:
        frame1: a Frame, or (H, W, 3) RGB or (H, W) gray pixels: uint8 of 0–255, or floats of 0.0–1.0
            (rounded to 8 bits, as the methods work on these).
        frame2: the later frame, of the same size and kind.
        method: one of `list_flow_methods()`, or a method object such as `Farneback(window_size_px=25)`.
        max_side_px: scale the frames down, never up, so that the longer side has at most this many pixels;
            the flow found there is scaled back, field and vectors, so the result means the same. Faster.

    Returns:
        (H, W, 2) float32: (dx, dy) in pixels of the given frames; dx to the right, dy down.

    Raises:
        ShapeError: sizes that differ, one gray and one color frame, other shapes or dtypes.
        OptionError: NaN or floats outside 0.0–1.0; a `max_side_px` that is not positive.
        UnknownNameError: a method that does not exist.

    >>> texture = np.random.default_rng(0).integers(0, 255, (24, 32), np.uint8)
    >>> picture = cv2.resize(texture, (256, 192), interpolation=cv2.INTER_CUBIC)
    >>> flow = compute_flow(picture, np.roll(picture, 3, axis=1))
    >>> flow.shape, np.median(flow, axis=(0, 1)).round(1).tolist()
    ((192, 256, 2), [3.0, 0.0])
    """
    pixels1, pixels2 = as_pixels(frame1, "frame1"), as_pixels(frame2, "frame2")
    if pixels1.shape[:2] != pixels2.shape[:2]:
        (height1, width1), (height2, width2) = pixels1.shape[:2], pixels2.shape[:2]
        raise ShapeError(
            f"frame1 is {width1}x{height1} and frame2 is {width2}x{height2}; flow needs two"
            " frames of one size: resize one of them"
        )
    if pixels1.ndim != pixels2.ndim:
        kinds = ["gray" if pixels.ndim == 2 else "color" for pixels in (pixels1, pixels2)]
        raise ShapeError(
            f"frame1 is {kinds[0]} and frame2 is {kinds[1]}; give both in color, or turn both to gray"
        )
    if max_side_px is not None and not max_side_px > 0:
        raise OptionError(f"max_side_px is {max_side_px}; it must be positive, or None for the full size")
    engine = create_flow_method(method)
    if np.array_equal(pixels1, pixels2):  # nothing moved; the methods would return noise around 1e-7
        return np.zeros((*pixels1.shape[:2], 2), np.float32)
    prepared1, prepared2 = (
        shrink_pixels(convert_pixels(pixels, engine.pixel_format), max_side_px)
        for pixels in (pixels1, pixels2)
    )
    height, width = pixels1.shape[:2]
    return rescale_flow(engine.compute(prepared1, prepared2), width=width, height=height)


def rescale_flow(flow: NDArray[np.floating], *, width: int, height: int) -> NDArray[np.float32]:
    """Bring a flow field to another size, its vectors with it.

    Args:
        flow: (h, w, 2) pixels of an image of w×h.
        width: W, pixels of the image that the result is for.
        height: H, likewise.

    Returns:
        (H, W, 2) float32: interpolated between the vectors; dx times W/w, dy times H/h. Vectors with values above
        1e9 are unknown, as in a `.flo` file, and so is the result, 1e10, wherever one of them has a share.

    Raises:
        ShapeError: not a flow field.

    >>> rescale_flow(np.full((3, 4, 2), 1.5, np.float32), width=8, height=9)[0, 0].tolist()
    [3.0, 4.5]
    """
    field = as_flow(flow)
    old_height, old_width = field.shape[:2]
    if (old_width, old_height) == (width, height):
        return field
    known = is_known(field)
    resized = cv2.resize(
        np.where(known[..., None], field, np.float32(0)), (width, height), interpolation=cv2.INTER_LINEAR
    )
    resized = resized * np.array([width / old_width, height / old_height], np.float32)
    if not known.all():
        share = cv2.resize((~known).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        resized[share > 0] = _UNKNOWN_MARK
    return np.asarray(resized, np.float32)


def as_pixels(frame: FrameLike, name: str) -> NDArray[np.uint8]:
    """(H, W, 3) RGB or (H, W) gray uint8, or an error that names the argument and the remedy."""
    pixels = np.asarray(frame.pixels if isinstance(frame, Frame) else frame)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3) or 0 in pixels.shape:
        raise ShapeError(f"{name} is {pixels.shape}; it must be (H, W, 3) RGB or (H, W) gray pixels")
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    if pixels.dtype.kind != "f":
        raise ShapeError(f"{name} is {pixels.dtype}; it must be uint8 of 0 to 255 or floats of 0.0 to 1.0")
    if not np.isfinite(pixels).all():
        raise OptionError(f"{name} has NaN or infinite pixels; replace them first, as with numpy.nan_to_num")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-3 or high > 1 + 1e-3:  # interpolation overshoots by a hair
        raise OptionError(
            f"{name} has floats of {low:g} to {high:g}; float frames lie in 0.0 to 1.0:"
            " divide them by 255, or make"
            " them uint8"
        )
    return np.ascontiguousarray(np.rint(np.clip(pixels, 0, 1) * 255), np.uint8)


def convert_pixels(pixels: NDArray[np.uint8], pixel_format: str) -> NDArray[np.uint8]:
    """The same picture as (H, W) luma for `"gray8"` or (H, W, 3) for `"rgb24"`."""
    if pixel_format == "gray8" and pixels.ndim == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    if pixel_format == "rgb24" and pixels.ndim == 2:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)
    return pixels


def shrink_pixels(pixels: NDArray[np.uint8], max_side_px: int | None) -> NDArray[np.uint8]:
    """The picture with a longer side of at most so many pixels; itself where it is small enough."""
    height, width = pixels.shape[:2]
    if max_side_px is None or max(width, height) <= max_side_px:
        return pixels
    scale = max_side_px / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
