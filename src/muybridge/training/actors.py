"""People cut out of their recordings, to be put before any background.

    depth clip   0 is background, so each frame is a silhouette with its relief   ─┐
    color clip   the room without anybody is known, what differs from it is she   ─┴─► Actor(frames, masks)
    other clip   nothing is known of what stands where: shown whole               ───► Actor(frames, None)

The layout of the folders is that of UTD-MHAD (Chen, Jafari, Kehtarnavaz, ICIP 2015), whose depth and color
cameras see the same place of the picture to a few pixels, so that a depth clip also tells where to look for the
person in the color clip of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, VideoOpenError
from muybridge.video.reader import open_video

__all__ = [
    "Actor",
    "empty_room",
    "load_actors",
    "read_actor",
    "read_color_actor",
    "read_depth_actor",
    "save_actors",
]

Pixels = NDArray[np.uint8]

FOREGROUND = 10  # of 255: below it lies the noise that video coding adds to the empty background
STANDING_PX = 130  # how tall people stand in a picture of 240 lines
SCALE = 0.75  # at which clips are kept; still finer than any picture that training paints
PX_PER_M = STANDING_PX * SCALE / 1.7  # in clips as they are kept: people are 1.7 m tall


@dataclass(frozen=True, slots=True)
class Actor:
    """One recorded clip.

    Args:
        frames: (T, H, W, 3) colors, or (T, H, W) depth, in which 0 is background.
        masks: (T, H, W), 255 where the person is; None for a clip that is shown whole.
        frames_per_second: of the recording.
        label: index of the class.
        group: the subject or source; what a split must not tear apart.
        name: of the file.
    """

    frames: Pixels
    masks: Pixels | None
    frames_per_second: float
    label: int
    group: int
    name: str

    @property
    def is_depth(self) -> bool:
        """Whether the frames tell distances, and want a texture."""
        return self.frames.ndim == 3

    def at(self, moments: NDArray[np.int64]) -> Actor:
        """The actor at these frames (T',) of the recording, in this order."""
        masks = None if self.masks is None else self.masks[moments]
        return replace(self, frames=self.frames[moments], masks=masks)

    @property
    def standing_px(self) -> float:
        """How tall a standing person is in these frames."""
        return STANDING_PX * SCALE


def subject_of(path: str | Path) -> int:
    """The subject in a name such as `a03_s2_t1.mp4`.

    >>> subject_of("a03_s2_t1.mp4")
    2
    """
    found = re.search(r"_s(\d+)_", Path(path).name)
    if not found:
        raise OptionError(f"{path} does not tell its subject; names look like a03_s2_t1.mp4")
    return int(found[1])


def read_depth_actor(path: str | Path, label: int) -> Actor:
    """Read a depth clip, cropped to where the person ever is."""
    frames, rate = _read(path, gray=True)
    person = frames > FOREGROUND
    if not person.any():
        raise VideoOpenError("shows nobody: every pixel is background", path=path)
    rows, columns = np.flatnonzero(person.any(axis=(0, 2))), np.flatnonzero(person.any(axis=(0, 1)))
    cropped = frames[:, max(rows[0] - 2, 0) : rows[-1] + 3, max(columns[0] - 2, 0) : columns[-1] + 3]
    # Nearest: between a person and the background there is no distance in the middle.
    kept = _scaled(cropped, SCALE, cv2.INTER_NEAREST)
    return Actor(kept, None, rate, label, subject_of(path), Path(path).stem)


def read_color_actor(path: str | Path, depth_path: str | Path, room: Pixels, label: int) -> Actor:
    """Read a color clip, with masks: what differs from the empty room, near where the depth camera saw somebody."""
    frames, rate = _read(path)
    depth, _ = _read(depth_path, gray=True)
    same_moment = np.linspace(0, len(depth) - 1, len(frames)).round().astype(int)
    silhouettes = (depth[same_moment] > FOREGROUND).astype(np.uint8)
    ever = np.asarray(silhouettes.max(axis=0))
    reach = np.asarray(cv2.dilate(ever, np.ones((41, 41), np.uint8)), np.uint8)
    differs = np.abs(frames.astype(np.int16) - room).max(axis=-1) > 26
    masks = np.stack(
        [_mask(d.astype(np.uint8) & reach, s) for d, s in zip(differs, silhouettes, strict=True)]
    )
    return Actor(
        _scaled(frames, SCALE, cv2.INTER_AREA),
        _scaled(masks, SCALE, cv2.INTER_LINEAR),
        rate,
        label,
        subject_of(path),
        Path(path).stem,
    )


def read_actor(path: str | Path, label: int, group: int, *, short_side_px: int = 128) -> Actor:
    """Read a clip that is shown whole, at no more than `short_side_px`."""
    frames, rate = _read(path)
    scale = min(1.0, short_side_px / min(frames.shape[1:3]))
    return Actor(_scaled(frames, scale, cv2.INTER_AREA), None, rate, label, group, Path(path).stem)


def empty_room(pairs: Iterable[tuple[Path, Path]]) -> Pixels:
    """The room (H, W, 3) without anybody, from (color, depth) clips: the median of what no person covers.

    What somebody covers in every clip is painted in from its surroundings.
    """
    seen = []
    for color_path, depth_path in pairs:
        frames, _ = _read(color_path)
        depth, _ = _read(depth_path, gray=True)
        person = np.asarray((depth > FOREGROUND).any(axis=0), np.uint8)
        mean = frames[::8].mean(axis=0, dtype=np.float32)
        mean[cv2.dilate(person, np.ones((15, 15), np.uint8)) > 0] = np.nan
        seen.append(mean)
    stacked = np.ma.masked_invalid(np.stack(seen))
    room = np.ma.median(stacked, axis=0)  # type: ignore[no-untyped-call]
    hole = np.asarray(np.ma.getmaskarray(room).any(axis=-1), np.uint8)
    return np.asarray(cv2.inpaint(room.filled(0).astype(np.uint8), hole, 5, cv2.INPAINT_TELEA), np.uint8)


def save_actors(path: Path, actors: Sequence[Actor]) -> None:
    """Keep decoded actors in one `.npz` file."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for index, actor in enumerate(actors):
        arrays[f"frames{index}"] = actor.frames
        if actor.masks is not None:
            arrays[f"masks{index}"] = actor.masks
    numbers = np.array([(a.frames_per_second, a.label, a.group) for a in actors])
    np.savez(path, numbers=numbers, names=np.array([a.name for a in actors]), **arrays)  # type: ignore[arg-type]


def load_actors(path: Path, make: Callable[[], Sequence[Actor]]) -> list[Actor]:
    """The actors that `path` keeps; made and kept first, where there is no such file."""
    if not path.exists():
        save_actors(path, make())
    with np.load(path) as kept:
        return [
            Actor(
                kept[f"frames{i}"],
                kept.get(f"masks{i}"),
                float(rate),
                int(label),
                int(group),
                str(name),
            )
            for i, ((rate, label, group), name) in enumerate(zip(kept["numbers"], kept["names"], strict=True))
        ]


def _read(path: str | Path, *, gray: bool = False) -> tuple[Pixels, float]:
    with open_video(path) as video:
        frames = np.stack([f.pixels[..., 0] if gray else f.pixels for f in video])
        rate = float(video.metadata.frames_per_second or 0)
    if rate <= 0:
        raise VideoOpenError("tells no frame rate", path=path)
    return frames, rate


def _scaled(frames: Pixels, scale: float, interpolation: int) -> Pixels:
    if scale == 1:
        return frames
    return np.stack(
        [np.asarray(cv2.resize(f, None, fx=scale, fy=scale, interpolation=interpolation)) for f in frames]
    )


def _mask(differs: NDArray[np.uint8], silhouette: NDArray[np.uint8]) -> Pixels:
    """Clean what differs from the room: no specks, no holes, and the trunk that depth is sure of."""
    mask = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = cv2.bitwise_or(mask, cv2.erode(silhouette, np.ones((7, 7), np.uint8)))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask)
    large = np.flatnonzero(statistics[:, cv2.CC_STAT_AREA] > 250)
    return np.where(np.isin(labels, large[large > 0]), np.uint8(255), np.uint8(0))
