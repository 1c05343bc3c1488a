"""Looking once: what frozen eyes see of many worlds, kept in a file that every later run maps into memory.

    worlds ──paint──► clips ──eyes──► grids (N, D, t, h, w) float16 ──► grids-<digest>.npy

Painting and looking cost far more than one step of the small networks that answer; so they are done once, and not in
every epoch. The digest is that of the eyes' weights, and of what is painted: the scenes, the settings and the
pictures in them. Other eyes look anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from muybridge.errors import OptionError, OutputError
from muybridge.models.temporal_shift import TemporalShiftNet
from muybridge.training.world import World
from muybridge.training.world_cells import clips_of

__all__ = ["watch_worlds"]

_FRAMES_AT_A_TIME = 256
_PICTURES = ("cutouts", "backgrounds")


def watch_worlds(
    worlds: Sequence[World], eyes: TemporalShiftNet, folder: str | Path, *, each_frame: bool = False
) -> NDArray[np.float16]:
    """Look at worlds of one size, or take what an earlier call with the same eyes saw.

    Args:
        worlds: of the same settings and length.
        eyes: clips (B, 3, T, H, W) → (B, D, t, h, w); put into evaluation mode.
        folder: where the file is kept.
        each_frame: keep a grid of each frame, not of each pair of frames.

    Returns:
        (N, D, t, h, w), mapped from the file, not read into memory; what is written into it goes nowhere.

    Raises:
        OptionError: no worlds.
        OutputError: the file cannot be written.

    >>> from muybridge.training.world import make_world
    >>> from muybridge.training.world_cells import NETWORK_WORLD
    >>> worlds = [make_world(seed, NETWORK_WORLD) for seed in range(3)]
    >>> watch_worlds(worlds, TemporalShiftNet(width=8), getfixture("tmp_path")).shape
    (3, 128, 8, 6, 6)
    """
    if not worlds:
        raise OptionError("no worlds to look at; give at least one")
    path = Path(folder) / f"grids-{_digest(worlds, eyes, each_frame)}.npy"
    if not path.exists():
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _look(worlds, eyes.eval(), part, each_frame=each_frame)
            part.replace(path)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}") from error
    grids: NDArray[np.float16] = np.load(path, mmap_mode="c")
    return grids


@torch.no_grad()
def _look(worlds: Sequence[World], eyes: TemporalShiftNet, path: Path, *, each_frame: bool) -> None:
    kept: NDArray[np.float16] | None = None
    size = max(1, _FRAMES_AT_A_TIME // worlds[0].num_frames)
    for first in range(0, len(worlds), size):
        clips = clips_of(worlds[first : first + size], eyes)
        with torch.autocast(clips.device.type, dtype=torch.bfloat16):
            grids = eyes.each_frame(clips) if each_frame else eyes(clips)
        seen = grids.to(torch.float16).cpu().numpy()
        if kept is None:
            shape = (len(worlds), *seen.shape[1:])
            kept = np.lib.format.open_memmap(path, "w+", np.float16, shape)
        kept[first : first + len(seen)] = seen


def _digest(worlds: Sequence[World], eyes: TemporalShiftNet, each_frame: bool) -> str:
    settings = worlds[0].settings
    # Not by the settings' repr, which leaves out most of a large picture.
    plain = [getattr(settings, one.name) for one in fields(settings) if one.name not in _PICTURES]
    said = hashlib.sha256(repr((plain, each_frame)).encode())
    for name, picture in (*settings.cutouts.items(), *enumerate(settings.backgrounds)):
        said.update(repr((name, picture.shape)).encode() + picture.tobytes())
    for world in worlds:
        said.update(repr((world.seed, world.scenes)).encode())
    for name, value in eyes.state_dict().items():
        said.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return said.hexdigest()[:16]
