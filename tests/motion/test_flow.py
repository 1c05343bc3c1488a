"""compute_flow: known displacements, every kind of input, and bad input."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.motion.flow import Dis, Farneback, compute_flow, list_flow_methods, read_flo, rescale_flow
from muybridge.values import Frame

CLASSICAL = [name for name in list_flow_methods() if not name.startswith("raft")]


def texture(height: int = 120, width: int = 160, seed: int = 0) -> NDArray[np.uint8]:
    """A picture with detail of several sizes, so that flow is to be found everywhere."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(
            rng.random((height // cell + 2, width // cell + 2)),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for cell in (6, 12, 24)
    ]
    mixed = np.clip(np.mean(layers, axis=0), 0, 1)
    return (mixed * 255).astype(np.uint8)


def inner_error(flow: NDArray[np.float32], dx: float, dy: float) -> float:
    """Mean endpoint error away from the border, where content enters that was not there."""
    inner = flow[24:-24, 24:-24] - np.array([dx, dy])
    return float(np.hypot(inner[..., 0], inner[..., 1]).mean())


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (-2, 0), (0, 4), (0, -3), (5, -4)])
def test_a_shifted_texture_gives_its_shift(method: str, dx: int, dy: int) -> None:
    picture = texture()
    moved = np.roll(picture, (dy, dx), axis=(0, 1))
    flow = compute_flow(picture, moved, method=method)
    assert flow.shape == (120, 160, 2)
    assert flow.dtype == np.float32
    assert inner_error(flow, dx, dy) < 0.25


def test_frame_array_float_gray_and_column_inputs_agree() -> None:
    gray = texture()
    moved = np.roll(gray, 3, axis=1)
    color, moved_color = (np.repeat(pixels[:, :, None], 3, axis=2) for pixels in (gray, moved))
    expected = compute_flow(gray, moved)
    for pair in (
        (Frame(color, 0.0), Frame(moved_color, 0.04)),
        (color, moved_color),
        (gray[:, :, None], moved[:, :, None]),
        (gray / 255.0, moved / 255.0),
        (color.astype(np.float32) / 255, moved_color.astype(np.float32) / 255),
        (gray, moved.astype(np.float64) / 255),
    ):
        np.testing.assert_array_equal(compute_flow(*pair), expected)


def test_inputs_are_left_as_they_were_and_may_be_strided() -> None:
    picture = texture()
    moved = np.roll(picture, 2, axis=1)
    before = picture.copy(), moved.copy()
    flow = compute_flow(picture[:, ::-1], moved[:, ::-1])
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(moved, before[1])
    assert inner_error(flow, -2, 0) < 0.25


