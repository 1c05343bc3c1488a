"""A decoded picture in the decoder's own format, and its conversion to what an observer wants to see.

The decoder gives YUV at full size. Converting it straight to the size and format that is asked for (one pass of
swscale) costs a fraction of making a full RGB picture first and scaling that down. Two observers that ask for
the same view share one conversion.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from muybridge.observer import View
from muybridge.values import Frame, LeftOut

__all__ = ["ArrayPicture", "Converter", "DecodedPicture", "MomentPicture"]

FULL = View()
# FFmpeg's AVColorSpace numbers → swscale's matrices. An unspecified matrix is taken as BT.601, as FFmpeg, OpenCV
# and torchcodec take it.
MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.SMPTE170M,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# Video levels of chroma, 16 to 240 around 128, spread over all 256.
ALL_CHROMA = np.clip((np.arange(256) - 128) * (255 / 224) + 128.5, 0, 255).astype(np.uint8)
# Formats whose three planes are luma, blue and red chroma of 8 bits; those with a J use all levels.
PLANAR_8_BIT = frozenset({f"yuv{j}{chroma}p" for j in ("", "j") for chroma in (410, 411, 420, 422, 440, 444)})
# Four pixels share one color sample: scaling these planes first and converting the small picture afterwards costs
# a third of converting while scaling; the chroma of the result is as coarse as a JPEG's.
SHARED_CHROMA = frozenset({"yuv420p", "yuvj420p", "nv12", "yuv420p10le", "yuv420p12le", "p010le"})
# Sizes up to half of this are made of the planes at this size, which shots and text want anyway: reading a large
# picture costs more than all that follows. It is always so, so that a view shows the same whoever else watches.
HALFWAY = View(max_side_px=480)


def all_levels(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Video levels of luma, 16 to 235, spread over all 256; OpenCV does the sum twice as fast as it looks it up.

    >>> all_levels(np.array([[0, 16, 126, 235, 255]], np.uint8)).tolist()
    [[0, 0, 128, 255, 255]]
    """
    import cv2

    return np.asarray(cv2.addWeighted(luma, 255 / 219, luma, 0.0, -16 * 255 / 219), np.uint8)


