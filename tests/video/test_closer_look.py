"""A closer look holds what moves, stays inside the picture, and is the whole picture where that is all there is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from muybridge.actions.views import read_views
from muybridge.errors import OptionError
from muybridge.models.weights import Weights
from muybridge.video.closer_look import CloserLook, closer_look, cut_clip
from muybridge.video.crops import read_size, spatial_views

RECORD = Weights(
    "mine", num_frames=6, frames_per_second=8.0, size_px=48, resize_px=(48, 48), closest_zoom=2.0
)


def moving_square(side: int, left: int, top: int, size: tuple[int, int] = (96, 96)) -> NDArray[np.uint8]:
    """A bright square that moves right by 3 pixels a frame, before dim noise that stays."""
    width, height = size
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3), dtype=np.uint8)
    clip = np.repeat(noise[None], 5, axis=0)
    for index, frame in enumerate(clip):
        frame[top : top + side, left + 3 * index : left + 3 * index + side] = 220
    return clip


@given(st.integers(4, 40), st.integers(0, 40), st.integers(0, 50), st.floats(1.0, 4.0))
def test_what_moves_is_in_the_look_and_the_look_in_the_picture(
    side: int, left: int, top: int, max_zoom: float
) -> None:
    look = closer_look(moving_square(side, left, top), max_zoom=max_zoom)
    half = 48 / look.zoom
    assert 1 <= look.zoom <= max_zoom
    for middle, first, last in (
        (96 * look.x, left, left + 12 + side),
        (96 * look.y, top, top + side),
    ):
        assert middle - half >= -1e-6
        assert middle + half <= 96 + 1e-6
        assert middle - half <= first + 2
        assert middle + half >= last - 2


def test_the_smaller_what_moves_the_closer_the_look() -> None:
    zooms = [closer_look(moving_square(side, 20, 20), max_zoom=8).zoom for side in (8, 20, 40, 60)]
    assert zooms == sorted(zooms, reverse=True)
    # 60 px and 12 of way, blurred: about 80% of the picture, which is what a look is filled to.
    assert zooms[-1] == pytest.approx(1.0, abs=0.1)


def test_where_nothing_or_everything_moves_the_look_is_the_whole_picture() -> None:
    chance = np.random.default_rng(1)
    still = np.repeat(chance.integers(0, 256, (1, 60, 80, 3), dtype=np.uint8), 4, axis=0)
    noisy = np.clip(still + chance.normal(0, 3, still.shape), 0, 255).astype(np.uint8)
    panned = np.stack([np.roll(still[0], 4 * shift, axis=1) for shift in range(4)])
    for clip in (still, still[:1], noisy, panned):
        assert closer_look(clip).zoom == pytest.approx(1.0, abs=0.03)


def test_a_picture_of_another_shape_is_looked_at_in_shares_of_its_sides() -> None:
    look = closer_look(moving_square(30, 250, 60, size=(320, 240)), max_zoom=4)
    assert look.x == pytest.approx((250 + 42 / 2) / 320, abs=0.02)
    assert look.y == pytest.approx((60 + 30 / 2) / 240, abs=0.02)
    cut = cut_clip(moving_square(30, 250, 60, size=(320, 240)), look, size_px=(64, 48))
    assert cut.shape == (5, 48, 64, 3)
    # Four times as close: the square is 24 × 24 pixels of the 64 × 48 that show 80 × 60.
    assert (cut[0].min(axis=-1) > 200).sum() == pytest.approx(24 * 24, rel=0.1)


def test_a_view_shows_what_moves_as_large_as_the_weights_know_it() -> None:
    clips = np.stack(
        [np.concatenate([clip[:1], clip]) for clip in (moving_square(12, 10, 60), moving_square(12, 60, 5))]
    )
    close = spatial_views(clips, RECORD)
    whole = spatial_views(clips[:, :, ::2, ::2], replace(RECORD, closest_zoom=1.0))
    assert close.shape == whole.shape == (2, 6, 48, 48, 3)
    for near, far in zip(close, whole, strict=True):
        assert (near[-1].min(axis=-1) > 150).sum() == pytest.approx(
            4 * (far[-1].min(axis=-1) > 150).sum(), rel=0.2
        )


def test_frames_are_read_as_large_as_the_closest_look_needs(sample_video: Path) -> None:
    assert read_size(320, 240, RECORD) == (96, 96)
    assert read_views(sample_video, RECORD, num_clips=2).shape == (2, 6, 48, 48, 3)
    # There is nothing to crop where the look goes to what moves.
    assert read_views(sample_video, RECORD, num_clips=2, num_crops=3).shape == (2, 6, 48, 48, 3)


def test_the_weights_say_how_many_looks_are_averaged(sample_video: Path) -> None:
    record = replace(RECORD, num_clips=3)
    assert np.array_equal(read_views(sample_video, record), read_views(sample_video, RECORD, num_clips=3))
    assert len(read_views(sample_video, record, num_clips=1)) == 1


@pytest.mark.parametrize("zoom", [0.5, 9.0, float("nan")])
def test_a_zoom_that_no_weights_can_have(zoom: float) -> None:
    with pytest.raises(OptionError, match="closest_zoom"):
        Weights("mine", closest_zoom=zoom)


def test_the_default_look_is_the_whole_picture() -> None:
    clip = moving_square(12, 10, 60)
    assert np.array_equal(cut_clip(clip, CloserLook(), size_px=(96, 96)), clip)
