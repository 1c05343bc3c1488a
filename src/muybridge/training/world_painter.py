"""From a planned scene to frames, label maps and flow.

Every layer (the background, each actor's sprite) has one affine map into the picture per frame. Painting draws with it;
the flow of a layer's pixels is the map of the next frame after the inverse of this one's, so it is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.training.world_drawing import (
    draw_background,
    draw_sprite,
    draw_word,
    lay_over,
    sensor_noise,
    warp_sprite,
)
from muybridge.training.world_scene import Scene

__all__ = ["WORD_LABEL", "ScenePainter"]

WORD_LABEL = -1
"""What a label map says where a word covers the picture."""

_BACKGROUND_MARGIN = 1.5
_NOISE_MARGIN = 32


class ScenePainter:
    """Paints the frames of one scene.

    Args:
        scene: what to paint.
        height: pixels.
        width: pixels.
        frames_per_second: the rate.
        noise: standard deviation of the sensor's noise, of 0–255.
        cutouts: name → (h, w, 4) uint8 RGBA.
        backgrounds: (h, w, 3) uint8 RGB each.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        height: int,
        width: int,
        frames_per_second: float,
        noise: float,
        cutouts: Mapping[str, NDArray[np.uint8]],
        backgrounds: Sequence[NDArray[np.uint8]],
    ) -> None:
        self.scene, self.height, self.width, self.noise = scene, height, width, noise
        self.seconds = np.arange(round(scene.duration_seconds * frames_per_second)) / frames_per_second
        self.poses = scene.poses(self.seconds)
        self.camera = scene.camera.poses(self.seconds, scene.duration_seconds)
        self.background = draw_background(
            scene.seed,
            round(height * _BACKGROUND_MARGIN),
            round(width * _BACKGROUND_MARGIN),
            backgrounds,
        )
        zoom = math.exp(self.camera[:, 2].max())
        self.sprites = []
        for actor, poses in zip(scene.actors, self.poses, strict=True):
            largest = actor.size * math.exp(poses[:, 3].max()) * zoom
            self.sprites.append(draw_sprite(actor, max(4, math.ceil(largest * height)), cutouts))
        self.background_places = self._background_to_picture()
        self.sprite_places = [self._sprite_to_picture(actor) for actor in range(len(self.sprites))]
        self.words = [draw_word(word, height) for word in scene.words]
        random = np.random.default_rng([scene.seed, 2])
        self.gain = float(random.uniform(0.85, 1.1))
        self.noise_start = random.integers(0, _NOISE_MARGIN, 2)

    def paint(self, number: int, out: NDArray[np.uint8]) -> None:
        """Paint the scene's n-th frame into (H, W, 3) uint8 RGB."""
        height, width = out.shape[:2]
        cv2.warpAffine(
            self.background, self.background_places[number], (width, height), dst=out,
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
        for actor, sprite in enumerate(self.sprites):
            lay_over(out, sprite, self.sprite_places[actor][number], float(self.poses[actor, number, 4]))
        cv2.convertScaleAbs(out, dst=out, alpha=self.gain)
        for sprite, place in self._words_at(number):
            lay_over(out, sprite, place)
        if self.noise > 0:  # another part of the same noise in each frame
            noise = sensor_noise(height + _NOISE_MARGIN, width + _NOISE_MARGIN, self.noise)
            top, left = (self.noise_start + (number * 7, number * 11)) % _NOISE_MARGIN
            cv2.add(out, noise[top : top + height, left : left + width], dst=out, dtype=cv2.CV_8U)

    def labels(self, number: int) -> NDArray[np.int16]:
        """(H, W) what is seen where: 0 the background, n the n-th actor, `WORD_LABEL` a word."""
        labels = np.zeros((self.height, self.width), np.int16)
        for actor, sprite in enumerate(self.sprites):
            place, opacity = self.sprite_places[actor][number], self.poses[actor, number, 4]
            self._mark(labels, sprite, place, float(opacity), actor + 1)
        for sprite, place in self._words_at(number):
            self._mark(labels, sprite, place, 1.0, WORD_LABEL)
        return labels

    def circles(self) -> NDArray[np.float64]:
        """(N, T, 3): x, y and radius in pixels of the circle around each actor, seen or not."""
        found = np.empty((*self.poses.shape[:2], 3))
        for actor, (sprite, places) in enumerate(zip(self.sprites, self.sprite_places, strict=True)):
            middle = (sprite.shape[0] - 1) / 2
            found[actor, :, :2] = places @ (middle, middle, 1.0)
            found[actor, :, 2] = np.hypot(places[:, 0, 0], places[:, 1, 0]) * (sprite.shape[0] - 2) / 2
        return found

    def flow(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(H, W, 2) pixels to the next frame, and (H, W) True where that does not show it any more."""
        now, then = self.labels(number), self.labels(number + 1)
        height, width = now.shape
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        flow = np.zeros((height, width, 2), np.float64)
        for label, places_of_layer in enumerate([self.background_places, *self.sprite_places]):
            here = now == label
            step = _square(places_of_layer[number + 1]) @ np.linalg.inv(_square(places_of_layer[number]))
            places = np.stack([x[here], y[here], np.ones(int(here.sum()))])
            flow[here] = (step @ places - places)[:2].T
        to_x, to_y = np.rint(x + flow[..., 0]).astype(int), np.rint(y + flow[..., 1]).astype(int)
        leaves = (to_x < 0) | (to_x >= width) | (to_y < 0) | (to_y >= height)
        seen = then[np.clip(to_y, 0, height - 1), np.clip(to_x, 0, width - 1)]
        return flow.astype(np.float32), leaves | (seen != now)

    def _background_to_picture(self) -> NDArray[np.float64]:
        """(T, 2, 3), from pixel places in the background to pixel places in the picture."""
        rows, columns = self.background.shape[:2]
        unit = 1 / self.height
        to_scene = np.array([[unit, 0, (0.5 - columns / 2) * unit], [0, unit, (0.5 - rows / 2) * unit]])
        return self._scene_to_picture(np.repeat(to_scene[None], len(self.seconds), axis=0))

    def _sprite_to_picture(self, actor: int) -> NDArray[np.float64]:
        """(T, 2, 3), from pixel places in the actor's sprite to pixel places in the picture."""
        x, y, turn, log_scale, _ = self.poses[actor].T
        side = self.sprites[actor].shape[0]
        unit = self.scene.actors[actor].size * np.exp(log_scale) / (side - 2)
        c, s = unit * np.cos(turn), unit * np.sin(turn)
        middle = (side - 1) / 2
        to_scene = np.array([[c, -s, x - (c - s) * middle], [s, c, y - (s + c) * middle]])
        return self._scene_to_picture(np.moveaxis(to_scene, 2, 0))

    def _scene_to_picture(self, to_scene: NDArray[np.float64]) -> NDArray[np.float64]:
        height, width = self.height, self.width
        pixels = (np.exp(self.camera[:, 2]) * height)[:, None, None]
        middle = np.array([width / 2 - 0.5, height / 2 - 0.5])
        return np.concatenate(
            [
                to_scene[..., :2] * pixels,
                (to_scene[..., 2:] - self.camera[:, :2, None]) * pixels + middle[:, None],
            ],
            axis=2,
        )

    def _words_at(self, number: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
        height, width = self.height, self.width
        now = self.seconds[number] + 1e-9
        for word, sprite in zip(self.scene.words, self.words, strict=True):
            if word.start_seconds <= now < word.end_seconds:
                left = round(width / 2 + word.x * height - sprite.shape[1] / 2)
                top = round(height / 2 + word.y * height - sprite.shape[0] / 2)
                yield sprite, np.array([[1.0, 0.0, left], [0.0, 1.0, top]])

    @staticmethod
    def _mark(
        labels: NDArray[np.int16],
        sprite: NDArray[np.uint8],
        place: NDArray[np.float64],
        opacity: float,
        label: int,
    ) -> None:
        found = warp_sprite(sprite, place, *labels.shape)
        if found is not None:
            rows, columns, patch = found
            labels[rows, columns][patch[..., 3] * opacity >= 127.5] = label


def _square(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack([affine, [0.0, 0.0, 1.0]])
