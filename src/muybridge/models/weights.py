"""Weights records: everything that a checkpoint needs besides its numbers.

A record says where the file lies and how to know it again, which labels its outputs have, how its clips
are cut and normalized, and what accuracy was published for it under which protocol. Without these a
checkpoint is a riddle; with them `classify` needs nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from muybridge.errors import OptionError

if TYPE_CHECKING:  # records are read without loading torch
    from torch import nn

__all__ = ["Weights", "kinetics400_labels", "set_weights", "weights_of"]


@functools.cache
def kinetics400_labels() -> tuple[str, ...]:
    """The 400 class names of Kinetics-400 in the order of the checkpoints' outputs.

    >>> len(kinetics400_labels()), kinetics400_labels()[0], kinetics400_labels()[399]
    (400, 'abseiling', 'zumba')
    """
    text = (resources.files("muybridge.models") / "labels" / "kinetics400.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@dataclass(frozen=True, slots=True)
class Weights:
    """What belongs to one checkpoint.

    Args:
        name: the record's name, such as `"kinetics400"`.
        url: where the file is published; a local path for weights that were not downloaded.
        hub_name: `owner/repository`, where the checkpoint is a folder on the hub and not one file.
        sha256: the file's hash in hexadecimal, or its first digits where only those are published
            (torchvision publishes eight, in the file's name); empty where nothing is known.
        license: SPDX identifier of the weights' license.
        source: the page that describes them.
        labels: the K class names in the order of the outputs.
        mean: per channel R, G, B, of pixels scaled to [0, 1].
        std: per channel, likewise.
        num_frames: frames of one clip.
        stride: every how many frames (at `frames_per_second`, if given, else of the source) one is taken.
        frames_per_second: the rate at which training saw the videos; None where unknown.
        size_px: height and width of the square crop.
        resize_px: the size before the crop: one number for the shorter side, or (height, width).
        interpolation: how frames were resized.
        closest_zoom: a view of a video shows what moves in it, at most so many times as large; 1 for the whole picture.
        num_clips: how many temporal views of a video are averaged, unless others are asked for.
        accuracy: metric → percent, as published.
        protocol: how that accuracy was measured (views, crops).
        options: what the model's builder needs for this checkpoint.

    Raises:
        OptionError: numbers that no checkpoint can have.

    >>> record = Weights("mine", labels=("clap", "wave"), size_px=112, num_frames=8)
    >>> Weights.from_dict(record.to_dict()) == record
    True
    """

    name: str
    url: str = ""
    hub_name: str = ""
    sha256: str = ""
    license: str = ""
    source: str = ""
    labels: tuple[str, ...] = ()
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    num_frames: int = 16
    stride: int = 1
    frames_per_second: float | None = None
    size_px: int = 224
    resize_px: int | tuple[int, int] | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    closest_zoom: float = 1.0
    num_clips: int = 1
    accuracy: Mapping[str, float] = field(default_factory=dict, hash=False)
    protocol: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("num_frames", "stride", "size_px", "num_clips"):
            if getattr(self, name) < 1:
                raise OptionError(f"Weights.{name} is {getattr(self, name)}; it must be 1 or more")
        if not 1 <= self.closest_zoom <= 8:
            raise OptionError(f"Weights.closest_zoom is {self.closest_zoom}; it must be 1 to 8")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise OptionError(
                f"Weights.mean {self.mean} and std {self.std} need three numbers each, std positive"
            )
        if set(self.sha256) - set("0123456789abcdef"):
            raise OptionError(f"Weights.sha256 is {self.sha256!r}; it must be lower-case hexadecimal")

    @property
    def file_name(self) -> str:
        """The name of the file in the cache folder."""
        return PurePosixPath(urlsplit(self.url).path).name

    def with_labels(self, labels: tuple[str, ...]) -> Self:
        """The same record with other labels; with none for a new head, whose outputs mean nothing yet."""
        return replace(self, labels=labels)

    def for_whole_pictures(self) -> Self:
        """The same record for a head that learns from whole pictures, one clip of each video."""
        return replace(self, closest_zoom=1.0, num_clips=1)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        data = asdict(self)
        data["accuracy"], data["options"] = dict(self.accuracy), dict(self.options)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; keys of newer versions are left out."""
        known = {item.name for item in fields(cls)}
        plain: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in data.items() if key in known
        }
        return cls(**plain)


def weights_of(model: nn.Module) -> Weights | None:
    """The record of the weights that a model carries; None for random weights.

    >>> import torch
    >>> weights_of(torch.nn.Linear(2, 2)) is None
    True
    """
    record = getattr(model, "weights_record", None)
    return record if isinstance(record, Weights) else None


def set_weights(model: nn.Module, record: Weights) -> None:
    """Note on a model which weights it carries: labels, normalization and clip length travel with it."""
    object.__setattr__(model, "weights_record", record)
