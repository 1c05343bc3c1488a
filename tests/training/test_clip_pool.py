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
    assert pool[2][2].max() == 0.5
    np.random.seed(4)
    first = pool[1][0]
    np.random.seed(4)
    np.testing.assert_array_equal(pool[1][0], first)
    assert not np.array_equal(pool[1][0], first)


def test_brightness_varies_but_the_picture_stays(tmp_path: Path) -> None:
    paint_pool(Noise(1), tmp_path, variants=1, seed=0)
    stored = np.load(tmp_path / "clips.npy")[0, 0].ravel().astype(float)
    shown = [PooledClips([tmp_path])[0][0].ravel().astype(float) for _ in range(5)]
    assert len({clip.mean() for clip in shown}) > 1
    assert all(np.corrcoef(stored, clip)[0, 1] > 0.98 for clip in shown)


def test_a_smaller_size_is_the_mean_over_areas(tmp_path: Path) -> None:
    paint_pool(Noise(1), tmp_path, variants=1, seed=0)
    clip, _, covered = PooledClips([tmp_path], size_px=16)[0]
    assert clip.shape == (3, 4, 16, 16)
    assert covered.shape == (4, 2, 2)
    stored = np.load(tmp_path / "clips.npy")[0, 0].reshape(3, 4, 16, 2, 16, 2).mean(axis=(3, 5))
    assert np.corrcoef(stored.ravel(), clip.ravel())[0, 1] > 0.98


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
