"""The flow of a whole video: one decode, one field for each pair of frames, speeds from the timestamps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.motion.flow import as_pixels, compute_flow, convert_pixels, rescale_flow, shrink_pixels
from muybridge.motion.flow_methods import Dis, FlowMethod, create_flow_method
from muybridge.motion.warp import warp_image
from muybridge.observer import View
from muybridge.values import Frame
from muybridge.video.reader import Pace, Video, open_video

__all__ = ["FlowFrame", "is_cut", "iterate_flow"]

_CUT_SIDE_PX = 160  # the size at which `is_cut` compares: enough to see, cheap beside any flow
_GLANCE = View(max_side_px=_CUT_SIDE_PX, pixel_format="gray8")
_MIN_CONTRAST = 8.0  # of 0–255: in darker or flatter pictures noise alone would look like a cut


@dataclass(frozen=True, slots=True, eq=False)
class FlowFrame:
    """The flow from one frame to the next, and the moments of both.

    Args:
        flow: (h, w, 2) float32 pixels of the size at which it was computed.
        frame: the earlier frame, at that size.
        next_frame: the later frame, at that size.
        source_width: pixels of the source.
        source_height: pixels of the source.
        is_cut: a cut lies between the two frames, so the flow is no motion.
    """

    flow: NDArray[np.float32]
    frame: Frame
    next_frame: Frame
    source_width: int
    source_height: int
    is_cut: bool = False

    @property
    def start_seconds(self) -> float:
        """When the earlier frame appears."""
        return self.frame.pts_seconds

    @property
    def end_seconds(self) -> float:
        """When the later frame appears."""
        return self.next_frame.pts_seconds

    @property
    def duration_seconds(self) -> float:
        """The time between the two frames, from their timestamps."""
        return self.end_seconds - self.start_seconds

    @property
    def source_pixels(self) -> NDArray[np.float32]:
        """(h, w, 2) float32: the vectors in pixels of the source, at the size at which they were computed."""
        height, width = self.flow.shape[:2]
        scale = np.array([self.source_width / width, self.source_height / height], np.float32)
        return np.asarray(self.flow * scale, np.float32)

    @property
    def pixels_per_second(self) -> NDArray[np.float32]:
        """(h, w, 2) float32: speeds in pixels of the source per second."""
        return self.source_pixels / np.float32(self.duration_seconds)

    def full_size_flow(self) -> NDArray[np.float32]:
        """(H, W, 2) float32: the field at the size of the source, in its pixels."""
        return rescale_flow(self.flow, width=self.source_width, height=self.source_height)


def iterate_flow(
    source: str | Path | Video | Iterable[Frame],
    *,
    method: str | FlowMethod = "dis",
    max_side_px: int | None = None,
    frames_per_second: float | None = None,
    pixel_format: Literal["gray8", "rgb24"] | None = None,
) -> Iterator[FlowFrame]:
    """Compute the flow from each frame of a video to the next, decoding each frame once.

    Args:
        source: a path, an opened video, or frames in order of time, such as a Clip or a camera gives.
        method: one of `list_flow_methods()`, or a method object.
        max_side_px: scale the frames down, never up, so that the longer side has at most this many pixels.
        frames_per_second: take at most this many frames, evenly in time; None takes all. The longer the steps, the
            more of a fast or winding movement is missed, and speeds come out too low. Cuts are looked for between all
            frames of the source, so movement within a shot is none at any rate.
        pixel_format: of the frames in the results: `"gray8"` costs least, `"rgb24"` is for showing. None takes
            what the method works on; of other frames it makes that first, and its flow differs a little. Frames that
            are given are kept as they are.

    Yields:
        one FlowFrame for each pair of neighbors: N frames give N − 1, a single frame none. A frame that is not
        later than the one before it is left out.

    Raises:
        VideoError: the video cannot be read.
        OptionError: a size or a rate that is not positive, or an infinite rate.
        UnknownNameError: a method that does not exist.

    >>> texture = np.random.default_rng(0).integers(0, 255, (15, 20), np.uint8)
    >>> picture = cv2.resize(texture, (160, 120), interpolation=cv2.INTER_CUBIC)
    >>> frames = [Frame(np.roll(picture, 2 * step, axis=1), step / 25) for step in range(3)]
    >>> [round(float(np.median(pair.pixels_per_second[..., 0]))) for pair in iterate_flow(frames)]
    [50, 50]
    """
    engine = create_flow_method(method)
    if max_side_px is not None and not max_side_px > 0:
        raise OptionError(f"max_side_px is {max_side_px}; it must be positive, or None for the full size")
    if frames_per_second is not None and not 0 < frames_per_second < float("inf"):
        raise OptionError(
            f"frames_per_second is {frames_per_second}; it must be positive and finite, or None for all"
        )
    view = View(
        frames_per_second=frames_per_second,
        max_side_px=max_side_px,
        pixel_format=pixel_format or engine.pixel_format,
    )
    return _iterate(source, engine, view)


def _iterate(
    source: str | Path | Video | Iterable[Frame], engine: FlowMethod, view: View
) -> Iterator[FlowFrame]:
    with ExitStack() as stack:
        if isinstance(source, str | Path):
            source = stack.enter_context(open_video(source))
        taken: Frame | None = None
        seen: Frame | None = None
        has_cut = False  # since `taken`
        for glance, frame, size in _glances(source, view):
            if seen is not None and glance.pts_seconds <= seen.pts_seconds:
                continue
            # Before the cut, since its error names the sizes that frames have, and not those of glances.
            flow = None if frame is None or taken is None else compute_flow(taken, frame, method=engine)
            has_cut = has_cut or (seen is not None and is_cut(seen, glance))
            seen = glance
            if frame is None:
                continue
            if taken is not None and flow is not None:
                yield FlowFrame(flow, taken, frame, *size, is_cut=has_cut)
            taken, has_cut = frame, False


def _glances(
    source: Video | Iterable[Frame], view: View
) -> Iterator[tuple[Frame, Frame | None, tuple[int, int]]]:
    """Each frame small and gray, as cuts are found; the frame of the view if it has one then; the source's size."""
    pace = Pace.of(view)
    if isinstance(source, Video):
        size = source.metadata.width, source.metadata.height
        for picture in source.pictures(quick=2 * view.fit(*size)[0] <= size[0]):  # as `Video.frames` does
            is_wanted = pace.wants(picture.pts_seconds)
            yield picture.frame(_GLANCE), picture.frame(view) if is_wanted else None, size
        return
    for frame in source:
        sized = _sized(frame, frame.pixels, view) if pace.wants(frame.pts_seconds) else None
        gray = convert_pixels(as_pixels(frame, "frame"), "gray8")
        yield _sized(frame, gray, _GLANCE), sized, (frame.width, frame.height)


