"""Videos whose text is known, drawn for the benchmark of reading: motion, blur, fading, scrolling, compression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from muybridge.video.writer import VideoWriter

WIDTH, HEIGHT, FRAMES_PER_SECOND = 960, 540, 25
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Line:
    """One line: its text, the frames that show it fully, and where it is drawn in each."""

    text: str
    start: int
    stop: int
    font: str = "DejaVuSans.ttf"
    size_px: int = 32
    place: Callable[[int], tuple[float, float]] = lambda frame: (120.0, 460.0)
    opacity: Callable[[int], float] = lambda frame: 1.0
    blur_px: Callable[[int], float] = lambda frame: 0.0
    color: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True)
class Clip:
    """One video: its lines, its background and how hard it is compressed."""

    name: str
    lines: tuple[Line, ...]
    num_frames: int = 150
    quality: int = 20
    moving: bool = True


def background(num_frames: int, *, moving: bool, seed: int) -> Callable[[int], Pixels]:
    """A soft colored texture that pans, or holds still."""
    rng = np.random.default_rng(seed)
    wide = WIDTH + (4 * num_frames if moving else 0)
    texture = np.zeros((HEIGHT, wide, 3), np.float32)
    for scale, strength in ((160, 60), (40, 30), (10, 14)):
        noise = rng.uniform(-1, 1, (HEIGHT // scale + 2, wide // scale + 2, 3)).astype(np.float32)
        texture += strength * cv2.resize(noise, (wide, HEIGHT), interpolation=cv2.INTER_CUBIC)
    texture = np.clip(texture + (90, 95, 100), 0, 255).astype(np.uint8)
    for _ in range(wide // 60):  # things with edges, so that not only text has some
        x, y, w, h = rng.integers((0, 0, 10, 10), (wide, HEIGHT, 120, 120))
        shade = [int(value) for value in rng.integers(40, 170, 3)]
        cv2.rectangle(texture, (int(x), int(y)), (int(x + w), int(y + h)), shade, -1)
    return lambda frame: texture[:, (4 * frame if moving else 0) :][:, :WIDTH]


def draw(picture: Pixels, line: Line, frame: int) -> Pixels:
    """The picture with the line on it, blurred and faded as it is in that frame."""
    layer = Image.new("RGBA", (WIDTH, HEIGHT))
    font = ImageFont.truetype(str(FONTS / line.font), line.size_px)
    ImageDraw.Draw(layer).text(
        line.place(frame),
        line.text,
        font=font,
        fill=(*line.color, 255),
        stroke_width=2,
        stroke_fill=(0, 0, 0, 255),
    )
    drawn = np.asarray(layer, np.float32)
    opacity = drawn[:, :, 3:] / 255
    premultiplied = np.concatenate([drawn[:, :, :3] * opacity, opacity], axis=2)
    if sigma := line.blur_px(frame):
        premultiplied = cv2.GaussianBlur(premultiplied, (0, 0), sigma)
    premultiplied *= line.opacity(frame)
    mixed = picture * (1 - premultiplied[:, :, 3:]) + premultiplied[:, :, :3]
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


def render(clip: Clip, folder: Path, *, seed: int = 0) -> Path:
    """Write the clip as a video."""
    path = folder / f"{clip.name}.mp4"
    behind = background(clip.num_frames, moving=clip.moving, seed=seed)
    with VideoWriter(
        path, width=WIDTH, height=HEIGHT, frames_per_second=FRAMES_PER_SECOND, quality=clip.quality
    ) as writer:
        for frame in range(clip.num_frames):
            picture = behind(frame).copy()
            for line in clip.lines:
                if line.start <= frame < line.stop and line.opacity(frame) > 0:
                    picture = draw(picture, line, frame)
            writer.write(picture)
    return path


def _shaky_focus(frame: int) -> float:
    """A focus that hunts: sharp for a frame or two, then lost."""
    return float(0.4 + 2.0 * abs(np.sin(frame * 0.9)))


def _fade(frame: int, start: int, stop: int, length: int) -> float:
    return float(np.clip(min(frame - start + 1, stop - frame) / length, 0, 1))


CREDITS = ("Directed by Ada Moreau", "Camera Jun Watanabe", "Sound Pia Lindqvist", "Edited by Tom Reyes")

CLIPS = (
    Clip(
        "subtitles",
        (
            Line("We left the harbor at dawn.", 10, 55),
            Line("Nobody had seen the lighthouse.", 55, 100, place=lambda f: (90, 460)),
            Line("It was 42 miles away!", 112, 140, place=lambda f: (200, 460)),
        ),
    ),
    Clip(
        "captions",
        (
            Line("MUYBRIDGE 1878", 20, 120, "DejaVuSans-Bold.ttf", 40, lambda f: (80, 60)),
            Line("Sacramento, California", 40, 120, "DejaVuSerif.ttf", 26, lambda f: (80, 120)),
        ),
        moving=False,
    ),
    Clip(
        "hunting_focus",
        (
            Line("Platform 9 to Edinburgh", 12, 90, size_px=26, blur_px=_shaky_focus),
            Line("Mind the closing doors", 95, 145, size_px=26, blur_px=_shaky_focus, place=lambda f: (140, 440)),
        ),
    ),
    Clip(
        "hard_compression",
        (
            Line("quarterly revenue grew 17%", 8, 70, size_px=24),
            Line("operating costs fell by 3%", 75, 140, size_px=24),
        ),
        quality=38,
    ),
    Clip(
        "fading",
        (Line("The Horse in Motion", 25, 125, "DejaVuSerif.ttf", 44, lambda f: (260, 240),
              lambda f: _fade(f, 25, 125, 20)),),
        moving=False,
    ),
    Clip(
        "scrolling",
        tuple(
            Line(text, 0, 150, size_px=34, place=lambda f, row=row: (260, 560.0 + 90 * row - 6 * f))
            for row, text in enumerate(CREDITS)
        ),
        moving=False,
    ),
)  # fmt: skip
