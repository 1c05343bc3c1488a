"""Clips that cost more to paint than to learn from: painted once in several variants, then read again and again.

    dataset ──paint_pool──► folder: clips.npy (V, N, 3, T, S, S), targets.npy (V, N), covered.npy, done.json
                                │
    PooledClips(folders) ◄──────┘   item i: one of its V variants by chance; its place, size, pace, colors change

What is painted costs once; what changes at each look costs little, and keeps the variants from being remembered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from muybridge.errors import OptionError, WeightsError
from muybridge.video.closer_look import CloserLook, closer_look

__all__ = ["PooledClips", "paint_pool"]


class _Clips(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[NDArray[np.uint8], int, NDArray[np.float32]]: ...


def paint_pool(clips: _Clips, folder: Path, *, variants: int, seed: int) -> None:
    """Paint every item several times into `folder`; goes on where it was stopped, and returns at once when done.

    Args:
        clips: as `ActorClips`: (clip (3, T, S, S) uint8, class, covered (T, S/8, S/8)).
        folder: where the arrays go.
        variants: V, how often each item is painted.
        seed: an item's numbers depend on it, the variant and the item alone.

    Raises:
        OptionError: no variant, or the folder holds a pool of another size.
    """
    if variants < 1:
        raise OptionError(f"variants={variants}; paint at least one")
    folder.mkdir(parents=True, exist_ok=True)
    plan, note = {"variants": variants, "items": len(clips), "seed": seed}, folder / "done.json"
    clip, _, covered = clips[0]
    if note.exists():
        known = json.loads(note.read_text())
        if {name: known[name] for name in plan} != plan:
            raise OptionError(
                f"{folder} holds a pool of {known}, not of {plan}; delete it, or take another folder"
            )
        done, mode = known["done"], "r+"
    else:
        done, mode = 0, "w+"
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "clips": (clip.shape, np.uint8), "targets": ((), np.int64), "covered": (covered.shape, np.float16),
    }  # fmt: skip
    arrays = {
        name: open_memmap(
            folder / f"{name}.npy", mode=mode, dtype=dtype, shape=(variants, len(clips), *shape)
        )
        for name, (shape, dtype) in shapes.items()
    }
    for variant in range(done, variants):
        for index in range(len(clips)):
            np.random.seed([seed, variant, index])
            item = clips[index]
            for array, value in zip(arrays.values(), item, strict=True):
                array[variant, index] = value
        for array in arrays.values():
            array.flush()
        temporary = note.with_suffix(".new")
        temporary.write_text(json.dumps(plan | {"done": variant + 1}))
        temporary.replace(note)


class PooledClips:
    """A training set out of pools: each epoch shows each item once, in one of its variants.

    Args:
        folders: of pools that are painted to the end.
        size_px: S of the clips that come out; None for that of the pools.
        mirrored: class → class of the mirrored clip; classes that are missing stay what they are.
        closer_share: how many of the looks go close to what moves (`muybridge.video.closer_look`).

    Raises:
        WeightsError: a folder without a pool, or with one that is not painted to the end.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        size_px: int | None = None,
        mirrored: Mapping[int, int] | None = None,
        closer_share: float = 0.0,
    ) -> None:
        self.size_px, self.mirrored, self.closer_share = size_px, dict(mirrored or {}), closer_share
        self._pools = []
        for folder in folders:
            note = folder / "done.json"
            known = json.loads(note.read_text()) if note.exists() else {"done": 0, "variants": 1}
            if known["done"] < known["variants"]:
                raise WeightsError(
                    f"{folder} holds no pool that is painted to the end; paint it with paint_pool"
                )
            self._pools.append(
                [np.load(folder / f"{n}.npy", mmap_mode="r") for n in ("clips", "targets", "covered")]
            )
        self._starts = np.cumsum([0, *(pool[0].shape[1] for pool in self._pools)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int, NDArray[np.float32]]:
        """(clip (3, T, S, S) uint8, class, covered (T, S/8, S/8)), by numpy's global random numbers."""
        which = int(np.searchsorted(self._starts, index, side="right")) - 1
        clips, targets, covered = self._pools[which]
        place = (np.random.randint(len(clips)), index - int(self._starts[which]))
        clip, target = np.asarray(clips[place]), int(targets[place])
        cover = np.asarray(covered[place], np.float32)
        look = CloserLook()
        if np.random.rand() < self.closer_share:
            look = closer_look(clip.transpose(1, 2, 3, 0))
        clip, cover = _warped(clip, cover, self.size_px or clip.shape[-1], look)
        if np.random.rand() < 0.3:
            clip, cover, target = clip[..., ::-1], cover[..., ::-1], self.mirrored.get(target, target)
        return np.ascontiguousarray(_recolored(clip)), target, np.ascontiguousarray(cover)


def _warped(
    clip: NDArray[np.uint8], cover: NDArray[np.float32], size_px: int, look: CloserLook
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """In another size, somewhat larger or smaller, bent a little, elsewhere, faster or slower, earlier or later."""
    moments = _moments(clip.shape[1])
    linear = np.array([[1.0, np.random.normal(0, 0.06)], [0, 1]])
    linear[[0, 1], [0, 1]] = np.exp(np.random.normal(0, 0.12, 2))
    offset = np.random.normal(0, 0.06, 2)
    middle = np.array([look.x, look.y]) - 0.5
    # Few people were recorded: a picture that bends gives them longer arms, broader backs, shorter legs.
    bend = np.random.normal(0, 0.02, (4, 4, 2)).astype(np.float32)

    def places(side: int, source_side: int) -> NDArray[np.float32]:
        """(2, side, side): where in the source, x and y, each pixel comes from."""
        middles = (np.arange(side) + 0.5) / side - 0.5
        there = np.stack(np.meshgrid(middles, middles), axis=-1) - offset
        bent = cv2.resize(bend, (side, side), interpolation=cv2.INTER_CUBIC)
        source = middle + (there @ np.linalg.inv(linear).T + bent) / look.zoom
        return np.ascontiguousarray(((source + 0.5) * source_side - 0.5).transpose(2, 0, 1), np.float32)

    def placed(picture: NDArray[Any], where: NDArray[np.float32]) -> NDArray[Any]:
        return cv2.remap(picture, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    shown = sorted(set(moments.tolist()))
    where, where_covered = places(size_px, clip.shape[-1]), places(size_px // 8, cover.shape[-1])
    warped = {t: placed(np.ascontiguousarray(clip[:, t].transpose(1, 2, 0)), where) for t in shown}
    covers = {t: placed(cover[t], where_covered) for t in shown}
    frames = np.stack([warped[t] for t in moments])
    return frames.transpose(3, 0, 1, 2), np.stack([covers[t] for t in moments])


def _moments(num_frames: int) -> NDArray[np.int64]:
    """Which frame to show when: at another pace, which changes on the way."""
    speed, shift = np.random.uniform(0.8, 1.2), np.random.uniform(-2, 2)
    middle = (num_frames - 1) / 2
    moments = (np.arange(num_frames) - middle) * speed + middle + shift
    waves = np.random.uniform(0.5, 1.5) * np.arange(num_frames) / num_frames + np.random.rand()
    moments += np.random.normal(0, 0.5) * np.sin(2 * np.pi * waves)
    moments = (moments + np.random.uniform(-0.3, 0.3, num_frames)).round()
    return np.clip(moments, 0, num_frames - 1).astype(np.int64)


def _recolored(clip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Another light, and often other colors."""
    order = np.random.permutation(3) if np.random.rand() < 0.5 else np.arange(3)
    gains = np.random.uniform(0.75, 1.25) * np.random.uniform(0.85, 1.15, 3)
    levels = np.arange(256)[:, None] * gains + np.random.uniform(-20, 20)
    if np.random.rand() < 0.15:
        levels = 255 - levels
    tables = np.clip(levels, 0, 255).astype(np.uint8)
    channels = zip(clip[order], tables.T, strict=True)
    return np.stack([cv2.LUT(c.reshape(c.shape[-1], -1), t).reshape(c.shape) for c, t in channels])
