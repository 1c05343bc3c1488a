"""Actionness: of what moves on its own, under noise, light and a moving camera; of heads; of timelines."""

import numpy as np
import pytest

from muybridge.actions.actionness import OwnMotion, head_actionness, timeline_actionness
from muybridge.errors import OptionError, ShapeError
from muybridge.values import Segment, Signal, Timeline, VideoMetadata

TEXTURE = np.random.default_rng(0).integers(30, 220, (50, 60), np.uint8).repeat(5, 0).repeat(5, 1)


def picture(
    number: int, *, pan: int = 0, mover: bool = False, light: int = 0, noise: float = 0.0
) -> np.ndarray:
    """120×160 out of a larger scene, some pixels further with each number; a square that crosses it."""
    left = 20 + pan * number
    view = TEXTURE[40:160, left : left + 160].astype(np.float64)
    if mover:
        view[40:80, 20 + 3 * number : 50 + 3 * number] = 128
    rng = np.random.default_rng(number)
    return np.clip(view + light * number + rng.normal(0, noise, view.shape), 0, 255).astype(np.uint8)


def mean_actionness(**options: object) -> float:
    meter = OwnMotion()
    steps = [meter.push(picture(n, **options), n / 15) for n in range(8)]  # type: ignore[arg-type]
    return float(np.mean([step.actionness for step in steps if step is not None]))


def test_what_stands_still_does_nothing_whatever_the_noise_and_the_light() -> None:
    assert mean_actionness() == 0
    assert mean_actionness(noise=4.0) < 0.25
    assert mean_actionness(light=2) < 0.25


def test_what_moves_is_seen_under_noise_and_under_a_moving_camera() -> None:
    assert mean_actionness(mover=True) > 0.8
    assert mean_actionness(mover=True, noise=4.0) > 0.6
    assert mean_actionness(mover=True, pan=3) > mean_actionness(pan=3) + 0.2


def test_a_cut_is_no_motion() -> None:
    meter = OwnMotion()
    meter.push(picture(0), 0.0)
    step = meter.push(255 - picture(0)[::-1], 0.1)
    assert step is not None
    assert (step.is_cut, step.actionness) == (True, 0.0)


def test_goes_on_from_a_saved_state_and_needs_time_to_go_on() -> None:
    first, second = OwnMotion(), OwnMotion()
    first.push(picture(0, mover=True), 0.0)
    second.restore(first.state())
    assert second.push(picture(1, mover=True), 0.1) == first.push(picture(1, mover=True), 0.1)
    assert first.push(picture(2), 0.1) is None
    with pytest.raises(ShapeError, match="uint8"):
        first.push(np.zeros((4, 4, 3), np.uint8), 1.0)


def test_heads_with_and_without_a_background_label() -> None:
    rows = [[0.6, 0.3, 0.1], [0.1, 0.1, 0.8]]
    assert head_actionness(rows, ["a", "b", "none of these"]).tolist() == pytest.approx([0.9, 0.2])
    assert head_actionness(rows, ["a", "b", "c"]).tolist() == [0.6, 0.8]
    assert head_actionness(np.zeros((0, 2)), ["a", "b"]).tolist() == []
    with pytest.raises(ShapeError, match="column for each label"):
        head_actionness(rows, ["a"])
    with pytest.raises(OptionError, match="NaN"):
        head_actionness([[np.nan, 1.0]], ["a", "b"])


def test_cuts_and_text_are_felt_in_a_timeline() -> None:
    seconds = np.arange(0, 6, 0.1)
    quiet = (Signal("object motion", seconds, np.zeros(60)), Signal("moving area", seconds, np.zeros(60)))
    segments = (Segment(0, 2, "shot"), Segment(2, 6, "shot"), Segment(4, 5, "text", "EXIT"))
    metadata = VideoMetadata("quiet.mp4", duration_seconds=6.0)
    signal = timeline_actionness(Timeline(metadata, segments, quiet), step_seconds=0.5)
    # Values at the steps' middles, a quarter of a second from each change: half of the weight 0.5.
    assert signal.values.tolist() == [0, 0, 0, 0.25, 0.25, 0, 0, 0.25, 0.25, 0.25, 0.25, 0]
    empty = Timeline(VideoMetadata("empty.mp4", duration_seconds=0.0), (), (Signal("object motion", [], []),
                     Signal("moving area", [], [])))  # fmt: skip
    assert len(timeline_actionness(empty)) == 0
    with pytest.raises(OptionError, match="'motion'"):
        timeline_actionness(Timeline(metadata))
    with pytest.raises(OptionError, match="step_seconds"):
        timeline_actionness(Timeline(metadata, segments, quiet), step_seconds=0)