class MomentPicture(Protocol):
    """A picture at a moment, which shows itself in any view: what a source hands to the pass."""

    pts_seconds: float
    duration_seconds: float
    index: int
    is_spare: bool

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of the upright picture."""
        ...

    def frame(self, view: View = ...) -> Frame:
        """The picture as a view shows it."""
        ...


class Converter:
    """Turns decoded pictures into pixels; keeps swscale's tables between pictures of one video.

    Args:
        rotation_degrees: the clockwise turn that makes the picture upright.
        is_mirrored: whether it is mirrored left to right after that.
    """

    def __init__(self, rotation_degrees: int = 0, is_mirrored: bool = False) -> None:
        self.rotation_degrees = rotation_degrees % 360
        self.is_mirrored = is_mirrored
        # swscale's tables serve one thread at a time: a pass converts ahead while an observer looks closer.
        self._lock = threading.Lock()
        self._reformatters: dict[tuple[int, int, str], VideoReformatter] = {}
        # The last picture at each size: views of one size share the scaled planes, and smaller ones are made of them.
        self._small: dict[tuple[int, int], tuple[VideoFrame, VideoFrame]] = {}

    def upright_size(self, picture: VideoFrame) -> tuple[int, int]:
        """(width, height) after rotation."""
        if self.rotation_degrees in (90, 270):
            return picture.height, picture.width
        return picture.width, picture.height

    def convert(self, picture: VideoFrame, width: int, height: int, pixel_format: str) -> NDArray[np.uint8]:
        """Upright pixels of that size.

        Args:
            picture: as decoded.
            width: pixels of the upright result.
            height: pixels of the upright result.
            pixel_format: `"rgb24"` or `"gray8"`.

        Returns:
            (height, width, 3) or (height, width) uint8.
        """
        with self._lock:
            return self._convert(picture, width, height, pixel_format)

    def _convert(self, picture: VideoFrame, width: int, height: int, pixel_format: str) -> NDArray[np.uint8]:
        if self.rotation_degrees in (90, 270):
            width, height = height, width
        format_name = "gray" if pixel_format == "gray8" else "rgb24"
        matrix = MATRICES.get(int(picture.colorspace), Colorspace.DEFAULT)
        if width < picture.width and height < picture.height and picture.format.name in SHARED_CHROMA:
            pixels = self._convert_small(picture, width, height, format_name, matrix)
        else:
            converted = self._reformatter(width, height, format_name).reformat(
                picture,
                width=width,
                height=height,
                format=format_name,
                src_colorspace=matrix,
                interpolation=Interpolation.BILINEAR,
            )
            pixels = converted.to_ndarray()  # type: ignore[assignment]  # of all formats at once
        return self._upright(pixels)

    def _upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if not (self.rotation_degrees or self.is_mirrored):
            return pixels
        turned = np.rot90(pixels, k=-self.rotation_degrees // 90)
        return np.ascontiguousarray(turned[:, ::-1] if self.is_mirrored else turned)

    def _convert_small(
        self, picture: VideoFrame, width: int, height: int, format_name: str, matrix: int
    ) -> NDArray[np.uint8]:
        halfway = HALFWAY.fit(picture.width, picture.height)
        small, levels = picture, int(ColorRange.JPEG if uses_all_levels(picture) else ColorRange.MPEG)
        if halfway[0] < picture.width and 2 * width <= halfway[0] and 2 * height <= halfway[1]:
            small = self._shrink(small, *halfway, matrix, levels)
        small = self._shrink(small, width, height, matrix, levels)
        if format_name == "gray":
            plane: Any = small.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width]
            return luma.copy() if levels == ColorRange.JPEG else all_levels(luma)
        converted = self._reformatter(width, height, format_name).reformat(
            small, format=format_name, src_colorspace=matrix, src_color_range=levels
        )
        return converted.to_ndarray()  # type: ignore[return-value]  # of all formats at once

    def _shrink(self, picture: VideoFrame, width: int, height: int, matrix: int, levels: int) -> VideoFrame:
        known = self._small.get((width, height))
        if known is not None and known[0] is picture:
            return known[1]
        small = self._reformatter(width, height, f"planes of {picture.width}x{picture.height}").reformat(
            picture,
            width=width,
            height=height,
            format="yuvj420p" if levels == ColorRange.JPEG else "yuv420p",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=levels,
            dst_color_range=levels,
            interpolation=Interpolation.AREA,
        )
        self._small[width, height] = (picture, small)
        return small

    def sample(self, picture: VideoFrame, width: int, height: int) -> tuple[NDArray[np.uint8], ...]:
        """Upright Y, Cr and Cb of that size, straight from the decoder's planes: coarser than `convert`, and quicker.

        Only the pixels around each place of the result are read. The matrix is the video's own.

        Args:
            picture: as decoded.
            width: pixels of the upright result.
            height: pixels of the upright result.

        Returns:
            Three (height, width) uint8 arrays that use all levels.
        """
        import cv2

        if picture.format.name not in PLANAR_8_BIT:
            ycc = cv2.cvtColor(self.convert(picture, width, height, "rgb24"), cv2.COLOR_RGB2YCrCb)
            return tuple(np.asarray(plane, np.uint8) for plane in cv2.split(ycc))
        size = (height, width) if self.rotation_degrees in (90, 270) else (width, height)
        full_range = uses_all_levels(picture)
        planes = []
        for number in (0, 2, 1):
            plane: Any = picture.planes[number]
            pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            pixels = pixels[: plane.height, : plane.width]
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
            if not full_range:
                small = cv2.LUT(small, ALL_CHROMA) if number else all_levels(np.asarray(small, np.uint8))
            planes.append(self._upright(np.asarray(small, np.uint8)))
        return tuple(planes)

    def _reformatter(self, width: int, height: int, format_name: str) -> VideoReformatter:
        # Each keeps the tables of one conversion; a shared one would build them anew at every change of size.
        return self._reformatters.setdefault((width, height, format_name), VideoReformatter())


def uses_all_levels(picture: VideoFrame) -> bool:
    """Whether black is 0 and white 255, not 16 and 235."""
    return picture.color_range == ColorRange.JPEG or picture.format.name.startswith("yuvj")


class DecodedPicture:
    """One decoded picture with its moment; pixels are made when asked for, once for each size.

    Args:
        picture: as decoded; for a source of arrays, see `muybridge.values.Frame`.
        converter: shared by all pictures of the video.
        pts_seconds: when it appears.
        duration_seconds: how long it stays.
        index: its place in the order of presentation.

    A file also sets `is_spare`, whether it need not be decoded to see what happens, and `left_out`, all such pictures.
    """

    __slots__ = (
        "_converter",
        "_picture",
        "_pixels_of",
        "duration_seconds",
        "index",
        "is_spare",
        "left_out",
        "pts_seconds",
    )

    def __init__(
        self,
        picture: VideoFrame,
        converter: Converter,
        *,
        pts_seconds: float,
        duration_seconds: float,
        index: int,
    ) -> None:
        self._picture = picture
        self._converter = converter
        self._pixels_of: dict[tuple[int, int, str], NDArray[np.uint8]] = {}
        self.pts_seconds = pts_seconds
        self.duration_seconds = duration_seconds
        self.index = index
        self.is_spare = False
        self.left_out: LeftOut | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of the upright picture."""
        return self._converter.upright_size(self._picture)

    def frame(self, view: View = FULL) -> Frame:
        """The picture as a view shows it; a second call with the same size costs nothing."""
        return self.frame_of_size(*view.fit(*self.size), view.pixel_format)

    def frame_of_size(self, width: int, height: int, pixel_format: str = "rgb24") -> Frame:
        """The picture at exactly that size."""
        key = (width, height, pixel_format)
        if key not in self._pixels_of:
            self._pixels_of[key] = self._converter.convert(self._picture, width, height, pixel_format)
        # Frames refer to the picture, so it keeps none of them: in a circle both would wait for the garbage collector.
        return Frame(
            self._pixels_of[key],
            self.pts_seconds,
            self.duration_seconds,
            self.index,
            closer=self.frame,
            left_out=self.left_out,
        )

    def sample(self, short_side_px: int) -> tuple[NDArray[np.uint8], ...]:
        """Y, Cr and Cb, (H, W) uint8 each, so that the shorter side has that many pixels; see `Converter.sample`."""
        return self._converter.sample(self._picture, *View(short_side_px=short_side_px).fit(*self.size))


