"""Flow fields as the temporal stream of a two-stream network sees them, kept on disk in 8 bits where asked.

    video ─ iterate_flow ─► fields ──────────────────────────────┐
                              └─► store_flow ─► file ─► StoredFlow ┴─► iterate_flow_stacks ─► (2L, h, w) in [-1, 1]

L consecutive fields make one stack of 2L channels dx1, dy1 … dxL, dyL, cut off at ±20 px and scaled to [-1, 1].
On disk a displacement is one byte: 128 is zero and 127 steps on either side reach the bound.

Source: K. Simonyan, A. Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos", NeurIPS
2014, section 3.1 (stacks, mean subtraction) and section 5 (8 bits, compressed as images).
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.counts import check_count
from muybridge.errors import MuybridgeError, OptionError, OutputError, ShapeError, VideoError
from muybridge.motion.flow import as_flow
from muybridge.motion.flow_video import FlowFrame

if TYPE_CHECKING:
    import torch

__all__ = [
    "FlowStack",
    "StoredFlow",
    "TimedField",
    "dequantize_flow",
    "iterate_flow_stacks",
    "quantize_flow",
    "store_flow",
]

_FORMAT = "muybridge flow 1"
_ENCODINGS = ("png", "jpeg")
_ZERO, _STEPS = 128, 127
# What a damaged or foreign file makes of the steps of reading it; a RuntimeError stands for an encrypted entry, an
# unknown compression, or JSON without end.
_DAMAGE = (KeyError, ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True, eq=False)
class TimedField:
    """A flow field and the moments of the two frames that it lies between.

    Args:
        flow: (h, w, 2) float32 pixels.
        start_seconds: when the earlier frame appears.
        end_seconds: when the later frame appears.
        is_cut: the frames show different scenes, so the flow is no motion.
    """

    flow: NDArray[np.float32]
    start_seconds: float
    end_seconds: float
    is_cut: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FlowStack:
    """The input of a temporal stream.

    Args:
        channels: (2L, h, w) float32 in [-1, 1]: dx1, dy1, dx2, dy2, …, dxL, dyL.
        start_seconds: when the first frame appears.
        end_seconds: when the last of the L + 1 frames appears.
    """

    channels: torch.Tensor
    start_seconds: float
    end_seconds: float


def quantize_flow(flow: NDArray[Any], *, bound_px: float = 20.0) -> NDArray[np.uint8]:
    """One byte for each displacement: 128 is zero, 1 is −bound, 255 is +bound; what lies beyond is cut off.

    Args:
        flow: (H, W, 2) pixels.
        bound_px: the largest displacement that is kept.

    Returns:
        (H, W, 2) uint8. A displacement within the bound is off by at most half a step, bound / 254 px.

    Raises:
        ShapeError: not a flow field.
        OptionError: a bound that is not positive, or NaN in the field.

    >>> quantize_flow(np.array([[[0.0, 20.0], [-99.0, 0.2]]])).tolist()
    [[[128, 255], [1, 129]]]
    """
    field = as_flow(flow)
    _check_bound(bound_px)
    if np.isnan(field).any():
        raise OptionError("the flow field has NaN; replace them first, as with numpy.nan_to_num")
    return np.asarray(np.rint(np.clip(field / bound_px, -1, 1) * _STEPS) + _ZERO, np.uint8)


def dequantize_flow(levels: NDArray[np.uint8], *, bound_px: float = 20.0) -> NDArray[np.float32]:
    """The inverse of `quantize_flow`, up to its rounding.

    Args:
        levels: (…, 2) uint8.
        bound_px: as it was quantized with.

    >>> dequantize_flow(np.array([[[128, 255], [1, 129]]], np.uint8)).round(2)
    array([[[  0.  ,  20.  ],
            [-20.  ,   0.16]]], dtype=float32)
    """
    _check_bound(bound_px)
    scaled = (levels.astype(np.float32) - _ZERO) * np.float32(bound_px / _STEPS)
    return np.asarray(np.clip(scaled, -bound_px, bound_px), np.float32)


def store_flow(
    flow_frames: Iterable[FlowFrame],
    path: str | Path,
    *,
    bound_px: float = 20.0,
    encoding: Literal["png", "jpeg"] = "png",
    jpeg_quality: int = 95,
) -> StoredFlow:
    """Keep the flow of a video on disk, 8 bits for each displacement, one image for each field.

    Args:
        flow_frames: what `iterate_flow` gives; they are written one by one and not kept in memory.
        path: the file to write. It appears when it is complete.
        bound_px: displacements are cut off here, in pixels of the size at which the flow was computed.
        encoding: `"png"` loses nothing beyond the 8 bits; `"jpeg"` is smaller and blurs.
        jpeg_quality: 1 to 100.

    Raises:
        OptionError: an unknown encoding, a bound or a quality outside what is allowed.
        VideoError: there is no field to store.
        OutputError: the file cannot be written.

    >>> from muybridge.values import Frame
    >>> picture = Frame(np.zeros((24, 32), np.uint8), 0.0)
    >>> pair = FlowFrame(np.full((24, 32, 2), 2.5, np.float32), picture, Frame(picture.pixels, 0.04), 32, 24)
    >>> stored = store_flow([pair], getfixture("tmp_path") / "clip.flow")
    >>> len(stored), stored[0].end_seconds, stored[0].flow[0, 0].round(2)
    (1, 0.04, array([2.52, 2.52], dtype=float32))
    """
    _check_bound(bound_px)
    check_count("jpeg_quality", jpeg_quality, most=100)
    if encoding not in _ENCODINGS:
        raise OptionError(f"encoding is {encoding!r}; it is 'png' or 'jpeg'")
    parameters = [cv2.IMWRITE_JPEG_QUALITY, int(jpeg_quality)] if encoding == "jpeg" else []
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    rows = []
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for place, pair in enumerate(flow_frames):
                levels = quantize_flow(pair.flow, bound_px=bound_px)
                # dx above dy in one gray image: as channels of a color image JPEG would mix them.
                image = np.concatenate([levels[..., 0], levels[..., 1]])
                _, encoded = cv2.imencode(f".{encoding}", image, parameters)
                archive.writestr(f"{place:06d}.{encoding}", encoded.tobytes())
                rows.append((pair.start_seconds, pair.end_seconds, bool(pair.is_cut)))
            index = {"format": _FORMAT, "bound_px": float(bound_px), "encoding": encoding, "fields": rows}
            archive.writestr("index.json", json.dumps(index))
        if not rows:
            raise VideoError("there is no flow to store: it has fewer than two frames", path=target)
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return StoredFlow(target)


class StoredFlow:
    """Flow fields that `store_flow` has put on disk: a sequence that reads each field when it is asked for.

    Args:
        path: the file.

    Raises:
        MuybridgeError: no such file, or not one that `store_flow` wrote; reading a field, that it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._opened() as archive:
            try:
                index = json.loads(archive.read("index.json"))
                for key, allowed in (("format", (_FORMAT,)), ("encoding", _ENCODINGS)):
                    if index[key] not in allowed:
                        raise ValueError(f"its {key} is {index[key]!r}")
                self._encoding = index["encoding"]
                self.bound_px = float(index["bound_px"])
                _check_bound(self.bound_px)
                self._fields = [(float(start), float(end), bool(cut)) for start, end, cut in index["fields"]]
            except (*_DAMAGE, TypeError) as error:
                raise self._not_flow(error) from error

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, place: int) -> TimedField:
        if not -len(self) <= place < len(self):
            raise IndexError(f"field {place} is asked for; {self.path} has {len(self)}")
        with self._opened() as archive:
            return self._read(archive, place % len(self))

    def __iter__(self) -> Iterator[TimedField]:
        with self._opened() as archive:
            for place in range(len(self)):
                yield self._read(archive, place)

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            archive = zipfile.ZipFile(self.path)
        except OSError as error:
            raise MuybridgeError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        except _DAMAGE as error:
            raise self._not_flow(error) from error
        with archive:
            yield archive

    def _not_flow(self, error: Exception) -> MuybridgeError:
        return MuybridgeError(f"{self.path}: not stored flow, or damaged ({error}); store it anew")

    def _read(self, archive: zipfile.ZipFile, place: int) -> TimedField:
        try:
            levels = _decode_levels(archive.read(f"{place:06d}.{self._encoding}"))
        except _DAMAGE as error:
            raise MuybridgeError(f"{self.path}: field {place} is damaged ({error}); store it anew") from error
        return TimedField(dequantize_flow(levels, bound_px=self.bound_px), *self._fields[place])


