"""Painted clips: what is where, what moves, and what chance decides."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.training.actors import Actor
from muybridge.training.painted_clips import ActorClips
from muybridge.training.silhouettes import ClipShape, Stage

SHAPE = ClipShape(num_frames=8, size_px=48, frames_per_second=8.0)
LEFT, RIGHT, NONE = 0, 1, 2


def depth_actor(num_frames: int = 60) -> Actor:
    """A trunk with an arm that swings from the left to the right of the picture."""
    frames = np.zeros((num_frames, 100, 80), np.uint8)
    frames[:, 10:, 32:48] = 120
    for index in range(num_frames):
        x = 5 + index * 70 // num_frames
        frames[index, 30:36, min(x, 40) : max(x, 40)] = 90
    return Actor(frames, None, 30.0, LEFT, 1, "a01_s1_t1")


def color_actor() -> Actor:
    actor = depth_actor()
    frames = np.repeat(actor.frames[..., None], 3, axis=3)
    masks = np.where(actor.frames > 0, np.uint8(255), np.uint8(0))
    return Actor(frames, masks, 15.0, LEFT, 2, "a01_s2_t1")


def clips(*, varied: bool = True) -> ActorClips:
    stage = Stage(SHAPE, [], seed=1, varied=varied)
    mirrored = {LEFT: RIGHT, RIGHT: LEFT}
    return ActorClips(
        stage, [depth_actor(), color_actor()], [color_actor()], mirrored=mirrored, none_label=NONE, num_none=3
    )


def movement(frames: NDArray[np.uint8]) -> float:
    """Mean column of what changes late minus that of what changes early, in pixels."""
    change = np.abs(np.diff(frames.astype(np.int16).mean(axis=-1), axis=0))
    change[change < 12] = 0
    columns = (change * np.arange(frames.shape[2])).sum(axis=(1, 2)) / np.maximum(change.sum(axis=(1, 2)), 1)
    seen = change.sum(axis=(1, 2)) > 0
    return float(columns[seen][-2:].mean() - columns[seen][:2].mean())


def test_items_are_clips_with_targets_that_depend_on_the_seed_alone() -> None:
    data = clips()
    assert len(data) == 6
    for index in range(len(data)):
        np.random.seed(index)
        clip, target, covered = data[index]
        np.random.seed(index)
        again, same, _ = data[index]
        assert clip.shape == (3, 8, 48, 48)
        assert clip.dtype == np.uint8
        np.testing.assert_array_equal(clip, again)
        assert target == same
        assert (target == NONE) == (index >= 3)
        assert covered.shape == (8, 6, 6)
        assert 0 <= covered.min() <= covered.max() <= 1
    assert [data.name_of(i) for i in (0, 2, 5)] == ["a01_s1_t1", "a01_s2_t1", "painted"]


def test_a_mirrored_swipe_is_the_other_swipe() -> None:
    data, right, seen = clips(), 0, {LEFT: 0, RIGHT: 0}
    data.stage.plain_share = 1.0
    for seed in range(20):
        clip = data.paint(np.random.default_rng(seed), 0)
        seen[clip.target] += 1
        right += (movement(clip.frames) > 0) == (clip.target == LEFT)
    assert min(seen.values()) >= 4
    assert right >= 17  # noise hides a few


def test_the_background_changes_and_the_room_is_no_clue() -> None:
    data = clips(varied=False)
    corners = {tuple(data.paint(np.random.default_rng(s), 1).frames[0, 0, 0]) for s in range(12)}
    assert len(corners) > 8


@pytest.mark.parametrize("num_frames", [3, 20, 200])
def test_moments_follow_the_clock(num_frames: int) -> None:
    actor = depth_actor(num_frames)
    moments = Stage(SHAPE, [], varied=False).moments(np.random.default_rng(0), actor, 1.0)
    assert moments.min() >= 0
    assert moments.max() < num_frames
    assert (np.diff(moments) >= 0).all()
    if num_frames == 200:  # 30 frames per second seen at 8: every 3.75th, in the middle of the recording
        np.testing.assert_array_less(np.abs(np.diff(moments) - 3.75), 1)
        assert abs(moments.mean() - 99.5) < 1


def test_still_scenes_have_no_noise_and_no_camera() -> None:
    data = clips(varied=False)
    clip = data.paint(np.random.default_rng(3), 2)
    assert clip.target == LEFT
    assert clip.frames.shape == (8, 48, 48, 3)
    corner = clip.frames[:, :4, :4].astype(int)
    assert np.abs(corner - corner[0]).max() == 0


def test_masks_lie_where_the_person_was_painted() -> None:
    """Painted bright on dark, she is where it is bright."""
    stage = Stage(SHAPE, [], varied=False, plain_share=1.0)
    data = ActorClips(stage, [depth_actor()], [], mirrored={}, none_label=NONE, num_none=0)
    for seed in range(5):
        clip = data.paint(np.random.default_rng(seed), 0)
        assert clip.masks is not None
        bright = clip.frames.mean(axis=-1) > 145
        assert (bright == (clip.masks > 127)).mean() > 0.97
        assert bright.mean() > 0.02
    other = Actor(color_actor().frames, None, 25.0, RIGHT, 0, "fi001")
    shown = ActorClips(stage, [depth_actor()], [other], mirrored={}, none_label=NONE, num_none=0)
    assert (shown[1][2] == -1).all()


def test_every_kind_of_nothing_is_painted() -> None:
    data = clips()
    painted = [data.paint_none(np.random.default_rng(seed)) for seed in range(60)]
    assert all(clip.frames.shape == (8, 48, 48, 3) and clip.target == NONE for clip in painted)
    moving = [np.abs(np.diff(clip.frames.astype(int), axis=0)).mean() for clip in painted]
    assert min(moving) < 3
    assert max(moving) > 10
