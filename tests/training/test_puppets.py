"""Puppets: bodies that stay bodies, and hands that go where they are told."""

from __future__ import annotations

import numpy as np
import pytest

from muybridge.training import puppets
from muybridge.training.puppets import boxing, clapping, puppet, strange, walking


def reach(frame: np.ndarray) -> tuple[int, int]:
    """First and last column of the figure between hip and head."""
    columns = np.flatnonzero((frame[30:75] > 0).any(axis=0))
    return int(columns.min()), int(columns.max())


def test_bones_keep_their_length_and_reach_what_is_near() -> None:
    chance = np.random.default_rng(1)
    for _ in range(200):
        target = chance.uniform(-1, 1, 3)
        elbow, hand = puppets._two_bones(np.zeros(3), target, 0.3, 0.35, np.array([0.1, -1.0, 0.0]))
        assert np.linalg.norm(elbow) == pytest.approx(0.3, abs=1e-6)
        assert np.linalg.norm(hand - elbow) == pytest.approx(0.35, abs=1e-6)
        if 0.06 < np.linalg.norm(target) < 0.64:
            np.testing.assert_allclose(hand, target, atol=1e-6)


def test_claps_open_and_close_on_both_sides() -> None:
    actor = puppet(np.random.default_rng(3), clapping, 3, yaw_degrees=0)
    spans = np.array([reach(frame) for frame in actor.frames])
    assert actor.label == 3
    assert actor.is_depth
    middle = actor.frames.shape[2] / 2
    np.testing.assert_allclose(middle - spans[:, 0], spans[:, 1] - middle, atol=4)


def test_a_boxer_from_the_side_reaches_forward_again_and_again() -> None:
    for seed in range(5):
        left = puppet(np.random.default_rng(seed), boxing, 0, yaw_degrees=-90)
        right = puppet(np.random.default_rng(seed), boxing, 0, yaw_degrees=90)
        middle = left.frames.shape[2] / 2
        to_left = middle - np.array([reach(f)[0] for f in left.frames])
        to_right = np.array([reach(f)[1] for f in right.frames]) - middle
        assert to_left.max() > 25
        assert to_left.max() - to_left.min() > 10
        np.testing.assert_allclose(to_left.max(), to_right.max(), atol=6)


@pytest.mark.parametrize(
    "motion", [clapping, boxing, walking, *sorted(set(puppets.STRANGE_MOTIONS), key=str), strange]
)
def test_every_motion_moves_and_stays_in_the_picture(motion: puppets.Motion) -> None:
    actor = puppet(np.random.default_rng(5), motion, 1, yaw_degrees=30)
    assert (np.abs(np.diff(actor.frames.astype(int), axis=0)).max(axis=(1, 2)) > 0).mean() > 0.5
    person = actor.frames > 0
    assert not person[:, :, [0, -1]].any()
    assert (person.sum(axis=(1, 2)) > 800).all()