def _sized(frame: Frame, pixels: NDArray[np.uint8], view: View) -> Frame:
    """A copy: a camera may use its buffer again, and this frame must live until the next one has come."""
    small = shrink_pixels(pixels, view.max_side_px).copy()
    return Frame(small, frame.pts_seconds, frame.duration_seconds, frame.index)


def is_cut(frame1: Frame, frame2: Frame, *, threshold: float = 0.57) -> bool:
    """Whether two neighboring frames show different scenes: no flow between them explains the second.

    A quick flow is found at a small size, the second frame is drawn back along it, both are brought to the same
    brightness and contrast (so that a fade is no cut), and what still differs is averaged. Neighbors of one shot
    stay below 0.45, cuts reach 0.7 and more. A stretch that could not be decoded counts as a cut too: there,
    too, flow is not motion. A dissolve is none.

    Args:
        frame1: the earlier frame.
        frame2: the next frame of the source, of the same size: over longer steps movement looks like a cut.
        threshold: the mean difference, in standard deviations of the brightness, from which it is a cut.

    >>> rng = np.random.default_rng(0)
    >>> here, there = (Frame(rng.integers(0, 255, (64, 128), np.uint8), seconds) for seconds in (0, 0.04))
    >>> is_cut(here, here), is_cut(here, there)
    (False, True)
    """
    gray1, gray2 = (
        shrink_pixels(convert_pixels(as_pixels(frame, "frame"), "gray8"), _CUT_SIDE_PX)
        for frame in (frame1, frame2)
    )
    if _mean_difference(gray1, gray2) <= threshold:  # so nearly always: standing still explains enough
        return False
    explained = warp_image(gray2, compute_flow(gray1, gray2, method=Dis("ultrafast")))
    return _mean_difference(gray1, explained) > threshold


def _mean_difference(gray1: NDArray[np.uint8], gray2: NDArray[Any]) -> float:
    """In standard deviations of the brightness."""
    # Blurred a little, so that a hair of misplacement along an edge weighs less than a change of scene.
    pictures = [cv2.blur(gray.astype(np.float32), (3, 3)) for gray in (gray1, gray2)]
    even1, even2 = ((picture - picture.mean()) / max(_MIN_CONTRAST, picture.std()) for picture in pictures)
    return float(np.abs(even1 - even2).mean())
