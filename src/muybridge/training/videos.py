"""Which videos there are, and what happens in them: the one form that every dataset format is read into."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from muybridge.errors import DatasetError, DatasetWarning

__all__ = ["VideoItem", "VideoList", "check_classes", "few"]


@dataclass(frozen=True, slots=True)
class VideoItem:
    """One example: a video, or a stretch of one, and what happens in it.

    Args:
        path: the file.
        label: the class.
        start_seconds: where the stretch begins; None for the video's start.
        end_seconds: where it ends; None for the video's end.
        group: what must not be both in training and in test, such as the person or the source video; empty
            makes each file a group of its own.
        subset: such as "train" or "test", where the dataset says.
        mask_path: a gray video that is brighter than 0 where the person is, frame by frame; None where unknown.
    """

    path: Path
    label: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    group: str = ""
    subset: str = ""
    mask_path: Path | None = None

    @property
    def name(self) -> str:
        """What to call it in a message.

        >>> VideoItem(Path("a.mp4"), "wave", start_seconds=1.5, end_seconds=3.0).name
        'a.mp4 (1.50 s to 3.00 s)'
        """
        if self.start_seconds is None and self.end_seconds is None:
            return str(self.path)
        end = "the end" if self.end_seconds is None else f"{self.end_seconds:.2f} s"
        return f"{self.path} ({self.start_seconds or 0.0:.2f} s to {end})"

    @property
    def group_name(self) -> str:
        """The group, or the file where no group is known."""
        return self.group or str(self.path)


@dataclass(frozen=True, slots=True)
class VideoList:
    """A dataset before anything is decoded.

    Args:
        items: the examples whose files are there.
        labels: the K classes, in the order of a model's outputs.
        missing: files that the dataset names but that are not there.

    >>> videos = VideoList((VideoItem(Path("a.mp4"), "wave"), VideoItem(Path("b.mp4"), "clap")), ("clap", "wave"))
    >>> videos.targets, videos.counts
    ([1, 0], {'clap': 1, 'wave': 1})
    """

    items: tuple[VideoItem, ...]
    labels: tuple[str, ...]
    missing: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, items: Iterable[VideoItem], *, missing: Sequence[str] = (), source: str | Path) -> Self:
        """Put a list together; its classes are in the order of the alphabet.

        Raises:
            DatasetError: none of the files is there.

        Warns:
            DatasetWarning: some files are missing; says how many, and names the first.
        """
        found = tuple(items)
        if missing and found:
            warnings.warn(
                f"{source}: {len(missing)} of {len(missing) + len(found)} videos are missing: {few(missing)}",
                DatasetWarning,
                stacklevel=3,
            )
        if not found:
            lost = f"; all {len(missing)} that it names are missing: {few(missing)}" if missing else ""
            raise DatasetError(f"{source} gives no video{lost}; look at the folder that holds the videos")
        return cls(found, tuple(sorted({item.label for item in found})), tuple(missing))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[VideoItem]:
        return iter(self.items)

    @property
    def targets(self) -> list[int]:
        """The class of each item, as a place in `labels`."""
        place = {label: index for index, label in enumerate(self.labels)}
        return [place[item.label] for item in self.items]

    @property
    def counts(self) -> dict[str, int]:
        """How many items each class has."""
        counts = Counter(item.label for item in self.items)
        return {label: counts[label] for label in self.labels}

    @property
    def subsets(self) -> tuple[str, ...]:
        """The names of the dataset's own split; empty where it has none."""
        return tuple(sorted({item.subset for item in self.items} - {""}))

    def subset(self, *names: str) -> Self:
        """The part of the dataset's own split with that name, in capitals or not, with all classes of the whole.

        Raises:
            DatasetError: there is no such part.
        """
        wanted = {name.lower() for name in names}
        part = tuple(item for item in self.items if item.subset.lower() in wanted)
        if not part:
            raise DatasetError(
                f"no video belongs to {' or '.join(names)}; there is {', '.join(self.subsets) or 'no split'}"
            )
        return replace(self, items=part)

    def with_items(self, items: Iterable[VideoItem]) -> Self:
        """The same classes with other items."""
        return replace(self, items=tuple(items))

    def with_labels(self, labels: Sequence[str]) -> Self:
        """The same items, with classes in the order of a model that exists already.

        Raises:
            DatasetError: an item is of a class that the model does not have.
        """
        strangers = sorted({item.label for item in self.items} - set(labels))
        if strangers:
            raise DatasetError(f"the model does not know {few(strangers)}; it knows {few(labels, 12)}")
        return replace(self, labels=tuple(labels))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values: counts of each class, and what is missing."""
        return {"num_videos": len(self), "classes": self.counts, "missing": list(self.missing)}


def check_classes(train: VideoList, test: VideoList) -> None:
    """Raise unless both have examples of the same classes.

    Raises:
        DatasetError: names the classes that only one of them has.

    >>> one = VideoList((VideoItem(Path("a.mp4"), "wave"),), ("wave",))
    >>> check_classes(one, VideoList((VideoItem(Path("b.mp4"), "waves"),), ("waves",)))
    Traceback (most recent call last):
    ...
    muybridge.errors.DatasetError: the classes of train and test differ: only in train: wave; only in test: waves
    """
    in_train, in_test = ({item.label for item in videos} for videos in (train, test))
    problems = [
        f"only in {name}: {few(sorted(only))}"
        for name, only in (("train", in_train - in_test), ("test", in_test - in_train))
        if only
    ]
    if problems:
        raise DatasetError(f"the classes of train and test differ: {'; '.join(problems)}")


def few(names: Iterable[object], most: int = 5) -> str:
    """The first names of a list that may be long.

    >>> few("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    all_names = [str(name) for name in names]
    rest = f" and {len(all_names) - most} more" if len(all_names) > most else ""
    return ", ".join(all_names[:most]) + rest
