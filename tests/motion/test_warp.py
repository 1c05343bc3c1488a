"""Warping, forward-backward consistency and occlusion."""

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.flow import compute_flow
from muybridge.motion.statistics import compute_statistics
from muybridge.motion.warp import consistency_error, find_moving, find_occlusions, warp_image


def uniform(dx: float, dy: float, size: tuple[int, int] = (6, 8)) -> NDArray[np.float32]:
    return np.full((*size, 2), (dx, dy), np.float32)


def test_warping_by_whole_pixels_is_a_shift() -> None:
    rng = np.random.default_rng(0)
    for image in (rng.integers(0, 255, (6, 8, 3), np.uint8), rng.random((6, 8)), rng.random((6, 8, 1))):
        warped = warp_image(image, uniform(2, 1))
        assert warped.shape == image.shape
        assert warped.dtype == image.dtype
        np.testing.assert_allclose(warped[:5, :6], image[1:, 2:])


def test_warping_by_half_a_pixel_is_the_mean_of_two() -> None:
    image = np.array([[0.0, 10.0, 40.0]])
    flow = uniform(0.5, 0, (1, 3))
    np.testing.assert_allclose(warp_image(image, flow), [[5, 25, 40]])
    np.testing.assert_allclose(warp_image(image, uniform(1, 0, (1, 3)), border="zero"), [[10, 40, 0]])


def test_the_flow_found_draws_the_second_frame_like_the_first() -> None:
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 255, (20, 25)), np.ones((6, 6))).astype(np.uint8)
    moved = np.roll(picture, (2, 3), axis=(0, 1))
    warped = warp_image(moved, compute_flow(picture, moved))
    inner = np.s_[12:-12, 12:-12]
    before = np.abs(moved[inner].astype(float) - picture[inner]).mean()
    after = np.abs(warped[inner].astype(float) - picture[inner]).mean()
    assert after < 0.1 * before


def test_consistency_is_the_distance_from_the_start() -> None:
    error = consistency_error(uniform(2, 0), uniform(-2, 1.5))
    np.testing.assert_allclose(error[:, :6], 1.5)
    assert np.isinf(error[:, 6:]).all()


def test_occlusion_of_a_covering_bar() -> None:
    # A bar of 2 columns at x = 2, 3 moves 2 to the right over a still ground: it covers columns 4 and 5.
    forward, backward = uniform(0, 0), uniform(0, 0)
    forward[:, 2:4] = (2, 0)
    backward[:, 4:6] = (-2, 0)
    hidden = find_occlusions(forward, backward)
    np.testing.assert_array_equal(hidden, np.broadcast_to(np.isin(np.arange(8), (4, 5)), (6, 8)))


def test_what_leaves_the_picture_is_occluded() -> None:
    hidden = find_occlusions(uniform(3, 0), uniform(-3, 0))
    np.testing.assert_array_equal(hidden, np.broadcast_to(np.arange(8) >= 5, (6, 8)))


def test_small_errors_are_tolerated_in_proportion_to_the_motion() -> None:
    # |w + w'|² < 0.01 (|w|² + |w'|²) + 0.5, for w = (10, 0) and w' = (−10 + e, 0): e ≈ 1.53 is the limit.
    flow = uniform(0, 0, (4, 40))
    flow[:, :20] = (10, 0)
    for error, expected in ((1.4, False), (1.7, True)):
        back = uniform(-10 + error, 0, (4, 40))
        assert find_occlusions(flow, back)[0, 10] == expected


@pytest.mark.parametrize("filling", ["noise", "solid"])
@pytest.mark.parametrize("method", ["dis", "farneback"])
def test_a_rectangle_on_a_flat_ground_is_found_and_the_ground_is_not(filling: str, method: str) -> None:
    first = np.full((160, 240), 90, np.uint8)
    second = first.copy()
    noise = np.random.default_rng(0).integers(0, 255, (50, 60), np.uint8)
    first[60:110, 80:140] = second[60:110, 90:150] = noise if filling == "noise" else 220
    flow = compute_flow(first, second, method=method)
    moving = find_moving(first, second, flow)
    near = np.zeros_like(moving)
    near[57:113, 77:153] = True  # where the two frames differ, and half a window around
    assert not moving[~near].any()
    stats = compute_statistics(flow, mask=moving)
    assert stats.num_vectors > (2500 if filling == "noise" else 500)
    assert stats.mean_magnitude == pytest.approx(10, abs=0.8 if method == "dis" else 1.5)
    assert stats.direction_degrees == pytest.approx(0, abs=2)
    assert stats.dominant_degrees == pytest.approx(0, abs=2)


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="image is"):
        warp_image(np.zeros((5, 8)), uniform(0, 0))
    with pytest.raises(ShapeError, match="at most 4"):
        warp_image(np.zeros((6, 8, 5)), uniform(0, 0))
    with pytest.raises(ShapeError, match="int64"):
        warp_image(np.zeros((6, 8), np.int64), uniform(0, 0))
    with pytest.raises(OptionError, match="border"):
        warp_image(np.zeros((6, 8)), uniform(0, 0), border="mirror")
    with pytest.raises(ShapeError, match="must be equal"):
        find_moving(np.zeros((6, 8)), np.zeros((6, 8)), uniform(0, 0, (6, 9)))
    for function in (consistency_error, find_occlusions):
        with pytest.raises(ShapeError, match="one shape"):
            function(uniform(0, 0), uniform(0, 0, (6, 9)))
