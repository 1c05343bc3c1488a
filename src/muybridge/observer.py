"""What everything that watches a video has in common.

An observer says which view it wants, gets frames in order, and gives findings back:

    start(source) ─► observe(frame) ─► observe(frame) ─► … ─► finish(end_seconds)
                         │ findings        │ findings            │ findings

A file, a camera and a network stream run through the same calls, so a result from a file and from a stream
are the same result. An observer keeps no more than its window: memory stays flat however long the source.

Third parties add observers as an ordinary package with an entry point in the group `muybridge.observers`:

    [project.entry-points."muybridge.observers"]
    brightness = "my_package:BrightnessObserver"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from muybridge.errors import OptionError
from muybridge.values import Frame, Picture, Segment, Signal, VideoMetadata

__all__ = ["MAX_ASPECT", "Finding", "Observer", "Resumable", "View"]

MAX_ASPECT = 16
"""How many times its shorter side the longer side of an enlarged picture may have; no film has more than four."""

Finding = Segment | Signal | Picture
"""What an observer may report: a segment, a chunk of a signal, or a picture that a segment names."""


@dataclass(frozen=True, slots=True)
class View:
    """The frames that an observer wants to see.

    Args:
        frames_per_second: at most this many, evenly in time; None for every frame of the source.
        short_side_px: scale so that the shorter side has exactly this many pixels. The longer side keeps the
            proportions; only a strip that is enlarged is squeezed to 16 times the shorter side, since a few lines of
            a hostile file would else become billions of pixels.
        max_side_px: scale down, never up, so that the longer side has at most this many pixels.
        pixel_format: `"rgb24"` gives (H, W, 3), `"gray8"` gives (H, W): the luma, which costs far less.
        sparing: whether pictures of a file that no other is made from may be left out, as long as 15 a second remain;
            where all observers of a pass allow it, they are not even decoded. `Frame.left_out` still has them.

    Raises:
        OptionError: a number that is not positive, or both sizes at once.

    >>> View(short_side_px=90).fit(1280, 720)
    (160, 90)
    >>> View(short_side_px=90).fit(65534, 2)
    (1440, 90)
    >>> View(max_side_px=960).fit(1280, 720), View(max_side_px=960).fit(320, 240)
    ((960, 540), (320, 240))
    """

    frames_per_second: float | None = None
    short_side_px: int | None = None
    max_side_px: int | None = None
    pixel_format: Literal["rgb24", "gray8"] = "rgb24"
    sparing: bool = False

    def __post_init__(self) -> None:
        if self.short_side_px is not None and self.max_side_px is not None:
            raise OptionError("a View takes short_side_px or max_side_px, not both")
        for name in ("frames_per_second", "short_side_px", "max_side_px"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"View.{name} is {value}; it must be positive, or None")
        if self.pixel_format not in ("rgb24", "gray8"):
            raise OptionError(f"View.pixel_format is {self.pixel_format!r}; it is 'rgb24' or 'gray8'")

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The (width, height) at which this view shows a source of that size."""
        if self.short_side_px is not None:
            scale = self.short_side_px / min(width, height)
            longest = MAX_ASPECT * self.short_side_px if scale > 1 else max(width, height)
            return max(1, min(round(width * scale), longest)), max(1, min(round(height * scale), longest))
        if self.max_side_px is not None:
            scale = min(1.0, self.max_side_px / max(width, height))
            return max(1, round(width * scale)), max(1, round(height * scale))
        return width, height


@runtime_checkable
class Observer(Protocol):
    """Something that watches a video."""

    name: str
    """Unique among the observers of one pass; part of the cache key."""
    view: View

    def settings(self) -> Mapping[str, Any]:
        """All that changes this observer's answer, as JSON values; part of the cache key."""
        ...

    def start(self, source: VideoMetadata) -> None:
        """Forget everything; a new source begins. A live source has no `duration_seconds`."""
        ...

    def observe(self, frame: Frame) -> Iterable[Finding]:
        """See the next frame of the view; return what became certain with it.

        `frame.closer(View(...))`, where it is not None, shows the same moment in another size or format: an
        observer that watches a small gray view may look closer when something happens, and pays only then.
        `frame.pixels` must not be kept without a copy nor written to: other observers share it.
        """
        ...

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """The source ended at that second; return the rest."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """An observer whose state can be saved in the middle of a source, so that a killed run goes on."""

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs.

        Nested dicts (with string keys) and lists of numbers, strings, bytes, None and numpy arrays.
        """
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state; `start` has been called before."""
        ...