class ArrayPicture:
    """The same for pixels that came from elsewhere: a camera's driver, a test, another program.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        pts_seconds: when it appears.
        duration_seconds: how long it stays.
        index: its place in the order of presentation.

    >>> picture = ArrayPicture(np.zeros((40, 80, 3), np.uint8), pts_seconds=0.0)
    >>> picture.frame(View(short_side_px=20, pixel_format="gray8")).pixels.shape
    (20, 40)
    """

    __slots__ = ("_pixels", "_pixels_of", "duration_seconds", "index", "is_spare", "pts_seconds")

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        *,
        pts_seconds: float,
        duration_seconds: float = 0.0,
        index: int = 0,
    ) -> None:
        self._pixels = pixels
        self._pixels_of: dict[tuple[int, int, str], NDArray[np.uint8]] = {}
        self.pts_seconds = pts_seconds
        self.duration_seconds = duration_seconds
        self.index = index
        self.is_spare = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self._pixels.shape[1], self._pixels.shape[0]

    def frame(self, view: View = FULL) -> Frame:
        """The picture as a view shows it; a second call with the same size costs nothing."""
        width, height = view.fit(*self.size)
        key = (width, height, view.pixel_format)
        if key not in self._pixels_of:
            # The same converter as for decoded pictures, so that a file and its frames give the same pixels.
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(self._pixels), format="rgb24")
            self._pixels_of[key] = Converter().convert(picture, width, height, view.pixel_format)
        return Frame(
            self._pixels_of[key], self.pts_seconds, self.duration_seconds, self.index, closer=self.frame
        )
