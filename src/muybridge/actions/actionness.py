"""How likely is it that anything is being done right now? One number for each moment, without any training.

    gray pictures ──OwnMotion──► what changes beyond noise, light and the camera's own motion ─┐
    shots and text of a timeline ──► a bump wherever they change ──────────────────────────────┼─► actionness in [0, 1)
    probabilities of a trained head ──head_actionness──► all but "none of these" ──────────────┘

People who do something move; what stands still does nothing. That needs no labels, and holds for scenes that no
training set has. It does not tell an action from a passing car: naming is the classifier's part.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.camera import estimate_camera, holds_still, texture_weights
from muybridge.values import Segment, Signal, Timeline

__all__ = [
    "ACTIONNESS_NAME",
    "BACKGROUND_LABEL",
    "MotionStep",
    "OwnMotion",
    "head_actionness",
    "timeline_actionness",
]

ACTIONNESS_NAME = "actionness"
BACKGROUND_LABEL = "none of these"
# Mean change of the picture, in gray levels per fifteenth of a second, at which actionness is one half: an arm that
# is raised by a person who fills a third of the picture's height.
HALF_LEVELS = 0.05
STEP_SECONDS = 1 / 15
LEAST_NOISE_LEVELS = 4.0
CUT_LEVELS = 18.0
CUT_CORRELATION = 0.6


@dataclass(frozen=True, slots=True)
class MotionStep:
    """What happened from one picture to the next.

    Args:
        start_seconds: when the earlier picture appeared.
        end_seconds: when the later one appeared.
        actionness: in [0, 1): 0.5 is an arm being raised.
        is_cut: the pictures show different scenes; nothing moved.
    """

    start_seconds: float
    end_seconds: float
    actionness: float
    is_cut: bool = False


class OwnMotion:
    """Measures what moves on its own, from picture to picture; keeps one small picture.

    Pictures are smoothed and compared. The median change is taken off (light), and what lies within the noise: for most
    of a picture is background, whose median change tells how noisy it is. Only where more than half of the picture
    changes, dense flow is computed, the camera's motion found in it, and the earlier picture moved along, before
    they are compared again; there, edges count less, by half a pixel's worth of their gradient.

    >>> meter = OwnMotion()
    >>> room = np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8).repeat(4, 0).repeat(4, 1)
    >>> meter.push(room, 0.0), meter.push(room, 0.1).actionness
    (None, 0.0)
    >>> room[40:80, 60:90] = 255
    >>> meter.push(room, 0.2).actionness > 0.9
    True
    """

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self.reset()

    def reset(self) -> None:
        """Forget the last picture."""
        self._picture: NDArray[np.uint8] | None = None
        self._seconds = 0.0

    def push(self, gray: NDArray[np.uint8], seconds: float) -> MotionStep | None:
        """See the next picture.

        Args:
            gray: (H, W) uint8 luma, about 120 pixels high.
            seconds: when it appears.

        Returns:
            The step from the picture before; None for the first, or where time does not go on.

        Raises:
            ShapeError: not (H, W) uint8.
        """
        if gray.ndim != 2 or gray.dtype != np.uint8:
            raise ShapeError(f"the picture is {gray.shape} {gray.dtype}; it must be (H, W) uint8")
        smooth = np.asarray(cv2.GaussianBlur(gray, (3, 3), 0), np.uint8)
        before, start = self._picture, self._seconds
        if before is not None and seconds <= start:
            return None
        self._picture, self._seconds = smooth, seconds
        if before is None:
            return None
        if before.shape != smooth.shape or _is_cut(before, smooth):
            return MotionStep(start, seconds, 0.0, is_cut=True)
        levels = self._own_change(before, smooth) * min(1.0, STEP_SECONDS / (seconds - start))
        return MotionStep(start, seconds, levels / (levels + HALF_LEVELS))

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {"picture": None if self._picture is None else self._picture.copy(), "seconds": self._seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._picture = None if state["picture"] is None else np.array(state["picture"], np.uint8)
        self._seconds = float(state["seconds"])

    def _own_change(self, before: NDArray[np.uint8], now: NDArray[np.uint8]) -> float:
        """The mean change in gray levels, without what noise, light and camera explain."""
        change, noise = _change(before, now)
        if noise <= LEAST_NOISE_LEVELS:
            return float(np.maximum(change - noise, 0).mean())
        flow = np.asarray(self._dis.calc(before, now, np.empty(0, np.float32)), np.float32)
        camera = estimate_camera(flow, weights=texture_weights(before))
        if camera.evidence == 0 or holds_still(before, now, camera):
            return float(np.maximum(change - noise, 0).mean())
        size = (now.shape[1], now.shape[0])
        moved = cv2.warpPerspective(before, camera.matrix, size, borderMode=cv2.BORDER_REPLICATE)
        change, noise = _change(np.asarray(moved, np.uint8), now)
        slope = cv2.magnitude(*(cv2.Sobel(now, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))))
        seen = cv2.warpPerspective(np.ones_like(before), camera.matrix, size)
        return float((np.maximum(change - noise - 0.5 * slope, 0) * seen).mean())


def head_actionness(
    probabilities: ArrayLike, labels: Sequence[str], *, background: Collection[str] = (BACKGROUND_LABEL,)
) -> NDArray[np.float64]:
    """Actionness as a trained head sees it: the probability that it is anything but background.

    Args:
        probabilities: (T, K) for each moment; each row sums to 1.
        labels: the K labels.
        background: labels that mean that nothing is being done. Where the head has none of them, the probability of the
            likeliest label stands for it.

    Returns:
        (T,) in [0, 1].

    Raises:
        ShapeError: not (T, K).
        OptionError: NaN, or probabilities outside [0, 1].

    >>> head_actionness([[0.75, 0.25], [0.125, 0.875]], ["wave", "none of these"])
    array([0.75 , 0.125])
    """
    rows = np.asarray(probabilities, np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(labels):
        raise ShapeError(
            f"probabilities {rows.shape}; they must be (T, {len(labels)}), a column for each label"
        )
    if not ((rows >= -1e-3) & (rows <= 1 + 1e-3)).all():
        raise OptionError("a probability is NaN or outside [0, 1]; take the softmax of logits first")
    is_background = np.array([label in background for label in labels])
    if not is_background.any():
        return np.asarray(rows.max(axis=1, initial=0.0))
    return np.asarray(np.clip(1 - rows[:, is_background].sum(axis=1), 0, 1))


def timeline_actionness(
    timeline: Timeline, *, step_seconds: float = 0.2, change_seconds: float = 0.5, change_weight: float = 0.5
) -> Signal:
    """Actionness of a video that `analyze` has watched: its objects' own motion, its cuts and its changing text.

    Args:
        timeline: with the signals of the motion observer; shots and text count where they were looked for.
        step_seconds: between two values.
        change_seconds: how long a cut, or a line that comes or goes, is felt.
        change_weight: how much such a change is worth, in [0, 1]; motion is worth 1.

    Returns:
        The signal `"actionness"`, values in [0, 1], one for each step from the video's start.

    Raises:
        OptionError: numbers outside what is allowed, or a timeline without motion signals.

    >>> seconds = np.arange(0, 4, 0.1)
    >>> moving = Signal("object motion", seconds, np.where(seconds < 2, 0.0, 0.8))
    >>> area = Signal("moving area", seconds, np.full(40, 0.1))
    >>> from muybridge.values import VideoMetadata
    >>> metadata = VideoMetadata("door.mp4", duration_seconds=4.0)
    >>> found = timeline_actionness(Timeline(metadata, signals=(moving, area)), step_seconds=1.0)
    >>> found.values.round(2).tolist()
    [0.0, 0.0, 0.73, 0.73]
    """
    if not (step_seconds > 0 and change_seconds > 0 and 0 <= change_weight <= 1):
        raise OptionError(
            f"step_seconds {step_seconds}, change_seconds {change_seconds}, change_weight {change_weight}:"
            " the first two must be positive, the last in [0, 1]"
        )
    speed, area = timeline.signal("object motion"), timeline.signal("moving area")
    if speed is None or area is None:
        raise OptionError("the timeline has no motion signals; analyze the video with the observer 'motion'")
    start = timeline.metadata.start_seconds
    end = start + timeline.duration_seconds
    if not len(speed) or end <= start:
        return Signal(ACTIONNESS_NAME, np.zeros(0), np.zeros(0))
    steps = start + step_seconds * np.arange(math.ceil((end - start) / step_seconds - 1e-9), dtype=np.float64)
    # Picture heights per second times the share of the picture: what motion sweeps over.
    swept = speed.values * area.values
    motion = swept / (swept + 0.03)
    cell = np.clip(((speed.seconds - start) / step_seconds).astype(int), 0, len(steps) - 1)
    counts = np.bincount(cell, minlength=len(steps))
    values = np.bincount(cell, motion, minlength=len(steps)) / np.maximum(counts, 1)
    for moment in _change_moments(timeline.segments, start, end):
        bump = change_weight * np.maximum(0, 1 - np.abs(steps + step_seconds / 2 - moment) / change_seconds)
        values = np.maximum(values, bump)
    return Signal(ACTIONNESS_NAME, steps, values)


def _change_moments(segments: Sequence[Segment], start: float, end: float) -> list[float]:
    """When a shot begins, and when a line of text comes or goes."""
    moments = {s.start_seconds for s in segments if s.kind in ("shot", "text")}
    moments |= {s.end_seconds for s in segments if s.kind == "text"}
    return sorted(moment for moment in moments if start < moment < end)


def _change(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """How much each pixel changes, apart from the light; and below what that is noise."""
    # Twice the difference: its median is a whole number then, and whole numbers are ordered ten times as fast.
    double = np.asarray(cv2.subtract(now, before, dtype=cv2.CV_16S), np.int16) * np.int16(2)
    light = _median(double[::4, ::4])
    double -= np.int16(light)
    np.abs(double, out=double)
    change = np.multiply(double, 0.5, dtype=np.float32)
    # Four standard deviations, as told by the median of the absolute values.
    return change, max(LEAST_NOISE_LEVELS, 4 * 1.4826 * 0.5 * _median(double[::2, ::2]))


def _median(values: NDArray[np.int16]) -> float:
    """As NumPy's, which takes several times as long on whole numbers."""
    flat = values.ravel()
    middle = (flat.size - 1) // 2, flat.size // 2
    ordered = np.partition(flat, middle)
    return 0.5 * (float(ordered[middle[0]]) + float(ordered[middle[1]]))


def _is_cut(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> bool:
    """Whether the pictures differ much, and have their light and shade in other places."""
    if float(cv2.norm(before, now, cv2.NORM_L1)) < CUT_LEVELS * now.size:
        return False
    small = [
        cv2.resize(p, (16, 12), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
        for p in (before, now)
    ]
    spreads = [p.std() for p in small]
    if min(spreads) < 1:
        return True
    correlation = float(
        np.mean((small[0] - small[0].mean()) * (small[1] - small[1].mean())) / np.prod(spreads)
    )
    return correlation < CUT_CORRELATION
