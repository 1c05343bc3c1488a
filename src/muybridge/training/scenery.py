"""Backgrounds and cloth out of random numbers: what stands behind a cut-out person, and what she wears.

Colored noise over octaves has the falling spectrum of natural pictures (Ruderman, "The statistics of natural
images", 1994); rectangles, lines and ellipses on it give the straight edges of rooms and streets.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["cloth", "noise_picture", "room_picture"]

Pixels = NDArray[np.uint8]


def noise_picture(chance: Generator, height: int, width: int, *, roughness: float | None = None) -> Pixels:
    """Colored noise (height, width, 3): each octave is `roughness` times as strong as the one before.

    >>> noise_picture(np.random.default_rng(0), 24, 32).shape
    (24, 32, 3)
    """
    roughness = chance.uniform(0.35, 0.9) if roughness is None else roughness
    picture = np.zeros((height, width, 3), np.float32)
    strength, longer = 1.0, max(height, width)
    for cells in (3, 6, 12, 24, 48, 96):
        grid = (max(2, cells * height // longer), max(2, cells * width // longer), 3)
        noise = chance.standard_normal(grid, dtype=np.float32)
        if chance.random() < 0.5:  # one color, lighter and darker
            noise = noise.mean(axis=-1, keepdims=True) * chance.uniform(0.3, 1.2, 3).astype(np.float32)
        picture += strength * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        strength *= roughness
    contrast, mean = chance.uniform(8, 50), chance.uniform(30, 225, 3)
    return np.asarray(np.clip(picture / picture.std() * contrast + mean, 0, 255), np.uint8)


def room_picture(chance: Generator, height: int, width: int) -> Pixels:
    """A wall, a floor and things before them (height, width, 3).

    >>> room_picture(np.random.default_rng(0), 24, 32).shape
    (24, 32, 3)
    """
    wall = noise_picture(chance, height, width, roughness=0.4)
    floor = noise_picture(chance, height, width, roughness=0.7)
    picture = (0.3 * wall + 0.7 * chance.uniform(0, 255, 3)).astype(np.uint8)
    horizon = int(height * chance.uniform(0.5, 0.95))
    picture[horizon:] = (0.4 * floor + 0.6 * chance.uniform(0, 255, 3)).astype(np.uint8)[horizon:]
    for _ in range(chance.integers(0, 14)):
        x, y = int(chance.integers(-20, width)), int(chance.integers(-20, height))
        w, h = int(chance.integers(4, width // 2)), int(chance.integers(4, height // 2))
        color = tuple(int(value) for value in chance.uniform(0, 255, 3))
        kind = chance.random()
        if kind < 0.6:
            thickness = -1 if chance.random() < 0.7 else int(chance.integers(1, 4))
            cv2.rectangle(picture, (x, y), (x + w, y + h), color, thickness)
        elif kind < 0.8:
            cv2.line(picture, (x, y), (x + w, y + h), color, int(chance.integers(1, 5)), cv2.LINE_AA)
        else:
            angle = float(chance.uniform(0, 180))
            cv2.ellipse(picture, (x, y), (w // 2 + 1, h // 2 + 1), angle, 0, 360, color, -1, cv2.LINE_AA)
    return picture


def cloth(chance: Generator, height: int, width: int) -> Pixels:
    """What a person looks like from top to toe (height, width, 3): hair, face, shirt, trousers, shoes; or one pattern.

    >>> cloth(np.random.default_rng(0), 30, 20).shape
    (30, 20, 3)
    """
    pattern = noise_picture(chance, height, width)
    if chance.random() < 0.25:
        return pattern
    skin = chance.uniform(90, 235) * np.array([1, 0.78, 0.64])
    hair = np.full(3, chance.uniform(10, 120))
    colors = [hair, skin, chance.uniform(0, 255, 3), chance.uniform(0, 200, 3), chance.uniform(0, 255, 3)]
    borders = np.array([0, 0.08, 0.2, chance.uniform(0.48, 0.62), 0.93, 1]) * height
    picture = np.zeros((height, width, 3), np.float32)
    for top, bottom, color in zip(borders, borders[1:], colors, strict=False):
        picture[int(top) : int(np.ceil(bottom))] = color
    folds = (pattern - pattern.mean(axis=(0, 1))) * chance.uniform(0.1, 0.9)
    return np.asarray(np.clip(cv2.GaussianBlur(picture, (0, 0), 1.5) + folds, 0, 255), np.uint8)
