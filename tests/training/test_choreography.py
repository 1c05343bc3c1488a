"""Arm movements: each is what its name says, whoever does it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.training.choreography import ARM_MOTIONS
from muybridge.training.puppets import SHOULDER_HALF, Pose, puppet

SEEDS = range(20)
ONE_HANDED = (
    "swipe left", "swipe right", "wave", "throw", "draw an x", "draw a circle clockwise",
    "draw a circle counterclockwise", "draw a triangle", "tennis forehand", "knock on a door", "catch",
)  # fmt: skip


def pose_of(label: str, seed: int) -> Pose:
    """A movement of two seconds, at 50 moments a second."""
    seconds = np.arange(100) / 50
    rest = np.tile([0.05, -0.6, 0.05], (100, 1))
    pose = Pose(
        seconds,
        rest.copy(),
        rest.copy(),
        np.zeros((100, 2)),
        np.zeros((100, 2)),
        np.zeros(100),
        np.zeros(100),
    )
    ARM_MOTIONS[label](np.random.default_rng(seed), pose)
    return pose


def across(pose: Pose) -> NDArray[np.float64]:
    """Where the acting hand is, from the middle of the body to the right of the picture."""
    return pose.left[:, 0] + SHOULDER_HALF


@pytest.mark.parametrize("label", ARM_MOTIONS)
def test_hands_begin_and_end_at_rest_and_do_not_leap(label: str) -> None:
    for seed in SEEDS:
        pose = pose_of(label, seed)
        for hand in (pose.left, pose.right):
            np.testing.assert_allclose(hand[0], hand[-1], atol=1e-9)
            assert np.linalg.norm(np.diff(hand, axis=0), axis=1).max() < 0.25  # 12 m/s
            assert np.linalg.norm(hand, axis=1).max() < 1.0
        assert np.ptp(pose.left, axis=0).max() > 0.2


@pytest.mark.parametrize("label", ONE_HANDED)
def test_the_other_hand_hangs(label: str) -> None:
    assert not np.ptp(pose_of(label, 0).right, axis=0).any()


def test_swipes_cross_the_body_in_their_direction() -> None:
    for seed in SEEDS:
        for label, sign in (("swipe left", 1), ("swipe right", -1)):
            x = across(pose_of(label, seed))
            assert x.min() < -0.1
            assert x.max() > 0.3
            assert sign * (int(x.argmin()) - int(x.argmax())) > 0


@pytest.mark.parametrize(
    ("label", "sign"), [("draw a circle clockwise", -1), ("draw a circle counterclockwise", 1)]
)
def test_circles_turn_their_way(label: str, sign: int) -> None:
    for seed in SEEDS:
        pose = pose_of(label, seed)
        drawn = pose.left[:, 1] > -0.4  # without the way from rest and back
        x, y = pose.left[drawn, 0], pose.left[drawn, 1]
        x, y = x - x.mean(), y - y.mean()
        turned = np.unwrap(np.arctan2(y, x))
        assert sign * (turned[-1] - turned[0]) > np.pi


def test_a_triangle_has_three_corners_and_an_x_four() -> None:
    for label, least in (("draw a triangle", 3), ("draw an x", 4)):
        for seed in SEEDS:
            pose = pose_of(label, seed)
            path = pose.left[pose.left[:, 1] > -0.3, :2]
            ways = np.array([b - a for a, b in pairwise(path)])
            long = ways[np.linalg.norm(ways, axis=1) > 0.004]
            directions = np.unwrap(np.arctan2(long[:, 1], long[:, 0]))
            corners = (np.abs(np.diff(directions)) > np.deg2rad(40)).sum()
            assert corners >= least - 1


def test_arms_cross_and_hands_hold_one_bat() -> None:
    for seed in SEEDS:
        pose = pose_of("cross arms", seed)
        middle = int(pose.left[:, 0].argmin())
        assert pose.left[middle, 0] < -SHOULDER_HALF  # beyond the middle of the body, each from its side
        assert pose.right[middle, 0] < -SHOULDER_HALF
        bat = pose_of("swing a baseball bat", seed)
        apart = across(bat) + bat.right[:, 0] + SHOULDER_HALF
        assert np.abs(apart[bat.left[:, 1] > -0.2]).max() < 1e-9


def test_pushes_go_forward_and_curls_upward() -> None:
    for seed in SEEDS:
        for hand in (pose_of("push with two hands", seed).left, pose_of("push with two hands", seed).right):
            assert hand[:, 2].max() > 0.5
        curl = pose_of("curl an arm", seed).left
        assert curl[:, 1].max() > -0.25
        assert curl[:, 0].max() < 0.2


def test_a_puppet_lasts_as_long_as_it_is_told() -> None:
    actor = puppet(np.random.default_rng(1), ARM_MOTIONS["catch"], 2, yaw_degrees=0, length_seconds=1.5)
    assert len(actor.frames) == 24
