"""The arm movements of UTD-MHAD's classes for puppets: what each is, and what may differ from person to person.

A dozen recordings of a class show its movement in as many sizes, paces and places as a dozen people chose. A puppet
draws its circle large or small, high or low, once or twice, from wherever it likes, so that a network learns which of
these do not matter.

    hand  (outward, up, forward) of its shoulder, meters
    rest ──► raise ──► points of the movement ──► rest        each after its share of the time

The hand that acts is the one at the right of the picture, as in those recordings; who paints mirrors some. The
movements are described by Chen, Jafari and Kehtarnavaz, "UTD-MHAD: A Multimodal Dataset for Human Action Recognition
Utilizing a Depth Camera and a Wearable Inertial Sensor", ICIP 2015, and were compared with the recordings by eye.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from muybridge.training.puppets import SHOULDER_HALF, Motion, Points, Pose

__all__ = ["ARM_MOTIONS"]

ACROSS = -2 * SHOULDER_HALF  # outward of one shoulder, where the other is


def _go(
    chance: Generator,
    pose: Pose,
    ways: Sequence[tuple[Points, Sequence[Sequence[float]]]],
    shares: Sequence[float],
) -> None:
    """Lead hands at the same time from rest through points and back to rest.

    Args:
        chance: random numbers, for when it begins and ends, and how far each point is missed.
        pose: whose seconds count.
        ways: of each hand, its places (T, 3), at rest so far, and the points (N, 3) that it goes through.
        shares: (N + 1,) how long each part of the way takes, relative to the others; the last leads back to rest.
    """
    length = pose.seconds[-1]
    begin, end = length * chance.uniform(0, 0.2), length * chance.uniform(0.8, 1.0)
    parts = np.asarray(shares, np.float64) * np.exp(chance.normal(0, 0.15, len(shares)))
    times = begin + (end - begin) * np.concatenate([[0.0], np.cumsum(parts) / parts.sum()])
    progress = np.interp(pose.seconds, times, np.arange(len(times)))
    part, share = np.floor(progress), progress % 1
    smooth = part + share**2 * (3 - 2 * share)  # a hand slows down at the corners of its path
    for hand, points in ways:
        targets = np.asarray(points, np.float64) + chance.normal(0, 0.025, (len(points), 3))
        knots = np.concatenate([hand[:1], targets, hand[-1:]])
        for axis in range(3):
            hand[:, axis] = np.interp(smooth, np.arange(len(times)), knots[:, axis])


def _size(chance: Generator) -> float:
    return float(chance.uniform(0.75, 1.2))


def swipe_left(chance: Generator, pose: Pose) -> None:
    """The hand goes from its own side across the chest."""
    size, up = _size(chance), chance.uniform(-0.15, 0.12)
    points = [
        (0.35 * size, up - 0.05, 0.3),
        (0.0, up, 0.5),
        (ACROSS - 0.15 * size, up, chance.uniform(0.15, 0.4)),
    ]
    _go(chance, pose, [(pose.left, points)], [1.0, 0.45, 0.45, 1.0])


def swipe_right(chance: Generator, pose: Pose) -> None:
    """The hand goes from the other side outward."""
    size, up = _size(chance), chance.uniform(-0.15, 0.12)
    points = [
        (ACROSS - 0.1 * size, up, chance.uniform(0.15, 0.35)),
        (0.0, up, 0.5),
        (0.45 * size, up, chance.uniform(0.1, 0.35)),
    ]
    _go(chance, pose, [(pose.left, points)], [1.0, 0.45, 0.45, 1.0])


def wave(chance: Generator, pose: Pose) -> None:
    """The raised hand goes from side to side, about its elbow."""
    up, middle, wide = chance.uniform(0.05, 0.4), chance.uniform(-0.05, 0.25), chance.uniform(0.07, 0.2)
    sides = [(middle + wide * (-1) ** n, up, 0.35) for n in range(int(chance.integers(3, 8)))]
    _go(chance, pose, [(pose.left, sides)], [1.2, *[0.4] * (len(sides) - 1), 1.2])


def throw(chance: Generator, pose: Pose) -> None:
    """The hand is drawn back beside the head and flung forward and down."""
    size = _size(chance)
    back = (0.3 * size, chance.uniform(0.05, 0.35), chance.uniform(-0.15, 0.1))
    points = [back, (0.1, 0.35 * size, 0.4), (-0.05, chance.uniform(-0.1, 0.15), 0.55), (-0.1, -0.3, 0.4)]
    _go(chance, pose, [(pose.left, points)], [1.0, 0.35, 0.25, 0.4, 0.7])


def cross_arms(chance: Generator, pose: Pose) -> None:
    """Both arms are crossed before the chest, and let go."""
    up, near = chance.uniform(-0.22, 0.08), chance.uniform(0.12, 0.25)
    reach = ACROSS * chance.uniform(0.6, 1.0)
    hold = chance.uniform(0.1, 1.2)
    front, behind = (
        [(reach, up, near + nearer), (reach, up + 0.02, near + nearer)] for nearer in (0.06, 0.0)
    )
    _go(chance, pose, [(pose.left, behind), (pose.right, front)], [1.0, hold, 1.0])


def shoot_basketball(chance: Generator, pose: Pose) -> None:
    """Both hands lift a ball from the chest over the head and let it fly."""
    size, low = _size(chance), chance.uniform(-0.3, -0.05)
    ways = [
        (hand, [(inward, low, 0.28), (inward, 0.15, 0.3), (inward, high, 0.35), (inward, high - 0.05, 0.4)])
        for hand, inward, high in (
            (pose.left, -0.08, 0.5 * size),
            (pose.right, -0.15, chance.uniform(0.25, 0.5) * size),
        )
    ]
    _go(chance, pose, ways, [0.9, 0.5, 0.3, chance.uniform(0.1, 0.7), 0.9])
    bent = np.interp(pose.seconds, pose.seconds[-1] * np.array([0.15, 0.35, 0.55]), [0.0, 1.0, 0.0])
    pose.rise -= bent * chance.uniform(0, 0.1)


def _drawing(
    chance: Generator, pose: Pose, corners: Sequence[tuple[float, float]], shares: Sequence[float]
) -> None:
    """The hand draws a figure in the air; corners (x, y) in units of its half size."""
    width, height = chance.uniform(0.22, 0.42), chance.uniform(0.2, 0.42)
    x, y, z = chance.uniform(-0.22, 0.12), chance.uniform(-0.05, 0.25), chance.uniform(0.28, 0.5)
    points = [(x + width * a, y + height * b, z) for a, b in corners]
    _go(chance, pose, [(pose.left, points)], [1.5, *shares, 1.5])


def draw_x(chance: Generator, pose: Pose) -> None:
    """Two crossing strokes, downward both, or the second one upward."""
    first = [(1, 1), (-1, -1)]
    second = [(-1, 1), (1, -1)] if chance.random() < 0.8 else [(1, -1), (-1, 1)]
    if chance.random() < 0.25:
        first, second = second, first
    _drawing(chance, pose, [*first, *second], [1.0, chance.uniform(0.5, 0.9), 1.0])


def _circle(chance: Generator, pose: Pose, direction: float) -> None:
    turns, start = chance.choice([1.0, 1.15, 1.5, 2.0]), chance.choice([0.0, 0.0, 90.0, 180.0, -90.0])
    count = int(12 * turns) + 1
    angles = np.deg2rad(start + chance.normal(0, 20) + direction * np.linspace(0, 360 * turns, count))
    corners = [(float(np.sin(a)), float(np.cos(a))) for a in angles]
    _drawing(chance, pose, corners, [0.25] * (count - 1))


def draw_circle_clockwise(chance: Generator, pose: Pose) -> None:
    """Over the top to the right of the picture."""
    _circle(chance, pose, 1.0)


def draw_circle_counterclockwise(chance: Generator, pose: Pose) -> None:
    """Over the top to the left of the picture."""
    _circle(chance, pose, -1.0)


def draw_triangle(chance: Generator, pose: Pose) -> None:
    """Three straight strokes; mostly from the top down to the left."""
    corners = [(0.0, 1.0), (-1.0, -0.8), (1.0, -0.8)]
    if chance.random() < 0.25:
        corners = corners[::-1]
    first = int(chance.integers(3)) if chance.random() < 0.3 else corners.index((0.0, 1.0))
    path = [corners[(first + n) % 3] for n in range(4)]
    _drawing(chance, pose, path, [1.0, 1.0, 1.0])


def swing_baseball(chance: Generator, pose: Pose) -> None:
    """Both hands swing a bat from the right of the picture to the left, where the arms are straight."""
    up, far = chance.uniform(-0.15, 0.1), chance.uniform(0.4, 0.62)
    # The bat's handle: to the right of the picture from the middle of the body, up, forward.
    handle = np.tile([0.0, -0.5, 0.15], (len(pose.seconds), 1))
    end = (-far, up + chance.uniform(0.0, 0.2), 0.15)
    points = [(0.35, up, 0.15), (chance.uniform(0.3, 0.55), up + 0.1, 0.0), (0.1, up - 0.05, 0.5), end, end]
    _go(chance, pose, [(handle, points)], [1.0, chance.uniform(0.3, 0.8), 0.35, 0.35, 0.4, 1.0])
    held = np.clip((handle[:, 1:2] + 0.5) * 4, 0, 1)  # before and after, the hands hang at the sides
    for hand, sign, higher in ((pose.left, 1.0, 0.05), (pose.right, -1.0, -0.05)):
        together = handle * [sign, 1, 1] + [-SHOULDER_HALF, higher, 0]
        hand += held * (together - hand)
    pose.turn += chance.uniform(10, 50) * np.sign(handle[:, 0]) * np.clip(np.abs(handle[:, 0]) * 3, 0, 1)


def tennis_forehand(chance: Generator, pose: Pose) -> None:
    """The hand goes back at its side, and swings forward and up to the other shoulder."""
    size = _size(chance)
    points = [
        (0.45 * size, chance.uniform(-0.3, 0.05), chance.uniform(-0.25, 0.05)), (0.35, -0.35, 0.3), (-0.05, -0.1, 0.5),
        (ACROSS + 0.05, chance.uniform(-0.05, 0.25), 0.25),
    ]  # fmt: skip
    _go(chance, pose, [(pose.left, points)], [1.1, 0.5, 0.3, 0.35, 1.1])
    swung = np.clip((pose.left[:, 0] - 0.1) * 2.5, -1, 1)
    pose.turn += chance.uniform(5, 40) * swung
    pose.rise -= chance.uniform(0, 0.08) * (swung > 0.5)


def curl_arms(chance: Generator, pose: Pose) -> None:
    """Both forearms go up to the shoulders and down, the elbows at the sides."""
    times, top = int(chance.integers(1, 3)), chance.uniform(-0.12, 0.03)
    curl = [(0.02, -0.42, 0.38), (0.0, top, chance.uniform(0.1, 0.22)), (0.02, -0.42, 0.38)]
    hands = [pose.left] if chance.random() < 0.1 else [pose.left, pose.right]
    shares = [0.7, *([0.6, 0.6, 0.3] * times)[:-1], 0.7]
    _go(chance, pose, [(hand, curl * times) for hand in hands], shares)


def tennis_serve(chance: Generator, pose: Pose) -> None:
    """Half turned away, one hand throws the ball up; the other goes back, up and over."""
    size, toss = _size(chance), chance.uniform(0.35, 0.55)
    up = [
        (0.0, -0.25, 0.35),
        (0.08, toss, 0.35),
        (0.05, toss - 0.1, 0.35),
        (0.0, -0.2, 0.3),
        (0.0, -0.3, 0.25),
    ]
    over = [
        (0.45 * size, chance.uniform(-0.35, -0.1), -0.1),
        (0.35, 0.1, -0.15),
        (0.2, 0.3, -0.1),
        (0.08, 0.62, 0.15),
        (-0.15, 0.0, 0.5),
    ]
    _go(chance, pose, [(pose.right, up), (pose.left, over)], [0.7, 0.5, 0.5, 0.4, 0.35, 0.7])
    back = np.clip(pose.left[:, 0] * 2.5 - 0.1, 0, 1)
    pose.turn += chance.uniform(15, 60) * back


def push_with_two_hands(chance: Generator, pose: Pose) -> None:
    """Both hands go from the chest straight forward, and back."""
    up, wide, times = chance.uniform(-0.12, 0.2), chance.uniform(-0.1, 0.08), int(chance.integers(1, 3))
    near, far = (wide, up - chance.uniform(0, 0.15), 0.18), (wide, up, 0.62)
    push = [near, far, far, near] * times
    shares = [0.9, *([0.5, chance.uniform(0.1, 0.7), 0.5, 0.2] * times)[:-1], 0.9]
    _go(chance, pose, [(pose.left, push), (pose.right, push)], shares)


def knock(chance: Generator, pose: Pose) -> None:
    """The raised fist goes forth and back a little, several times."""
    x, up, beat = chance.uniform(-0.12, 0.12), chance.uniform(0.0, 0.35), chance.uniform(0.06, 0.16)
    points: list[Any] = []
    for _ in range(int(chance.integers(2, 5))):
        points += [(x, up, 0.32), (x, up - 0.4 * beat, 0.32 + beat)]
    _go(chance, pose, [(pose.left, points)], [1.3, *[0.25] * (len(points) - 1), 1.3])


def catch(chance: Generator, pose: Pose) -> None:
    """The hand reaches out for something that flies, and pulls it in."""
    out = (chance.uniform(-0.05, 0.3), chance.uniform(0.15, 0.5), chance.uniform(0.3, 0.5))
    near = (0.02, chance.uniform(-0.1, 0.2), 0.25)
    _go(chance, pose, [(pose.left, [out, near, near])], [1.0, 0.4, chance.uniform(0.1, 0.8), 1.0])


ARM_MOTIONS: Mapping[str, Motion] = {
    "swipe left": swipe_left,
    "swipe right": swipe_right,
    "wave": wave,
    "throw": throw,
    "cross arms": cross_arms,
    "shoot a basketball": shoot_basketball,
    "draw an x": draw_x,
    "draw a circle clockwise": draw_circle_clockwise,
    "draw a circle counterclockwise": draw_circle_counterclockwise,
    "draw a triangle": draw_triangle,
    "swing a baseball bat": swing_baseball,
    "tennis forehand": tennis_forehand,
    "curl an arm": curl_arms,
    "tennis serve": tennis_serve,
    "push with two hands": push_with_two_hands,
    "knock on a door": knock,
    "catch": catch,
}
"""What each class is, by its name."""
