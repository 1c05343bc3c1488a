"""Paints a scene of the procedural world: backgrounds that look real, textured actors, words.

    background ──camera──► picture ◄── each actor's sprite, back to front ◄── words

Colors are premultiplied by opacity, so that edges stay clean however often they are interpolated.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.training.world_scene import COLORS, SHAPES, Actor, Word

__all__ = [
    "BACKGROUNDS",
    "TEXTURES",
    "draw_background",
    "draw_sprite",
    "draw_word",
    "lay_over",
    "sensor_noise",
    "warp_sprite",
]

Pixels = NDArray[np.uint8]
TEXTURES = ("plain", "half", "stripes", "spot", "checks", "grain")
_SUPERSAMPLING = 4


def draw_sprite(actor: Actor, size_px: int, cutouts: Mapping[str, Pixels]) -> Pixels:
    """An actor at rest, upright.

    Args:
        actor: what to paint.
        size_px: its diameter in pixels.
        cutouts: name → (h, w, 4) uint8 RGBA of the cut-out pictures.

    Returns:
        (S, S, 4) uint8: RGB premultiplied by the opacity, and the opacity; one pixel of nothing all around.

    >>> draw_sprite(Actor("red", "square", 0.3, (0, 0, 0, 0, 1)), 20, {}).shape
    (22, 22, 4)
    """
    if actor.shape in cutouts:
        picture = cutouts[actor.shape].astype(np.float32)
        scale = size_px / max(picture.shape[:2])
        width, height = (max(1, round(side * scale)) for side in picture.shape[1::-1])
        alpha = picture[..., 3:] / 255.0
        small = cv2.resize(np.dstack([picture[..., :3] * alpha, picture[..., 3]]), (width, height),
                           interpolation=cv2.INTER_AREA)  # fmt: skip
        left, top = (size_px - width) // 2 + 1, (size_px - height) // 2 + 1
        sprite = np.zeros((size_px + 2, size_px + 2, 4), np.float32)
        sprite[top : top + height, left : left + width] = small
        return np.clip(np.rint(sprite), 0, 255).astype(np.uint8)
    alpha = _outline(actor.shape, size_px)[..., None]
    color = np.array(COLORS[actor.color], np.float32) + np.array(actor.tint, np.float32)
    surface = _texture(actor.texture, size_px + 2)[..., None] * color
    return np.dstack([np.clip(surface, 0, 255) * alpha, 255 * alpha]).round().astype(np.uint8)


@functools.lru_cache(maxsize=512)
def _outline(shape: str, size_px: int) -> NDArray[np.float32]:
    """(S + 2, S + 2) the share of each pixel that the shape covers."""
    side = (size_px + 2) * _SUPERSAMPLING
    canvas = np.zeros((side, side), np.uint8)
    middle, radius = side / 2, size_px * _SUPERSAMPLING / 2
    if shape in ("circle", "ring"):
        center = (round(middle * 16 - 8), round(middle * 16 - 8))
        cv2.circle(canvas, center, round(radius * 16 * 0.94), 255, cv2.FILLED, shift=4)
        if shape == "ring":
            cv2.circle(canvas, center, round(radius * 16 * 0.5), 0, cv2.FILLED, shift=4)
    else:
        corners = middle - 0.5 + radius * np.array(_corners(shape))
        cv2.fillPoly(canvas, [np.rint(corners * 16).astype(np.int32)], 255, shift=4)
    small = cv2.resize(canvas, (size_px + 2, size_px + 2), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _corners(shape: str) -> list[tuple[float, float]]:
    """The polygon in a circle of radius 1."""
    if shape == "square":
        return [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]
    if shape == "triangle":
        return [(0.0, -1.0), (0.95, 0.75), (-0.95, 0.75)]
    if shape == "star":
        angles = np.arange(10) * math.pi / 5 - math.pi / 2
        radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.45)
        return [(float(r * np.cos(a)), float(r * np.sin(a))) for a, r in zip(angles, radii, strict=True)]
    if shape == "cross":
        a, b = 0.95, 0.32
        return [(-b, -a), (b, -a), (b, -b), (a, -b), (a, b), (b, b),
                (b, a), (-b, a), (-b, b), (-a, b), (-a, -b), (-b, -b)]  # fmt: skip
    raise ValueError(f"no outline for {shape!r}; shapes are {', '.join(SHAPES)}")


@functools.lru_cache(maxsize=512)
def _texture(name: str, side: int) -> NDArray[np.float32]:
    """(S, S) brightness, about 1; lit a little from the upper left."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / max(1, side - 1) * 2 - 1
    return np.asarray(_pattern(name, x, y) * (1.0 - 0.08 * (x + y)), np.float32)


