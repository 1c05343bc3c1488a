"""The clock of a live source: whatever its timestamps do, times stay true and ascend.

    what the source's clock does                what happens here
    goes on                                     its own times are kept
    repeats a moment, or steps back a little    those frames are left out, and counted
    jumps back                                  goes on from now: a new zero of the source's clock
    jumps ahead of the time that has passed     likewise, for a live source; a recording may have holes
    stands still                                is trusted no longer: the time of arrival counts
    begins anew after the line was lost         goes on after the time that has passed meanwhile

How much time has passed is known from a second clock: for a live source the moment at which frames arrive, for one that
is read as fast as it goes the usual step between frames.
"""

from __future__ import annotations

import math

__all__ = ["SourceClock"]

SMALL_STEP_BACK_SECONDS = 1.0
LARGE_STEP_AHEAD_SECONDS = 5.0
SAME_CLOCK_SECONDS = 2.0
# So many frames that ascend below the last time: not out of order, but another clock.
ASCENDING_RUN = 3
MAX_LEFT_OUT = 30
NOMINAL_STEP_SECONDS = 1 / 25
LEAST_STEP_SECONDS = 1e-6


class SourceClock:
    """Turns the timestamps of a source into seconds that ascend.

    Args:
        is_live: whether frames arrive when they happen; then times begin at 0.0. A recording keeps its own.

    >>> clock = SourceClock(is_live=False)
    >>> [clock.stamp(raw, arrived_seconds=0.0) for raw in (5.0, 5.1, 5.1, 5.2)]
    [5.0, 5.1, None, 5.2]
    >>> round(clock.stamp(0.0, arrived_seconds=0.0), 3)
    5.3
    """

    def __init__(self, *, is_live: bool) -> None:
        self.is_live = is_live
        self.last_seconds: float | None = None
        self.num_left_out = 0
        self.num_jumps = 0
        self.trusts = True
        self._last_arrival = 0.0
        self._offset: float | None = None
        self._old_offset: float | None = None
        self._left_out_in_a_row = 0
        self._left_out_raw: float | None = None
        self._ascending = 0
        self._began_untimed = False
        self._step = NOMINAL_STEP_SECONDS

    def begin(self, *, frames_per_second: float | None = None) -> None:
        """A connection begins, or begins anew.

        Args:
            frames_per_second: what the source says of its rate; None where it says nothing.
        """
        if (
            frames_per_second is not None
            and math.isfinite(frames_per_second)
            and 0 < frames_per_second < 1000
        ):
            self._step = 1 / frames_per_second
        self._old_offset, self._offset = self._offset, None
        self._left_out_in_a_row = 0
        self._began_untimed = False
        self.trusts = True

    def stamp(self, raw_seconds: float | None, *, arrived_seconds: float) -> float | None:
        """The time of the next frame.

        Args:
            raw_seconds: what the source says; None where it says nothing.
            arrived_seconds: when the frame came, on a clock that only goes forward.

        Returns:
            Its seconds, after those of the frame before; None for a frame to leave out.
        """
        seconds = self._seconds(raw_seconds, arrived_seconds)
        if seconds is None:
            self.num_left_out += 1
            self._left_out_in_a_row += 1
            return None
        self._left_out_in_a_row = self._ascending = 0
        self._left_out_raw = None
        last = self.last_seconds
        if last is not None:
            seconds = max(seconds, last + LEAST_STEP_SECONDS)
            if self.trusts and seconds - last < 1.0:
                self._step = seconds - last
        self.last_seconds, self._last_arrival = seconds, arrived_seconds
        return seconds

    def _seconds(self, raw: float | None, arrived: float) -> float | None:
        last = self.last_seconds
        if raw is not None and not math.isfinite(raw):
            raw = None
        if last is None:
            raw = 0.0 if raw is None else raw
            self._offset = -raw if self.is_live else 0.0
            return raw + self._offset
        expected = last + (max(0.0, arrived - self._last_arrival) if self.is_live else self._step)
        if raw is None or not self.trusts:
            # RTSP may time its pictures from the second one on.
            self._began_untimed = self._began_untimed or self._offset is None
            return expected
        if self._offset is None:
            return self._after_reconnect(raw, last + self._step if self._began_untimed else expected)
        seconds = raw + self._offset
        if seconds <= last:
            if self._left_out_in_a_row >= MAX_LEFT_OUT:
                self.trusts = False
                return expected
            if last - seconds < SMALL_STEP_BACK_SECONDS and not self._is_another_clock(raw):
                return None
            return self._jump(raw, expected)
        if self.is_live and seconds - expected > LARGE_STEP_AHEAD_SECONDS:
            return self._jump(raw, expected)
        return seconds

    def _after_reconnect(self, raw: float, expected: float) -> float:
        """The same clock going on is more exact than the moment of arrival; another one begins now."""
        old = self._old_offset
        if (
            old is not None
            and abs(raw + old - expected) <= SAME_CLOCK_SECONDS
            and raw + old > (self.last_seconds or 0.0)
        ):
            self._offset = old
        else:
            self._offset = expected - raw
        return raw + self._offset

    def _is_another_clock(self, raw: float) -> bool:
        ascends = self._left_out_raw is not None and raw > self._left_out_raw
        self._ascending = self._ascending + 1 if ascends else 1
        self._left_out_raw = raw
        return self._ascending >= ASCENDING_RUN

    def _jump(self, raw: float, expected: float) -> float:
        self.num_jumps += 1
        self._offset = expected - raw
        return expected
