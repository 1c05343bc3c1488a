"""Pools of painted clips: every variant differs, a stopped painting goes on, and nothing is read half done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muybridge.errors import OptionError, WeightsError
from muybridge.training.clip_pool import PooledClips, paint_pool


class Noise:
    """Clips of random pixels, whose class is their index; may fail at one."""

    def __init__(self, num_items: int = 3, fail_after: int = 10**6) -> None:
        self.num_items, self.fail_after, self.calls = num_items, fail_after, 0

    def __len__(self) -> int:
        return self.num_items

    def __getitem__(self, index: int) -> tuple[Any, int, Any]:
        self.calls += 1
        if self.calls > self.fail_after:
            raise KeyboardInterrupt
        clip = np.random.randint(60, 190, (3, 4, 32, 32)).astype(np.uint8)
        return clip, index, np.full((4, 4, 4), index / 4, np.float32)


def test_items_come_back_with_their_class(tmp_path: Path) -> None:
    paint_pool(Noise(3), tmp_path / "a", variants=2, seed=0)
    paint_pool(Noise(2), tmp_path / "b", variants=2, seed=1)
    pool = PooledClips([tmp_path / "a", tmp_path / "b"])
    assert len(pool) == 5
    assert [pool[i][1] for i in range(5)] == [0, 1, 2, 0, 1]
    # What is the same everywhere stays so, wherever the picture goes: it tells of the variant.
    for index in range(3):
        np.testing.assert_allclose(pool[index][2], index / 4, atol=1e-6)
    np.random.seed(4)
    first = pool[1][0]
    np.random.seed(4)
    np.testing.assert_array_equal(pool[1][0], first)


def test_every_variant_is_shown(tmp_path: Path) -> None:
    class Levels(Noise):
        def __getitem__(self, index: int) -> tuple[Any, int, Any]:
            clip, target, covered = super().__getitem__(index)
            return clip, target, np.full_like(covered, self.calls / 64)

    paint_pool(Levels(1), tmp_path, variants=3, seed=0)
    pool = PooledClips([tmp_path])
    assert len({round(float(pool[0][2].mean()), 4) for _ in range(60)}) == 3


class Square:
    """One clip: a bright square that goes to the right, and what it covers."""

    def __init__(self, step: int = 4) -> None:
        self.step = step

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[Any, int, Any]:
        clip, covered = np.full((3, 8, 64, 64), 60, np.uint8), np.zeros((8, 8, 8), np.float32)
        for t in range(8):
            left = 8 + self.step * t
            clip[:, t, 24:40, left : left + 16] = 180
            covered[t, 3:5] = np.clip(np.arange(8) - left / 8 + 1, 0, 1) - np.clip(
                np.arange(8) - (left + 16) / 8 + 1, 0, 1
            )
        return clip, 1, covered


def column(picture: np.ndarray) -> float:
    """The middle column of what differs from the ground, of 1."""
    weights = np.abs(picture - np.median(picture)).sum(axis=0)
    return float((weights * (np.arange(len(weights)) + 0.5)).sum() / weights.sum() / len(weights))


def test_looks_vary_but_tell_of_the_same_movement(tmp_path: Path) -> None:
    paint_pool(Square(), tmp_path, variants=1, seed=0)
    pool = PooledClips([tmp_path], mirrored={1: 2, 2: 1})
    seen = set()
    for seed in range(40):
        np.random.seed(seed)
        clip, target, covered = pool[0]
        seen.add(clip.tobytes())
        columns = [column(clip[:, t].astype(float).mean(axis=0)) for t in (0, -1)]
        assert (columns[1] > columns[0]) == (target == 1)
        # What covers goes where the picture goes.
        assert column(covered[-1]) == pytest.approx(columns[1], abs=0.12)
    assert len(seen) == 40


def test_a_closer_look_is_at_what_moves_and_at_what_covers_it(tmp_path: Path) -> None:
    paint_pool(Square(step=1), tmp_path, variants=1, seed=0)
    shares = []
    for share in (0.0, 1.0):
        areas, covers = [], []
        for seed in range(20):
            np.random.seed(seed)
            clip, _, covered = PooledClips([tmp_path], closer_share=share)[0]
            frame = clip[:, 0].astype(float).mean(axis=0)
            # Other colors may make the square the darker of the two; it is the smaller.
            areas.append((np.abs(frame - np.median(frame)) > 20).mean())
            covers.append(covered[0].mean())
        shares.append((np.mean(areas), np.mean(covers)))
    # The square and its way are 23 of 64 pixels wide: twice as large is as close as a look goes.
    assert shares[1][0] == pytest.approx(4 * shares[0][0], rel=0.15)
    assert shares[1][1] == pytest.approx(4 * shares[0][1], rel=0.15)


def test_a_smaller_size_shows_the_same(tmp_path: Path) -> None:
    paint_pool(Square(), tmp_path, variants=1, seed=0)
    np.random.seed(3)
    large, _, _ = PooledClips([tmp_path])[0]
    np.random.seed(3)
    small, _, covered = PooledClips([tmp_path], size_px=32)[0]
    assert small.shape == (3, 8, 32, 32)
    assert covered.shape == (8, 4, 4)
    means = large.reshape(3, 8, 32, 2, 32, 2).mean(axis=(3, 5))
    assert np.corrcoef(means.ravel(), small.ravel())[0, 1] > 0.98


def test_a_stopped_painting_goes_on_and_equals_one_at_a_stretch(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        paint_pool(Noise(3, fail_after=6), tmp_path / "stopped", variants=3, seed=7)
    with pytest.raises(WeightsError, match="painted to the end"):
        PooledClips([tmp_path / "stopped"])
    paint_pool(Noise(3), tmp_path / "stopped", variants=3, seed=7)
    paint_pool(Noise(3), tmp_path / "whole", variants=3, seed=7)
    for name in ("clips", "targets", "covered"):
        stopped, whole = (np.load(tmp_path / run / f"{name}.npy") for run in ("stopped", "whole"))
        np.testing.assert_array_equal(stopped, whole)
    finished = Noise(3)
    paint_pool(finished, tmp_path / "whole", variants=3, seed=7)
    assert finished.calls <= 1


def test_another_plan_is_refused(tmp_path: Path) -> None:
    paint_pool(Noise(2), tmp_path, variants=1, seed=0)
    with pytest.raises(OptionError, match="holds a pool of"):
        paint_pool(Noise(2), tmp_path, variants=2, seed=0)
    with pytest.raises(OptionError, match="variants=0"):
        paint_pool(Noise(2), tmp_path / "none", variants=0, seed=0)
    with pytest.raises(WeightsError, match="paint_pool"):
        PooledClips([tmp_path / "missing"])
