"""Flow against known motion: translation, rotation, zoom and affine of a texture, from 0.25 to 40 px."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.metrics.flow import endpoint_error
from muybridge.motion.flow import compute_flow
from muybridge.motion.statistics import compute_statistics

HEIGHT, WIDTH = 240, 320
CENTER = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])


def texture(linear: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A texture moved by p → linear·p + shift about its center: 60 plane waves of 6 to 150 px, in any direction.

    It is defined everywhere and thus moved exactly. Warping an image instead would not do: OpenCV rounds
    positions to 1/32 px, which turns a shift of 0.25 px by several degrees.
    """
    rng = np.random.default_rng(5)
    lengths = np.exp(rng.uniform(np.log(6), np.log(150), 60))
    turns, phases = rng.uniform(0, 2 * np.pi, (2, 60))
    waves = (2 * np.pi / lengths)[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    inverse = np.linalg.inv(linear)
    phases = phases - waves @ inverse @ shift
    waves = waves @ inverse
    xs, ys = np.arange(WIDTH) - (WIDTH - 1) / 2, np.arange(HEIGHT) - (HEIGHT - 1) / 2
    columns = np.exp(1j * np.outer(waves[:, 0], xs))
    rows = lengths**0.5 * np.exp(1j * (np.outer(ys, waves[:, 1]) + phases))
    total = (rows @ columns).real
    return np.asarray(np.clip(127.5 + 1.5 * total, 0, 255).round(), np.uint8)


def moved_pair(
    linear: NDArray[np.float64], shift: tuple[float, float] = (0, 0)
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]:
    """Two frames, the true flow p → linear·p + shift about the center, and where it stays in the picture."""
    points = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1) - CENTER
    truth = points @ (linear - np.eye(2)).T + np.array(shift)
    ends = points + CENTER + truth
    stays = (ends >= 0).all(-1) & (ends <= (WIDTH - 1, HEIGHT - 1)).all(-1)
    still = texture(np.eye(2), np.zeros(2))
    return still, texture(linear, np.array(shift)), truth, stays


@pytest.mark.parametrize(
    ("method", "size_px"),
    [("dis", 0.25), ("dis", 1), ("dis", 4), ("dis", 10), ("dis", 20), ("farneback", 1), ("farneback", 4)],
)
@pytest.mark.parametrize("degrees", [0, 37, 90, -150])
def test_translation_and_its_direction(method: str, size_px: float, degrees: float) -> None:
    turn = math.radians(degrees)
    shift = size_px * math.cos(turn), -size_px * math.sin(turn)
    first, second, truth, stays = moved_pair(np.eye(2), shift)
    flow = compute_flow(first, second, method=method)
    assert endpoint_error(flow, truth, valid=stays) < (0.08 if size_px <= 10 else 0.6)
    stats = compute_statistics(flow, mask=stays)
    for found in (stats.direction_degrees, stats.dominant_degrees):
        assert found is not None
        assert abs((found - degrees + 180) % 360 - 180) < 2


@pytest.mark.parametrize("size_px", [0.25, 1, 4, 10, 20, 40])
@pytest.mark.parametrize(
    ("kind", "generator"),
    [
        ("rotation", [[0, -1], [1, 0]]),
        ("zoom", [[1, 0], [0, 1]]),
        ("affine", [[0.6, 0.8], [-0.3, -0.4]]),
    ],
)
def test_rotation_zoom_and_affine(kind: str, generator: list[list[float]], size_px: float) -> None:
    amount = size_px / (math.hypot(WIDTH, HEIGHT) / 2)  # so that a corner moves by about size_px
    linear = np.eye(2) + amount * np.array(generator)
    first, second, truth, stays = moved_pair(linear)
    assert np.hypot(*truth.transpose(2, 0, 1)).max() > 0.8 * size_px
    error = endpoint_error(compute_flow(first, second), truth, valid=stays)
    assert error < (0.1 if size_px <= 10 else 0.4), kind


def test_a_long_shift_of_40_px_is_found_by_dis() -> None:
    first, second, truth, stays = moved_pair(np.eye(2), (-40, 0))
    flow = compute_flow(first, second)
    assert endpoint_error(flow, truth, valid=stays) < 0.1
    stats = compute_statistics(flow, mask=stays)
    assert stats.direction == stats.dominant_direction == "left"
