"""Clips of people before backgrounds they never stood before, painted anew each time.

    actor ──moments──► frames ──cloth, relief, light──► colors ─┐
    place, size, tilt ──────────────────────────────────────────┼──► over a background ──► camera, light, noise
    background: noise, rooms, pictures of other clips ──────────┘

A network that sees few people before one background remembers the background. Here the background says
nothing, and neither do clothes, size, place, side, light and speed; what is left to learn is the movement. The class
"none" is painted too: people who stand still or pass by, crowds, parts of bodies too near to tell, bodies that jump
between unrelated poses, things and pieces of pictures that move, cameras that move, cuts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from muybridge.training.actors import FOREGROUND, Actor
from muybridge.training.scenery import cloth, noise_picture, room_picture
from muybridge.training.turning import turned

__all__ = ["ActorClips", "ClipShape", "PaintedClip", "Stage"]

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
        moments = self.moments(chance, actor, speed)
        masks = None if actor.masks is None else actor.masks[moments]
        frames = actor.frames[moments]
        if actor.is_depth and chance.random() < self.turned_share:
            yaw = chance.normal(0, 22) if chance.random() < 0.6 else chance.uniform(-90, 90)
            frames = turned(frames, yaw)
        return replace(actor, frames=frames, masks=masks)

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


@dataclass(frozen=True, slots=True)
class PaintedClip:
    """What was painted.

    Args:
        frames: (T, S, S, 3).
        target: the class.
        masks: (T, S, S), 255 where people are; None where nobody knows.
    """

    frames: Pixels
    target: int
    masks: Pixels | None


class ActorClips:
    """A training set of painted clips; see `__getitem__`.

    Args:
        stage: paints them.
        composed: actors whose clips are put before other backgrounds.
        shown: clips that are shown as they are, for example those of real cameras.
        mirrored: class → class of the mirrored clip; classes that are missing stay what they are.
        none_label: the class of what is painted to be none of the others.
        num_none: how many such clips an epoch has.
        passers_by: actors who walk, for clips of that class.

    The random numbers come from numpy's global generator, which the training loop seeds for each epoch and item.
    """

    def __init__(
        self,
        stage: Stage,
        composed: Sequence[Actor],
        shown: Sequence[Actor],
        *,
        mirrored: Mapping[int, int],
        none_label: int,
        num_none: int,
        passers_by: Sequence[Actor] = (),
    ) -> None:
        self.stage, self.composed, self.shown, self.passers_by = stage, composed, shown, passers_by
        self.mirrored, self.none_label, self.num_none = mirrored, none_label, num_none

    def __len__(self) -> int:
        return len(self.composed) + len(self.shown) + self.num_none

    def name_of(self, index: int) -> str:
        """The recording behind an item."""
        actors = [*self.composed, *self.shown]
        return actors[index].name if index < len(actors) else "painted"

    def __getitem__(self, index: int) -> tuple[Pixels, int, NDArray[np.float32]]:
        """An item.

        Returns:
            The clip (3, T, S, S) uint8; its class; and for each cell of 8×8 pixels the share (T, S/8, S/8) that people
            cover, −1 where nobody knows.
        """
        painted = self.paint(np.random.default_rng(np.random.randint(2**31)), index)
        cells = self.stage.shape.size_px // 8
        shape = (self.stage.shape.num_frames, cells, cells)
        covered = np.full(shape, -1, np.float32)
        if painted.masks is not None:
            covered = np.stack(
                [cv2.resize(m, (cells, cells), interpolation=cv2.INTER_AREA) for m in painted.masks]
            ).astype(np.float32)
            covered /= 255
        return np.ascontiguousarray(painted.frames.transpose(3, 0, 1, 2)), painted.target, covered

    def paint(self, chance: Generator, index: int) -> PaintedClip:
        """Paint an item with these random numbers."""
        stage, num_composed = self.stage, len(self.composed)
        if index >= num_composed + len(self.shown):
            return self.paint_none(chance)
        mirrored = stage.varied and chance.random() < 0.3
        masks: Pixels | None
        if index >= num_composed:
            actor = self.shown[index - num_composed]
            frames, masks = stage.show(chance, actor, mirrored=mirrored)
        else:
            actor = self.composed[index]
            frames, masks = self._compose(chance, actor, mirrored=mirrored)
        return PaintedClip(
            frames, self.mirrored.get(actor.label, actor.label) if mirrored else actor.label, masks
        )

    def _compose(self, chance: Generator, actor: Actor, *, mirrored: bool) -> Layer:
        stage, size = self.stage, self.stage.shape.size_px
        speed = chance.uniform(0.55, 1.25) if actor.is_depth else chance.uniform(0.75, 1.4)
        actor = stage.moved_actor(chance, actor, speed)
        if chance.random() < stage.plain_share:
            path = np.zeros((stage.shape.num_frames, 2), np.float32)
            place = stage.place(chance, actor, tall_px=size * chance.uniform(0.65, 0.9), mirrored=mirrored)
            colors, opacity = stage.paint_actor(chance, actor, place, path)
            if actor.is_depth:
                colors = np.full_like(colors, 230)
            ground = np.full((8, 8, 3), chance.integers(0, 60), np.uint8)
            return stage.compose(chance, [(colors, opacity)], ground, path), opacity
        path = stage.camera_path(chance)
        place = stage.place(chance, actor, mirrored=mirrored)
        layer = stage.paint_actor(chance, actor, place, path)
        return stage.compose(chance, [layer], stage.background(chance), path), layer[1]

    def paint_none(self, chance: Generator) -> PaintedClip:
        """Something that is no action: see the top of this file."""
        stage, kind = self.stage, chance.random()
        num_frames, size = stage.shape.num_frames, stage.shape.size_px
        path = stage.camera_path(chance)
        if chance.random() < 0.4:
            path = stage.straight_path(chance.normal(0, 1.5, 2))
        people: list[Layer] = []
        things: list[Layer] = []
        actor = self.composed[int(chance.integers(len(self.composed)))]
        last = len(actor.frames) - 1

        def at(moments: NDArray[np.int64]) -> Actor:
            masks = None if actor.masks is None else actor.masks[moments]
            return replace(actor, frames=actor.frames[moments], masks=masks)

        if kind < 0.2:  # stands still, and sways a little
            still = 0 if chance.random() < 0.6 else last
            sway = chance.integers(-1, 2, num_frames) * (chance.random() < 0.5)
            standing = at(np.clip(still + sway, 0, last).astype(np.int64))
            people = [stage.paint_actor(chance, standing, stage.place(chance, actor), path)]
        elif kind < 0.5:  # people who pass by: one near, or a crowd far off
            num_people = int(chance.integers(1, 4) if chance.random() < 0.5 else chance.integers(3, 9))
            people = [self._passer_by(chance, path, num_people=num_people) for _ in range(num_people)]
        elif kind < 0.62:  # too near: only a part of the body
            place = stage.place(chance, actor, tall_px=size * chance.uniform(1.9, 4))
            height, width = actor.frames.shape[1:3]
            part = np.array([width / 2, height * chance.uniform(0.1, 0.9)])
            place[:, 2] = size * chance.uniform(0.3, 0.7, 2) - place[:, :2] @ part
            near = at(stage.moments(chance, actor, chance.uniform(0.1, 1)))
            people = [stage.paint_actor(chance, near, place, path)]
        elif kind < 0.87:
            things = stage.paint_things(chance, path)
        elif kind < 0.93:  # a body that jumps between unrelated poses
            poses = at(chance.integers(0, last + 1, num_frames))
            people = [stage.paint_actor(chance, poses, stage.place(chance, actor), path)]
        frames = stage.compose(chance, [*people, *things], stage.background(chance), path)
        masks = np.zeros(frames.shape[:3], np.uint8)
        for _, opacity in people:
            masks = np.maximum(masks, opacity)
        if chance.random() < 0.2:  # a cut
            cut = int(chance.integers(3, num_frames - 3))
            other = self.paint_none(chance)
            assert other.masks is not None
            frames = np.concatenate([frames[:cut], other.frames[cut:]])
            masks = np.concatenate([masks[:cut], other.masks[cut:]])
        return PaintedClip(frames, self.none_label, masks)

    def _passer_by(self, chance: Generator, path: NDArray[np.float32], *, num_people: int) -> Layer:
        """Somebody who crosses the picture; the more people, the smaller and slower."""
        stage, size = self.stage, self.stage.shape.size_px
        actors = self.passers_by if self.passers_by and chance.random() < 0.6 else self.composed
        actor = actors[int(chance.integers(len(actors)))]
        tall = size * float(np.exp(chance.uniform(np.log(0.1), np.log(0.8 if num_people < 4 else 0.35))))
        # A walk of 1.4 m a second is a tenth of one's height in each of eight frames a second.
        velocity = chance.normal(0, [1, 0.35]) * tall * 0.12
        actor = stage.moved_actor(chance, actor, chance.uniform(0.3, 1.3))
        place = stage.place(chance, actor, tall_px=tall, mirrored=chance.random() < 0.5)
        return stage.paint_actor(chance, actor, place, path + stage.straight_path(velocity))


def _middle(actor: Actor) -> NDArray[np.float64]:
    """(x, y) of the middle of the body in the actor's frames."""
    if actor.masks is None:
        return np.array([actor.frames.shape[2] / 2, actor.frames.shape[1] / 2])
    rows, columns = np.nonzero(actor.masks[0])
    if not len(rows):
        return np.array([actor.frames.shape[2] / 2, actor.frames.shape[1] / 2])
    return np.array([columns.mean(), (rows.min() + rows.max()) / 2])
