"""A three-minute 720p H.264 video for the benchmarks: real clips, one after the other, again and again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from muybridge.video import VideoWriter, open_video

CLIPS = (
    "bigbuckbunny.mp4",
    "bikes.mp4",
    "arm_wrestling.mp4",
    "carphone_pristine.mp4",
    "juggle.mp4",
    "vtest.avi",
    "flipping_a_pancake.mkv",
)
WIDTH, HEIGHT, FRAMES_PER_SECOND = 1280, 720, 30


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options.add_argument(
        "--work", type=Path, default=Path("/tmp/muybridge-benchmarks"), help="kept between runs"
    )
    options.add_argument("--runs", type=int, default=5)
    return options


def reel(data: Path, work: Path, *, seconds: float = 180.0) -> Path:
    """The video, made once and kept."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"reel-{seconds:g}.mp4"
    if not path.exists():
        with VideoWriter(
            path,
            width=WIDTH,
            height=HEIGHT,
            frames_per_second=FRAMES_PER_SECOND,
            quality=23,
            keyframe_seconds=250 / FRAMES_PER_SECOND,  # x264's default
        ) as writer:
            for number, pixels in enumerate(frames(data)):
                if number >= seconds * FRAMES_PER_SECOND:
                    break
                writer.write(pixels)
    return path


def frames(data: Path) -> Iterator[np.ndarray]:
    """Endless pictures of the clips, each played at its own speed on a clock of 30 per second."""
    while True:
        for name in CLIPS:
            with open_video(data / "clips" / name) as video:
                shown = 0
                for frame in video:
                    end = frame.pts_seconds - video.metadata.start_seconds + frame.duration_seconds
                    pixels = fit(frame.pixels)
                    while shown / FRAMES_PER_SECOND < end - 1e-6:
                        yield pixels
                        shown += 1


def fit(pixels: np.ndarray) -> np.ndarray:
    """Into 1280×720, with black bars."""
    scale = min(WIDTH / pixels.shape[1], HEIGHT / pixels.shape[0])
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(
        pixels, size, interpolation=cv2.INTER_AREA
    )
    return canvas
