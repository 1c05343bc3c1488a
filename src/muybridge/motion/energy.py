"""How much moves: the motion energy of each second, and the stretches with clearly more of it than usual.

About ten times a second, the small luma picture is compared with the last one: the energy of that step is the mean
absolute difference (temporal differencing: Davis and Bobick, The representation and recognition of action using
temporal templates, CVPR 1997) after three corrections:

- the median difference is taken off, so that a change of exposure is no motion;
- differences within the noise count nothing; each cell averages many pixels, so the noise left is small;
- steps over a cut, or inside a dissolve or fade, count nothing: a new picture is no motion.

The sum over one second is in gray levels per second, and hardly depends on the frame rate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.motion.appearance import Appearance
from muybridge.motion.shots import Boundary
from muybridge.values import Segment, Signal

__all__ = ["ENERGY_NAME", "EnergyMeter", "find_spikes", "frame_energy"]

ENERGY_NAME = "motion energy"
ENERGY_UNIT = "gray levels per second"
STEP_SECONDS = 0.095
NOISE_LEVELS = 3.0
LEAST_SPIKE = 4.0  # gray levels per second above the usual; less is a leaf in the wind
SPREADS_ABOVE = 3.0
LEAST_SECONDS = 0.5  # the rest of a second at a video's end is too few steps to tell a spike by


def frame_energy(before: Appearance, now: Appearance) -> float:
    """How much moved between two frames, in gray levels: the mean over the picture.

    >>> from muybridge.motion.appearance import describe
    >>> dark, bright = (describe(np.full((72, 128, 3), level, np.uint8)) for level in (50, 90))
    >>> frame_energy(dark, bright)  # the light was turned on, nothing moved
    0.0
    """
    difference = now.luma - before.luma
    difference -= np.median(difference)
    np.abs(difference, out=difference)
    difference -= NOISE_LEVELS
    return float(np.maximum(difference, 0, out=difference).mean())


class EnergyMeter:
    """Adds up the motion energy of each second of a source.

    Frames wait until it is certain whether they belong to a transition; then whole seconds are reported.
    """

    def __init__(self) -> None:
        self._before: Appearance | None = None
        self._before_seconds = -np.inf
        self._steps: deque[tuple[float, float, float]] = deque()  # (from, to, energy) that wait
        self._start: float | None = None
        self._sum = 0.0
        self._bin = 0
        self._spans: deque[tuple[float, float]] = deque()

    def observe(self, look: Appearance, pts_seconds: float) -> None:
        """See the next frame."""
        if self._start is None:
            self._start = pts_seconds
        if pts_seconds - self._before_seconds < STEP_SECONDS:
            return
        if self._before is not None:
            self._steps.append((self._before_seconds, pts_seconds, frame_energy(self._before, look)))
        self._before, self._before_seconds = look, pts_seconds

    def settle(self, boundaries: Iterable[Boundary], until_seconds: float) -> list[tuple[float, float]]:
        """Report the seconds that are complete.

        Args:
            boundaries: those that became certain since the last call.
            until_seconds: no further boundary will be reported that starts before this.

        Returns:
            (begin of the second, its energy) for each complete second.
        """
        self._spans.extend((found.start_seconds, found.end_seconds) for found in boundaries)
        done: list[tuple[float, float]] = []
        while self._steps and self._steps[0][1] < until_seconds:
            begin, end, energy = self._steps.popleft()
            while self._spans and self._spans[0][1] <= begin:
                self._spans.popleft()
            crossed = bool(self._spans) and self._spans[0][0] <= end
            done += self._advance(end)
            self._sum += 0.0 if crossed else energy
        return done

    def _advance(self, seconds: float) -> list[tuple[float, float]]:
        assert self._start is not None
        done = []
        while seconds >= self._start + self._bin + 1 - 1e-9:
            done.append((self._start + self._bin, self._sum))
            self._sum = 0.0
            self._bin += 1
        return done

    def finish(self, boundaries: Iterable[Boundary], end_seconds: float) -> list[tuple[float, float]]:
        """The source ended: the seconds that are left, the last one scaled to its length."""
        done = self.settle(boundaries, np.inf)
        if self._start is None:
            return done
        length = end_seconds - (self._start + self._bin)
        if length > 0.1 or not self._bin:
            done.append((self._start + self._bin, self._sum / min(1.0, max(length, 0.1))))
        return done

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "before": None if self._before is None else self._before.state(),
            "steps": [list(step) for step in self._steps],
            "spans": [list(span) for span in self._spans],
            "numbers": [self._start, self._sum, self._bin, self._before_seconds],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._before = None if state["before"] is None else Appearance.from_state(state["before"])
        self._steps = deque((float(a), float(b), float(e)) for a, b, e in state["steps"])
        self._spans = deque((float(a), float(b)) for a, b in state["spans"])
        self._start, self._sum, self._bin, self._before_seconds = state["numbers"]


def to_signal(seconds: Sequence[tuple[float, float]]) -> Signal:
    """Seconds and their energies as a `Signal`."""
    table: NDArray[np.float64] = np.array(seconds, np.float64).reshape(-1, 2)
    return Signal(ENERGY_NAME, table[:, 0], table[:, 1], ENERGY_UNIT)


def find_spikes(energy: Signal, *, end_seconds: float) -> list[Segment]:
    """The stretches with clearly more movement than the video's usual.

    The usual is the median; clearly more is three robust standard deviations above it (1.4826 times the median
    absolute deviation), half as much again, and at least 4 gray levels per second. Stretches with one quiet
    second between them are one. A last second that is cut short may end a spike, but is none by itself if it lasts
    less than half of one.

    Args:
        energy: one value for each second.
        end_seconds: where the last one ends.

    Returns:
        Segments of kind `"motion"`; the score is the share of the peak that lies above the threshold.

    >>> calm = np.ones(20)
    >>> calm[7:9] = 30.0
    >>> [spike] = find_spikes(Signal("motion energy", np.arange(20.0), calm), end_seconds=20.0)
    >>> spike.start_seconds, spike.end_seconds, spike.attributes["peak"], spike.attributes["usual"]
    (7.0, 9.0, 30.0, 1.0)
    """
    values = energy.values
    if len(values) < 3:
        return []
    usual = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - usual)))
    threshold = usual + max(SPREADS_ABOVE * spread, 0.5 * usual, LEAST_SPIKE)
    places = np.flatnonzero(values > threshold)
    if not len(places):
        return []
    runs = np.split(places, np.flatnonzero(np.diff(places) > 2) + 1)
    ends = np.append(energy.seconds[1:], end_seconds)
    spikes = []
    for run in runs:
        first, last = int(run[0]), int(run[-1])
        if ends[last] - energy.seconds[first] < LEAST_SECONDS:
            continue
        peak_at = first + int(values[first : last + 1].argmax())
        peak = float(values[peak_at])
        attributes = {
            "peak": round(peak, 3),
            "peak_seconds": float(energy.seconds[peak_at]),
            "usual": round(usual, 3),
            "threshold": round(threshold, 3),
            "unit": ENERGY_UNIT,
        }
        label = f"{peak / max(usual, 1e-9):.1f}× the usual movement" if usual >= 0.5 else "sudden movement"
        spikes.append(
            Segment(
                float(energy.seconds[first]),
                max(float(ends[last]), float(energy.seconds[first])),
                "motion",
                label,
                1 - threshold / peak,
                attributes,
            )
        )
    return spikes