def _decode_levels(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 2) uint8 from the bytes of an image with dx above dy.

    Raises:
        ValueError: they are none.
    """
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # no bytes at all, or a size beyond what OpenCV accepts
        image = None
    if image is None or image.shape[0] % 2:
        raise ValueError("it holds no image of dx above dy")
    return np.stack(np.split(np.asarray(image, np.uint8), 2), axis=-1)


def iterate_flow_stacks(
    fields: Iterable[FlowFrame | TimedField],
    *,
    num_fields: int = 10,
    stride: int | None = None,
    bound_px: float = 20.0,
    center: bool = True,
) -> Iterator[FlowStack]:
    """Stack each L consecutive flow fields of a video; no stack reaches across a cut.

    Args:
        fields: what `iterate_flow` gives, or a `StoredFlow`.
        num_fields: L, the fields of one stack.
        stride: fields from one stack to the next; None takes L, so that the stacks do not overlap.
        bound_px: longer displacements are cut off; what remains is divided by it, into [-1, 1].
        center: subtract each field's mean, which takes most of the camera's movement out.

    Yields:
        stacks in order of time. A stretch between cuts of fewer than L fields gives none.

    Raises:
        OptionError: counts that are no whole numbers of at least 1, or a bound that is not positive.
        ShapeError: fields of different sizes.

    >>> flow = np.full((4, 6, 2), 5.0, np.float32)
    >>> fields = [TimedField(flow, step / 25, (step + 1) / 25) for step in range(10)]
    >>> [stack.channels.shape for stack in iterate_flow_stacks(fields, num_fields=5, center=False)]
    [torch.Size([10, 4, 6]), torch.Size([10, 4, 6])]
    """
    step = num_fields if stride is None else stride
    check_count("num_fields", num_fields)
    check_count("stride", step)
    _check_bound(bound_px)
    return _stacks(fields, num_fields, step, bound_px, center)


def _stacks(
    fields: Iterable[FlowFrame | TimedField], num_fields: int, stride: int, bound_px: float, center: bool
) -> Iterator[FlowStack]:
    import torch

    from muybridge.models.two_stream import stack_flow

    window: deque[FlowFrame | TimedField] = deque()
    to_skip = 0
    for field in fields:
        if field.is_cut:
            window.clear()
            to_skip = 0
            continue
        if to_skip:  # a stride longer than a stack leaves fields out between them
            to_skip -= 1
            continue
        if window and window[-1].flow.shape != field.flow.shape:
            raise ShapeError(f"a field of {field.flow.shape} follows one of {window[-1].flow.shape}")
        window.append(field)
        if len(window) < num_fields:
            continue
        block = torch.from_numpy(np.stack([each.flow for each in window]))
        channels = stack_flow(block, bound_px=bound_px, center=center)
        yield FlowStack(channels, window[0].start_seconds, window[-1].end_seconds)
        for _ in range(min(stride, num_fields)):
            window.popleft()
        to_skip = max(0, stride - num_fields)


def _check_bound(bound_px: float) -> None:
    if not (bound_px > 0 and np.isfinite(bound_px)):
        raise OptionError(f"bound_px is {bound_px}; it must be positive and finite")
