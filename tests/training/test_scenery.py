"""Painted backgrounds and cloths."""

from __future__ import annotations

import numpy as np

from muybridge.training.scenery import cloth, noise_picture, room_picture


def test_pictures_differ_by_chance_and_repeat_by_seed() -> None:
    for painter in (noise_picture, room_picture, cloth):
        pictures = [painter(np.random.default_rng(seed), 40, 60) for seed in (1, 2, 1)]
        assert all(picture.shape == (40, 60, 3) and picture.dtype == np.uint8 for picture in pictures)
        np.testing.assert_array_equal(pictures[0], pictures[2])
        assert (pictures[0] != pictures[1]).mean() > 0.5


def test_rougher_noise_has_more_detail() -> None:
    def detail(roughness: float) -> float:
        ratios = []
        for seed in range(8):
            picture = noise_picture(np.random.default_rng(seed), 64, 64, roughness=roughness).astype(float)
            ratios.append(np.abs(np.diff(picture, axis=1)).mean() / picture.std())
        return float(np.mean(ratios))

    assert detail(0.9) > 1.5 * detail(0.3)
