"""People cut out of recordings: silhouettes by depth, mattes by the empty room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import OptionError, VideoOpenError
from muybridge.training.actors import (
    Actor,
    empty_room,
    load_actors,
    read_actor,
    read_color_actor,
    read_depth_actor,
    save_actors,
    subject_of,
)
from muybridge.video.writer import VideoWriter

HEIGHT, WIDTH, NUM_FRAMES = 120, 160, 8
ROOM = np.linspace(60, 200, WIDTH, dtype=np.float32)[None, :, None] * np.ones((HEIGHT, 1, 3), np.float32)


def body(index: int, left: int = 60) -> NDArray[np.bool_]:
    """A trunk, and an arm that rises."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:110, left : left + 24] = True
    mask[40 - 2 * index : 48 - 2 * index, left + 24 : left + 50] = True
    return mask


def write(path: Path, frames: list[NDArray[np.uint8]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, width=WIDTH, height=HEIGHT, frames_per_second=15) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def recorded(folder: Path, name: str, left: int) -> tuple[Path, Path]:
    """(color, depth) clips of a red person in the room."""
    color, depth = [], []
    for index in range(NUM_FRAMES):
        mask = body(index, left)
        color.append(np.where(mask[..., None], np.array([200, 20, 20]), ROOM).astype(np.uint8))
        depth.append(np.where(mask[..., None], 140, np.zeros((1, 1, 3))).astype(np.uint8))
    return write(folder / "rgb" / name, color), write(folder / "depth" / name, depth)


def test_a_depth_clip_is_cropped_to_the_person(tmp_path: Path) -> None:
    _, path = recorded(tmp_path, "a01_s3_t1.mp4", left=60)
    actor = read_depth_actor(path, 0)
    assert (actor.group, actor.label, actor.name, actor.is_depth) == (3, 0, "a01_s3_t1", True)
    assert actor.frames_per_second == pytest.approx(15)
    # The person is at columns 60–110 and rows 26–110, give or take the noise of coding and the margin.
    height, width = actor.frames.shape[1:]
    assert abs(height - 0.75 * 88) <= 6
    assert abs(width - 0.75 * 54) <= 6


def test_an_empty_depth_clip_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a01_s1_t1.mp4", [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 3)
    with pytest.raises(VideoOpenError, match="shows nobody"):
        read_depth_actor(path, 0)


def test_the_room_is_found_behind_people_and_they_are_cut_out(tmp_path: Path) -> None:
    pairs = [recorded(tmp_path, f"a01_s{s}_t1.mp4", left) for s, left in ((1, 20), (2, 70), (3, 95))]
    room = empty_room(pairs)
    assert np.abs(room.astype(float) - ROOM).mean() < 4
    actor = read_color_actor(*pairs[1], room, 4)
    assert actor.masks is not None
    assert actor.frames.shape[:3] == actor.masks.shape == (NUM_FRAMES, 90, 120)
    for index in (0, NUM_FRAMES - 1):
        true = body(index, 70)[::4, ::4]
        found = actor.masks[index][::3, ::3] > 127
        assert (true & found).sum() / (true | found).sum() > 0.75


def test_actors_are_kept_and_read_again(tmp_path: Path) -> None:
    frames = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    actors = [
        Actor(frames, frames[..., 0], 15.0, 2, 1, "color"),
        Actor(frames[..., 0], None, 30.0, 1, 6, "depth"),
    ]
    path = tmp_path / "actors.npz"
    save_actors(path, actors)
    again = load_actors(path, lambda: pytest.fail("made anew"))
    assert [(a.name, a.label, a.group, a.frames_per_second) for a in again] == [
        ("color", 2, 1, 15.0),
        ("depth", 1, 6, 30.0),
    ]
    np.testing.assert_array_equal(again[0].frames, frames)
    assert again[0].masks is not None
    assert again[1].masks is None


def test_other_clips_are_read_no_larger_than_needed(tmp_path: Path) -> None:
    color, _ = recorded(tmp_path, "a01_s1_t1.mp4", left=60)
    assert read_actor(color, 7, 0, short_side_px=60).frames.shape == (NUM_FRAMES, 60, 80, 3)
    assert read_actor(color, 7, 0).frames.shape == (NUM_FRAMES, HEIGHT, WIDTH, 3)


def test_a_name_without_a_subject_is_refused() -> None:
    with pytest.raises(OptionError, match="does not tell its subject"):
        subject_of("clip.mp4")
