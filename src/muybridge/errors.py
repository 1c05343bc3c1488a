"""The errors that users meet.

MuybridgeError
├── VideoError                  the video; has .path
│   ├── VideoOpenError          missing, not a video, refused by a limit, no video stream
│   ├── VideoDecodeError        opened, but its pixels cannot be decoded
│   └── EmptyVideoError         opened, but holds no frame
├── ShapeError (ValueError)     an array of the wrong shape or dtype
├── OptionError (ValueError)    an option outside what is allowed
├── UnknownNameError (LookupError)   a name nobody registered; lists the nearest ones
├── WeightsError                weights that are missing, damaged, or of another architecture
├── DatasetError (ValueError)   a list of videos, or a folder of them, that cannot be learned from
├── StoreError                  a search store that is missing, damaged, or of a newer version
├── TrainingError               a training that cannot go on, such as one whose loss is NaN
├── EndpointError               a model server that cannot be reached, refuses, or replies with garbage
├── OutputError (OSError)       results that cannot be written where they were asked for
└── MissingExtraError (ImportError)  an optional dependency; has the install line

A message says what came, what is allowed, and what to do next.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

__all__ = [
    "DamagedVideoWarning",
    "DatasetError",
    "DatasetWarning",
    "EmptyVideoError",
    "EndpointError",
    "MissingExtraError",
    "MuybridgeError",
    "OptionError",
    "OutputError",
    "ShapeError",
    "StoreError",
    "TrainingError",
    "UnknownNameError",
    "VideoDecodeError",
    "VideoError",
    "VideoOpenError",
    "WeightsError",
    "require_extra",
]


class MuybridgeError(Exception):
    """The root of every error that Muybridge raises on purpose."""


class VideoError(MuybridgeError):
    """Something is wrong with a video; `path` says which.

    >>> VideoError("no such file", path="cat.mp4").path
    'cat.mp4'
    """

    def __init__(self, message: str, *, path: str | Path) -> None:
        super().__init__(f"{path}: {message}")
        self.path = str(path)
        self.reason = message

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own pickling calls the class with `args` alone, which lacks the keyword.
        return (_rebuild_video_error, (type(self), self.reason, self.path))


def _rebuild_video_error(cls: type[VideoError], message: str, path: str) -> VideoError:
    return cls(message, path=path)


class VideoOpenError(VideoError):
    """The file is missing, is not a video, or was refused by a limit."""


class VideoDecodeError(VideoError):
    """The file opened, but its pixels cannot be decoded."""


class EmptyVideoError(VideoError):
    """The file opened, but holds no frame."""


class ShapeError(MuybridgeError, ValueError):
    """An array does not have the shape or the dtype that was asked for."""


class OptionError(MuybridgeError, ValueError):
    """An option lies outside what is allowed."""


class UnknownNameError(MuybridgeError, LookupError):
    """Nobody registered that name; the message lists the nearest ones.

    >>> raise UnknownNameError("model", "r3d_81", ["r3d_18", "mc3_18"])
    Traceback (most recent call last):
    ...
    muybridge.errors.UnknownNameError: unknown model 'r3d_81'; did you mean 'r3d_18'? known: mc3_18, r3d_18
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ";"
        super().__init__(f"unknown {what} {name!r}{hint} known: {', '.join(names) or 'none'}")
        self.name = name
        self.nearest = near


class WeightsError(MuybridgeError):
    """Weights are missing, damaged, or belong to another architecture."""


class DatasetError(MuybridgeError, ValueError):
    """A list of videos, or a folder of them, cannot be learned from or tested on."""


class StoreError(MuybridgeError):
    """A search store is missing, damaged, or was written by a newer version; the message says how to get on."""


class TrainingError(MuybridgeError):
    """A training cannot go on; the message names the step and the files."""


class EndpointError(MuybridgeError):
    """A model server cannot be reached, refuses, is too slow, or replies with something else than it should."""


class OutputError(MuybridgeError, OSError):
    """Results cannot be written where they were asked for."""


class MissingExtraError(MuybridgeError, ImportError):
    """An optional dependency is not installed; the message has the install line.

    >>> raise MissingExtraError("lancedb", extra="search")
    Traceback (most recent call last):
    ...
    muybridge.errors.MissingExtraError: 'lancedb' is not installed; run: pip install 'muybridge[search]'
    """

    def __init__(self, module: str, *, extra: str) -> None:
        super().__init__(f"{module!r} is not installed; run: pip install 'muybridge[{extra}]'")


class DamagedVideoWarning(UserWarning):
    """Part of a video could not be decoded; the message names the second."""


class DatasetWarning(UserWarning):
    """A dataset has gaps or a leak that make its numbers worth less; the message names them."""


def require_extra(module: str, *, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Args:
        module: the module to import, such as `"transformers"`.
        extra: the extra of this package that installs it.

    Raises:
        MissingExtraError: the module is not installed.

    >>> require_extra("json", extra="hub").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(module, extra=extra) from error
