"""Which frames of a source a window takes, and how long each of them is shown.

    slots of 1 / rate   |     |     |     |     |     |     |     |
    a fast source       a b c d e f g h i j k l m n o             takes a, d, f, … : the first of each slot
    a slow source       a                 b                 c     takes a a a b b b c: each as long as it is shown

Weights know how fast the world was in their training, so slots that a slow source leaves empty have to be filled, as
`muybridge.video.clip_indices.shown_at` fills them for whole clips. A fast source leaves a slot empty where its frames
were dropped; what was in them is not known, and on a machine that is too slow for its model a window must not consist
of made-up frames. So every frame of the source counts for one slot, whether it arrived or not.
"""

from __future__ import annotations

from muybridge.video.reader import Pace

__all__ = ["Slots"]


class Slots:
    """Picks the frames of a window by the clock, or where the weights tell no rate by counting.

    Args:
        frames_per_second: the rate of the window's frames; None where the weights tell none.
        frame_step: without a rate, of so many frames of the source one is taken.

    >>> slots = Slots(4.0)
    >>> [slots.take(place / 2, place) for place in range(3)]  # two frames a second: each is shown in two slots
    [0, 1, 1]
    >>> slots = Slots(4.0)
    >>> [slots.take(place / 10, place) for place in range(6)]  # ten a second
    [0, None, None, 0, None, 0]
    """

    def __init__(self, frames_per_second: float | None, *, frame_step: int = 1) -> None:
        self._pace = Pace(frames_per_second)
        self._frame_step = frame_step
        self._slot: int | None = None
        self._place = 0

    def take(self, seconds: float, place: int) -> int | None:
        """See the next frame of the source.

        Args:
            seconds: when it appears.
            place: its place in the source, where dropped frames are counted too.

        Returns:
            In how many slots before its own the frame that was taken last is still shown; None where it is not taken.
        """
        if self._frame_step == 1:
            if not self._pace.wants(seconds):
                return None
            slot = self._pace.last_slot
        else:
            # By the frame's place, so that a dropped frame does not shift the choice.
            slot = place // self._frame_step
            if self._slot is not None and slot <= self._slot:
                return None
        num_empty = 0
        if self._pace.frames_per_second is not None and slot is not None and self._slot is not None:
            num_empty = max(0, slot - self._slot - max(1, place - self._place))
        self._slot, self._place = slot, place
        return num_empty
