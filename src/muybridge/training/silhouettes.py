"""Clips of people before backgrounds they never stood before, painted anew each time.

    actor ──moments──► frames ──cloth, relief, light──► colors ─┐
    place, size, tilt ──────────────────────────────────────────┼──► over a background ──► camera, light, noise
    background: noise, rooms, pictures of other clips ──────────┘

A network that sees few people before one background remembers the background. Here the background says
nothing, and neither do clothes, size, place, side, light and speed; what is left to learn is the movement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from muybridge.training.actors import FOREGROUND, Actor
from muybridge.training.scenery import cloth, noise_picture, room_picture
from muybridge.training.turning import turned

__all__ = ["ClipShape", "Layer", "Stage"]

Pixels = NDArray[np.uint8]
Layer = tuple[Pixels, Pixels]  # colors (T, S, S, 3) and opacity (T, S, S)


@dataclass(frozen=True, slots=True)
class ClipShape:
    """What a painted clip measures.

    Args:
        num_frames: T.
        size_px: S, height and width; a frame is squeezed into this square whole.
        frames_per_second: the rate at which the clip's frames follow each other.
    """

    num_frames: int = 16
    size_px: int = 96
    frames_per_second: float = 8.0


class Stage:
    """Paints clips (T, S, S, 3).

    Args:
        shape: of the clips.
        pictures: real pictures (H, W, 3) that may stand behind a person, beside the painted ones.
        seed: of the store of painted backgrounds and cloths.
        varied: light, camera, noise, speed and mirror vary, as for training; False keeps them still, for a test.
        plain_share: how many of the clips are plain silhouettes, bright and large before a dark ground. A network
            that begins with those learns what a movement is before it must find it.
        turned_share: how many of the recorded depth clips are seen from another side.
    """

    def __init__(
        self,
        shape: ClipShape,
        pictures: Sequence[Pixels],
        *,
        seed: int = 0,
        varied: bool = True,
        plain_share: float = 0.0,
        turned_share: float = 0.0,
    ) -> None:
        self.shape, self.pictures, self.varied = shape, pictures, varied
        self.plain_share, self.turned_share = plain_share, turned_share
        chance = np.random.default_rng(seed)
        painters = (noise_picture, room_picture)
        self.backgrounds = [painters[i % 2](chance, 192, 256) for i in range(160)]
        self.cloths = [cloth(chance, 200, 160) for _ in range(200)]
        # Drawing fresh noise would take longer than all the painting.
        size = shape.size_px
        self.noise = chance.standard_normal((64, size, size, 1), dtype=np.float32)

    def moments(self, chance: Generator, actor: Actor, speed: float) -> NDArray[np.int64]:
        """Which frames of the recording to show; a recording that is too short stands still before or after."""
        num_frames = len(actor.frames)
        step = actor.frames_per_second / self.shape.frames_per_second * speed
        slack = num_frames - 1 - (self.shape.num_frames - 1) * step
        if slack > 0 and not self.varied:
            start = slack / 2
        elif slack > 0:
            start = float(np.clip(slack * chance.normal(0.5, 0.22), 0, slack))
        else:
            start = chance.uniform(slack, 0)
        moments = start + np.arange(self.shape.num_frames) * step
        if self.varied:
            moments += chance.uniform(-0.25, 0.25, len(moments)) * min(step, 2)
        return np.asarray(np.clip(moments.round(), 0, num_frames - 1), np.int64)

    def camera_path(self, chance: Generator) -> NDArray[np.float32]:
        """(T, 2) pixels by which the picture moves: mostly none, else a hand that shakes or a slow pan."""
        num_frames, kind = self.shape.num_frames, chance.random()
        path = np.zeros((num_frames, 2), np.float32)
        if self.varied and kind < 0.25:
            steps = chance.normal(0, chance.uniform(0.1, 0.6), (num_frames, 2))
            path = steps.cumsum(axis=0).astype(np.float32)
        elif self.varied and kind < 0.4:
            path = self.straight_path(chance.normal(0, 0.8, 2))
        return path

    def moved_actor(self, chance: Generator, actor: Actor, speed: float) -> Actor:
        """The actor at the moments of one clip, perhaps from another side."""
        actor = actor.at(self.moments(chance, actor, speed))
        if actor.is_depth and chance.random() < self.turned_share:
            yaw = chance.normal(0, 22) if chance.random() < 0.6 else chance.uniform(-90, 90)
            actor = replace(actor, frames=turned(actor.frames, yaw))
        return actor

    def straight_path(self, velocity: NDArray[np.float64]) -> NDArray[np.float32]:
        """(T, 2) pixels for a velocity (2,) in pixels per frame, 0 in the middle of the clip."""
        num_frames = self.shape.num_frames
        return np.outer(np.arange(num_frames) - num_frames / 2, velocity).astype(np.float32)

    def background(self, chance: Generator) -> Pixels:
        """A picture to stand before."""
        kind = chance.random()
        if kind < 0.45 or not self.pictures:
            return self.backgrounds[chance.integers(len(self.backgrounds))]
        if kind < 0.6:
            return room_picture(chance, 144, 192)
        return self.pictures[int(chance.integers(len(self.pictures)))]

    def place(
        self, chance: Generator, actor: Actor, *, tall_px: float | None = None, mirrored: bool = False
    ) -> NDArray[np.float32]:
        """An affine map (2, 3) from the actor's frames to the picture: size, width, tilt, and where she stands."""
        size = self.shape.size_px
        tall = tall_px or size * np.exp(chance.uniform(np.log(0.45), np.log(0.92)))
        y_scale = tall / actor.standing_px
        x_scale = y_scale * np.exp(chance.uniform(np.log(0.6), np.log(1.1)))
        tilt = np.deg2rad(chance.normal(0, 3))
        linear = np.array(
            [
                [np.cos(tilt) * x_scale, -np.sin(tilt) * x_scale],
                [np.sin(tilt) * y_scale, np.cos(tilt) * y_scale],
            ]
        )
        if mirrored:
            linear[0] *= -1
        half_width, half_height = min(0.42 * size, x_scale * 45), min(0.48 * size, tall / 2)
        x, y = (chance.uniform(half, size - half) for half in (half_width, half_height))
        if chance.random() < 0.4:
            x = size * chance.normal(0.5, 0.05)
        offset = np.array([x, y]) - linear @ _middle(actor)
        return np.column_stack([linear, offset]).astype(np.float32)

    def paint_actor(
        self,
        chance: Generator,
        actor: Actor,
        place: NDArray[np.float32],
        path: NDArray[np.float32],
    ) -> Layer:
        """The frames of the actor, one for each frame of the clip, in her own colors or in painted cloth."""
        size = (self.shape.size_px, self.shape.size_px)
        dress = self._dress(chance, actor) if actor.is_depth else None
        colors, opacities = [], []
        for index, (frame, offset) in enumerate(zip(actor.frames, path, strict=True)):
            moved = place.copy()
            moved[:, 2] += offset
            if dress is not None:
                frame, mask = dress(frame)
            else:
                assert actor.masks is not None
                mask = actor.masks[index]
            colors.append(cv2.warpAffine(frame, moved, size, borderMode=cv2.BORDER_REPLICATE))
            opacities.append(cv2.warpAffine(mask, moved, size))
        return np.stack(colors), np.stack(opacities)

    def compose(
        self, chance: Generator, layers: Sequence[Layer], background: Pixels, path: NDArray[np.float32]
    ) -> Pixels:
        """Layers over a background that moves with the camera; then light, contrast, blur and noise."""
        size, num_frames = self.shape.size_px, self.shape.num_frames
        zoom = chance.uniform(1, 1.8)
        x_scale, y_scale = size / background.shape[1] * zoom, size / background.shape[0] * zoom
        x, y = -chance.uniform(0, (zoom - 1) * size, 2)
        place = np.array([[x_scale, 0, x], [0, y_scale, y]], np.float32)
        if chance.random() < 0.5:
            place[0] = [-x_scale, 0, size - x]
        picture = np.empty((num_frames, size, size, 3), np.uint8)
        for index, offset in enumerate(path):
            if index and np.array_equal(offset, path[index - 1]):
                picture[index] = picture[index - 1]
                continue
            moved = place.copy()
            moved[:, 2] += offset
            picture[index] = cv2.warpAffine(background, moved, (size, size), borderMode=cv2.BORDER_REFLECT)
        rows = (num_frames * size, size)
        for colors, opacity in layers:
            weight = opacity.reshape(rows).astype(np.float32) / 255
            blended = cv2.blendLinear(colors.reshape(*rows, 3), picture.reshape(*rows, 3), weight, 1 - weight)
            picture = np.asarray(blended, np.uint8).reshape(picture.shape)
        return self._seen(chance, picture)

    def show(self, chance: Generator, actor: Actor, *, mirrored: bool) -> tuple[Pixels, Pixels | None]:
        """A clip as it was recorded, and its masks; for training a large part of it, at a speed near its own."""
        num_frames, size = self.shape.num_frames, self.shape.size_px
        height, width = actor.frames.shape[1:3]
        x, y, crop_width, crop_height, speed = 0.0, 0.0, float(width), float(height), 1.0
        path = np.zeros((num_frames, 2), np.float32)
        if self.varied:
            speed, zoom = chance.uniform(0.8, 1.3), chance.uniform(0.6, 1)
            crop_height = height * zoom
            crop_width = width * float(np.clip(zoom * np.exp(chance.normal(0, 0.12)), 0.5, 1))
            x, y = chance.uniform(0, width - crop_width), chance.uniform(0, height - crop_height)
            if actor.masks is not None:  # she stands in the middle, and her hands must stay in the picture
                x = float(np.clip((width - crop_width) / 2 + chance.normal(0, 6), 0, width - crop_width))
            path = self.camera_path(chance) if chance.random() < 0.4 else path
        x_scale, y_scale = size / crop_width, size / crop_height
        place = np.array([[x_scale, 0, -x * x_scale], [0, y_scale, -y * y_scale]], np.float32)
        if mirrored:
            place[0] *= -1
            place[0, 2] += size
        frames, masks = np.empty((num_frames, size, size, 3), np.uint8), []
        for index, moment in enumerate(self.moments(chance, actor, speed)):
            moved = place.copy()
            moved[:, 2] += path[index]
            frames[index] = cv2.warpAffine(
                actor.frames[moment], moved, (size, size), borderMode=cv2.BORDER_REFLECT
            )
            if actor.masks is not None:
                masks.append(cv2.warpAffine(actor.masks[moment], moved, (size, size)))
        return self._seen(chance, frames), np.stack(masks) if masks else None

    def paint_things(self, chance: Generator, path: NDArray[np.float32]) -> list[Layer]:
        """Some shapes with a pattern, or cut out of pictures, that fly, swing, turn, grow or are squeezed."""
        size, num_frames = self.shape.size_px, self.shape.num_frames
        largest = size // 3 if chance.random() < 0.5 else int(0.7 * size)
        layers: list[Layer] = []
        for _ in range(chance.integers(1, 6)):
            mask = np.zeros((size, size), np.uint8)
            x, y = (int(value) for value in chance.integers(0, size, 2))
            w, h = (int(value) for value in chance.integers(2, largest, 2))
            if chance.random() < 0.5:
                cv2.ellipse(mask, (x, y), (w, h), float(chance.uniform(0, 180)), 0, 360, 255, -1)
            else:
                cv2.rectangle(mask, (x, y), (x + w, y + h), 255, -1)
            cloths = self.pictures if self.pictures and chance.random() < 0.5 else self.cloths
            pattern = cv2.resize(cloths[int(chance.integers(len(cloths)))], (size, size))
            velocity, swing = chance.normal(0, 3, 2), chance.normal(0, 8, 2) * (chance.random() < 0.5)
            turn, pace = chance.normal(0, 6) * (chance.random() < 0.5), chance.uniform(0.1, 1.2)
            squeeze = chance.uniform(-0.35, 0.35, 2) * (chance.random() < 0.5)
            colors, opacities = [], []
            for t in range(num_frames):
                place = cv2.getRotationMatrix2D((float(x), float(y)), float(turn * t), 1.0)
                stretch = 1 + squeeze * np.sin(pace * t + 1)
                place[:, :2] *= stretch[:, None]
                place[:, 2] = stretch * (place[:, 2] - [x, y]) + [x, y]
                place[:, 2] += velocity * (t - num_frames / 2) + swing * np.sin(pace * t) + path[t]
                opacities.append(cv2.warpAffine(mask, place, (size, size)))
                colors.append(cv2.warpAffine(pattern, place, (size, size), borderMode=cv2.BORDER_REFLECT))
            layers.append((np.asarray(colors, np.uint8), np.asarray(opacities, np.uint8)))
        return layers

    def _dress(self, chance: Generator, actor: Actor) -> _Dress:
        height, width = actor.frames.shape[1:]
        pattern = cv2.resize(self.cloths[chance.integers(len(self.cloths))], (width, height))
        if chance.random() < 0.5:
            pattern = pattern[:, :, chance.permutation(3)]
        if chance.random() < 0.4:
            pattern = cv2.convertScaleAbs(
                pattern, alpha=chance.uniform(0.5, 1.4), beta=chance.uniform(-30, 40)
            )
        first = actor.frames[0]
        distance = np.float32(np.median(first[first > FOREGROUND])) if first.any() else np.float32(100)
        return _Dress(
            np.asarray(pattern, np.uint8),
            distance,
            nearness=np.float32(chance.uniform(0, 1.6)),
            contour=np.float32(chance.uniform(0, 1.2)),
            light=(chance.uniform(-1, 1, 2) * chance.random()).astype(np.float32),
        )

    def _seen(self, chance: Generator, picture: Pixels) -> Pixels:
        """As a camera may give it: light, contrast, gray, a lamp that changes, blur, noise."""
        if not self.varied:
            return picture
        gain, offset = np.ones(3), np.zeros(3)
        if chance.random() < 0.7:
            gain = gain * chance.uniform(0.6, 1.35, 3 if chance.random() < 0.4 else 1)
        if chance.random() < 0.5:
            contrast = chance.uniform(0.6, 1.3)
            gain, offset = gain * contrast, 128 * (1 - contrast) + chance.uniform(-25, 25) + offset
        levels = np.arange(256)[:, None] * gain + offset
        table = np.clip(levels, 0, 255).astype(np.uint8)
        flat = picture.reshape(-1, picture.shape[2], 3)
        if chance.random() < 0.2:
            gray = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY)
            flat = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)
        picture = np.asarray(cv2.LUT(flat, table[None]), np.uint8).reshape(picture.shape)
        changes = np.linspace(0, chance.normal(0, 15), len(picture)) * (chance.random() < 0.25)
        noise = np.float32(chance.uniform(0, 7) * (chance.random() < 0.5))
        if noise or changes.any():
            which = chance.integers(0, len(self.noise), len(picture))
            added = self.noise[which] * noise + changes[:, None, None, None].astype(np.float32)
            picture = np.clip(picture + added, 0, 255).astype(np.uint8)
        if chance.random() < 0.3:
            blur = chance.uniform(0.3, 0.9)
            picture = np.stack([cv2.GaussianBlur(frame, (3, 3), blur) for frame in picture])
        return picture