@pytest.mark.parametrize("method", CLASSICAL)
def test_identical_frames_have_exactly_no_flow(method: str) -> None:
    picture = texture()
    assert not compute_flow(picture, picture.copy(), method=method).any()


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (9, 9), (13, 300)])
def test_tiny_images_give_finite_flow_of_their_size(method: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    one, two = (rng.integers(0, 255, size, np.uint8) for _ in range(2))
    flow = compute_flow(one, two, method=method)
    assert flow.shape == (*size, 2)
    assert np.isfinite(flow).all()
    assert np.abs(flow).max() < 2 * max(size)


@pytest.mark.parametrize("method", CLASSICAL)
def test_a_single_pixel_has_no_flow(method: str) -> None:
    assert not compute_flow(np.array([[10]], np.uint8), np.array([[200]], np.uint8), method=method).any()


@pytest.mark.parametrize("max_side_px", [40, 80, 161])
def test_a_smaller_compute_size_gives_the_same_vectors(max_side_px: int) -> None:
    picture = texture()
    moved = np.roll(picture, 4, axis=1)
    flow = compute_flow(picture, moved, max_side_px=max_side_px)
    assert flow.shape == (120, 160, 2)
    assert inner_error(flow, 4, 0) < 0.4


def test_rescaling_is_exact_for_each_axis() -> None:
    flow = np.zeros((10, 20, 2), np.float32) + np.array([2.0, 3.0], np.float32)
    wide = rescale_flow(flow, width=50, height=15)
    assert wide.shape == (15, 50, 2)
    np.testing.assert_allclose(wide, np.broadcast_to([5.0, 4.5], wide.shape), rtol=1e-6)
    np.testing.assert_allclose(rescale_flow(wide, width=20, height=10), flow, rtol=1e-6)


def test_rescaling_interpolates_a_ramp_at_pixel_centers() -> None:
    ramp = np.zeros((1, 4, 2), np.float32)
    ramp[0, :, 0] = [0, 1, 2, 3]
    # Centers of the 8 new pixels lie at −0.25, 0.25, 0.75 … 3.25 of the old; vectors double.
    expected = 2 * np.clip(np.arange(8) * 0.5 - 0.25, 0, 3)
    np.testing.assert_allclose(rescale_flow(ramp, width=8, height=1)[0, :, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("mark", [1e10, 1666666752.0, -2e9, np.nan])
def test_unknown_vectors_stay_unknown_and_spoil_no_others(mark: float) -> None:
    flow = np.full((1, 4, 2), 3.0, np.float32)
    flow[0, 0, 1] = mark
    wide = rescale_flow(flow, width=8, height=1)
    # The centers of the first three new pixels lie before or between the old 0 and 1; the next at 1.25.
    assert (wide[0, :3] > 1e9).all()
    np.testing.assert_allclose(wide[0, 3:, 0], 6.0)
    np.testing.assert_allclose(wide[0, 3:, 1], 3.0)
    assert (rescale_flow(flow, width=2, height=1) > 1e9).tolist() == [[[True, True], [False, False]]]


@pytest.mark.parametrize(
    ("one", "two", "error", "words"),
    [
        (np.zeros((4, 4)), np.zeros((4, 5)), ShapeError, "4x4 and frame2 is 5x4"),
        (np.zeros((4, 4)), np.zeros((4, 4, 3)), ShapeError, "frame1 is gray and frame2 is color"),
        (np.zeros((4, 4, 3)), np.zeros((4, 4)), ShapeError, "frame1 is color and frame2 is gray"),
        (np.zeros((4, 4, 4)), np.zeros((4, 4, 4)), ShapeError, r"\(H, W, 3\) RGB or \(H, W\) gray"),
        (np.zeros((0, 4)), np.zeros((0, 4)), ShapeError, "frame1 is"),
        (np.zeros(4), np.zeros(4), ShapeError, "frame1 is"),
        (np.full((4, 4), np.nan), np.zeros((4, 4)), OptionError, "frame1 has NaN"),
        (np.zeros((4, 4)), np.full((4, 4), np.inf), OptionError, "frame2 has NaN or infinite"),
        (np.full((4, 4), 200.0), np.zeros((4, 4)), OptionError, "divide them by 255"),
        (np.zeros((4, 4)), np.full((4, 4), -1.0), OptionError, "frame2 has floats of -1"),
        (np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint16), ShapeError, "uint16"),
        (np.zeros((4, 4), bool), np.zeros((4, 4), bool), ShapeError, "bool"),
    ],
)
def test_bad_frames_get_an_error_that_names_the_remedy(
    one: NDArray[np.generic], two: NDArray[np.generic], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        compute_flow(one, two)


def test_bad_options_get_an_error() -> None:
    frame = np.zeros((20, 20), np.uint8)
    with pytest.raises(UnknownNameError, match="did you mean 'farneback'"):
        compute_flow(frame, frame, method="farnebeck")
    with pytest.raises(OptionError, match="max_side_px is 0"):
        compute_flow(frame, frame, max_side_px=0)
    with pytest.raises(UnknownNameError, match="DIS preset"):
        Dis("slow")  # type: ignore[arg-type]
    for options in ({"pyramid_scale": 1.0}, {"num_levels": 0}, {"window_size_px": -1}):
        with pytest.raises(OptionError, match=next(iter(options))):
            Farneback(**options)  # type: ignore[arg-type]


def test_farneback_equals_opencv_with_the_usual_settings() -> None:
    picture, moved = texture(), np.roll(texture(), 3, axis=1)
    expected = cv2.calcOpticalFlowFarneback(picture, moved, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    np.testing.assert_array_equal(compute_flow(picture, moved, method="farneback"), expected)


def test_a_method_object_of_ones_own_is_used() -> None:
    class Constant:
        pixel_format = "gray8"

        def compute(self, frame1: NDArray[np.uint8], frame2: NDArray[np.uint8]) -> NDArray[np.float32]:
            return np.ones((*frame1.shape, 2), np.float32)

    flow = compute_flow(texture(60, 80, 0), texture(60, 80, 1), method=Constant(), max_side_px=40)
    np.testing.assert_allclose(flow, 2.0)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("method", "bound"), [("dis", 0.14), ("dis_medium", 0.23), ("farneback", 0.43), ("dis_fast", 0.45)]
)
def test_rubber_whale(shared: Path, method: str, bound: float) -> None:
    read: Callable[[str], NDArray[np.uint8]] = lambda name: cv2.cvtColor(  # noqa: E731
        cv2.imread(str(shared / "flow" / name)), cv2.COLOR_BGR2RGB
    )
    truth = read_flo(shared / "flow" / "rubberwhale_gt.flo")
    known = (np.abs(truth) < 1e9).all(-1)
    flow = compute_flow(read("rubberwhale1.png"), read("rubberwhale2.png"), method=method)
    assert np.hypot(*(flow - truth)[known].T).mean() <= bound
