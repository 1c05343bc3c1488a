"""The camera's motion sharpened on the pixels: known motions, and where it must keep its hands off."""

import math

import cv2
import numpy as np
import pytest

from motion_scenes import HEIGHT, WIDTH, texture, view
from muybridge.motion.camera import CameraMotion, texture_weights
from muybridge.motion.refinement import refine_camera

SCENE = texture(3)
FRAME = view(SCENE, 300, 300)
WEIGHTS = texture_weights(FRAME)
MIDDLE = (WIDTH - 1) / 2, (HEIGHT - 1) / 2


def camera(scale: float, degrees: float = 0.0) -> CameraMotion:
    matrix = np.vstack([cv2.getRotationMatrix2D(MIDDLE, degrees, scale), [0, 0, 1]])
    return CameraMotion(matrix, WIDTH, HEIGHT, 1.0, 1.0)


@pytest.mark.parametrize(("scale", "degrees"), [(1.02, 0.0), (0.98, 0.0), (1.0, 2.0), (1.01, -1.0)])
def test_what_was_seen_a_quarter_too_small_becomes_what_it_is(scale: float, degrees: float) -> None:
    # A camera that turns clockwise turns the picture the other way, as OpenCV counts.
    second = view(SCENE, 300, 300, scale, degrees)
    shy = camera(scale**0.75, 0.75 * degrees)
    told = refine_camera(shy, FRAME, second, weights=WEIGHTS).speed(seconds=1.0)
    assert told.zoom == pytest.approx(math.log(scale), abs=0.001)
    assert told.roll == pytest.approx(degrees, abs=0.05)


def test_an_unlike_picture_or_one_without_texture_changes_nothing() -> None:
    seen = camera(1.02)
    other, flat = view(texture(4), 300, 300), np.full_like(FRAME, 90)
    assert refine_camera(seen, FRAME, other, weights=WEIGHTS) is seen
    assert refine_camera(seen, flat, flat, weights=texture_weights(flat)) is seen


def test_a_still_camera_stays_as_it_is() -> None:
    seen = camera(1.001)
    assert refine_camera(seen, FRAME, FRAME, weights=WEIGHTS) is seen


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.5, -0.75)])
def test_pans_are_left_to_the_flow_whatever_a_large_object_does(shift: tuple[float, float]) -> None:
    # More than half of the picture rises by a third of a pixel; nothing zooms, so nothing is to be sharpened.
    seen = camera(1.02)
    seen.matrix[:2, 2] += shift
    risen = FRAME.copy()
    moved = cv2.warpAffine(FRAME, np.array([[1.0, 0, 0], [0, 1, -0.33]]), (WIDTH, HEIGHT))
    risen[:, WIDTH // 3 :] = moved[:, WIDTH // 3 :]
    refined = refine_camera(seen, FRAME, risen, weights=WEIGHTS)
    assert refined.speed(seconds=1.0).zoom == pytest.approx(0.0, abs=0.005)
    assert refined.shift_at(*MIDDLE) == pytest.approx(shift, abs=1e-9)