@dataclass(frozen=True, slots=True)
class _Dress:
    """Paints a depth frame: cloth, brighter where it is near, darker along its contours, with light from one side."""

    pattern: Pixels
    distance: np.float32
    nearness: np.float32
    contour: np.float32
    light: NDArray[np.float32]

    def __call__(self, depth: Pixels) -> tuple[Pixels, Pixels]:
        relief = cv2.GaussianBlur(depth, (3, 3), 0).astype(np.float32) - self.distance
        dx = cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=0.125)
        dy = cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=0.125)
        shade = 1 - self.nearness * relief / 60
        shade -= self.contour / 16 * np.minimum(np.abs(dx) + np.abs(dy), 8)
        shade += np.clip(self.light[0] * dx + self.light[1] * dy, -4, 4) / 8
        shade = np.clip(shade, 0.25, 1.9)
        colors = np.clip(self.pattern * shade[..., None], 0, 255).astype(np.uint8)
        return colors, np.where(depth > FOREGROUND, np.uint8(255), np.uint8(0))


def _middle(actor: Actor) -> NDArray[np.float64]:
    """(x, y) of the middle of the body in the actor's frames."""
    if actor.masks is None:
        return np.array([actor.frames.shape[2] / 2, actor.frames.shape[1] / 2])
    rows, columns = np.nonzero(actor.masks[0])
    if not len(rows):
        return np.array([actor.frames.shape[2] / 2, actor.frames.shape[1] / 2])
    return np.array([columns.mean(), (rows.min() + rows.max()) / 2])
