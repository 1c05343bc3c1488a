"""Jointed figures that move as they are told: claps and blows of many kinds, and movements that are no class.

The few people of a recording do a thing as they were asked to, seen from the front. A puppet claps wide or small,
boxes with one arm or both, seen from any side; and it walks, runs, waves both arms, kicks a ball or gesticulates,
so that a network learns what is *not* among its classes. It is drawn as a depth clip, so that all that paints
recorded people paints puppets too.

    hands, feet (targets over time) ──two-bone limbs──► joints (T, J, 3) m ──turned──► thick lines, far ones first

Sizes of the body: Drillis and Contini's shares of the height, as quoted in Winter, "Biomechanics and Motor Control
of Human Movement", 1990.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from muybridge.training.actors import PX_PER_M, Actor

__all__ = [
    "STRANGE_MOTIONS",
    "Motion",
    "Points",
    "Pose",
    "boxing",
    "clapping",
    "puppet",
    "strange",
    "walking",
]

Points = NDArray[
    np.float64
]  # (T, 3) meters: x to the puppet's left as seen from the front, y up, z to the viewer

HIP, SHOULDER, HEAD = 0.90, 1.39, 1.58
SHOULDER_HALF, HIP_HALF = 0.19, 0.10
UPPER_ARM, FOREARM, THIGH, SHIN = 0.29, 0.35, 0.44, 0.45
RATE = 16.0
SECONDS = 4.0
CANVAS = (132, 170)
MIDDLE_LEVEL = 130


@dataclass
class Pose:
    """Where the body is over time. Hands are told from their shoulder: outward, up, forward.

    Args:
        seconds: (T,).
        left: (T, 3) the hand at the right of the picture.
        right: (T, 3) the other.
        lifts: (T, 2) by how much each foot is off the ground, and how far forward (T, 2) in `steps`.
        steps: (T, 2).
        rise: (T,) of the whole body: jumps, bends of the knee below 0.
        turn: (T,) degrees added to the yaw.
    """

    seconds: NDArray[np.float64]
    left: Points
    right: Points
    lifts: NDArray[np.float64]
    steps: NDArray[np.float64]
    rise: NDArray[np.float64]
    turn: NDArray[np.float64]


Motion = Callable[[Generator, Pose], None]


def puppet(
    chance: Generator,
    motion: Motion,
    label: int,
    *,
    yaw_degrees: float,
    stoutest: float = 1.25,
    length_seconds: float = SECONDS,
    name: str = "puppet",
) -> Actor:
    """A puppet that does `motion`, as a depth actor.

    Args:
        chance: random numbers: the body's sizes, and what `motion` leaves open.
        motion: fills a `Pose`.
        label: index of the class.
        yaw_degrees: from which side it is seen; 0 is the front.
        stoutest: at most how many times as wide as usual it is.
        length_seconds: of the clip.
        name: of the actor.

    >>> actor = puppet(np.random.default_rng(0), clapping, 3, yaw_degrees=0)
    >>> actor.frames.shape, actor.label, bool((actor.frames > 0).any(axis=(1, 2)).all())
    ((64, 132, 170), 3, True)
    """
    num_frames = int(RATE * length_seconds)
    seconds = np.arange(num_frames) / RATE
    rest = np.array([chance.uniform(0.02, 0.12), -0.6, chance.uniform(0.02, 0.12)])
    pose = Pose(
        seconds, np.tile(rest, (num_frames, 1)), np.tile(rest, (num_frames, 1)), np.zeros((num_frames, 2)),
        np.zeros((num_frames, 2)), np.zeros(num_frames), np.zeros(num_frames),
    )  # fmt: skip
    motion(chance, pose)
    width = chance.uniform(0.85, stoutest)
    frames = np.stack([_drawn(pose, t, yaw_degrees, width) for t in range(num_frames)])
    return Actor(frames, None, RATE, label, -1, name)


def clapping(chance: Generator, pose: Pose) -> None:
    """Hands that meet again and again: wide or small, high or low, fast or slow."""
    phase = 2 * np.pi * (chance.uniform(0.7, 2.6) * pose.seconds + chance.random())
    apart = (1 - np.cos(phase)) / 2
    closed = np.array([-SHOULDER_HALF + 0.02, chance.uniform(-0.3, -0.02), chance.uniform(0.28, 0.45)])
    wide = chance.uniform(0.05, 0.6)
    opened = np.array([wide, closed[1] + chance.uniform(-0.25, 0.15), closed[2] * chance.uniform(0.3, 1)])
    hands = closed + apart[:, None] * (opened - closed)
    # The way out is often lower than the way in.
    hands[:, 1] -= np.clip(np.sin(phase), 0, 1) * chance.uniform(0.1, 0.45) * (chance.random() < 0.6)
    pose.left[:], pose.right[:] = hands, hands
    pose.rise += 0.01 * np.sin(phase)


def boxing(chance: Generator, pose: Pose) -> None:
    """Blows with one hand or both in turn, out of a guard."""
    guard = np.array([chance.uniform(-0.15, 0.0), chance.uniform(-0.2, 0.05), chance.uniform(0.15, 0.32)])
    blow = np.array([chance.uniform(-0.17, -0.02), chance.uniform(-0.08, 0.12), 0.63])
    pace = chance.uniform(0.7, 1.8)
    hold = chance.uniform(0.6, 1.6)  # a swift blow, or an arm that stays out for a while
    kind = chance.random()
    for index, hand in enumerate((pose.left, pose.right)):
        phase = 2 * np.pi * (pace * pose.seconds + index / 2 + 0.1 * chance.random())
        out = np.clip((np.sin(phase) * hold + 0.3 * hold) / 1.3, 0, 1)
        if (kind < 0.25 and index == 0) or (0.25 <= kind < 0.5 and index == 1):
            out = np.zeros_like(out)
        hand[:] = guard + out[:, None] * (blow - guard)
    if chance.random() < 0.5:
        pose.rise += 0.02 * np.abs(np.sin(2 * np.pi * pace * pose.seconds))
        pose.steps[:] = [chance.uniform(-0.15, 0.15), chance.uniform(-0.15, 0.15)]


def _wandering(chance: Generator, pose: Pose) -> None:
    """Hands that go from anywhere to anywhere: talk, search, dance."""
    reach = chance.uniform(0.15, 0.6)
    both = chance.random() < 0.15
    for hand in (pose.left, pose.right):
        knots = np.arange(0, SECONDS + 2, chance.uniform(0.3, 0.9))
        targets = np.array([0.1, -0.35, 0.25]) + chance.uniform(-1, 1, (len(knots), 3)) * reach
        targets[:, 2] = np.clip(targets[:, 2], 0.05, 0.6)
        for axis in range(3):
            hand[:, axis] = np.interp(pose.seconds, knots, targets[:, axis])
        kernel = np.hanning(7) / np.hanning(7).sum()
        hand[3:-3] = np.stack([np.convolve(hand[:, a], kernel, "valid") for a in range(3)], axis=1)
    if both:
        pose.right[:] = pose.left
    if chance.random() < 0.4:
        pose.rise += 0.03 * np.sin(2 * np.pi * chance.uniform(0.3, 1.5) * pose.seconds) - 0.03
        pose.turn += chance.uniform(5, 30) * np.sin(2 * np.pi * chance.uniform(0.2, 0.8) * pose.seconds)


def _star_jumps(chance: Generator, pose: Pose) -> None:
    """Both arms up and down at the sides, with or without a jump."""
    phase = 2 * np.pi * (chance.uniform(0.5, 1.6) * pose.seconds + chance.random())
    angle = (1 - np.cos(phase)) / 2 * np.deg2rad(chance.uniform(105, 165))
    hands = 0.63 * np.stack([np.sin(angle), -np.cos(angle), 0.05 + 0 * angle], axis=1)
    pose.left[:], pose.right[:] = hands, hands
    if chance.random() < 0.6:
        pose.rise += 0.08 * np.abs(np.sin(phase))


def walking(chance: Generator, pose: Pose) -> None:
    """Walks or runs to one side, without getting anywhere: who paints it moves it."""
    runs = chance.random() < 0.35
    pace = chance.uniform(1.2, 1.6) if runs else chance.uniform(0.7, 1.1)
    phase = 2 * np.pi * (pace * pose.seconds + chance.random())
    stride = chance.uniform(0.3, 0.5) if runs else chance.uniform(0.2, 0.35)
    for side, offset in enumerate((0.0, np.pi)):
        pose.steps[:, side] = stride * np.sin(phase + offset)
        pose.lifts[:, side] = np.clip(np.cos(phase + offset), 0, 1) * (0.25 if runs else 0.08)
    swing = chance.uniform(0.1, 0.35)
    for hand, offset in ((pose.left, np.pi), (pose.right, 0.0)):
        hand[:, 2] += swing * np.sin(phase + offset)
        hand[:, 1] += 0.25 * runs
    pose.turn[:] = 90.0 if chance.random() < 0.5 else -90.0


def _kicks(chance: Generator, pose: Pose) -> None:
    """One foot, then the other, as with a ball that must not fall; the hands balance."""
    phase = 2 * np.pi * (chance.uniform(0.6, 1.4) * pose.seconds + chance.random())
    which = chance.random()
    for side, offset in enumerate((0.0, np.pi)):
        lift = np.clip(np.sin(phase + offset), 0, 1) * chance.uniform(0.15, 0.45)
        if which < 0.4 and side == 0:
            lift[:] = 0
        pose.lifts[:, side] = lift
        pose.steps[:, side] = lift * chance.uniform(0.3, 1.2)
    spread = chance.uniform(0, 0.3) * (0.6 + 0.4 * np.sin(phase))
    for hand in (pose.left, pose.right):
        hand[:, 0] += spread
        hand[:, 1] += spread * 0.4
    pose.turn += chance.uniform(0, 20) * np.sin(phase / 2)


def _turns(chance: Generator, pose: Pose) -> None:
    """Turns about, with its arms hanging or half raised."""
    pose.turn[:] = np.cumsum(np.full(len(pose.seconds), chance.normal(0, 90) / RATE))
    raised = chance.uniform(0, 0.4)
    for hand in (pose.left, pose.right):
        hand += [0, raised, raised / 2]


STRANGE_MOTIONS: tuple[Motion, ...] = (_wandering, _wandering, _star_jumps, _kicks, _kicks, _turns)
"""Movements that are none of the classes."""


def strange(chance: Generator, pose: Pose) -> None:
    """One of `STRANGE_MOTIONS`."""
    STRANGE_MOTIONS[int(chance.integers(len(STRANGE_MOTIONS)))](chance, pose)


def _drawn(pose: Pose, t: int, yaw_degrees: float, width: float) -> NDArray[np.uint8]:
    joints, limbs = _joints(pose, t), []
    yaw = np.deg2rad(yaw_degrees + pose.turn[t])
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    seen = {name: turn @ point for name, point in joints.items()}
    trunk = width * (0.30 * abs(cos) + 0.22 * abs(sin))
    for first, second, thickness in (
        ("neck", "pelvis", trunk), ("neck", "head", 0.1),
        ("shoulder0", "shoulder1", 0.13), ("hip0", "hip1", 0.16 * width),
        *((f"shoulder{s}", f"elbow{s}", 0.10 * width) for s in (0, 1)),
        *((f"elbow{s}", f"hand{s}", 0.08) for s in (0, 1)),
        *((f"hip{s}", f"knee{s}", 0.15 * width) for s in (0, 1)),
        *((f"knee{s}", f"foot{s}", 0.10 * width) for s in (0, 1)),
    ):  # fmt: skip
        limbs.append(((seen[first][2] + seen[second][2]) / 2, seen[first], seen[second], thickness))
    canvas = np.zeros(CANVAS, np.uint8)

    def pixel(point: Points) -> tuple[int, int]:
        x = CANVAS[1] / 2 + point[0] * PX_PER_M
        return round(16 * x), round(16 * (CANVAS[0] - 8 - (point[1] + pose.rise[t]) * PX_PER_M))

    def level(z: float) -> int:  # near is low
        return int(np.clip(MIDDLE_LEVEL - z / 2.4 * 254, 30, 250))

    for z, start, end, thickness in sorted(limbs, key=lambda limb: limb[0]):
        wide = max(1, round(thickness * PX_PER_M))
        cv2.line(canvas, pixel(start), pixel(end), level(z), wide, cv2.LINE_8, 4)
    center = seen["head"]
    axes = (round(16 * 0.085 * PX_PER_M), round(16 * 0.12 * PX_PER_M))
    cv2.ellipse(canvas, pixel(center), axes, 0, 0, 360, level(center[2]), -1, cv2.LINE_8, 4)
    return canvas


def _joints(pose: Pose, t: int) -> dict[str, Points]:
    joints: dict[str, Points] = {
        "neck": np.array([0, SHOULDER + 0.02, 0]), "pelvis": np.array([0, HIP, 0]), "head": np.array([0, HEAD, 0.02]),
    }  # fmt: skip
    for side, (sign, hand) in enumerate(((1.0, pose.left[t]), (-1.0, pose.right[t]))):
        shoulder = np.array([sign * SHOULDER_HALF, SHOULDER, 0.0])
        target = shoulder + hand * [sign, 1, 1]
        joints[f"shoulder{side}"] = shoulder
        joints[f"elbow{side}"], joints[f"hand{side}"] = _two_bones(
            shoulder, target, UPPER_ARM, FOREARM, np.array([sign * 0.5, -1.0, -0.4])
        )
        hip = np.array([sign * HIP_HALF, HIP, 0.0])
        foot = np.array([sign * 0.12, max(0.0, pose.lifts[t, side] - pose.rise[t]), pose.steps[t, side]])
        joints[f"hip{side}"] = hip
        joints[f"knee{side}"], joints[f"foot{side}"] = _two_bones(
            hip, foot, THIGH, SHIN, np.array([0.0, 0.2, 1.0])
        )
    return joints


def _two_bones(
    start: Points, target: Points, first: float, second: float, bend: Points
) -> tuple[Points, Points]:
    """(joint, end) of a limb of two bones that reaches for the target, its joint bent towards `bend`."""
    along = target - start
    distance = max(1e-6, float(np.linalg.norm(along)))
    along = along / distance
    distance = float(np.clip(distance, abs(first - second) + 1e-3, first + second - 1e-3))
    near = (first**2 - second**2 + distance**2) / (2 * distance)
    height = np.sqrt(max(0.0, first**2 - near**2))
    side = bend - along * (bend @ along)
    side = side / max(1e-6, float(np.linalg.norm(side)))
    return start + near * along + height * side, start + distance * along