def _pattern(name: str, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[Any]:
    if name == "half":
        return np.where(x > 0, 0.6, 1.05)
    if name == "stripes":
        return np.asarray(0.85 + 0.22 * np.sign(np.sin(x * 2.5 * math.pi + 0.4)))
    if name == "spot":
        return np.where(np.hypot(x + 0.1, y + 0.45) < 0.28, 0.4, 1.02)
    if name == "checks":
        return np.asarray(0.85 + 0.2 * np.sign(np.sin(x * 5) * np.sin(y * 5)))
    if name == "grain":
        coarse = np.random.default_rng(len(x)).normal(0.92, 0.14, (5, 5)).astype(np.float32)
        return np.asarray(cv2.resize(coarse, x.shape, interpolation=cv2.INTER_LINEAR))
    return np.ones_like(x)


def lay_over(picture: Pixels, sprite: Pixels, to_picture: NDArray[np.float64], opacity: float = 1.0) -> None:
    """Paint a sprite into a picture, in place.

    Args:
        picture: (H, W, 3) uint8.
        sprite: (h, w, 4) uint8, premultiplied.
        to_picture: (2, 3), from pixel places in the sprite to pixel places in the picture.
        opacity: 0 to 1.
    """
    found = warp_sprite(sprite, to_picture, picture.shape[0], picture.shape[1])
    if found is None or opacity <= 0:
        return
    rows, columns, patch = found
    there = picture[rows, columns]
    keep = np.float32(1.0) - patch[..., 3:] * np.float32(opacity / 255)
    mixed = there * keep
    mixed += patch[..., :3] * np.float32(opacity)
    mixed += np.float32(0.5)
    there[:] = mixed


def warp_sprite(
    sprite: Pixels, to_picture: NDArray[np.float64], height: int, width: int
) -> tuple[slice, slice, Pixels] | None:
    """The sprite as it lies in the picture: rows, columns and (h, w, 4); None where it is out of view."""
    last_y, last_x = sprite.shape[0] - 1, sprite.shape[1] - 1
    (a, b, x), (c, d, y) = to_picture.tolist()
    left = max(0, math.floor(x + min(0.0, a * last_x) + min(0.0, b * last_y)))
    right = min(width, math.ceil(x + max(0.0, a * last_x) + max(0.0, b * last_y)) + 1)
    top = max(0, math.floor(y + min(0.0, c * last_x) + min(0.0, d * last_y)))
    bottom = min(height, math.ceil(y + max(0.0, c * last_x) + max(0.0, d * last_y)) + 1)
    if right <= left or bottom <= top:
        return None
    shifted = np.array([[a, b, x - left], [c, d, y - top]])
    patch = cv2.warpAffine(sprite, shifted, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    return slice(top, bottom), slice(left, right), np.asarray(patch, np.uint8)


def draw_word(word: Word, height_px: int) -> Pixels:
    """A word in white with a dark edge: (h, w, 4) uint8, premultiplied."""
    font, wanted = cv2.FONT_HERSHEY_DUPLEX, word.height * height_px
    (_, unit), _ = cv2.getTextSize(word.text, font, 1.0, 1)
    scale = wanted / unit
    thickness = max(1, round(scale * 1.3))
    (width, height), base = cv2.getTextSize(word.text, font, scale, thickness)
    edge = max(1, thickness)
    size = (height + base + 4 * edge, width + 4 * edge)
    at = (2 * edge, height + 2 * edge)
    dark, light = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    cv2.putText(dark, word.text, at, font, scale, 255, thickness + 2 * edge, cv2.LINE_AA)
    cv2.putText(light, word.text, at, font, scale, 255, thickness, cv2.LINE_AA)
    return np.dstack([light, light, light, np.maximum(dark, light)])


def draw_background(seed: int, height: int, width: int, pictures: Sequence[Pixels] = ()) -> Pixels:
    """A place: one of the given pictures, or a painted one in muted colors.

    Args:
        seed: decides which and how.
        height: pixels.
        width: pixels.
        pictures: (h, w, 3) uint8 RGB each.

    Returns:
        (height, width, 3) uint8 RGB.

    >>> draw_background(0, 40, 60).shape
    (40, 60, 3)
    """
    random = np.random.default_rng([seed, 1])
    if pictures:
        picture = pictures[int(random.integers(len(pictures)))]
        scale = max(height / picture.shape[0], width / picture.shape[1])
        size = (max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale)))
        scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])
    kind = BACKGROUNDS[list(BACKGROUNDS)[int(random.integers(len(BACKGROUNDS)))]]
    return np.clip(kind(random, height, width), 0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=4)
