"""Test videos for shot detection: real clips joined by cuts, dissolves and fades at known times.

The clips were looked through by eye first; the cuts inside of them are the borders of the pieces below.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 25

PIECES = [  # clip, first and last second of a stretch without a cut inside
    ("bikes.mp4", 0.00, 1.16),  # inner cuts at 1.20, 3.04, 5.48, 7.48 and 9.68
    ("bikes.mp4", 1.20, 3.00),
    ("bikes.mp4", 3.04, 5.44),
    ("bikes.mp4", 5.48, 7.44),
    ("bikes.mp4", 7.48, 9.64),
    ("nasa_13013.mp4", 0.00, 4.95),  # inner dissolve from 5.005 to 5.973, inner cut at 8.008
    ("nasa_13013.mp4", 6.05, 7.95),
    ("nasa_13013.mp4", 8.05, 12.9),
    ("arm_wrestling.mp4", 0.00, 7.95),  # a decoding error from 8.1 to 9.6; a fast pan at 6.5
    ("long_jump.mp4", 0.00, 9.90),
    ("juggle.mp4", 0.00, 10.2),
    ("flipping_a_pancake.mkv", 0.00, 10.3),  # a hand covers the lens at 8.8
    ("av1_video.mkv", 0.00, 4.95),
    ("v_Punch_g03_c01.avi", 0.00, 4.30),
    ("carphone_pristine.mp4", 0.00, 4.00),
    ("kth_boxing.mp4", 0.00, 13.1),
    ("kth_handclapping.mp4", 0.00, 15.1),
    ("vtest.avi", 0.00, 79.0),
    ("bigbuckbunny.mp4", 0.00, 5.20),
    ("subtitles_zh.mp4", 0.00, 2.95),
]


@dataclass(frozen=True)
class Boundary:
    """Where one shot becomes the next: `[start_seconds, end_seconds]`, a point for a cut."""

    start_seconds: float
    end_seconds: float
    transition: str


@dataclass(frozen=True)
class Shot:
    """A stretch of a clip and the transition that leads into it."""

    clip: str
    start_seconds: float
    num_frames: int
    transition: str
    transition_frames: int


def plan(seed: int, *, num_shots: int, gradual: bool, transition_frames: tuple[int, int]) -> list[Shot]:
    """Draw the shots of a reel: no two neighbors of one clip, 1.2 to 5 seconds each."""
    draw = random.Random(seed)
    shots: list[Shot] = []
    while len(shots) < num_shots:
        clip, first, last = draw.choice(PIECES)
        if shots and clip == shots[-1].clip:
            continue
        kind = draw.choices(("cut", "dissolve", "fade"), (0.35, 0.4, 0.25))[0] if gradual else "cut"
        length = draw.randint(*transition_frames) if kind != "cut" else 0
        wanted = draw.uniform(1.2, 5.0) + (transition_frames[1] / FRAMES_PER_SECOND if gradual else 0.0)
        seconds = min(wanted, last - first)
        start = draw.uniform(first, last - seconds)
        shots.append(Shot(clip, start, int(seconds * FRAMES_PER_SECOND), kind if shots else "cut", length))
    return shots


def boundaries(shots: list[Shot]) -> list[Boundary]:
    """The truth: a dissolve of n frames overlaps both shots, a fade takes n/2 frames of each."""
    found, frame = [], shots[0].num_frames
    for before, shot in itertools.pairwise(shots):
        length = overlap(before, shot)
        if shot.transition == "cut":
            span = (frame, frame)
        elif shot.transition == "dissolve":
            span = (frame - length, frame)
            frame -= length
        else:
            span = (frame - length // 2, frame + length // 2)
        frame += shot.num_frames
        start, end = span
        found.append(Boundary(start / FRAMES_PER_SECOND, end / FRAMES_PER_SECOND, shot.transition))
    return found


def overlap(before: Shot, shot: Shot) -> int:
    """The transition's length, shortened where a shot is too short for it (a third of each at most)."""
    return min(shot.transition_frames, before.num_frames // 3, shot.num_frames // 3)


def frames(shots: list[Shot], data: Path, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """The reel's pictures, (height, width, 3) RGB."""
    tail: list[NDArray[np.uint8]] = []
    for position, shot in enumerate(shots):
        pixels = load(data / shot.clip, shot.start_seconds, shot.num_frames, width, height)
        length = overlap(shots[position - 1], shot) if position else 0
        if shot.transition == "dissolve":
            for step in range(length):
                weight = (step + 1) / (length + 1)
                mix = tail[step] * (1 - weight) + pixels[step] * weight
                yield mix.round().astype(np.uint8)
            pixels = pixels[length:]
        elif shot.transition == "fade":
            for step in range(length // 2):
                pixels[step] = (pixels[step] * ((step + 1) / (length // 2 + 1))).astype(np.uint8)
        following = shots[position + 1] if position + 1 < len(shots) else None
        tail = []
        if following is not None and following.transition != "cut":
            length = overlap(shot, following)
            if following.transition == "dissolve":
                pixels, tail = pixels[: len(pixels) - length], list(pixels[len(pixels) - length :])
            else:
                half = length // 2
                for step in range(half):
                    pixels[-1 - step] = (pixels[-1 - step] * ((step + 1) / (half + 1))).astype(np.uint8)
        yield from pixels


def load(path: Path, start: float, num: int, width: int, height: int) -> NDArray[np.uint8]:
    """`num` frames from that second on, at the reel's rate, scaled to cover and cropped."""
    times = start + np.arange(num) / FRAMES_PER_SECOND
    pictures: list[NDArray[np.uint8]] = []
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert stream is not None
        stream.thread_type = "AUTO"
        last = None
        for frame in container.decode(stream):
            while len(pictures) < num and last is not None and frame.time > times[len(pictures)] + 1e-6:
                pictures.append(last)
            if len(pictures) == num:
                break
            if frame.time > start - 1.0:
                scale = max(width / frame.width, height / frame.height)
                w, h = round(frame.width * scale), round(frame.height * scale)
                w, h = max(w, width), max(h, height)
                left, top = (w - width) // 2, (h - height) // 2
                picture = frame.to_ndarray(format="rgb24", width=w, height=h)
                last = picture[top : top + height, left : left + width]
    assert last is not None
    pictures += [last] * (num - len(pictures))
    return np.stack(pictures)


ENCODINGS: dict[str, tuple[str, str, dict[str, str]]] = {  # container, encoder, options
    "x264": (".mp4", "libx264", {}),
    "x264-fixed-gop": (".mp4", "libx264", {"x264-params": "keyint=50:min-keyint=50:scenecut=0"}),
    "intra-only": (".avi", "mjpeg", {"q": "3"}),
    "msmpeg4": (".avi", "msmpeg4", {"b": "2000000", "g": "12", "sc_threshold": "1000000000"}),
}


def encode(pictures: Iterator[NDArray[np.uint8]], paths: dict[str, Path], width: int, height: int) -> None:
    """Write the same pictures once for each named encoding."""
    outputs = []
    for encoding, path in paths.items():
        _, codec, options = ENCODINGS[encoding]
        container = av.open(str(path), "w")
        stream = container.add_stream(codec, rate=Fraction(FRAMES_PER_SECOND), options=dict(options))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec == "msmpeg4":
            stream.bit_rate = int(options["b"])
        outputs.append((container, stream))
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        for container, stream in outputs:
            container.mux(stream.encode(frame))
    for container, stream in outputs:
        container.mux(stream.encode(None))
        container.close()
