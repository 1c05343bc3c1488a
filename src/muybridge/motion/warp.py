"""What a flow field says of two pictures: one drawn like the other, and where that cannot be."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.flow import FrameLike, as_flow, as_pixels, convert_pixels

__all__ = ["consistency_error", "find_moving", "find_occlusions", "warp_image"]


def warp_image(image: NDArray[Any], flow: NDArray[Any], *, border: str = "repeat") -> NDArray[Any]:
    """Draw the second image as the first was: fetch each pixel from where the flow says that it went.

    Args:
        image: (H, W) or (H, W, C) uint8 or float: the second frame, or anything laid over it (a mask, another
            flow field).
        flow: (H, W, 2) pixels (dx, dy) from the first frame to the second.
        border: what lies beyond the image: `"repeat"` its outermost pixels, `"zero"` zeros.

    Returns:
        the shape and dtype of `image`: `image[y + dy, x + dx]` at (x, y), interpolated bilinearly.

    Raises:
        ShapeError: sizes that do not fit each other.
        OptionError: an unknown border.

    >>> second = np.arange(25, dtype=np.float32).reshape(5, 5)
    >>> warp_image(second, np.full((5, 5, 2), (1.0, 0.0)))[0].tolist()
    [1.0, 2.0, 3.0, 4.0, 4.0]
    """
    field = as_flow(flow)
    picture = np.asarray(image)
    if picture.ndim not in (2, 3) or picture.shape[:2] != field.shape[:2]:
        raise ShapeError(f"image is {picture.shape}; it must be {field.shape[:2]} as the flow, or (H, W, C)")
    if picture.ndim == 3 and picture.shape[2] > 4:
        raise ShapeError(f"image has {picture.shape[2]} channels; at most 4 can be warped at once")
    if picture.dtype not in (np.uint8, np.float32, np.float64):
        raise ShapeError(f"image is {picture.dtype}; it must be uint8, float32 or float64")
    if border not in ("repeat", "zero"):
        raise OptionError(f"border is {border!r}; it is 'repeat' or 'zero'")
    xs, ys = _ends(field)
    mode = cv2.BORDER_REPLICATE if border == "repeat" else cv2.BORDER_CONSTANT
    warped = cv2.remap(picture, xs, ys, cv2.INTER_LINEAR, borderMode=mode)
    return np.asarray(warped, picture.dtype).reshape(picture.shape)


def consistency_error(forward: NDArray[Any], backward: NDArray[Any]) -> NDArray[np.float32]:
    """By how many pixels one misses the start when one goes forward and then back.

    Args:
        forward: (H, W, 2) pixels, from the first frame to the second.
        backward: (H, W, 2) pixels, from the second frame to the first.

    Returns:
        (H, W) float32 pixels; infinite where the forward vector leaves the image.

    Raises:
        ShapeError: fields that do not fit each other.

    >>> forward = np.full((4, 6, 2), (1.0, 0.0))
    >>> consistency_error(forward, -forward)[0].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, inf]
    """
    ahead, back = _pair(forward, backward)
    missed = ahead + warp_image(back, ahead)
    error: NDArray[np.float32] = np.hypot(missed[..., 0], missed[..., 1])
    error[_leaves(ahead)] = np.inf
    return error


def find_occlusions(
    forward: NDArray[Any], backward: NDArray[Any], *, slope: float = 0.01, offset: float = 0.5
) -> NDArray[np.bool_]:
    """Find what the second frame no longer shows: where going forward and back does not close.

    Args:
        forward: (H, W, 2) pixels, from the first frame to the second.
        backward: (H, W, 2) pixels, from the second frame to the first.
        slope: squared pixels of tolerance for each squared pixel of motion.
        offset: squared pixels of tolerance where nothing moves.

    Returns:
        (H, W) bool: True where a pixel of the first frame is hidden in the second, or has left it.

    Raises:
        ShapeError: fields that do not fit each other.

    Source: Sundaram, Brox, Keutzer, "Dense Point Trajectories by GPU-Accelerated Large Displacement Optical
    Flow", ECCV 2010, equation 5: |w + w'|² < 0.01 (|w|² + |w'|²) + 0.5.
    """
    ahead, back = _pair(forward, backward)
    returned = warp_image(back, ahead)
    missed = ((ahead + returned) ** 2).sum(axis=-1)
    moved = (ahead**2).sum(axis=-1) + (returned**2).sum(axis=-1)
    return np.asarray((missed >= slope * moved + offset) | _leaves(ahead))


def find_moving(
    frame1: FrameLike,
    frame2: FrameLike,
    flow: NDArray[Any],
    *,
    min_magnitude: float = 0.5,
    min_change: float = 2.0,
    window_size_px: int = 5,
) -> NDArray[np.bool_]:
    """Find the pixels seen to move: where the flow explains the second frame and standing still does not.

    A flat area looks the same wherever it goes. A method fills it in from what is around it, and only this
    comparison tells such vectors from those that were found.

    Args:
        frame1: a Frame or pixels, as `compute_flow` takes them.
        frame2: the later frame.
        flow: (H, W, 2) pixels, from `frame1` to `frame2`.
        min_magnitude: shorter vectors, in pixels, are no motion.
        min_change: mean difference of brightness (of 0–255) in the window above which a place has changed.
        window_size_px: side of the window in which brightness is compared.

    Returns:
        (H, W) bool.

    Raises:
        ShapeError: frames and flow of different sizes.

    >>> still = np.full((32, 32), 90, np.uint8)
    >>> bool(find_moving(still, still, np.full((32, 32, 2), 3.0)).any())
    False
    """
    field = as_flow(flow)
    gray1, gray2 = (
        convert_pixels(as_pixels(frame, name), "gray8").astype(np.float32)
        for frame, name in ((frame1, "frame1"), (frame2, "frame2"))
    )
    if gray1.shape != gray2.shape or gray1.shape != field.shape[:2]:
        raise ShapeError(
            f"frame1 is {gray1.shape}, frame2 {gray2.shape} and the flow {field.shape[:2]};"
            " they must be equal"
        )
    window = (window_size_px, window_size_px)
    still_error = cv2.blur(np.abs(gray1 - gray2), window)
    flow_error = cv2.blur(np.abs(gray1 - warp_image(gray2, field)), window)
    moves = np.hypot(field[..., 0], field[..., 1]) >= min_magnitude
    return np.asarray(moves & (still_error >= min_change) & (flow_error < 0.5 * still_error))


def _pair(forward: NDArray[Any], backward: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    ahead, back = as_flow(forward), as_flow(backward)
    if ahead.shape != back.shape:
        raise ShapeError(f"forward is {ahead.shape} and backward {back.shape}; they must be of one shape")
    return ahead, back


def _ends(field: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each vector ends: (H, W) x and (H, W) y, in pixels."""
    height, width = field.shape[:2]
    xs = field[..., 0] + np.arange(width, dtype=np.float32)[None, :]
    ys = field[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return xs, ys


def _leaves(field: NDArray[np.float32]) -> NDArray[np.bool_]:
    height, width = field.shape[:2]
    xs, ys = _ends(field)
    return np.asarray(~((xs >= 0) & (xs <= width - 1) & (ys >= 0) & (ys <= height - 1)))
