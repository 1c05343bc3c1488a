"""Shot boundaries in hand-made sequences, where each frame is known, and in real clips."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from motion.scenery import dissolve, noisy, pan, scene, still
from muybridge.errors import ShapeError
from muybridge.motion.shots import Boundary, ShotDetector

FPS = 25.0


def boundaries(pictures: list[NDArray[np.uint8]], fps: float = FPS, start: float = 0.0) -> list[Boundary]:
    detector = ShotDetector()
    found = [
        boundary
        for number, picture in enumerate(pictures)
        for boundary in detector.observe(picture, start + number / fps)
    ]
    return found + detector.finish()


def frames_of(found: list[Boundary], fps: float = FPS) -> list[tuple[str, int]]:
    return [(boundary.transition, round(boundary.seconds * fps)) for boundary in found]


@pytest.mark.parametrize("fps", [1.0, 10.0, 25.0, 60.0, 120.0])
def test_cuts_are_at_the_first_frame_of_the_new_shot(fps: float) -> None:
    pictures = still(scene(1), 30) + still(scene(2), 40) + still(scene(3), 30)
    assert frames_of(boundaries(pictures, fps), fps) == [("cut", 30), ("cut", 70)]


@given(st.integers(12, 40), st.integers(12, 40), st.integers(0, 50))
@settings(max_examples=8, deadline=None)
def test_any_cut_is_found_where_it_is_and_once(before: int, after: int, seed: int) -> None:
    pictures = still(scene(2 * seed), before) + still(scene(2 * seed + 1), after)
    assert frames_of(boundaries(noisy(pictures, 4.0))) == [("cut", before)]


@pytest.mark.parametrize("length", [8, 15, 30, 50])
def test_a_dissolve_is_one_boundary_in_its_middle(length: int) -> None:
    a, b = scene(1), scene(2)
    found = boundaries(noisy(still(a, 90) + dissolve(a, b, length) + still(b, 90), 2.0))
    assert [boundary.transition for boundary in found] == ["dissolve"]
    assert found[0].seconds * FPS == pytest.approx(90 + length / 2, abs=2)
    assert found[0].start_seconds * FPS == pytest.approx(90, abs=3)
    assert found[0].end_seconds * FPS == pytest.approx(90 + length, abs=3)


@pytest.mark.parametrize("black", [1, 5, 60])
def test_a_fade_out_and_in_is_one_boundary_however_long_the_black(black: int) -> None:
    a, b = scene(1), scene(2)
    dark = np.zeros_like(a)
    pictures = (
        still(a, 60) + dissolve(a, dark, 12) + still(dark, black) + dissolve(dark, b, 12) + still(b, 60)
    )
    found = boundaries(noisy(pictures, 1.0))
    assert [boundary.transition for boundary in found] == ["fade"]
    assert found[0].start_seconds * FPS == pytest.approx(60, abs=3)
    assert found[0].end_seconds * FPS == pytest.approx(60 + 24 + black, abs=3)
    assert found[0].start_seconds < found[0].seconds < found[0].end_seconds


@pytest.mark.parametrize("length", [12, 25, 30])
@pytest.mark.parametrize("black", [2, 25, 75])
def test_a_fade_is_told_whole_and_the_new_shot_begins_in_its_middle(length: int, black: int) -> None:
    a, b = scene(1), scene(2)
    dark = np.zeros_like(a)
    pictures = still(a, 60) + dissolve(a, dark, length) + still(dark, black)
    pictures += dissolve(dark, b, length) + still(b, 60)
    (found,) = boundaries(noisy(pictures, 1.0))
    assert found.transition == "fade"
    assert found.start_seconds * FPS == pytest.approx(60, abs=3)
    assert found.seconds * FPS == pytest.approx(60 + length + black / 2, abs=2)
    assert found.end_seconds * FPS == pytest.approx(60 + 2 * length + black, abs=3)


def test_a_fade_out_before_a_cut_is_no_longer_than_it_is() -> None:
    a, b = scene(1), scene(2)
    dark = np.zeros_like(a)
    (found,) = boundaries(still(a, 60) + dissolve(a, dark, 20) + still(dark, 10) + still(b, 60))
    assert found.transition == "fade"
    assert found.start_seconds * FPS == pytest.approx(60, abs=3)
    assert found.seconds * FPS == pytest.approx(85, abs=2)
    assert found.end_seconds * FPS == pytest.approx(90, abs=2)


def test_a_fade_in_from_black_at_the_start_is_no_boundary() -> None:
    b = scene(2)
    dark = np.zeros_like(b)
    assert boundaries(still(dark, 20) + dissolve(dark, b, 20) + still(b, 60)) == []


@pytest.mark.parametrize("num_flashes", [1, 3])
def test_flashes_are_no_cuts(num_flashes: int) -> None:
    a = scene(1)
    white = np.full_like(a, 250)
    pictures = still(a, 30) + (still(white, 2) + still(a, 7)) * num_flashes + still(a, 30)
    assert boundaries(noisy(pictures, 3.0)) == []


def test_something_that_covers_the_lens_for_a_moment_is_no_cut() -> None:
    assert boundaries(still(scene(1), 30) + still(scene(9), 4) + still(scene(1), 30)) == []


@pytest.mark.parametrize("step", [1, 4, 10])
def test_pans_are_no_boundaries(step: int) -> None:
    assert boundaries(noisy(pan(128 + 90 * step, 90, step), 2.0)) == []


@pytest.mark.parametrize(("length", "num_found"), [(3, 0), (6, 1)])
def test_a_transition_takes_a_sixth_of_a_second(length: int, num_found: int) -> None:
    # A jerk of a camera that is held in the hand looks like a dissolve of three frames.
    pictures = [*still(scene(1), 50), *dissolve(scene(1), scene(2), length), *still(scene(2), 50)]
    found = boundaries(pictures, 30.0)
    assert [boundary.transition for boundary in found].count("dissolve") == num_found


def test_a_soft_picture_that_is_panned_over_is_no_dissolve() -> None:
    noise = np.random.default_rng(3).uniform(0, 255, (4, 14, 3)).astype(np.float32)
    wide = cv2.resize(noise, (480, 72), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    pictures = [wide[:, min(2 * n, 350) :][:, :128] for n in range(175)]
    assert boundaries(pictures) == []


def test_a_large_thing_that_crosses_near_the_camera_is_no_boundary() -> None:
    background, thing = scene(1), scene(5)
    pictures = []
    for number in range(90):
        picture = background.copy()
        left = -100 + 5 * (number - 20)
        lo, hi = max(0, left), min(128, left + 90)
        if lo < hi:
            picture[:, lo:hi] = thing[:, lo - left : hi - left]
        pictures.append(picture)
    assert boundaries(noisy(pictures, 2.0)) == []


def test_a_change_of_exposure_is_no_boundary() -> None:
    a = scene(1)
    pictures = [(a * (0.4 + 0.6 * min(1.0, number / 20))).astype(np.uint8) for number in range(80)]
    assert boundaries(noisy(pictures, 2.0)) == []


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_but_noise_is_no_boundary(level: int) -> None:
    flat = np.full((72, 128, 3), level, np.uint8)
    assert boundaries(noisy(still(flat, 80), 6.0)) == []


def test_flat_pictures_of_unlike_colors_are_cut() -> None:
    red, blue = np.zeros((2, 40, 60, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 200
    assert frames_of(boundaries(still(red, 20) + still(blue, 20))) == [("cut", 20)]


def test_letterbox_does_not_hide_a_cut() -> None:
    pictures = [p.copy() for p in still(scene(1), 20) + still(scene(2), 20)]
    for picture in pictures:
        picture[:14] = picture[-14:] = 0
    assert frames_of(boundaries(pictures)) == [("cut", 20)]


def test_gray_frames_and_luma_frames_do() -> None:
    a, b = scene(1, gray=True), scene(2, gray=True)
    assert frames_of(boundaries(still(a, 20) + still(b, 20))) == [("cut", 20)]
    luma = [picture[..., 0] for picture in still(a, 20) + still(b, 20)]
    assert frames_of(boundaries(luma)) == [("cut", 20)]


@pytest.mark.parametrize("num", [0, 1, 2, 5])
def test_very_short_sources(num: int) -> None:
    assert boundaries(still(scene(1), num)) == []


def test_a_frame_of_any_size_will_do() -> None:
    for height, width in ((1, 1), (2, 3), (480, 854)):
        black, white = np.zeros((height, width, 3), np.uint8), np.full((height, width, 3), 255, np.uint8)
        assert frames_of(boundaries(still(black, 10) + still(white, 10))) == [("cut", 10)]


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4), (0, 4, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="must be"):
        ShotDetector().observe(np.zeros(shape, np.uint8), 0.0)


def test_the_window_is_bounded() -> None:
    detector = ShotDetector()
    pictures = noisy(pan(400, 200, 1), 2.0)
    for number in range(1000):
        detector.observe(pictures[number % 200], number / 25)
    assert len(detector._seen) < 40
    assert len(detector._finder._looks) <= 256
    assert len(detector._cuts) + len(detector._graduals) < 20


def test_boundaries_become_certain_in_order_within_three_seconds() -> None:
    a, b = scene(1), scene(2)
    pictures = (still(a, 50) + dissolve(a, b, 20) + still(b, 50)) * 4
    detector = ShotDetector()
    times = []
    for number, picture in enumerate(pictures):
        for boundary in detector.observe(picture, number / FPS):
            assert number / FPS - boundary.end_seconds < 3.0
            times.append(boundary.seconds)
    assert times == sorted(times)
    assert len(times) == 7


def test_a_static_camera_has_no_cut(shared: Path) -> None:
    import cv2

    reader = cv2.VideoCapture(str(shared / "clips" / "vtest.avi"))
    pictures = []
    while (read := reader.read())[0]:
        pictures.append(cv2.resize(read[1], (96, 72), interpolation=cv2.INTER_AREA)[..., ::-1])
    assert len(pictures) == 795
    assert boundaries(pictures, fps=10.0) == []
