"""A video beside its flow, with one scale of colors from the first frame to the last."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, OutputError, VideoError
from muybridge.motion.colors import color_flow, draw_arrows, draw_legend
from muybridge.motion.flow import convert_pixels
from muybridge.motion.flow_methods import FlowMethod
from muybridge.motion.flow_video import FlowFrame, iterate_flow
from muybridge.observer import View
from muybridge.values import Frame
from muybridge.video.reader import Video
from muybridge.video.writer import VideoWriter

__all__ = ["draw_flow_video", "find_max_speed", "render_flow", "write_flow_video"]

_ARROW_STEP_PX = 16


def render_flow(
    pair: FlowFrame,
    *,
    colors: str = "middlebury",
    max_speed: float | None = None,
    legend: bool = True,
    arrows: bool = False,
) -> NDArray[np.uint8]:
    """Draw a frame and, to its right, the speeds with which its pixels move.

    Args:
        pair: one pair of frames with its flow; a cut is shown as black, with the word.
        colors: `"middlebury"` or `"hsv"`.
        max_speed: pixels of the source per second at full color; None takes the fastest of this pair.
        legend: draw the color wheel with its scale.
        arrows: lay arrows over the frame, three times as long as the displacement.

    Returns:
        (h, 2 w, 3) uint8 RGB.

    Raises:
        OptionError: a speed that is not positive.

    >>> picture = np.zeros((60, 80, 3), np.uint8)
    >>> flow = np.full((60, 80, 2), (1.0, 0.0), np.float32)
    >>> drawn = render_flow(FlowFrame(flow, Frame(picture, 0.0), Frame(picture, 0.1), 80, 60), legend=False)
    >>> drawn.shape, drawn[30, 120].tolist()
    ((60, 160, 3), [255, 0, 0])
    """
    _check_max_speed(max_speed)
    left = convert_pixels(pair.frame.pixels, "rgb24")
    if pair.is_cut:
        right = np.zeros_like(left)
        cv2.putText(right, "cut", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
        return np.hstack([left, right])
    speeds = pair.pixels_per_second
    scale = max_speed if max_speed is not None else float(np.hypot(*speeds.transpose(2, 0, 1)).max()) or 1.0
    right = color_flow(speeds, colors=colors, max_magnitude=scale)
    if legend:
        right = draw_legend(right, max_magnitude=scale, unit="px/s", colors=colors)
    if arrows:
        left = draw_arrows(left, pair.flow, step_px=_ARROW_STEP_PX, length_scale=3)
    return np.hstack([left, right])


def find_max_speed(
    source: str | Path | Video | Iterable[Frame],
    *,
    percentile: float = 99.0,
    max_side_px: int = 160,
    on_progress: Callable[[float], None] | None = None,
) -> float:
    """Find the speed that deserves full color in a whole video, by a quick pass at a small size.

    Args:
        source: a path, an opened video, or frames in order of time.
        percentile: of the speeds of each pair of frames. Of these numbers, one for each pair, the one that nine
            tenths of the pairs stay below is taken: a few wild moments must not whiten all the rest.
        max_side_px: the size at which this pass computes.
        on_progress: called with the seconds of the source that are done.

    Returns:
        pixels of the source per second, rounded up to two digits; 1.0 where nothing moves.

    Raises:
        VideoError: the video cannot be read.

    >>> texture = np.random.default_rng(0).integers(0, 255, (12, 16), np.uint8)
    >>> picture = cv2.resize(texture, (160, 120), interpolation=cv2.INTER_CUBIC)
    >>> find_max_speed([Frame(np.roll(picture, 3 * step, axis=1), step / 10) for step in range(4)])
    31.0
    """
    fast_speeds = []
    for pair in iterate_flow(source, method="dis_ultrafast", max_side_px=max_side_px):
        if not pair.is_cut:
            speeds = np.hypot(*pair.pixels_per_second.transpose(2, 0, 1))
            fast_speeds.append(float(np.percentile(speeds, percentile)))
        if on_progress is not None:
            on_progress(pair.end_seconds)
    fastest = float(np.percentile(fast_speeds, 90)) if fast_speeds else 0.0
    if fastest < 1e-3:
        return 1.0
    digit = 10.0 ** (math.floor(math.log10(fastest)) - 1)
    return math.ceil(round(fastest / digit, 6)) * digit


def write_flow_video(
    video: str | Path | Video,
    output: str | Path,
    *,
    method: str | FlowMethod = "dis",
    max_side_px: int | None = 480,
    frames_per_second: float | None = None,
    colors: str = "middlebury",
    max_speed: float | None = None,
    scale: str = "video",
    legend: bool = True,
    arrows: bool = False,
) -> int:
    """Write a video with each frame beside its flow, at the times of the source.

    The arguments and errors are those of `draw_flow_video`.

    Returns:
        how many pictures were written.
    """
    drawing = draw_flow_video(
        video,
        output,
        method=method,
        max_side_px=max_side_px,
        frames_per_second=frames_per_second,
        colors=colors,
        max_speed=max_speed,
        scale=scale,
        legend=legend,
        arrows=arrows,
    )
    return sum(1 for _ in drawing)


def draw_flow_video(
    video: str | Path | Video,
    output: str | Path,
    *,
    method: str | FlowMethod = "dis",
    max_side_px: int | None = 480,
    frames_per_second: float | None = None,
    colors: str = "middlebury",
    max_speed: float | None = None,
    scale: str = "video",
    legend: bool = True,
    arrows: bool = False,
) -> Iterator[FlowFrame]:
    """Write a video with each frame beside its flow, and hand each pair on after it is drawn.

    So one pass can draw and measure, and measures what `iterate_flow` alone does. The file is complete when the last
    pair has been taken.

    Args:
        video: a path or an opened video.
        output: ends in `.mp4`, `.mkv` or `.mov`.
        method: one of `list_flow_methods()`, or a method object.
        max_side_px: longer side of the frame, and of the flow beside it; None keeps the size of the source.
        frames_per_second: take at most this many frames, evenly in time; None takes all.
        colors: `"middlebury"` or `"hsv"`.
        max_speed: pixels of the source per second at full color; None finds one.
        scale: `"video"` finds one scale for the whole video by a quick first pass, so that a color means the
            same speed throughout; `"frame"` gives each picture its own. `max_speed` outdoes both.
        legend: draw the color wheel with its scale.
        arrows: lay arrows over the frame.

    Yields:
        each pair of frames with its flow, as `iterate_flow` gives it: the frames are what the method works on, which
        is gray for most.

    Raises:
        VideoError: the video cannot be read, or has a single frame.
        OptionError: an unknown scale, or a number that is not positive.
        OutputError: the output cannot be written, or is the video itself.
    """
    if scale not in ("video", "frame"):
        raise OptionError(f"scale is {scale!r}; it is 'video' or 'frame'")
    _check_max_speed(max_speed)
    path = video.path if isinstance(video, Video) else str(video)
    if Path(output).resolve() == Path(path).resolve():
        raise OutputError(f"{output}: this is the video itself, and would be lost; choose another name")
    pairs = iterate_flow(video, method=method, max_side_px=max_side_px, frames_per_second=frames_per_second)
    first = next(pairs, None)
    if first is None:
        raise VideoError("it has a single frame; flow is between two, so give a longer video", path=path)
    height, width = first.flow.shape[:2]
    shift = -min(0.0, first.start_seconds)  # containers hold no times before zero
    rate = frames_per_second or 1 / first.duration_seconds
    with VideoWriter(output, width=2 * width, height=height, frames_per_second=rate) as writer:
        # A pass of its own through the video, so only where the output can be written.
        if max_speed is None and scale == "video":
            max_speed = find_max_speed(video)
        for pair in itertools.chain([first], pairs):
            shown = _in_color(pair, max_side_px)
            drawn = render_flow(shown, colors=colors, max_speed=max_speed, legend=legend, arrows=arrows)
            writer.write(drawn, pts_seconds=pair.start_seconds + shift)
            yield pair


def _in_color(pair: FlowFrame, max_side_px: int | None) -> FlowFrame:
    """The pair with its picture in color; the flow stays, as gray made of colors would give another one."""
    closer = pair.frame.closer
    if closer is None:
        return pair
    return replace(pair, frame=closer(View(max_side_px=max_side_px, pixel_format="rgb24")))


def _check_max_speed(max_speed: float | None) -> None:
    if max_speed is not None and not 0 < max_speed < math.inf:
        raise OptionError(f"max_speed is {max_speed}; it must be positive and finite, or None to find one")
