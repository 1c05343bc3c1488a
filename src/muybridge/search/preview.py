"""Looking at what was found: a strip of thumbnails, or the stretch cut out of its video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, OutputError, VideoOpenError
from muybridge.search.results import Match
from muybridge.video.picture import FULL
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

__all__ = ["cut_clip", "draw_strip"]

_HEIGHT_PX = 120
_CAPTION_PX = 22
_GAP_PX = 4
Pixels = NDArray[np.uint8]


def draw_strip(matches: Sequence[Match], *, num_thumbnails: int = 6, max_rows: int = 8) -> Pixels:
    """Thumbnails of what was found, a row for each match, with the times at which they were taken.

    Args:
        matches: what was found; the first `max_rows` are drawn.
        num_thumbnails: in each row, evenly over the match.
        max_rows: at most so many rows.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        OptionError: no match to draw.
        VideoError: a video is no longer where it was, is another one now, or cannot be read.
        OutputError: a video ends before its match begins.

    >>> match = Match(str(getfixture("sample_video")), 0.5, 1.5, "motion", "moves", "", 1.0)
    >>> draw_strip([match], num_thumbnails=3).shape
    (150, 492, 3)
    """
    if not matches or num_thumbnails < 1 or max_rows < 1:
        raise OptionError("nothing to draw: give at least one match, one thumbnail and one row")
    rows = [_row(match, num_thumbnails) for match in matches[:max_rows]]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(padded)


def cut_clip(match: Match, path: str | Path, *, margin_seconds: float = 0.5) -> Path:
    """Cut a match out of its video, to the frame, as an H.264 video without sound.

    Args:
        match: what was found.
        path: the file to write; ends in `.mp4`, `.mkv` or `.mov`. A file that is there is replaced.
        margin_seconds: how much more is cut out before and after.

    Returns:
        The file.

    Raises:
        VideoError: the video is no longer where it was, is another one now, or cannot be read.
        OutputError: the file cannot be written.
        OptionError: the file is the video itself, or a negative margin.

    >>> match = Match(str(getfixture("sample_video")), 0.5, 1.5, "motion", "moves", "", 1.0)
    >>> file = cut_clip(match, getfixture("tmp_path") / "clip.mp4", margin_seconds=0.0)
    >>> with open_video(file) as clip:
    ...     len(list(clip))
    10
    """
    target = Path(path)
    if not margin_seconds >= 0:
        raise OptionError(f"margin_seconds={margin_seconds} must not be negative")
    if target.exists() and Path(match.path).exists() and target.samefile(match.path):
        raise OptionError(f"{target} is the video itself; name another file for the clip")
    begin, end = match.start_seconds - margin_seconds, match.end_seconds + margin_seconds
    with open_video(_still_there(match)) as video:
        rate = video.metadata.frames_per_second or 30.0
        frames = (picture.frame(FULL) for picture in video.pictures(start_seconds=begin))
        first = next(frames, None)
        if first is None:
            raise OutputError(_too_short(match))
        with VideoWriter(target, width=first.width, height=first.height, frames_per_second=rate) as writer:
            writer.write(first.pixels, 0.0)
            for frame in frames:
                if frame.pts_seconds >= end:
                    break
                writer.write(frame.pixels, frame.pts_seconds - first.pts_seconds)
    return target


def _row(match: Match, num_thumbnails: int) -> Pixels:
    with open_video(_still_there(match)) as video:
        first = video.metadata.start_seconds
        duration = video.metadata.duration_seconds
        last = math.inf if duration is None else first + duration
        if match.start_seconds > last:
            raise OutputError(_too_short(match))
        length = match.end_seconds - match.start_seconds
        wanted = [match.start_seconds + length * (i + 0.5) / num_thumbnails for i in range(num_thumbnails)]
        seconds = [min(max(first, moment), max(first, last - 1e-3)) for moment in wanted]
        clip = video.frames_at(seconds=seconds)
    tiles = [_tile(frame.pixels, frame.pts_seconds) for frame in clip]
    caption = np.full((_CAPTION_PX + 8, sum(tile.shape[1] for tile in tiles), 3), 255, np.uint8)
    # OpenCV draws Latin letters only; the rest of a name is left out rather than shown as question marks.
    name = "".join(c for c in Path(match.path).name if c.isascii())
    _write(caption, f"{name}  {match.start_seconds:.2f}-{match.end_seconds:.2f} s", y=_CAPTION_PX - 4)
    return np.concatenate([caption, np.concatenate(tiles, axis=1)])


def _too_short(match: Match) -> str:
    return f"{match.path} ends before {match.start_seconds:.2f} s; index it again"


def _tile(pixels: Pixels, seconds: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = (max(1, round(width * _HEIGHT_PX / height)), _HEIGHT_PX)
    small = np.array(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    cv2.rectangle(small, (0, 0), (52, 15), (0, 0, 0), -1)
    cv2.putText(
        small, f"{seconds:.2f}", (3, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA
    )
    return np.pad(small, ((0, 0), (0, _GAP_PX), (0, 0)), constant_values=255)


def _write(image: Pixels, text: str, *, y: int) -> None:
    cv2.putText(image, text, (3, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA)


def _still_there(match: Match) -> str:
    if not match.is_there:
        raise VideoOpenError(
            "no longer there since it was indexed; run `muybridge index` on the folder where it is now",
            path=match.path,
        )
    if match.has_changed:
        raise VideoOpenError(
            "the file has changed since it was indexed; index it again with `muybridge index`",
            path=match.path,
        )
    return match.path
