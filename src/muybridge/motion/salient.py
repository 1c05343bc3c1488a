"""Frames around what happens: ten dull minutes with three moments spend their frames on the moments.

Each scene change and each spike of movement draws frames to itself; a small share is spread evenly over the rest, so
that nothing is left out altogether. The times are the quantiles of that density:

    density   ▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▄█▄▁▁▁▁▁▁▁▁▁▁▁▁
    frames    |       |||          |||||         |
                    a cut         much movement
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from muybridge.errors import OptionError
from muybridge.motion.scenes import watch_scenes
from muybridge.values import Clip, Segment
from muybridge.video.reader import open_video

if TYPE_CHECKING:
    from muybridge.video.reader import Video

__all__ = ["allot", "salient_times", "sample_salient"]

EVEN_SHARE = 0.15  # of the frames, where there are moments at all
BEFORE_CUT_SECONDS = 0.4
AFTER_CUT_SECONDS = 1.0


def sample_salient(
    path: str | Path, *, num_frames: int = 16, size_px: int | tuple[int, int] | None = 224
) -> Clip:
    """A clip whose frames lie around scene changes and spikes of movement.

    Args:
        path: the video file.
        num_frames: T; frames may repeat where the video has fewer.
        size_px: the side of the square frames, or their (width, height); None for full size.

    Raises:
        OptionError: `num_frames` below 1.
        VideoError: the file cannot be opened or decoded.
    """
    with open_video(path) as video:
        return video.frames_at(seconds=salient_times(video, num_frames), size_px=size_px)


def salient_times(video: Video, num_times: int) -> list[float]:
    """The moments that `sample_salient` takes, ascending; even ones where nothing stands out.

    Args:
        video: an opened file, which is looked at once at a small size.
        num_times: how many.

    Raises:
        OptionError: `num_times` below 1.
    """
    if num_times < 1:
        raise OptionError(f"{num_times} frames are asked for; it must be at least 1")
    # The last moment still shows the last frame.
    end = float(video.packets.pts_seconds[-1]) + 0.5 * float(video.packets.duration_seconds[-1])
    return allot(watch_scenes(video), num_times, start_seconds=video.packets.start_seconds, end_seconds=end)


def allot(
    segments: list[Segment], num_times: int, *, start_seconds: float, end_seconds: float
) -> list[float]:
    """Times by the density that shots and spikes make.

    >>> spike = Segment(60, 62, "motion", score=0.9)
    >>> times = allot([spike], 10, start_seconds=0.0, end_seconds=100.0)
    >>> sum(60 <= time < 62 for time in times)
    8
    >>> allot([], 4, start_seconds=0.0, end_seconds=8.0)
    [1.0, 3.0, 5.0, 7.0]
    """
    spans = [(s.start_seconds, s.end_seconds, 1 + (s.score or 0.0)) for s in segments if s.kind == "motion"]
    for shot in segments:
        if shot.kind == "shot" and shot.attributes.get("transition") != "start":
            begin = shot.attributes.get("transition_start_seconds", shot.start_seconds)
            over = shot.attributes.get("transition_end_seconds", shot.start_seconds)
            spans.append((begin - BEFORE_CUT_SECONDS, over + AFTER_CUT_SECONDS, 1.0))
    spans = [
        (max(start_seconds, begin), min(end_seconds, end), weight)
        for begin, end, weight in spans
        if begin < end_seconds and end > start_seconds
    ]
    length = max(end_seconds - start_seconds, 1e-9)
    edges = np.unique([start_seconds, end_seconds, *(edge for span in spans for edge in span[:2])])
    if len(edges) < 2:
        return [start_seconds] * num_times
    widths = np.diff(edges)
    middles = (edges[:-1] + edges[1:]) / 2
    total = sum(weight for _, _, weight in spans)
    mass = (EVEN_SHARE if spans else 1.0) * widths / length
    for begin, end, weight in spans:
        inside = (middles > begin) & (middles < end)
        if inside.any():
            mass[inside] += (1 - EVEN_SHARE) * weight / total * widths[inside] / widths[inside].sum()
    cumulative = np.concatenate([[0.0], np.cumsum(mass) / mass.sum()])
    quantiles = (np.arange(num_times) + 0.5) / num_times
    return [float(time) for time in np.interp(quantiles, cumulative, edges)]


# So that `sample_clip(strategy="salient")`, which lies in a layer below, finds it once this is imported.
