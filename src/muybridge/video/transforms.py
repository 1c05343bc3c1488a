"""The one step from decoded pixels to what a model takes: uint8 (T, H, W, 3) → float32 (3, T, H, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError

if TYPE_CHECKING:
    import torch

__all__ = ["resize_clip", "to_model_tensor"]


def to_model_tensor(
    pixels: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    *,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Scale to [0, 1], subtract the mean, divide by the standard deviation, channels first.

    One new block of memory is written, once.

    Args:
        pixels: a clip (T, H, W, 3) uint8, or a batch: (B, T, H, W, 3), or a list of equal clips.
        mean: of each channel, in [0, 1].
        std: of each channel, in [0, 1].
        dtype: of the result; None for float32.

    Returns:
        (3, T, H, W) for a clip, (B, 3, T, H, W) for a batch.

    Raises:
        ShapeError: not uint8, not three channels, or clips of different shapes.
        OptionError: a standard deviation that is not positive.

    Source: the normalisation of the torchvision and PyTorchVideo reference transforms.

    >>> clip = np.full((2, 4, 6, 3), 255, np.uint8)
    >>> tensor = to_model_tensor(clip, mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 1.0))
    >>> tuple(tensor.shape), tensor[:, 0, 0, 0].tolist()
    ((3, 2, 4, 6), [2.0, 1.0, 0.5])
    """
    import torch

    if len(mean) != 3 or len(std) != 3 or not min(std) > 0:
        raise OptionError(f"mean {tuple(mean)} and std {tuple(std)} must have three numbers, std positive")
    clips = [pixels] if isinstance(pixels, np.ndarray) and pixels.ndim == 4 else list(pixels)
    if not clips:
        raise ShapeError("an empty batch; give at least one clip (T, H, W, 3) uint8")
    for clip in clips:
        if clip.ndim != 4 or clip.shape[3] != 3 or clip.dtype != np.uint8 or clip.shape != clips[0].shape:
            raise ShapeError(
                f"a clip is {clip.shape} {clip.dtype}; all must be (T, H, W, 3) uint8"
                f" and equal to the first, {clips[0].shape}"
            )
    num_frames, height, width, _ = clips[0].shape
    batch = torch.empty((len(clips), 3, num_frames, height, width), dtype=dtype or torch.float32)
    scale = [1 / (255 * s) for s in std]
    shift = [-m / s for m, s in zip(mean, std, strict=True)]
    for target, clip in zip(batch, clips, strict=True):
        source = torch.from_numpy(np.ascontiguousarray(clip)).permute(3, 0, 1, 2)
        for channel in range(3):
            # In place: uint8 becomes float while it is copied, so no second block of memory is needed.
            target[channel].copy_(source[channel]).mul_(scale[channel]).add_(shift[channel])
    is_single = isinstance(pixels, np.ndarray) and pixels.ndim == 4
    return batch[0] if is_single else batch


def resize_clip(
    pixels: NDArray[np.uint8], size_px: int | tuple[int, int], *, resize: Literal["crop", "squash"] = "crop"
) -> NDArray[np.uint8]:
    """Resize a clip that is already decoded; where it is not, ask `frames_at(size_px=…)`, which is cheaper.

    Args:
        pixels: (T, H, W, 3) uint8.
        size_px: the side of a square result, or its (width, height).
        resize: `"crop"` scales the short side and cuts the middle out, `"squash"` distorts.

    Returns:
        (T, height, width, 3) uint8; the same array where nothing is to be done.

    Raises:
        ShapeError: not (T, H, W, 3) uint8.
        OptionError: a size that is not positive, or an unknown `resize`.

    >>> resize_clip(np.zeros((2, 40, 80, 3), np.uint8), 20).shape
    (2, 20, 20, 3)
    """
    import cv2

    if pixels.ndim != 4 or pixels.shape[3] != 3 or pixels.dtype != np.uint8:
        raise ShapeError(f"a clip is {pixels.shape} {pixels.dtype}; it must be (T, H, W, 3) uint8")
    width, height = (size_px, size_px) if isinstance(size_px, int) else size_px
    if min(width, height) < 1 or resize not in ("crop", "squash"):
        raise OptionError(f"size {width}×{height}, resize {resize!r}; allowed: positive, 'crop' or 'squash'")
    source_height, source_width = pixels.shape[1:3]
    scaled = (width, height)
    if resize == "crop":
        scale = max(width / source_width, height / source_height)
        scaled = (max(width, round(source_width * scale)), max(height, round(source_height * scale)))
    if scaled != (source_width, source_height):
        # Averaging areas is right for shrinking only.
        method = cv2.INTER_AREA if scaled[0] < source_width else cv2.INTER_LINEAR
        pixels = np.stack([cv2.resize(frame, scaled, interpolation=method) for frame in pixels])
    left, top = (scaled[0] - width) // 2, (scaled[1] - height) // 2
    return pixels[:, top : top + height, left : left + width]
