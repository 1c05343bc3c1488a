"""Transparency in image files: how an image looks over white.

Text is often written in the opacity alone, the colors below being black throughout.
"""

from __future__ import annotations

import warnings

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.text.image_files import TIFF_STARTS, tiff_directories

__all__ = ["over_white"]

_STARTS = (b"\x89PNG", b"RIFF", b"BM", *TIFF_STARTS)
_TIFF_EXTRA_SAMPLES = 338  # the tag that says what the samples after the colors are

# As it is stored, but upright. 256 is IMREAD_COLOR_RGB; OpenCV before 4.11 does not name it, later ones refuse
# it together with the rest.
_UPRIGHT_AS_STORED = cv2.IMREAD_UNCHANGED & ~cv2.IMREAD_IGNORE_ORIENTATION & ~256


def over_white(image: NDArray[np.uint8], data: bytes) -> NDArray[np.uint8]:
    """Lay an image over white where its file says that it is transparent.

    Args:
        image: (H, W, 3) uint8 BGR, what `cv2.imdecode` made of the file with `IMREAD_COLOR`.
        data: the file: PNG, WebP, TIFF or BMP; all others hold no transparency.

    Returns:
        (H, W, 3) uint8 BGR.

    Source of the two ways to store colors: T. Porter, T. Duff, SIGGRAPH 1984.
    """
    if not data.startswith(_STARTS):
        return image
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), _UPRIGHT_AS_STORED)
    except cv2.error:
        return image  # what OpenCV reads as colors only
    if stored is None or stored.dtype not in (np.uint8, np.uint16):
        return image
    extra = _tiff_extra_sample(data) if data.startswith(TIFF_STARTS) else None
    if extra in (1, 2) and stored.ndim == 2:
        warnings.warn(
            "OpenCV does not read the transparency of a gray TIFF; convert it to PNG if text is missing",
            stacklevel=3,
        )
    if stored.shape[2:] != (4,) or not _is_opacity(stored[:, :, 3], data, extra):
        return image
    most = 255 if stored.dtype == np.uint8 else 65535
    if stored[:, :, 3].min() == most:
        return image
    opacity = stored[:, :, 3:].astype(np.float64) / most
    # Where a TIFF file says that it holds opacity, libtiff multiplies the colors by it if the file does not.
    colors = image if extra in (1, 2) else image * opacity
    return np.minimum(np.round(colors + 255 * (1 - opacity)), 255).astype(np.uint8)


def _is_opacity(channel: NDArray[np.generic], data: bytes, extra: int | None) -> bool:
    """Whether the fourth channel is the opacity."""
    if data.startswith(b"BM"):
        # Headers of less than 108 bytes do not say what the fourth byte is, and some writers leave it 0.
        return int.from_bytes(data[14:18], "little") >= 108 and bool(channel.any())
    return extra != 0  # else it is a mask, or a band of light that is no color


def _tiff_extra_sample(data: bytes) -> int | None:
    """What the sample after the colors is: 1 opacity that they are multiplied by, 2 opacity, 0 anything else.

    None where the file does not say; OpenCV's own do not, and hold opacity that nothing is multiplied by.
    """
    return next(tiff_directories(data), {}).get(_TIFF_EXTRA_SAMPLES)
