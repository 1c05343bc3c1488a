"""Writing H.264: for drawings, cut-outs and tests."""

from __future__ import annotations

import contextlib
import uuid
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import av.error
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from muybridge.errors import OptionError, OutputError, ShapeError

__all__ = ["VideoWriter"]

TICKS_PER_SECOND = 90_000
BT709 = 1  # FFmpeg's number for the matrix, the primaries and the transfer curve alike


class VideoWriter:
    """Writes RGB pictures as an H.264 video that every player and browser shows.

    The file appears under its name when it is complete; until then it is written beside it.

    Args:
        path: ends in `.mp4`, `.mkv` or `.mov`.
        width: pixels; an odd width is made even by repeating the last column, as H.264 wants it.
        height: pixels; likewise.
        frames_per_second: the rate for pictures that are written without a time.
        quality: x264's constant rate factor: 0 is lossless, 18 looks it, 28 is small.
        keyframe_seconds: at most so far apart are keyframes, so that players seek quickly.
        codec_options: passed to the encoder, such as `{"x264-params": "scenecut=0"}`.

    Raises:
        OptionError: a size or a rate that is not positive, or an infinite rate.
        OutputError: the folder cannot be written to, the name is a folder's, or its ending is no video's.

    >>> path = getfixture("tmp_path") / "black.mp4"
    >>> with VideoWriter(path, width=32, height=32, frames_per_second=5) as writer:
    ...     writer.write(np.zeros((32, 32, 3), np.uint8))
    >>> path.exists()
    True
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        frames_per_second: float = 30.0,
        quality: int = 20,
        keyframe_seconds: float = 4.0,
        codec_options: dict[str, str] | None = None,
    ) -> None:
        if min(width, height) < 1 or not 0 < frames_per_second < float("inf"):
            raise OptionError(f"cannot write {width}×{height} at {frames_per_second} frames per second")
        self.path = Path(path)
        self.width, self.height = width, height
        self.frames_per_second = frames_per_second
        if self.path.is_dir():
            raise OutputError(f"{self.path}: is a folder; name a file, such as {self.path / 'video.mp4'}")
        # Two runs that write to one name must not write into one file.
        unique = uuid.uuid4().hex[:8]
        self._partial = self.path.with_name(f".{self.path.stem}.{unique}.partial{self.path.suffix}")
        self._container: Any = None
        self._last_ticks = -1
        self._num_frames = 0
        options: dict[str, str] = {"crf": str(quality), "preset": "veryfast", **(codec_options or {})}
        stream = self._open(Fraction(frames_per_second).limit_denominator(1001), options)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, TICKS_PER_SECOND)
        context.gop_size = max(1, round(keyframe_seconds * frames_per_second))
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = ColorRange.MPEG
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _open(self, rate: Fraction, options: dict[str, str]) -> Any:
        """Begin the file; returns its stream."""
        try:
            # FFmpeg opens the file with the first picture; who cannot write is to know now.
            self._partial.touch()
            self._container = av.open(
                str(self._partial), mode="w", container_options={"movflags": "faststart"}
            )
            return self._container.add_stream("libx264", rate=rate, options=options)
        except (av.error.FFmpegError, OSError) as error:
            self.abandon()
            raise OutputError(f"{self.path}: cannot be written: {error}; choose another folder") from error
        except ValueError as error:  # PyAV's own word for an ending that no format has, or one without H.264
            self.abandon()
            ending = f"with the ending {self.path.suffix}" if self.path.suffix else "without an ending"
            raise OutputError(
                f"{self.path}: no format {ending} holds H.264; end the name in .mp4, .mkv or .mov"
            ) from error

    def write(self, pixels: NDArray[np.uint8], pts_seconds: float | None = None) -> None:
        """Append a picture.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            pts_seconds: when it appears; None for the next step of the frame rate.

        Raises:
            ShapeError: another size or type than this writer's.
            OptionError: a time that is not after the one before.
            OutputError: the disk is full.
        """
        if pixels.shape != (self.height, self.width, 3) or pixels.dtype != np.uint8:
            raise ShapeError(
                f"picture is {pixels.shape} {pixels.dtype}; this writer takes"
                f" ({self.height}, {self.width}, 3) uint8"
            )
        if pts_seconds is None:
            pts_seconds = self._num_frames / self.frames_per_second
        ticks = round(pts_seconds * TICKS_PER_SECOND)
        if ticks <= self._last_ticks:
            raise OptionError(f"a picture at {pts_seconds} s comes after one at the same time or later")
        if self.width % 2 or self.height % 2:
            pixels = np.pad(pixels, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        picture.pts, picture.time_base = ticks, Fraction(1, TICKS_PER_SECOND)
        self._last_ticks = ticks
        self._num_frames += 1
        self._mux(picture)

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            OutputError: the disk is full, or nothing was written.
        """
        if self._num_frames == 0:
            self.abandon()
            raise OutputError(f"{self.path}: nothing was written to it")
        self._mux(None)
        try:
            self._container.close()
            self._partial.replace(self.path)
        except (av.error.FFmpegError, OSError) as error:
            self.abandon()
            raise OutputError(f"{self.path}: cannot be finished: {error}; free some space") from error

    def abandon(self) -> None:
        """Leave nothing behind."""
        # A container without a header cannot be closed properly, and need not be.
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
            if self._container is not None:
                self._container.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def _mux(self, picture: VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.error.FFmpegError, OSError) as error:
            self.abandon()
            raise OutputError(f"{self.path}: cannot be written: {error}; free some space") from error
