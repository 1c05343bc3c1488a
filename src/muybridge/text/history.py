"""The small pictures of the last seconds, and what they tell of a line: its first frame, its last, its successor."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.observer import View
from muybridge.text.line_track import LineTrack
from muybridge.text.strokes import Change
from muybridge.values import LeftOut

__all__ = ["SECONDS_BETWEEN_GLANCES", "History"]

SECONDS_BETWEEN_GLANCES = 0.2
_MOST_KEPT = 150  # pictures of 480 x 270: 20 MB

Picture = NDArray[np.uint8]


class History:
    """Pictures with their moments, the newest last.

    Args:
        view: what they are; pictures that were left out are fetched in it.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._kept: deque[tuple[float, Picture]] = deque(maxlen=_MOST_KEPT)
        self._left_out: LeftOut | None = None

    def add(self, seconds: float, picture: Picture, left_out: LeftOut | None) -> None:
        """The next picture; `left_out` gives those between that were not shown."""
        self._kept.append((seconds, picture))
        self._left_out = left_out

    @property
    def newest(self) -> tuple[float, Picture]:
        """The last picture, with its moment."""
        return self._kept[-1]

    def at_or_before(self, seconds: float) -> Picture | None:
        """The last picture that is not later; None where none is kept."""
        return next((picture for moment, picture in reversed(self._kept) if moment <= seconds), None)

    def start_of(self, track: LineTrack, still_since: float, known_since: float = np.inf) -> float:
        """The first picture kept from which on the line stands without a break.

        Args:
            track: a line that stands in the newest picture.
            still_since: since which glance new strokes hold still there; infinity where they do not.
            known_since: from then on it was seen before, be it weaker: breaks do not count.
        """
        newest, _ = self.newest
        # Strokes that hold still since that glance cannot have appeared before this picture.
        without = None if track.is_moving else self.at_or_before(still_since - 3.5 * SECONDS_BETWEEN_GLANCES)
        start, last_without, num_without = newest, None, 0
        for seconds, picture in reversed(self._kept):
            if seconds < track.not_before:
                break
            stands = _presence(track, picture, seconds - newest, without) >= 0.5
            if stands and not self._says_otherwise(track, seconds, picture):
                start, last_without, num_without = seconds, None, 0
            else:
                last_without = seconds if last_without is None else last_without
                num_without += 1
                if num_without >= 2 and seconds < known_since:
                    break
        if last_without is not None:
            for seconds, picture in reversed(self._between(last_without, start)):
                if _presence(track, picture, seconds - newest, without) < 0.5:
                    break
                start = seconds
        return start

    def end_of(self, track: LineTrack, *, at_close: bool = False) -> float | None:
        """The first picture since the line was confirmed from which on it does not stand; None: none yet."""
        first: float | None = None
        last_with = track.confirmed_seconds
        # At the source's end it is not known whether the last picture is without the line.
        newest = None if at_close or track.is_moving else self.newest[1]
        for seconds, picture in self._kept:
            elapsed = seconds - track.confirmed_seconds
            if elapsed <= 0:
                continue
            if _presence(track, picture, elapsed, newest) >= 0.5:
                first, last_with = None, seconds
            elif first is None:
                first = seconds
        if first is None:
            return None
        for seconds, picture in reversed(self._between(last_with, first)):
            if _presence(track, picture, seconds - track.confirmed_seconds, newest) >= 0.5:
                break
            first = seconds
        return first

    def handover(self, track: LineTrack) -> tuple[float, float]:
        """When a line whose writing has changed was last as it was read, and since when it is as it is now.

        Returns:
            The first picture that is not as the line was read, and the first from which on all are as the newest;
            the same one, unless something else stood between.
        """
        seconds, picture = self.newest
        as_large = track.as_read.pixels.shape == track.patch.pixels.shape
        change = Change(track.as_read, picture, track.patch.box if as_large else track.as_read.box)
        began = ended = seconds
        last_before = None
        for moment, earlier in reversed(self._kept):
            if moment < track.start_seconds:
                break
            if began == ended and change.share(earlier) >= 0.5:
                began = ended = moment
            elif change.distance(earlier) > 0.5:
                ended = moment
            else:
                last_before = moment
                break
        if last_before is not None:
            for moment, earlier in reversed(self._between(last_before, ended)):
                if change.distance(earlier) <= 0.5:
                    break
                began, ended = (moment if began == ended else began), moment
        return ended, began

    def _says_otherwise(self, track: LineTrack, seconds: float, picture: Picture) -> bool:
        """Whether writing stood there that differs from the line's in a spot, such as a digit, on a still ground."""
        before = self.at_or_before(seconds - SECONDS_BETWEEN_GLANCES)
        if track.is_moving or before is None:
            return False
        spot = track.patch.spot(picture, before, track.patch.box)
        return spot.has_changed and spot.unrest_anywhere < 0.05

    def _between(self, after: float, before: float) -> list[tuple[float, Picture]]:
        """The pictures between two that were seen, where some were left out."""
        if self._left_out is None or not self._left_out.seconds(after, before):
            return []
        return [(f.pts_seconds, f.pixels) for f in self._left_out.frames(after, before, self._view)]

    def state(self) -> dict[str, Any]:
        """As lists and arrays."""
        return {
            "seconds": [seconds for seconds, _ in self._kept],
            "pictures": [picture for _, picture in self._kept],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self._kept = deque(zip(state["seconds"], state["pictures"], strict=True), maxlen=_MOST_KEPT)


def _presence(track: LineTrack, picture: Picture, elapsed: float, without: Picture | None) -> float:
    """How much of a line stands in a picture, `elapsed` seconds from where its patch was taken."""
    dx, dy = track.shift_after(elapsed)
    presence = track.patch.presence(picture, dx, dy)
    if presence < 0.5 and track.is_moving:
        dx, dy, _ = track.patch.find(picture, dx, dy, 2)
        presence = track.patch.presence(picture, dx, dy)
    if without is not None and presence >= 0.5:
        # Where the background holds still, its own strokes make the line look present.
        share = track.patch.share(picture, without)
        return presence if share is None else min(presence, share)
    return presence
