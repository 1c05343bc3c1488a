"""Pictures that stand for a video: the sharpest of each shot, and moments of much movement."""

from __future__ import annotations

from pathlib import Path

import cv2

from muybridge.counts import check_count
from muybridge.errors import OutputError
from muybridge.motion.scenes import watch_scenes
from muybridge.values import Frame, Segment
from muybridge.video.reader import open_video
from muybridge.writing import write_whole

__all__ = ["choose_keyframes", "pick_keyframes", "write_keyframes"]

FRAMES_AT_ONCE = 8


def pick_keyframes(path: str | Path, *, max_keyframes: int | None = None) -> list[Frame]:
    """The frames that stand for a video, in order of time, at full size: all at the one that the metadata tells.

    Each shot gives its sharpest representative, which is neither inside a transition nor black; each spike of movement
    gives one more. Looks at every frame once at a small size, then decodes the chosen ones.

    Args:
        path: the video file.
        max_keyframes: at most so many: those of the longest shots and of the strongest spikes; None for all.

    Returns:
        Frames with (H, W, 3) uint8 RGB.

    Raises:
        OptionError: `max_keyframes` is no whole number, or below 1.
        VideoError: the file cannot be opened or decoded.

    >>> import numpy as np
    >>> from muybridge.video.writer import VideoWriter
    >>> path = getfixture("tmp_path") / "two.mp4"
    >>> with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
    ...     for number in range(40):
    ...         writer.write(np.full((48, 64, 3), (200, 30, 30) if number < 25 else (20, 60, 220), np.uint8))
    >>> [frame.pixels.shape for frame in pick_keyframes(path)]
    [(48, 64, 3), (48, 64, 3)]
    """
    if max_keyframes is not None:
        check_count("max_keyframes", max_keyframes)
    with open_video(path) as video:
        chosen = choose_keyframes(watch_scenes(video), max_keyframes)
        frames: list[Frame] = []
        for place in range(0, len(chosen), FRAMES_AT_ONCE):
            some = chosen[place : place + FRAMES_AT_ONCE]
            clip = video.frames_at(seconds=[keyframe.start_seconds for keyframe in some])
            frames += [
                Frame(frame.pixels.copy(), frame.pts_seconds, keyframe.duration_seconds, frame.index)
                for frame, keyframe in zip(clip, some, strict=True)
            ]
        return frames


def choose_keyframes(segments: list[Segment], max_keyframes: int | None) -> list[Segment]:
    """The most telling keyframes among the segments of a `ScenesObserver`, in order of time.

    A shot's keyframe is worth the shot's length over the usual length of the video's shots; a spike's is worth
    twice its score, so that a strong spike tells more than a usual shot.
    """
    shots = [segment for segment in segments if segment.kind == "shot"]
    spikes = [segment for segment in segments if segment.kind == "motion"]
    keyframes = [segment for segment in segments if segment.kind == "keyframe"]
    usual = sum(shot.duration_seconds for shot in shots) / max(1, len(shots))

    def worth(keyframe: Segment) -> float:
        moment = keyframe.start_seconds
        if keyframe.attributes["reason"] == "motion":
            scores = [spike.score or 0.0 for spike in spikes if covers(spike, moment)]
            return 2 * max(scores, default=0.0)
        lengths = [shot.duration_seconds for shot in shots if covers(shot, moment)]
        return max(lengths, default=0.0) / usual if usual > 0 else 0.0

    ranked = sorted(keyframes, key=worth, reverse=True)[:max_keyframes]
    return sorted(ranked, key=lambda keyframe: keyframe.start_seconds)


def covers(segment: Segment, seconds: float) -> bool:
    """Whether that moment lies in the segment."""
    return segment.start_seconds <= seconds < segment.end_seconds


def write_keyframes(frames: list[Frame], folder: str | Path) -> list[str]:
    """Write frames as JPEG files, named by their order and each whole or not at all; returns the paths.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    paths = []
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(frames, start=1):
            bgr = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)
            path = target / f"keyframe-{number:04d}.jpg"
            write_whole(path, cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
            paths.append(str(path))
    except OSError as error:
        raise OutputError(
            f"the keyframes cannot be written to {folder}: {error.strerror or error}"
        ) from error
    return paths
