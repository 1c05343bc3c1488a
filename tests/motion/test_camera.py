import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.camera import CameraMotion, estimate_camera, object_mask, texture_weights

WIDTH, HEIGHT = 160, 90


def motion_of(matrix: NDArray[np.float64]) -> CameraMotion:
    return CameraMotion(matrix, WIDTH, HEIGHT, inlier_share=1.0, evidence=1.0)


def similarity(dx: float = 0, dy: float = 0, scale: float = 1, degrees: float = 0) -> NDArray[np.float64]:
    """Turns clockwise on the screen and scales about the middle, then shifts."""
    x, y = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return np.array([[c, -s, x - c * x + s * y + dx], [s, c, y - s * x - c * y + dy], [0, 0, 1]])


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (similarity(dx=-9), (1.0, 0, 0, 0)),  # the picture goes left: the camera pans right
        (similarity(dy=9), (0, 1.0, 0, 0)),  # the picture goes down: the camera tilts up
        (similarity(scale=math.exp(0.02)), (0, 0, 0.2, 0)),
        (similarity(degrees=-3), (0, 0, 0, 30)),  # the picture turns left: the camera rolls right
    ],
)
def test_speed_in_units_of_the_picture(matrix: NDArray[np.float64], expected: tuple[float, ...]) -> None:
    speed = motion_of(matrix).speed(0.1)
    assert (speed.pan, speed.tilt, speed.zoom, speed.roll) == pytest.approx(expected, abs=1e-9)


def test_speed_of_a_homography_is_that_of_its_middle() -> None:
    keystone = similarity(dx=4.5, scale=1.1)
    keystone[2, 0] = 1e-3
    motion = motion_of(keystone)
    middle = motion.flow()[44:46, 79:81].mean(axis=(0, 1))
    assert motion.speed(1.0).pan == pytest.approx(-middle[0] / HEIGHT, abs=1e-4)


@given(
    dx=st.floats(-15, 15),
    dy=st.floats(-15, 15),
    scale=st.floats(0.9, 1.1),
    degrees=st.floats(-6, 6),
    left=st.integers(0, 80),
    top=st.integers(0, 40),
)
@settings(max_examples=40, deadline=None)
def test_any_similarity_is_found_behind_an_object(
    dx: float, dy: float, scale: float, degrees: float, left: int, top: int
) -> None:
    true = motion_of(similarity(dx, dy, scale, degrees))
    flow = true.flow()
    flow[top : top + 50, left : left + 80] += (8.0, -11.0)
    found = estimate_camera(flow)
    assert np.abs(found.flow() - true.flow()).max() < 0.05
    mask = object_mask(flow, found, threshold_px=3.0)
    assert mask[top : top + 50, left : left + 80].all()
    assert mask.sum() == 50 * 80


def test_homography_follows_a_keystone_that_a_similarity_cannot() -> None:
    matrix = similarity(dx=5)
    matrix[2, 0] = 4e-4
    flow = motion_of(matrix).flow()
    flow[30:60, 60:100] = (-12, 3)
    errors = {
        model: np.abs(estimate_camera(flow, model=model).flow() - motion_of(matrix).flow()).max()
        for model in ("similarity", "homography")
    }
    assert errors["homography"] < 0.05 < 0.5 < errors["similarity"]


def test_weights_take_flat_areas_out() -> None:
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[:, 100:] = (6, 0)  # only the right part has texture, and all of it moves
    weights = np.zeros((HEIGHT, WIDTH), np.float32)
    weights[:, 100:] = 0.9
    assert estimate_camera(flow, weights=weights).speed(1.0).pan == pytest.approx(-6 / HEIGHT, abs=1e-6)
    # A still camera is believed before a large object.
    assert estimate_camera(flow).speed(1.0).pan == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("weights", [np.zeros((HEIGHT, WIDTH), np.float32), None])
def test_nothing_to_see_gives_no_motion(weights: NDArray[np.float32] | None) -> None:
    flow = np.full((HEIGHT, WIDTH, 2), np.nan if weights is None else 5, np.float32)
    found = estimate_camera(flow, weights=weights)
    assert found.evidence == 0
    assert (found.matrix == np.eye(3)).all()


def test_texture_is_at_corners_and_not_along_edges() -> None:
    picture = np.full((60, 60), 50, np.uint8)
    picture[30:, 30:] = 200
    weights = texture_weights(picture)
    assert weights[30, 30] > 0.9
    assert weights[50, 30] < 0.05
    assert weights[10, 10] == 0


def test_known_gradient_gives_the_known_weight() -> None:
    # Two crossing ramps of 3 gray levels per pixel: the structure tensor is 9 in every direction.
    y, x = np.mgrid[0:64, 0:64]
    triangle = np.abs((np.stack([x, y]) + 16) % 32 - 16) * 3
    picture = triangle[0].astype(np.uint8)
    eigen = cv2.cornerEigenValsAndVecs(picture, 7, 3)[20:28, 20:28, 0] * (255 / 2) ** 2
    assert eigen.mean() == pytest.approx(9, rel=0.05)


def test_bad_input_names_the_remedy() -> None:
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    with pytest.raises(ShapeError, match=r"must be \(H, W, 2\)"):
        estimate_camera(flow[..., 0])
    with pytest.raises(ShapeError, match="like the flow"):
        estimate_camera(flow, weights=np.zeros((4, 4), np.float32))
    with pytest.raises(OptionError, match="'similarity' or 'homography'"):
        estimate_camera(flow, model="affine")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="must be"):
        object_mask(flow[:9], estimate_camera(flow))
    with pytest.raises(ShapeError, match="uint8"):
        texture_weights(np.zeros((8, 8), np.float32))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="positive"):
        estimate_camera(flow).speed(0.0)
