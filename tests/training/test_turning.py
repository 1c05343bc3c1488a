"""Turned depth clips: what goes where."""

from __future__ import annotations

import numpy as np
import pytest

from muybridge.errors import ShapeError
from muybridge.training.turning import PX_PER_LEVEL, turned


def figure(*, arm_level: int) -> np.ndarray:
    """A trunk at level 130, and before its middle a hand at another level."""
    frame = np.zeros((100, 80), np.uint8)
    frame[10:95, 30:50] = 130
    frame[40:48, 36:44] = arm_level
    return frame[None]


def center_column(frame: np.ndarray, rows: slice) -> float:
    columns = np.flatnonzero((frame[rows] > 0).any(axis=0))
    return float(columns.min()), float(columns.max())


def test_without_a_turn_the_silhouette_stays() -> None:
    frames = figure(arm_level=130)
    same = turned(frames, 0.0)
    left = (same.shape[2] - frames.shape[2]) // 2
    kept = same[0, :, left : left + frames.shape[2]] > 0
    assert (kept != (frames[0] > 0)).mean() < 0.02


@pytest.mark.parametrize(("yaw", "side"), [(90, -1), (-90, 1)])
def test_a_hand_that_reaches_forward_is_seen_at_the_side(yaw: float, side: int) -> None:
    reach_px = 30
    frames = figure(arm_level=130 - round(reach_px / PX_PER_LEVEL))
    seen = turned(frames, yaw)[0]
    trunk, arm = center_column(seen, slice(60, 90)), center_column(seen, slice(41, 47))
    sticks_out = trunk[0] - arm[0] if side < 0 else arm[1] - trunk[1]
    assert sticks_out == pytest.approx(reach_px, abs=5)


def test_what_is_nearer_hides_what_is_farther() -> None:
    frames = figure(arm_level=70)
    seen = turned(frames, 0.0)[0]
    assert abs(int(seen[44, seen.shape[1] // 2]) - 70) <= 4


def test_nobody_stays_nobody_and_shapes_are_checked() -> None:
    nobody = np.zeros((2, 20, 30), np.uint8)
    assert turned(nobody, 45.0).shape == (2, 20, 30)
    with pytest.raises(ShapeError, match=r"\(T, H, W\)"):
        turned(np.zeros((20, 30), np.uint8), 45.0)
