"""One event that several windows of a video see is told once, and as long as it is.

    window 1  ├───────────────────────┤
    window 2              ├───────────────────────┤
    both see              ├───────────┤
    says 1                      ▇▇▇▇▇▇▇              cut off by the window's end
    says 2                      ▇▇▇▇▇▇▇▇▇▇▇
    joined                      ▇▇▇▇▇▇▇▇▇▇▇

Two windows mean one event where their moments overlap in the stretch that both see; beyond it, the window that sees on
tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from muybridge.values import Segment

__all__ = ["Window", "distinct", "join_windows"]

_SAME = 0.5
"""Moments of one window are one where they share more of their union; of two windows, more of the shorter."""
_LEAST_SHARE = 0.5
"""A moment that is less than half as likely says nothing about another."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a video, and the moments that were found in it.

    Args:
        start_seconds: where it begins.
        end_seconds: where it ends.
        moments: with their probabilities as scores.
    """

    start_seconds: float
    end_seconds: float
    moments: Sequence[Segment]


def join_windows(windows: Sequence[Window]) -> list[Segment]:
    """The moments of all windows, each event once.

    Args:
        windows: in order of time, each overlapping the next.

    Returns:
        The moments, the likeliest first.

    >>> cut, whole = Segment(112, 120, "moment", score=0.9), Segment(112, 132, "moment", score=0.8)
    >>> [joined] = join_windows([Window(0, 120, [cut]), Window(60, 180, [whole])])
    >>> joined.start_seconds, joined.end_seconds, joined.score
    (112.0, 132.0, 0.9)
    """
    done: list[Segment] = []
    last: list[Segment] = []
    last_end = 0.0
    for window in windows:
        moments = distinct(window.moments)
        sight = (window.start_seconds, last_end)
        for old in last:
            places = [place for place, new in enumerate(moments) if _are_one(old, new, sight)]
            if places:  # the likeliest comes first
                moments[places[0]] = _joined(old, moments[places[0]], sight)
            else:
                done.append(old)
        last, last_end = moments, window.end_seconds
    return distinct([*done, *last])


def distinct(moments: Sequence[Segment]) -> list[Segment]:
    """Of moments that overlap by more than half of their union the likeliest, the likeliest first."""
    kept: list[Segment] = []
    for moment in sorted(moments, key=lambda one: -(one.score or 0.0)):
        shared = [moment.overlap_seconds(other) for other in kept]
        unions = [moment.duration_seconds + other.duration_seconds for other in kept]
        if all(part <= _SAME * (both - part) for part, both in zip(shared, unions, strict=True)):
            kept.append(moment)
    return kept


def _are_one(old: Segment, new: Segment, sight: tuple[float, float]) -> bool:
    less, more = sorted((old.score or 0.0, new.score or 0.0))
    starts = [max(sight[0], one.start_seconds) for one in (old, new)]
    ends = [min(sight[1], one.end_seconds) for one in (old, new)]
    shorter = min(end - start for start, end in zip(starts, ends, strict=True))
    # Not of their union: an edge of the window is found less exactly than one of the event.
    return less >= _LEAST_SHARE * more and min(ends) - max(starts) > _SAME * max(0.0, shorter)


def _joined(old: Segment, new: Segment, sight: tuple[float, float]) -> Segment:
    """What happens before the stretch that both see is told by the first, what happens after it by the second."""
    likelier = max(new, old, key=lambda one: one.score or 0.0)
    return replace(
        likelier,
        start_seconds=old.start_seconds if old.start_seconds < sight[0] else likelier.start_seconds,
        end_seconds=new.end_seconds if new.end_seconds > sight[1] else likelier.end_seconds,
    )
