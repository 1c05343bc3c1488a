"""Weights records: everything that a checkpoint needs besides its numbers.

A record says where the file lies and how to know it again, which labels its outputs have, how its clips
are cut and normalized, and what accuracy was published for it under which protocol. Without these a
checkpoint is a riddle; with them `classify` needs nothing else.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from muybridge.errors import OptionError

if TYPE_CHECKING:  # records are read without loading torch
    from torch import nn

__all__ = ["Weights", "kinetics400_labels", "set_weights", "weights_of"]

Interpolation = Literal["bilinear", "bicubic"]

# Far beyond any published network, and within what a decoder and a machine's memory can give.
MAX_FRAMES = 4096
MAX_SIDE_PX = 4096
MAX_CLIP_PIXELS = 2**29
MIN_STD = 1e-6


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
        OptionError: values that no checkpoint can have.

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
    interpolation: Interpolation = "bilinear"
    closest_zoom: float = 1.0
    num_clips: int = 1
    accuracy: Mapping[str, float] = field(default_factory=dict, hash=False)
    protocol: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        # A record may come out of a file that anyone wrote, so kinds are checked beside ranges.
        for name in ("name", "url", "hub_name", "sha256", "license", "source", "protocol"):
            self._check(name, isinstance(getattr(self, name), str), "a text")
        for name in ("num_frames", "stride", "size_px", "num_clips"):
            self._check(name, _is_count(getattr(self, name)), "a whole number, 1 or more")
        self._check("num_frames", self.num_frames <= MAX_FRAMES, f"{MAX_FRAMES} or fewer")
        self._check("size_px", self.size_px <= MAX_SIDE_PX, f"{MAX_SIDE_PX} or less")
        most = MAX_CLIP_PIXELS // self.size_px**2
        self._check("num_frames", self.num_frames <= most, f"{most} or fewer at a size of {self.size_px}")
        for name in ("accuracy", "options"):
            self._check(name, isinstance(getattr(self, name), Mapping), "names with their values")
        are_labels = isinstance(self.labels, tuple | list) and all(isinstance(x, str) for x in self.labels)
        self._check("labels", are_labels, "a list of texts")
        rate, zoom, resize = self.frames_per_second, self.closest_zoom, self.resize_px
        self._check("frames_per_second", rate is None or (_is_number(rate) and rate > 0), "above 0, or None")
        self._check("closest_zoom", _is_number(zoom) and 1 <= zoom <= 8, "1 to 8")
        is_size = resize is None or _is_side(resize) or _are(_is_side, resize, 2)
        self._check("resize_px", is_size, f"1 to {MAX_SIDE_PX}, a pair of such, or None")
        known = get_args(Interpolation)
        self._check("interpolation", self.interpolation in known, " or ".join(known))
        for name in ("mean", "std"):
            self._check(name, _are(_is_number, getattr(self, name), 3), "three numbers")
        self._check("std", min(self.std) >= MIN_STD, f"{MIN_STD:g} or more")
        is_hash = not set(self.sha256) - set("0123456789abcdef")
        self._check("sha256", is_hash, "lower-case hexadecimal")

    def _check(self, name: str, is_sound: bool, wanted: str) -> None:
        if not is_sound:
            raise OptionError(f"Weights.{name} is {getattr(self, name)!r}; it must be {wanted}")

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
        """The inverse of `to_dict`; keys of newer versions are left out.

        Raises:
            OptionError: no record, or values that no checkpoint can have.
        """
        if not isinstance(data, Mapping) or "name" not in data:
            raise OptionError("a record of weights is a mapping that has a name at least")
        known = {item.name for item in fields(cls)}
        plain: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in data.items() if key in known
        }
        return cls(**plain)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_side(value: object) -> bool:
    return isinstance(value, int) and _is_count(value) and value <= MAX_SIDE_PX


def _are(is_kind: Callable[[object], bool], values: object, length: int) -> bool:
    return isinstance(values, tuple | list) and len(values) == length and all(map(is_kind, values))


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
