"""From a list of videos to clips that a network learns from, or is tested on.

    VideoItem ──ClipCache──► all frames, small ──moments──► T of them ──Augmentation──► (3, T, S, S) uint8, class
        └──── too long for that: just the T frames are decoded ──┘

Which frames belong to a clip, and how they are cut in a test, is what the model's `Weights` record says, exactly as in
`classify`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from muybridge.actions.views import read_size, spatial_views
from muybridge.errors import DatasetError, EmptyVideoError, OptionError
from muybridge.models.weights import Weights
from muybridge.training.augmentation import Augmentation, mirrored_labels
from muybridge.training.clip_cache import ClipCache, StoredFrames
from muybridge.training.videos import VideoItem, VideoList
from muybridge.video.clip_indices import clip_clock, clip_indices, shown_at
from muybridge.video.reader import Video, open_video

__all__ = ["ClipDataset", "span_of"]

Places = NDArray[np.int64]
_LARGEST_BYTES = 2**29
# Of a record, what says which pixels a clip has.
_CLIP_FIELDS = ("num_frames", "stride", "frames_per_second", "size_px", "resize_px")


class ClipDataset(Dataset[tuple[torch.Tensor, int]]):
    """Clips with their classes.

    Args:
        videos: which videos, and what happens in them.
        record: how many frames at which rate and size; `resize_px` is the size before the crop, so a little more than
            `size_px` leaves room for random crops.
        augmentation: None for a test: the clip in the middle of the video, cut out of the middle of the picture.
        cache: where decoded videos are kept; None decodes each time.
        mirror: class → class in the mirror, for what names do not tell; see `mirrored_labels`.
        backgrounds: pictures to put behind people, where items have masks.

    Each item is (3, T, size_px, size_px) uint8 and the place of its class in `videos.labels`.

    >>> videos = VideoList((VideoItem(getfixture("sample_video"), "moving"),), ("moving",))
    >>> record = Weights("mine", num_frames=4, frames_per_second=5.0, size_px=32, resize_px=40)
    >>> clip, target = ClipDataset(videos, record, augmentation=Augmentation())[0]
    >>> clip.shape, clip.dtype, target
    (torch.Size([3, 4, 32, 32]), torch.uint8, 0)
    """

    def __init__(
        self,
        videos: VideoList,
        record: Weights,
        *,
        augmentation: Augmentation | None = None,
        cache: ClipCache | None = None,
        mirror: Mapping[str, str] | None = None,
        backgrounds: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        if not len(videos):
            raise DatasetError("the list of videos is empty")
        if augmentation is not None:  # which cuts whole pictures
            record = record.for_whole_pictures()
        self.videos, self.record, self.cache = videos, record, cache
        self.augmentation, self.backgrounds = augmentation, backgrounds
        self.targets = videos.targets
        images = mirrored_labels(videos.labels, given=mirror)
        place = {label: index for index, label in enumerate(videos.labels)}
        self._mirrored = {place[label]: place[image] for label, image in images.items()}

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        target = self.targets[index]
        if self.augmentation is None:
            return _channels_first(self.views(index)[0]), target
        # From torch's generator, which the loop seeds for each item.
        generator = np.random.default_rng(int(torch.randint(2**62, ()).item()))
        clip = self._read(index, generator)
        pixels, is_mirrored = self.augmentation.apply(
            clip.pixels,
            size_px=self.record.size_px,
            generator=generator,
            may_mirror=target in self._mirrored,
            mask=clip.mask,
            backgrounds=self.backgrounds,
        )
        return _channels_first(pixels), self._mirrored[target] if is_mirrored else target

    def name_of(self, index: int) -> str:
        """The file, and the stretch where it is not the whole."""
        return self.videos.items[index].name

    def identity(self) -> dict[str, Any]:
        """What makes the items what they are, as JSON values: the files, how clips are cut, how they are changed.

        A file is known by its place below the folder that holds all, and its size: the folder may have moved.
        """
        base = os.path.commonpath([item.path.absolute().parent for item in self.videos])
        items = [
            [
                item.path.absolute().relative_to(base).as_posix(),
                item.path.stat().st_size if item.path.is_file() else 0,
                item.start_seconds,
                item.end_seconds,
                item.mask_path is not None,
            ]
            for item in self.videos
        ]
        labels = self.videos.labels
        record = self.record.to_dict()
        return {
            "items": items,
            **{f"clip {name}": record[name] for name in _CLIP_FIELDS},
            "augmentation": None if self.augmentation is None else self.augmentation.to_dict(),
            "mirror": {labels[one]: labels[other] for one, other in sorted(self._mirrored.items())},
            "number of backgrounds": len(self.backgrounds),
        }

    def views(self, index: int, *, num_clips: int = 1, num_crops: int = 1) -> NDArray[np.uint8]:
        """The clips of one item that a test looks at, as `muybridge.actions.views.read_views` cuts them.

        Args:
            index: the item.
            num_clips: temporal views.
            num_crops: 1 or 3 spatial views of each.

        Returns:
            (num_clips * num_spatial_views(record, num_crops), T, size_px, size_px, 3) uint8.

        Raises:
            VideoError: the video cannot be read.
        """
        if num_clips < 1 or num_crops not in (1, 3):
            raise OptionError(f"num_clips {num_clips}, num_crops {num_crops}; allowed: 1 or more, 1 or 3")
        clip = self._read(index, None, num_clips=num_clips)
        clips = clip.pixels.reshape(num_clips, -1, *clip.pixels.shape[1:])
        return spatial_views(clips, self.record, num_crops=num_crops)

    def prepare(self, index: int) -> tuple[str, ...]:
        """Decode an item into the cache, and say what is damaged in it.

        Raises:
            VideoError: it cannot be read.
        """
        item = self.videos.items[index]
        stored = self.cache.get(item, self.record) if self.cache is not None else None
        if stored is not None:
            return stored.damage
        with open_video(item.path) as video:
            span = span_of(video, item)
            if self._is_kept(video, len(span)):
                self._decode(video, item, span)
            else:  # too long to be looked at as a whole
                self._frames_at(video, item, span[self._places(video.packets.pts_seconds[span], None, 3)])
            return video.warnings

    def _read(self, index: int, generator: np.random.Generator | None, *, num_clips: int = 1) -> StoredFrames:
        """The frames of one clip, or of several one after the other."""
        item = self.videos.items[index]
        stored = self.cache.get(item, self.record) if self.cache is not None else None
        if stored is not None:
            places = self._places(stored.pts_seconds, generator, num_clips)
            mask = None if stored.mask is None else stored.mask[places]
            return StoredFrames(stored.pts_seconds[places], stored.pixels[places], mask)
        with open_video(item.path) as video:
            span = span_of(video, item)
            pts = video.packets.pts_seconds[span]
            places = self._places(pts, generator, num_clips)
            if self.cache is not None and self._is_kept(video, len(span)):
                whole = self._decode(video, item, span)
                mask = None if whole.mask is None else whole.mask[places]
                return StoredFrames(pts[places], whole.pixels[places], mask)
            return self._frames_at(video, item, span[places])

    def _decode(self, video: Video, item: VideoItem, span: Places) -> StoredFrames:
        frames = self._frames_at(video, item, span)
        if self.cache is not None:
            self.cache.put(item, self.record, frames)
        return frames

    def _frames_at(self, video: Video, item: VideoItem, places: Places) -> StoredFrames:
        size = read_size(video.metadata.width, video.metadata.height, self.record)
        clip = video.frames_at(indices=places.tolist(), size_px=size, resize="squash")
        pts = video.packets.pts_seconds[places]
        mask = None
        if item.mask_path is not None:
            mask = _read_mask(item.mask_path, pts, size)
        return StoredFrames(pts, clip.pixels, mask, video.warnings)

    def _is_kept(self, video: Video, num_frames: int) -> bool:
        """Whether the item is small enough to be decoded as a whole."""
        width, height = read_size(video.metadata.width, video.metadata.height, self.record)
        most = self.cache.largest_item_bytes if self.cache is not None else _LARGEST_BYTES
        return 3 * width * height * num_frames <= most

    def _places(
        self, pts_seconds: NDArray[np.float64], generator: np.random.Generator | None, num_clips: int
    ) -> Places:
        """Which frames make the clip, or the clips one after the other."""
        if generator is None or self.augmentation is None:
            return clip_indices(pts_seconds, self.record, num_clips=num_clips).ravel()
        clock, step = clip_clock(pts_seconds, self.record)
        first, last = float(clock[0]), float(clock[-1])
        moments = self.augmentation.moments(first, last, self.record.num_frames, step, generator=generator)
        return shown_at(clock, moments)


def span_of(video: Video, item: VideoItem) -> Places:
    """The places of an item's frames in its video."""
    pts = video.packets.pts_seconds
    start = -np.inf if item.start_seconds is None else item.start_seconds
    end = np.inf if item.end_seconds is None else item.end_seconds
    places = np.flatnonzero((pts >= start - 1e-6) & (pts < end - 1e-6))
    if not len(places):
        raise EmptyVideoError(
            f"no frame is shown from {start:.2f} s to {end:.2f} s; the video ends at"
            f" {video.packets.end_seconds:.2f} s",
            path=item.path,
        )
    return places


def _read_mask(path: Path, pts_seconds: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(N, H, W) uint8: 255 where the mask video is brighter than compression makes black."""
    import cv2

    with open_video(path) as video:
        last = float(video.packets.pts_seconds[-1])
        moments = np.clip(pts_seconds, float(video.packets.pts_seconds[0]), last)
        clip = video.frames_at(seconds=moments.tolist())
    hard = [(frame[..., 0] > 16).astype(np.uint8) * 255 for frame in clip.pixels]
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in hard])


def _channels_first(pixels: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(3, 0, 1, 2)))
