"""Flow fields in the files that the field's benchmarks use: Middlebury's `.flo` and KITTI's 16-bit PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import MuybridgeError, OptionError, OutputError, ShapeError

__all__ = [
    "UNKNOWN_FLOW",
    "as_flow",
    "is_known",
    "read_flo",
    "read_kitti_flow",
    "write_flo",
    "write_kitti_flow",
]

_FLO_TAG = b"PIEH"  # the float 202021.25 in little-endian bytes: a check of the byte order
UNKNOWN_FLOW = 1e9
"""Vectors beyond this are unknown, as in the Middlebury files; they take no part in any number."""
_MAX_FLO_SIDE_PX = 99_999  # as in the published reader; larger numbers mean a damaged header
_KITTI_RANGE_PX = (-512.0, (65_535 - 32_768) / 64)  # what 16 bits at 1/64 px can hold


def read_flo(path: str | Path) -> NDArray[np.float32]:
    """Read a Middlebury `.flo` file.

    Args:
        path: the file.

    Returns:
        (H, W, 2) float32 pixels (dx, dy). Values above 1e9 mark vectors that are unknown.

    Raises:
        MuybridgeError: no such file, or its tag, size or length is not that of a `.flo` file.

    Source: the format as published with the Middlebury flow benchmark (Baker et al., IJCV 2011).

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "still.flo"
    >>> write_flo(path, np.zeros((4, 6, 2), np.float32))
    >>> read_flo(path).shape, path.stat().st_size
    ((4, 6, 2), 204)
    """
    data = _read_bytes(path)
    if data[:4] != _FLO_TAG:
        raise MuybridgeError(f"{path}: not a .flo file: it begins with {data[:4]!r}, not {_FLO_TAG!r}")
    width, height = (int(value) for value in np.frombuffer(data[4:12].ljust(8, b"\0"), "<i4"))
    if not (0 < width <= _MAX_FLO_SIDE_PX and 0 < height <= _MAX_FLO_SIDE_PX):
        raise MuybridgeError(f"{path}: a damaged .flo file: its header says {width}x{height} pixels")
    expected = 12 + 8 * width * height
    if len(data) != expected:
        raise MuybridgeError(
            f"{path}: a damaged .flo file: {width}x{height} vectors take {expected} bytes,"
            f" but it has {len(data)}"
        )
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2).astype(np.float32)


def write_flo(path: str | Path, flow: NDArray[Any]) -> None:
    """Write a Middlebury `.flo` file.

    Args:
        path: the file to write.
        flow: (H, W, 2) pixels (dx, dy).

    Raises:
        ShapeError: not a flow field.
        OutputError: the file cannot be written.
    """
    field = as_flow(flow)
    height, width = field.shape[:2]
    header = _FLO_TAG + np.array([width, height], "<i4").tobytes()
    _write_bytes(path, header + field.astype("<f4").tobytes())


def read_kitti_flow(path: str | Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a KITTI flow map: a 16-bit PNG.

    Args:
        path: the file.

    Returns:
        (H, W, 2) float32 pixels (dx, dy), and (H, W) bool: where the flow is known. Unknown vectors are zero.

    Raises:
        MuybridgeError: no such file, or not a PNG of 16 bits and three channels.

    Source: the format of the KITTI 2012 and 2015 flow benchmarks (Menze & Geiger, CVPR 2015).
    """
    data = np.frombuffer(_read_bytes(path), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
    if image is None or image.dtype != np.uint16 or image.ndim != 3 or image.shape[2] != 3:
        found = "no image" if image is None else f"{image.shape} {image.dtype}"
        raise MuybridgeError(f"{path}: not a KITTI flow map: a 16-bit PNG of 3 channels, but it is {found}")
    # OpenCV gives blue, green, red; the file has red = dx, green = dy, blue = known.
    known = np.asarray(image[:, :, 0] > 0)
    flow = (image[:, :, 2:0:-1].astype(np.float32) - np.float32(32_768)) / np.float32(64)
    flow[~known] = 0
    return flow, known


def write_kitti_flow(path: str | Path, flow: NDArray[Any], known: NDArray[np.bool_] | None = None) -> None:
    """Write a KITTI flow map: a 16-bit PNG with steps of 1/64 px.

    Args:
        path: the file to write, its name ending in `.png`.
        flow: (H, W, 2) pixels (dx, dy), known vectors within −512 to 511.98 px.
        known: (H, W) bool: where the flow is known; everywhere if None.

    Raises:
        ShapeError: not a flow field, or a mask of another size.
        OptionError: a known vector that the format cannot hold.
        OutputError: the file cannot be written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "000000_10.png"
    >>> write_kitti_flow(path, np.full((4, 6, 2), -1.25))
    >>> flow, known = read_kitti_flow(path)
    >>> flow[0, 0].tolist(), known.all().item()
    ([-1.25, -1.25], True)
    """
    field = as_flow(flow)
    mask = np.ones(field.shape[:2], bool) if known is None else np.array(known, bool)
    if mask.shape != field.shape[:2]:
        raise ShapeError(f"known is {mask.shape}; it must be {field.shape[:2]}, one value per vector")
    low, high = _KITTI_RANGE_PX
    inside = np.all((field >= low) & (field <= high), axis=-1)  # false for NaN
    if not inside[mask].all():
        raise OptionError(
            f"{int((~inside & mask).sum())} known vectors are not finite or not within {low:g} to"
            f" {high:.2f} px; mark them unknown"
        )
    image = np.zeros((*mask.shape, 3), np.uint16)
    image[mask, 2] = np.rint(field[mask, 0] * 64 + 32_768)
    image[mask, 1] = np.rint(field[mask, 1] * 64 + 32_768)
    image[:, :, 0] = mask
    done, encoded = cv2.imencode(".png", image)
    if not done:
        raise OutputError(f"{path}: the PNG encoder refused a field of {field.shape}")
    _write_bytes(path, encoded.tobytes())


def as_flow(flow: NDArray[Any]) -> NDArray[np.float32]:
    """The field as (H, W, 2) float32, or a ShapeError that says what came instead."""
    field = np.asarray(flow)
    if field.ndim != 3 or field.shape[2] != 2 or 0 in field.shape or field.dtype.kind not in "fiu":
        raise ShapeError(f"a flow field is {field.shape} {field.dtype}; it must be (H, W, 2) floats")
    return np.ascontiguousarray(field, np.float32)


def is_known(flow: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(H, W) bool: the vectors of a (H, W, 2) field that are not marked as unknown.

    >>> is_known(np.array([[[1.0, 2.0], [1.7e9, 1.7e9]]])).tolist()
    [[True, False]]
    """
    return np.asarray((np.abs(flow) <= UNKNOWN_FLOW).all(axis=-1))  # false for NaN


def _read_bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise MuybridgeError(f"{path}: cannot be read: {error.strerror or error}") from error


def _write_bytes(path: str | Path, data: bytes) -> None:
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
