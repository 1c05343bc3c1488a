"""Test videos for camera motion: known motions over real pictures, with real people cut out and put in.

A video has parts of four seconds, each of one camera motion. The people move on the screen in their own way,
whatever the camera does: the hardest case. Each picture gets noise and goes through JPEG, as video does.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.values import Frame
from muybridge.video.reader import open_video

WIDTH, HEIGHT = 640, 360
RATE = 15.0
PART_SECONDS = 4

PICTURES = {  # clip, second: the halves share no picture, no person and no seed
    "tuning": [
        ("vtest.avi", 5.0),
        ("bikes.mp4", 6.5),
        ("flipping_a_pancake.mkv", 4.0),
        ("carphone_pristine.mp4", 1.0),
        ("long_jump.mp4", 4.5),
    ],
    "held-out": [
        ("bigbuckbunny.mp4", 2.0),
        ("juggle.mp4", 3.0),
        ("arm_wrestling.mp4", 3.0),
        ("video_0.mov", 0.0),
        ("bikes.mp4", 9.0),
        ("nasa_13013.mp4", 7.0),
        ("../actions/utd-mhad-rgb/a01/a01_s1_t1.mp4", 0.5),
    ],
}
SUBJECTS = {"tuning": (1, 2, 3), "held-out": (4, 5, 6)}
MOTIONS = (
    *("static", "pans left", "pans right", "tilts up", "tilts down", "zooms in", "zooms out"),
    *("rolls clockwise", "rolls counterclockwise", "shakes", "pan and tilt", "pan and shake"),
)


@dataclass(frozen=True)
class Part:
    """One camera motion: speeds in picture heights, logarithms and degrees per second; `truth` in words."""

    truth: frozenset[str]
    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    roll: float = 0.0
    shake: float = 0.0
    seed: int = 0


def draw_part(motion: str, draw: random.Random) -> Part:
    """A part of that motion at a random speed, slow ones as often as fast ones."""

    def speed(low: float, high: float) -> float:
        return math.exp(draw.uniform(math.log(low), math.log(high)))

    def side(name: str, value: float) -> str:
        words = {"pan": ("pans left", "pans right"), "tilt": ("tilts down", "tilts up")}
        return words[name][value > 0]

    seed = draw.randrange(10**6)
    truth = frozenset([motion])
    if motion == "static":
        return Part(truth)
    if motion.startswith("pans"):
        return Part(truth, pan=speed(0.05, 1.2) * (1 if motion.endswith("right") else -1))
    if motion.startswith("tilts"):
        return Part(truth, tilt=speed(0.05, 0.8) * (1 if motion.endswith("up") else -1))
    if motion.startswith("zooms"):
        return Part(truth, zoom=speed(0.06, 0.4) * (1 if motion.endswith("in") else -1))
    if motion.startswith("rolls"):
        return Part(truth, roll=speed(5, 40) * (-1 if motion.endswith("counterclockwise") else 1))
    if motion == "shakes":
        return Part(truth, shake=speed(0.12, 0.4), seed=seed)
    value = speed(0.15, 0.6) * draw.choice((-1, 1))
    if motion == "pan and tilt":
        tilt = abs(value) * draw.uniform(0.7, 1.3) * draw.choice((-1, 1))
        return Part(frozenset([side("pan", value), side("tilt", tilt)]), pan=value, tilt=tilt)
    return Part(
        frozenset([side("pan", value), "shakes"]),
        pan=value,
        shake=abs(value) * draw.uniform(0.6, 1.0),
        seed=seed,
    )


class Person:
    """A silhouette that acts, with the brightness of another picture, and wanders over the screen."""

    def __init__(self, shared: Path, half: str, texture: NDArray[np.uint8], draw: random.Random) -> None:
        action = draw.choice((22, 23, 3, 13, 26))
        folder = shared / "actions" / "utd-mhad-depth" / f"a{action:02d}"
        subject = draw.choice(SUBJECTS[half])
        path = draw.choice(sorted(folder.glob(f"*_s{subject}_t*.mp4")))
        with open_video(path) as video:
            frames = [frame.pixels[..., 0] for frame in video.frames()]
        self.height = draw.uniform(0.3, 0.75) * HEIGHT
        y, x = np.nonzero(np.max(frames, axis=0) > 24)
        box = slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1)
        self.masks = [((frame[box] > 24) * 255).astype(np.uint8) for frame in frames[::2]]
        self.scale = self.height / self.masks[0].shape[0]
        width = round(self.masks[0].shape[1] * self.scale)
        left, top = draw.randrange(0, 300), draw.randrange(0, 60)
        self.look = texture[top : top + round(self.height), left : left + width]
        self.start, self.speed = draw.uniform(0, 1), draw.choice((-1, 1)) * draw.uniform(0.05, 0.6) * HEIGHT
        self.y = draw.uniform(0.3, 0.7) * HEIGHT

    def paste(self, picture: NDArray[np.uint8], seconds: float) -> None:
        """Draw the person into the picture where it is at that second."""
        index = int(seconds * RATE) % (2 * len(self.masks) - 1)
        mask = self.masks[index if index < len(self.masks) else 2 * len(self.masks) - 2 - index]
        mask = cv2.resize(mask, (self.look.shape[1], self.look.shape[0]))
        track = WIDTH + self.look.shape[1]
        x = round((self.start * track + self.speed * seconds) % track) - self.look.shape[1]
        y = round(self.y - self.look.shape[0] / 2)
        left, top = max(0, x), max(0, y)
        right, bottom = min(WIDTH, x + self.look.shape[1]), min(HEIGHT, y + self.look.shape[0])
        if left < right and top < bottom:
            inner = slice(top - y, bottom - y), slice(left - x, right - x)
            where = mask[inner] > 127
            picture[top:bottom, left:right][where] = self.look[inner][where]


def film(parts: list[Part], scene: NDArray[np.uint8], people: list[Person], seed: int) -> Iterator[Frame]:
    """The frames of a video that does one part after the other."""
    noise = np.random.default_rng(seed)
    x, y, zoom, roll = scene.shape[1] / 2, scene.shape[0] / 2, 0.0, 0.0
    for index in range(round(len(parts) * PART_SECONDS * RATE)):
        seconds = index / RATE
        part = parts[int(seconds // PART_SECONDS)]
        if index:
            scale, turn = HEIGHT / math.exp(zoom) / RATE, math.radians(roll)
            right, up = part.pan * scale, part.tilt * scale
            x += right * math.cos(turn) + up * math.sin(turn)
            y += right * math.sin(turn) - up * math.cos(turn)
            zoom, roll = zoom + part.zoom / RATE, roll + part.roll / RATE
        shake_x, shake_y, shake_roll = _shake(part, seconds)
        picture = _look(scene, x + shake_x, y + shake_y, math.exp(zoom), roll + shake_roll)
        for person in people:
            person.paste(picture, seconds)
        noisy = np.clip(picture + noise.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
        decoded = cv2.imdecode(
            cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE
        )
        small = cv2.resize(decoded, (213, 120), interpolation=cv2.INTER_AREA)
        yield Frame(np.asarray(small, np.uint8), seconds, 1 / RATE, index)


def act_out(
    act: str, shared: Path, scene: NDArray[np.uint8], texture: NDArray[np.uint8], draw: random.Random
) -> Iterator[Frame]:
    """Three seconds of a still picture in which one real silhouette falls, runs, walks, squats or sits down."""
    actions = {"falls": 1, "runs": 22, "walks": 23, "squats": 27, "sits down": 25}
    folder = shared / "actions" / "utd-mhad-depth" / f"a{actions[act]:02d}"
    with open_video(draw.choice(sorted(folder.glob("*.mp4")))) as video:
        frames = [frame.pixels[..., 0] for frame in video.frames()]
    union = np.max(frames, axis=0) > 24
    y, x = np.nonzero(union)
    box = slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1)
    height = draw.uniform(0.3, 0.6) * HEIGHT
    scale = height / (box[0].stop - box[0].start)
    noise, side = np.random.default_rng(draw.randrange(10**6)), draw.choice((-1, 1))
    pace = {"runs": draw.uniform(1.6, 2.4), "walks": draw.uniform(0.6, 0.95)}.get(act, 0.0) * side * height
    feet_x, feet_y = WIDTH / 2 - pace * 1.5, draw.uniform(0.8, 0.98) * HEIGHT
    left, top, fall_seconds = draw.randrange(0, 200), draw.randrange(0, 100), draw.uniform(0.5, 0.8)
    back = _look(scene, scene.shape[1] / 2, scene.shape[0] / 2, 1.0, 0.0)
    for index in range(round(3 * RATE)):
        seconds = index / RATE
        shown = 0 if act == "falls" else round(seconds * 30) % (2 * len(frames) - 2)
        if act in ("squats", "sits down"):
            shown = min(round(seconds * 30), len(frames) - 1)
        mask = (frames[min(shown, 2 * len(frames) - 2 - shown)][box] > 24).astype(np.uint8) * 255
        turn = min(max((seconds - 1.2) / fall_seconds, 0.0), 1.0) ** 2 * 90 * side if act == "falls" else 0.0
        # The middle of the feet stays where it is on the ground.
        c, s = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
        middle, bottom = mask.shape[1] / 2, mask.shape[0]
        place_x = feet_x + pace * seconds
        matrix = np.array(
            [[c, -s, place_x - c * middle + s * bottom], [s, c, feet_y - s * middle - c * bottom]]
        )
        where = cv2.warpAffine(mask, matrix, (WIDTH, HEIGHT)) > 127
        look = cv2.warpAffine(
            texture[top : top + mask.shape[0], left : left + mask.shape[1]], matrix, (WIDTH, HEIGHT)
        )
        picture = np.where(where, look, back)
        noisy = np.clip(picture + noise.normal(0, 3, picture.shape), 0, 255)
        small = cv2.resize(noisy, (213, 120), interpolation=cv2.INTER_AREA)
        yield Frame(small.astype(np.uint8), seconds, 1 / RATE, index)


def load_scene(shared: Path, clip: str, second: float) -> NDArray[np.uint8]:
    """A real picture, in gray, large enough to look around in."""
    with open_video(shared / "clips" / clip) as video:
        picture = video.frames_at(seconds=[second]).pixels[0]
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    factor = 720 / gray.shape[0]
    return np.asarray(cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))


def _look(
    scene: NDArray[np.uint8], x: float, y: float, zoom: float, roll_degrees: float
) -> NDArray[np.uint8]:
    c, s = math.cos(math.radians(roll_degrees)) / zoom, math.sin(math.radians(roll_degrees)) / zoom
    matrix = np.array([[c, -s, x], [s, c, y]])
    matrix[:, 2] -= matrix[:, :2] @ ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT)
    )


def _shake(part: Part, seconds: float) -> tuple[float, float, float]:
    """Offsets in pixels and degrees of a hand: a few sines of 2 to 6 Hz with the speed that was asked for."""
    if not part.shake:
        return 0.0, 0.0, 0.0
    draw = random.Random(part.seed)
    offsets = []
    for _ in range(3):
        total = 0.0
        for _ in range(3):
            hertz, phase = draw.uniform(2, 6), draw.uniform(0, 7)
            total += math.sin(2 * math.pi * hertz * seconds + phase) / (2 * math.pi * hertz)
        # Three sines of speed 1 have a speed of sqrt(3 / 2); two axes share the whole.
        offsets.append(total * part.shake / math.sqrt(3))
    return offsets[0] * HEIGHT, offsets[1] * HEIGHT, math.degrees(offsets[2]) * 0.3