def sensor_noise(height: int, width: int, deviation: float) -> NDArray[np.int16]:
    """(height, width, 3) what a sensor adds to the brightness of its pixels."""
    return np.rint(deviation * np.random.default_rng(0).normal(0, 1, (height, width, 3))).astype(np.int16)


def _noise(random: np.random.Generator, height: int, width: int, *, octaves: int = 4) -> NDArray[np.float32]:
    """(H, W) smooth noise of about unit spread, finer octaves weaker, as surfaces in nature have it."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = 3 * 2**octave
        coarse = random.normal(0, 0.6**octave, (cells, max(2, cells * width // height))).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def _muted(random: np.random.Generator, low: float = 60, high: float = 190) -> NDArray[np.float32]:
    """(3,) a color that is nearly gray."""
    return np.float32(random.uniform(low, high)) + random.uniform(-22, 22, 3).astype(np.float32)


def _hills(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Sky above, ranges of hills that are darker the nearer they are."""
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    high, low = _muted(random, 120, 200), _muted(random, 150, 210)
    picture = (
        np.repeat(high * (1 - share) + low * share, width, axis=1)
        + 6 * _noise(random, height, width)[..., None]
    )
    rows = np.arange(height, dtype=np.float32)[:, None]
    level = random.uniform(0.3, 0.5)
    for depth in range(3):
        slopes = _noise(random, width, 4, octaves=3)[:, 0] * 0.05
        ridge = slopes[None, :] + level + 0.17 * depth
        ground = _muted(random, 130 - 30 * depth, 150 - 30 * depth)
        surface = ground + (5 + 5 * depth) * _noise(random, height, width)[..., None]
        picture = np.where((rows > ridge * height)[..., None], surface, picture)
    return picture


def _room(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A wall and a floor with things that stand and hang before them."""
    floor_row = round(height * random.uniform(0.6, 0.8))
    picture = np.empty((height, width, 3), np.float32)
    picture[:floor_row], picture[floor_row:] = _muted(random, 110, 200), _muted(random, 60, 130)
    for _ in range(int(random.integers(2, 6))):
        w, h = random.uniform(0.08, 0.3) * width, random.uniform(0.1, 0.5) * height
        x, y = random.uniform(0, width - w), random.uniform(0, floor_row + 0.1 * height - h)
        box = picture[int(max(0, y)) : int(y + h), int(x) : int(x + w)]
        box[:] = _muted(random, 40, 190)
        box[2:-2, 2:-2] += random.uniform(-30, 30)
    lamp = np.linspace(random.uniform(0.75, 1.1), random.uniform(0.75, 1.1), width, dtype=np.float32)
    picture *= lamp[None, :, None]
    return picture + 5 * _noise(random, height, width, octaves=5)[..., None]


def _city(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Houses with rows of windows under a sky."""
    sky = _muted(random, 130, 210)
    picture = np.tile(sky, (height, width, 1)) + 8 * _noise(random, height, width)[..., None]
    x = 0
    while x < width:
        w = max(6, int(random.uniform(0.12, 0.3) * width))
        top = int(random.uniform(0.15, 0.6) * height)
        picture[top:, x : x + w] = _muted(random, 60, 160)
        step = max(4, height // int(random.integers(10, 18)))
        glass = float(random.uniform(-45, 45))
        for row in range(top + step // 2, height - step // 2, step):
            for column in range(x + step // 2, min(x + w, width) - step // 2, step):
                picture[row : row + step // 2, column : column + step // 2] += glass
        x += w
    return picture + 4 * _noise(random, height, width)[..., None]


def _thicket(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Leaves, gravel, cloth: noise in two muted colors."""
    blend = 1 / (1 + np.exp(-1.5 * _noise(random, height, width, octaves=5)))[..., None]
    return np.asarray(_muted(random, 50, 110) * (1 - blend) + _muted(random, 100, 190) * blend)


BACKGROUNDS: Mapping[str, Callable[[np.random.Generator, int, int], NDArray[np.float32]]] = {
    "hills": _hills,
    "room": _room,
    "city": _city,
    "thicket": _thicket,
}
"""The painters of places: (random, height, width) → (H, W, 3) float32."""
