"""What a video looks like and how it moves, in numbers made by hand: no weights, no training, no network.

    fingerprints  (N, 64) bits   a hash of each frame that survives scaling, compression and small changes of light
    appearance    (D,)           edges by place and orientation, colors by place; pooled over time
    motion        (D,)           the same edges of what changes between two looks; pooled over time

They say whether two videos are the same recording, and how alike their pictures and movements are. They
do not know what is shown: two people waving in two rooms are not alike to them. A trained model knows
that.

Sources: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005; Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (the DCT hash).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.values import Frame

__all__ = ["VideoDescriptor", "describe_frames", "fingerprint", "oriented_gradients"]

_SIZE_PX = 64
_GRID = 8
_ORIENTATIONS = 9


@dataclass(frozen=True, slots=True, eq=False)
class VideoDescriptor:
    """A video in numbers.

    Args:
        pts_seconds: (N,) float64, when each frame was looked at.
        fingerprints: (N, 64) bool.
        is_plain: (N,) bool: a frame of one color, whose fingerprint means nothing.
        appearance: (D,) float64, mean zero and length 1.
        motion: (D,) float64, likewise; zeros where nothing moves.
        end_seconds: when the last frame ends.
        pictures: (N, 32, 32) uint8, gray; None where they were not kept.
    """

    pts_seconds: NDArray[np.float64]
    fingerprints: NDArray[np.bool_]
    is_plain: NDArray[np.bool_]
    appearance: NDArray[np.float64]
    motion: NDArray[np.float64]
    end_seconds: float
    pictures: NDArray[np.uint8] | None = None


def oriented_gradients(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much edge there is of each orientation at each place.

    Args:
        gray: (H, W), each a multiple of 8.

    Returns:
        (9, 8, 8): of 9 orientations over half a turn, in 8 by 8 cells, each cell of length 1 or zero.

    Raises:
        ShapeError: an image of another shape.

    A vertical edge is all of the first orientation, where brightness changes along x:

    >>> image = np.zeros((64, 64), np.float32)
    >>> image[:, 32:] = 255.0
    >>> cells = oriented_gradients(image)
    >>> cells[:, 0, 4].round(2).tolist()
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    height, width = gray.shape if gray.ndim == 2 else (0, 0)
    if not height or not width or height % _GRID or width % _GRID:
        raise ShapeError(f"image is {gray.shape}; it must be (H, W), each a multiple of {_GRID}")
    dx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=1)
    dy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=1)
    strength, angle = cv2.cartToPolar(dx, dy)
    # Opposite directions are one orientation; a vote is shared by the two nearest of nine.
    position = (angle % np.pi) * (_ORIENTATIONS / np.pi)
    low = np.floor(position).astype(np.int64)
    share = position - low
    cells = np.zeros((_ORIENTATIONS, _GRID, _GRID), np.float32)
    for orientation in range(_ORIENTATIONS):
        votes = strength * (
            (low % _ORIENTATIONS == orientation) * (1 - share)
            + ((low + 1) % _ORIENTATIONS == orientation) * share
        )
        blocks = votes.reshape(_GRID, height // _GRID, _GRID, width // _GRID)
        cells[orientation] = blocks.sum(axis=(1, 3))
    # A cell of faint noise must not count as much as one with an edge: 4 gray levels per pixel are an edge.
    floor = 4.0 * height * width / _GRID**2 / 8
    lengths: NDArray[np.float32] = np.linalg.norm(cells, axis=0)
    scaled: NDArray[np.float32] = cells / np.maximum(lengths, floor)
    return scaled


def fingerprint(gray: NDArray[np.float32]) -> NDArray[np.bool_]:
    """64 bits that stay when a picture is scaled, compressed or lit a little differently.

    Args:
        gray: (H, W).

    Returns:
        (64,): which of the lowest frequencies are above their median.

    >>> rng = np.random.default_rng(0)
    >>> image = cv2.GaussianBlur(rng.uniform(0, 255, (64, 64)).astype(np.float32), (0, 0), 4)
    >>> other = cv2.resize(image, (48, 40)) * 0.8 + 20
    >>> int((fingerprint(image) != fingerprint(other)).sum())
    0
    """
    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(np.float32))[:8, :8].flatten()
    low[0] = 0.0  # the mean brightness, which says nothing of the picture
    bits: NDArray[np.bool_] = low > np.median(low)
    return bits


def describe_frames(frames: Iterable[Frame]) -> VideoDescriptor:
    """Describe a video by some of its frames, such as five for each second.

    Args:
        frames: RGB, in order, of any one size.

    Raises:
        OptionError: no frame.

    >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))[..., None].repeat(3, 2)
    >>> describe_frames([Frame(ramp, 0.0), Frame(ramp, 0.2)]).motion.any()
    np.False_
    """
    times, prints, plain, edges, colors, changes, pictures = [], [], [], [], [], [], []
    before: NDArray[np.float32] | None = None
    end_seconds = 0.0
    for frame in frames:
        small = cv2.resize(frame.pixels, (_SIZE_PX, _SIZE_PX), interpolation=cv2.INTER_AREA)
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        times.append(frame.pts_seconds)
        prints.append(fingerprint(gray))
        plain.append(bool(gray.std() < 3.0))
        pictures.append(np.rint(cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA)).astype(np.uint8))
        edges.append(oriented_gradients(gray))
        colors.append(cv2.resize(small, (_GRID, _GRID), interpolation=cv2.INTER_AREA))
        if before is not None:
            change = np.abs(gray - before)
            # Below 8 gray levels it is noise of the camera or of the compression.
            changes.append(oriented_gradients(np.where(change < 8.0, 0.0, change).astype(np.float32)))
        before = gray
        end_seconds = frame.pts_seconds + frame.duration_seconds
    if not times:
        raise OptionError("no frame to describe; give at least one")
    color = np.stack(colors).mean(axis=0) / 255.0
    return VideoDescriptor(
        np.array(times),
        np.stack(prints),
        np.array(plain),
        appearance=_unit(np.concatenate([_unit(_pooled(edges)), _unit(color)])),
        motion=_unit(_pooled(changes)) if changes else np.zeros(_ORIENTATIONS * _GRID**2),
        end_seconds=end_seconds,
        pictures=np.stack(pictures),
    )


def _pooled(cells: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.stack(cells).astype(np.float64).mean(axis=0)
    return mean.flatten()


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without its mean, which all videos share, and of length 1."""
    values = values.flatten().astype(np.float64)
    if not values.any():
        return values
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length > 1e-9 else np.zeros_like(values)
