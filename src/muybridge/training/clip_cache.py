"""Decoded videos on disk, small and ready: what makes the second epoch fast.

    first epoch    video ──decode, resize──► FOLDER/3f9a….clip ──► some of its frames
    afterwards                               FOLDER/3f9a….clip ──► some of its frames     (mapped, nothing is decoded)

One file holds the seconds and the pixels of every frame of an item, resized as the model's record asks. A
file is moved into place when it is complete, so that what was cached before a kill is cached after it.

The folder is bounded. Training reads everything in each epoch, and there the usual rule, to throw out what was not used
for longest, throws out just what comes next. So what is there stays; only files that this run has not used
make room, and once none is left the remaining videos are decoded each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from muybridge.cache_folder import cache_folder
from muybridge.errors import OptionError
from muybridge.models.weights import Weights
from muybridge.training.videos import VideoItem

__all__ = ["ClipCache", "StoredFrames"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """All frames of an item.

    Args:
        pts_seconds: (N,) float64, when each is shown.
        pixels: (N, H, W, 3) uint8 RGB; mapped from a file where they come from the cache.
        mask: (N, H, W) uint8, 255 where the person is; None where unknown.
        damage: what of the video could not be decoded, in words.
    """

    pts_seconds: NDArray[np.float64]
    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None = None
    damage: tuple[str, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Of the pixels."""
        return int(self.pixels.nbytes) + (0 if self.mask is None else int(self.mask.nbytes))


class ClipCache:
    """A bounded folder of decoded videos, which several processes may share.

    Args:
        folder: where; None for the package's cache folder.
        max_bytes: how large it may grow. Each process that fills it may overshoot by one video.

    Raises:
        OptionError: no room at all.

    >>> cache = ClipCache(getfixture("tmp_path"), max_bytes=10_000)
    >>> item = VideoItem(getfixture("sample_video"), "moving")
    >>> frames = StoredFrames(np.arange(2.0), np.zeros((2, 8, 8, 3), np.uint8))
    >>> cache.put(item, Weights("mine"), frames), cache.get(item, Weights("mine")).pixels.shape
    (True, (2, 8, 8, 3))
    >>> cache.get(item, Weights("other", size_px=64)) is None
    True
    """

    def __init__(self, folder: str | Path | None = None, *, max_bytes: int = 8 * 2**30) -> None:
        if max_bytes < 1:
            raise OptionError(f"max_bytes is {max_bytes}; it must be positive")
        self.folder = Path(folder).expanduser() if folder is not None else cache_folder("clips")
        self.max_bytes = max_bytes
        self.began = time.time()

    @property
    def largest_item_bytes(self) -> int:
        """Longer videos than this are not kept whole, neither here nor in memory."""
        return min(self.max_bytes, 2**29)

    def get(self, item: VideoItem, record: Weights) -> StoredFrames | None:
        """The frames of an item, or None where they are not here."""
        try:
            path = self._path(item, record)
        except FileNotFoundError:
            return None
        try:
            with path.open("rb") as file:
                frames = _read(file)
                if os.fstat(file.fileno()).st_mtime < self.began:
                    os.utime(path)  # used by this run
        except FileNotFoundError:
            return None
        except Exception:
            # Another program's file, or a disk that lost a part of it: as if it were not there. NumPy reads headers as
            # Python, and what a damaged one raises is anything from a TokenError to a MemoryError.
            with suppress(OSError):
                path.unlink()
            return None
        return frames

    def put(self, item: VideoItem, record: Weights, frames: StoredFrames) -> bool:
        """Keep the frames of an item, if there is room.

        Returns:
            Whether they are kept. A disk that is full is no error here: training goes on, decoding.
        """
        headers = 4 * 128 + 4 * sum(map(len, frames.damage)) * len(frames.damage)
        size = frames.num_bytes + frames.pts_seconds.nbytes + headers
        if not self._make_room(size):
            return False
        path = self._path(item, record)
        part = path.with_suffix(f".part{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.save(file, np.array(frames.damage, dtype=str), allow_pickle=False)
                np.save(file, frames.pts_seconds, allow_pickle=False)
                np.save(file, np.ascontiguousarray(frames.pixels), allow_pickle=False)
                if frames.mask is not None:
                    np.save(file, np.ascontiguousarray(frames.mask), allow_pickle=False)
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            return False
        return True

    def num_bytes(self) -> int:
        """How large the folder is now."""
        return sum(size for size, _, _ in self._files())

    def clear(self) -> None:
        """Remove all of it."""
        for _, _, path in self._files():
            path.unlink(missing_ok=True)

    def _make_room(self, size: int) -> bool:
        files = self._files()
        total = sum(known for known, _, _ in files)
        strangers = sorted((used, known, path) for known, used, path in files if used < self.began)
        if total - sum(known for _, known, _ in strangers) + size > self.max_bytes:
            return False
        for _, known, path in strangers:
            if total + size <= self.max_bytes:
                break
            path.unlink(missing_ok=True)
            total -= known
        return True

    def _files(self) -> list[tuple[int, float, Path]]:
        """(bytes, last use, path) of every file of the cache, unfinished ones included."""
        found = []
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.rpartition(".")[2].startswith(("clip", "part")):
                    with suppress(FileNotFoundError):
                        status = entry.stat()
                        found.append((status.st_size, status.st_mtime, Path(entry.path)))
        return found

    def _path(self, item: VideoItem, record: Weights) -> Path:
        files = [path for path in (item.path, item.mask_path) if path is not None]
        stamps = [
            (str(path.resolve()), (status := path.stat()).st_size, status.st_mtime_ns) for path in files
        ]
        about = [
            _VERSION,
            stamps,
            item.start_seconds,
            item.end_seconds,
            record.size_px,
            record.resize_px,
            record.closest_zoom,
        ]
        return self.folder / f"{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:40]}.clip"


def _read(file: BinaryIO) -> StoredFrames:
    """What `put` wrote.

    Raises:
        Exception: of many kinds, where it is damaged.
    """
    damage = np.load(file, allow_pickle=False)
    pts = np.load(file, allow_pickle=False)
    pixels = _map(file)
    mask = _map(file) if file.tell() < os.fstat(file.fileno()).st_size else None
    arrays = [pts, pixels] if mask is None else [pts, pixels, mask]
    kinds = [(array.ndim, array.dtype.name) for array in arrays]
    is_sound = (
        kinds == [(1, "float64"), (4, "uint8"), (3, "uint8")][: len(arrays)]
        and (damage.ndim, damage.dtype.kind) == (1, "U")
        and (pixels.shape[0], pixels.shape[3]) == (len(pts), 3)
        and (mask is None or mask.shape == pixels.shape[:3])
    )
    if not is_sound:
        raise ValueError("not written by this cache")
    return StoredFrames(pts, pixels, mask, tuple(damage.tolist()))


def _map(file: BinaryIO) -> NDArray[np.uint8]:
    """The array whose header comes next in the file, mapped; the file then stands behind it."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not written by this cache")
    shape, is_by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    if is_by_columns:
        raise ValueError("not written by this cache")
    start = file.tell()
    array = np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)
    file.seek(start + array.nbytes)
    return array
