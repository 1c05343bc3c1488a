"""Colors of flow: the published wheel by hand and against torchvision, scales, legend, arrows."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.motion.colors import color_flow, draw_arrows, draw_legend
from torchvision_oracle import torchvision_video_models


def paint_as_published(dx: float, dy: float) -> list[int]:
    """One vector of at most length 1, by the loops of the published C code (Baker et al. 2011)."""
    wheel: list[tuple[int, int, int]] = []
    wheel += [(255, 255 * i // 15, 0) for i in range(15)]
    wheel += [(255 - 255 * i // 6, 255, 0) for i in range(6)]
    wheel += [(0, 255, 255 * i // 4) for i in range(4)]
    wheel += [(0, 255 - 255 * i // 11, 255) for i in range(11)]
    wheel += [(255 * i // 13, 0, 255) for i in range(13)]
    wheel += [(255, 0, 255 - 255 * i // 6) for i in range(6)]
    radius = math.sqrt(dx * dx + dy * dy)
    place = (math.atan2(-dy, -dx) / math.pi + 1) / 2 * (len(wheel) - 1)
    lower = int(place)
    share = place - lower
    pixel = []
    for low, high in zip(wheel[lower], wheel[(lower + 1) % len(wheel)], strict=True):
        color = (1 - share) * low / 255 + share * high / 255
        color = 1 - radius * (1 - color) if radius <= 1 else color * 0.75
        pixel.append(int(255 * color))
    return pixel


def disk(size: int = 41, radius: float = 1.3) -> NDArray[np.float64]:
    axis = np.linspace(-radius, radius, size)
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def test_middlebury_equals_the_published_code_within_rounding() -> None:
    field = disk()
    painted = color_flow(field, max_magnitude=1).astype(int)
    expected = np.array([[paint_as_published(float(dx), float(dy)) for dx, dy in row] for row in field])
    inside = np.abs(np.hypot(field[..., 0], field[..., 1]) - 1) > 1e-6  # on the rim rounding decides
    assert np.abs(painted - expected)[inside].max() <= 1


def test_middlebury_equals_torchvision_within_rounding() -> None:
    torchvision_video_models()
    from torchvision.utils import flow_to_image

    field = np.random.default_rng(0).normal(size=(30, 40, 2)).astype(np.float32)
    theirs = flow_to_image(torch.from_numpy(field).permute(2, 0, 1)).permute(1, 2, 0).numpy()
    assert np.abs(color_flow(field).astype(int) - theirs.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("vector", "color"),
    [
        ((0, 0), [255, 255, 255]),
        ((1, 0), [255, 0, 0]),  # right is red, the start of the wheel
        ((0.5, 0), [255, 127, 127]),
        ((2, 0), [191, 0, 0]),  # beyond the scale: 75% of the hue
        ((-1, 0), [0, 209, 255]),  # half around the wheel: place 27, cyan to blue: 255 - 255 * 2 // 11
    ],
)
def test_middlebury_by_hand(vector: tuple[float, float], color: list[int]) -> None:
    assert color_flow(np.array([[vector]], float), max_magnitude=1)[0, 0].tolist() == color


def test_the_longest_vector_is_not_beyond_its_own_scale() -> None:
    # Place 30.27 of the wheel: cyan to blue, 140 to 116. Beyond the scale it would be [0, 100, 191].
    assert color_flow(np.array([[[-4.0, -1.6]]], np.float32))[0, 0].tolist() == [0, 133, 255]
    axis = np.arange(-20, 21) / 10
    for vector in np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 1, 2):
        length = float(np.hypot(*vector[0, 0]))
        if length:
            below = color_flow(vector, max_magnitude=1.001 * length).astype(int)
            assert np.abs(color_flow(vector) - below).max() <= 1
            beyond = color_flow(vector, max_magnitude=0.999 * length).astype(int)
            assert np.abs(color_flow(vector) - beyond).max() >= 63


@pytest.mark.parametrize(
    ("vector", "color"),
    [
        ((0, 0), [0, 0, 0]),
        ((1, 0), [255, 0, 0]),  # hue 0
        ((0, 1), [128, 255, 0]),  # down: hue 90 degrees
        ((-1, 0), [0, 255, 255]),  # left: hue 180
        ((0, -1), [128, 0, 255]),  # up: hue 270
        ((0.2, 0), [51, 0, 0]),
        ((9, 0), [255, 0, 0]),  # beyond the scale: full brightness
    ],
)
def test_hsv_by_hand(vector: tuple[float, float], color: list[int]) -> None:
    painted = color_flow(np.array([[vector]], float), colors="hsv", max_magnitude=1)[0, 0].astype(int)
    assert np.abs(painted - color).max() <= 1


def test_a_fixed_scale_means_the_same_in_every_frame_and_its_own_scale_does_not() -> None:
    slow, fast = np.zeros((4, 4, 2)), np.zeros((4, 4, 2))
    slow[0, 0], fast[0, 0], fast[3, 3] = (2, 0), (2, 0), (8, 0)
    for colors in ("middlebury", "hsv"):
        fixed = [color_flow(field, colors=colors, max_magnitude=8)[0, 0].tolist() for field in (slow, fast)]
        own = [color_flow(field, colors=colors)[0, 0].tolist() for field in (slow, fast)]
        assert fixed[0] == fixed[1]
        assert own[0] != own[1]


def test_no_motion_and_unknown_vectors() -> None:
    assert (color_flow(np.zeros((3, 3, 2))) == 255).all()
    assert (color_flow(np.zeros((3, 3, 2)), colors="hsv") == 0).all()
    field = np.ones((2, 2, 2))
    field[0, 0], field[0, 1] = 1.6e9, np.nan
    painted = color_flow(field)
    assert (painted[0] == 0).all()
    assert painted[1].any()


def test_negative_zero_is_zero() -> None:
    for vector in ((1.0, -0.0), (-1.0, -0.0), (-0.0, 1.0), (-0.0, -0.0)):
        plain = np.array([[[value + 0.0 for value in vector]]])
        np.testing.assert_array_equal(
            color_flow(np.array([[vector]]), max_magnitude=1), color_flow(plain, max_magnitude=1)
        )


def test_legend_shows_the_code_of_the_field() -> None:
    for colors in ("middlebury", "hsv"):
        blank = np.full((200, 300, 3), 40, np.uint8)
        drawn = draw_legend(blank, max_magnitude=12.5, unit="px/s", colors=colors, size_px=60)
        assert (blank == 40).all()
        changed = (drawn != 40).any(axis=-1)
        assert not changed[:100].any()
        assert changed[150:, 230:].mean() > 0.9
        rim = color_flow(np.array([[[0.95, 0.0]]]), colors=colors, max_magnitude=1)[0, 0].astype(int)
        distance = np.abs(drawn.astype(int) - rim).max(axis=-1)
        _, xs = np.nonzero(distance < 12)
        assert len(xs) > 0  # the color of fast motion to the right is there …
        wheel = np.nonzero(changed.any(axis=0))[0]
        assert xs.mean() > wheel.mean()  # … in the wheel's right half


def test_legend_leaves_a_picture_that_is_too_small() -> None:
    tiny = np.zeros((20, 20, 3), np.uint8)
    np.testing.assert_array_equal(draw_legend(tiny, max_magnitude=1), tiny)


def test_arrows_point_along_the_flow() -> None:
    field = np.zeros((64, 64, 2))
    field[:32, :32] = (10, 0)
    field[32:, 32:] = (0, 0.1)  # too slow for an arrow
    for picture in (np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.uint8)):
        drawn = draw_arrows(picture, field, step_px=32)
        assert drawn.shape == (64, 64, 3)
        ys, xs = np.nonzero(drawn.any(axis=-1))
        assert xs.min() >= 15
        assert 25 <= xs.max() <= 28
        assert abs(ys.mean() - 16) < 1
        assert not picture.any()


def test_bad_input() -> None:
    field = np.zeros((4, 4, 2))
    with pytest.raises(UnknownNameError, match="did you mean 'middlebury'"):
        color_flow(field, colors="midlebury")
    for scale in (0, -1, math.nan, math.inf):
        with pytest.raises(OptionError, match="max_magnitude"):
            color_flow(field, max_magnitude=scale)
    with pytest.raises(ShapeError, match="flow field"):
        color_flow(np.zeros((4, 4)))
    with pytest.raises(ShapeError, match="uint8 RGB"):
        draw_legend(np.zeros((9, 9), np.uint8), max_magnitude=1)
    with pytest.raises(ShapeError, match="must be equal"):
        draw_arrows(np.zeros((5, 4), np.uint8), field)
    with pytest.raises(OptionError, match="step_px"):
        draw_arrows(np.zeros((4, 4), np.uint8), field, step_px=1)
