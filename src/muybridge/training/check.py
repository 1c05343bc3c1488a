"""Look at every video before training: what is missing, unreadable or damaged is said by name and count, once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from muybridge.errors import DamagedVideoWarning, DatasetError, DatasetWarning, VideoError
from muybridge.models.weights import Weights
from muybridge.training.clip_cache import ClipCache
from muybridge.training.clips import ClipDataset
from muybridge.training.processes import gather, is_main_process, num_processes, process_index
from muybridge.training.videos import VideoList, few

__all__ = ["CheckedVideos", "check_videos"]


@dataclass(frozen=True, slots=True)
class CheckedVideos:
    """What a look at every video found.

    Args:
        videos: those that can be read, damaged ones included.
        unreadable: (video, reason) of those that cannot, and are left out.
        damaged: (video, what is damaged) of those of which a part is lost; the rest of them is used.
    """

    videos: VideoList
    unreadable: tuple[tuple[str, str], ...]
    damaged: tuple[tuple[str, str], ...]

    def report(self) -> str:
        """In words; empty where all is well."""
        total = len(self.videos) + len(self.unreadable)
        lines = []
        for what, found in (
            ("cannot be read and are left out", self.unreadable),
            ("are damaged", self.damaged),
        ):
            if found:
                names = few(f"{name} ({reason})" for name, reason in found)
                lines.append(f"{len(found)} of {total} videos {what}: {names}")
        return "; ".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            **self.videos.to_dict(),
            "unreadable": [list(row) for row in self.unreadable],
            "damaged": [list(row) for row in self.damaged],
        }


def check_videos(
    videos: VideoList,
    record: Weights,
    *,
    cache: ClipCache | None = None,
    threads: int = 2,
    shared: bool = False,
    on_progress: Callable[[float, float], None] | None = None,
) -> CheckedVideos:
    """Decode every video once, into the cache if there is one, and leave out what cannot be read.

    Args:
        videos: the dataset.
        record: how large the cached frames are.
        cache: where decoded videos are kept, which the training then starts from.
        threads: videos decoded at once.
        shared: all processes of a training call this; each looks at its part, all know the whole, the main one warns.
        on_progress: called with how many this process has looked at, and how many it looks at.

    Raises:
        DatasetError: no video of some class can be read.

    Warns:
        DatasetWarning: names what cannot be read or is damaged, and counts it.

    >>> from pathlib import Path
    >>> from muybridge.training.videos import VideoItem
    >>> items = (VideoItem(getfixture("sample_video"), "moving"), VideoItem(Path("no.mp4"), "moving"))
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     checked = check_videos(VideoList(items, ("moving",)), Weights("mine", size_px=32))
    >>> checked.report()
    '1 of 2 videos cannot be read and are left out: no.mp4 (no such file)'
    """
    dataset = ClipDataset(videos, record, cache=cache)

    def look(index: int) -> tuple[str, ...] | VideoError:
        try:
            return dataset.prepare(index)
        except VideoError as error:
            return error

    own = range(process_index(), len(videos), num_processes()) if shared else range(len(videos))
    looked: list[tuple[int, tuple[str, ...] | VideoError]] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore", DamagedVideoWarning)  # collected, and said once below
        for index, found in zip(own, pool.map(look, own), strict=True):
            looked.append((index, found))
            if on_progress is not None:
                on_progress(len(looked), len(own))
    unreadable, damaged, kept = [], [], []
    for index, found in sorted(gather(looked) if shared else looked, key=itemgetter(0)):
        item = videos.items[index]
        if isinstance(found, VideoError):
            unreadable.append((item.name, found.reason))
        else:
            kept.append(item)
            if found:
                damaged.append((item.name, ", ".join(found)))
    checked = CheckedVideos(videos.with_items(kept), tuple(unreadable), tuple(damaged))
    report = checked.report()
    lost = [label for label, count in checked.videos.counts.items() if count == 0 and videos.counts[label]]
    if lost:
        raise DatasetError(f"no video of {few(lost)} can be read: {report}")
    if report and (is_main_process() or not shared):
        warnings.warn(report, DatasetWarning, stacklevel=2)
    return checked
