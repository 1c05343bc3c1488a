"""How much a flow field moves and where to: by field, by region, over a mask.

Directions are degrees as one reads them off the screen: 0 is right, 90 is **up**, 180 is left, −90 is down:
counter-clockwise, in (−180, 180], although the y of pixels grows down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.flow_files import as_flow, is_known

__all__ = [
    "FlowAccumulator",
    "FlowStatistics",
    "compute_statistics",
    "compute_statistics_by_grid",
    "compute_statistics_by_half",
    "direction_degrees",
    "direction_label",
]

HALVES = ("upper", "lower", "left", "right")
Region: TypeAlias = tuple[slice, slice]
_COMPASS = ("right", "up-right", "up", "up-left", "left", "down-left", "down", "down-right")


@dataclass(frozen=True, slots=True)
class FlowStatistics:
    """The numbers of one flow field, or of one region of it.

    Args:
        num_vectors: how many known vectors were counted.
        mean_magnitude: mean length of the vectors, in `unit`.
        max_magnitude: the longest.
        std_magnitude: standard deviation of the lengths.
        mean_dx: mean to the right.
        mean_dy: mean down.
        moving_fraction: share of the vectors that are at least `min_magnitude` long.
        direction_degrees: of the mean vector; None where nothing moves or all motion cancels.
        direction: the same in a word: `"right"`, `"up-right"` … or `"none"`.
        coherence: length of the mean vector over the mean length: 1 where all move alike, 0 where all
            cancels.
        dominant_degrees: the direction of most motion, from a histogram of directions weighted by length:
            opposite motions do not cancel in it. None where nothing moves.
        dominant_direction: the same in a word.
        histogram: share of all motion by direction; its first bin is centered on 0 degrees.
        unit: of the lengths, such as `"pixels"` or `"pixels per second"`.
    """

    num_vectors: int
    mean_magnitude: float
    max_magnitude: float
    std_magnitude: float
    mean_dx: float
    mean_dy: float
    moving_fraction: float
    direction_degrees: float | None
    direction: str
    coherence: float
    dominant_degrees: float | None
    dominant_direction: str
    histogram: tuple[float, ...]
    unit: str = "pixels"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"histogram": list(self.histogram)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FlowStatistics:
        """The inverse of `to_dict`."""
        return cls(**{**data, "histogram": tuple(data["histogram"])})


def direction_degrees(dx: float, dy: float) -> float:
    """The direction of a displacement in degrees: 0 right, 90 up, in (−180, 180].

    Args:
        dx: pixels to the right.
        dy: pixels down.

    >>> [direction_degrees(*vector) for vector in ((10, 0), (0, -10), (-10, 0), (0, 10))]
    [0.0, 90.0, 180.0, -90.0]
    """
    degrees = math.degrees(math.atan2(-dy, dx))
    return 180.0 if degrees <= -180 else degrees + 0.0  # + 0.0 turns −0.0 into 0.0


def direction_label(degrees: float | None) -> str:
    """The nearest of eight words for a direction; `"none"` for None.

    Args:
        degrees: 0 right, 90 up, in any range.

    >>> [direction_label(degrees) for degrees in (0, 44, 90, 179, -91, 359, None)]
    ['right', 'up-right', 'up', 'left', 'down', 'right', 'none']
    """
    return "none" if degrees is None else _COMPASS[round(degrees / 45) % 8]


class FlowAccumulator:
    """Statistics over many flow fields, such as all of a video, in constant memory.

    Args:
        min_magnitude: shorter vectors do not count as moving and have no direction.
        num_bins: bins of the histogram of directions.
        unit: what the vectors measure.

    Raises:
        OptionError: fewer than 4 bins, or a negative `min_magnitude`.

    >>> accumulator = FlowAccumulator()
    >>> accumulator.add(np.full((2, 2, 2), (3.0, 0.0)))
    >>> accumulator.add(np.full((2, 2, 2), (1.0, 0.0)), weight=3)
    >>> accumulator.result().mean_magnitude, accumulator.result().num_vectors
    (1.5, 8)
    """

    def __init__(self, *, min_magnitude: float = 0.1, num_bins: int = 36, unit: str = "pixels") -> None:
        if num_bins < 4:
            raise OptionError(f"num_bins is {num_bins}; it must be at least 4")
        if not min_magnitude >= 0:
            raise OptionError(f"min_magnitude is {min_magnitude}; it must be 0 or more")
        self._min_magnitude = max(min_magnitude, float(np.finfo(np.float64).tiny))
        self._num_bins = num_bins
        self._unit = unit
        self._num_vectors = 0
        self._longest = 0.0
        # Sums over all vectors, each times its weight: 1, length, length², dx, dy, 1 if it moves.
        self._sums = np.zeros(6)
        # Sums by direction over the vectors that move: length, dx, dy.
        self._by_direction = np.zeros((3, num_bins))

    def add(self, flow: NDArray[Any], *, mask: NDArray[np.bool_] | None = None, weight: float = 1.0) -> None:
        """Count one more field.

        Args:
            flow: (H, W, 2) vectors (dx, dy), dy down; unknown ones are left out.
            mask: (H, W) bool: count these vectors only; None counts all.
            weight: how much each vector counts, such as the seconds for which it holds.

        Raises:
            ShapeError: not a flow field, or a mask of another size.
        """
        field = as_flow(flow)
        with np.errstate(invalid="ignore"):
            counted = is_known(field)
        if mask is not None:
            if np.shape(mask) != field.shape[:2]:
                raise ShapeError(f"mask is {np.shape(mask)}; it must be {field.shape[:2]}, one per vector")
            counted &= np.asarray(mask, bool)
        vectors = field[counted].astype(np.float64)
        if len(vectors) == 0:
            return
        dx, dy = vectors.T
        lengths = np.hypot(dx, dy)
        moving = lengths >= self._min_magnitude
        totals = (len(vectors), lengths.sum(), (lengths**2).sum(), dx.sum(), dy.sum(), moving.sum())
        self._sums += np.multiply(totals, weight)
        self._num_vectors += len(vectors)
        self._longest = max(self._longest, float(lengths.max()))
        turns = np.arctan2(-dy[moving], dx[moving]) / (2 * np.pi)
        bins = np.rint(turns * self._num_bins).astype(np.int64) % self._num_bins
        for row, values in enumerate((lengths, dx, dy)):
            self._by_direction[row] += weight * np.bincount(bins, values[moving], self._num_bins)

    def merge(self, other: FlowAccumulator, *, weight: float = 1.0) -> None:
        """Count all that another accumulator of the same settings has counted, such as that of a region.

        Args:
            other: it is not changed.
            weight: how much each of its vectors counts.

        Raises:
            OptionError: the other has another number of bins.
        """
        if other._num_bins != self._num_bins:
            raise OptionError(f"an accumulator of {other._num_bins} bins cannot join one of {self._num_bins}")
        self._num_vectors += other._num_vectors
        self._longest = max(self._longest, other._longest)
        self._sums += weight * other._sums
        self._by_direction += weight * other._by_direction

    def result(self) -> FlowStatistics:
        """The statistics of all that was added so far."""
        total = self._sums[0] or 1.0
        mean_length, mean_square, mean_dx, mean_dy, moving = (
            float(value) for value in self._sums[1:] / total
        )
        mean_vector_length = math.hypot(mean_dx, mean_dy)
        histogram, dominant = self._dominant_direction()
        # The mean vector of a small thing that moves on a still ground is short and has a direction all the same:
        # what decides is whether anything moves, and whether the motions cancel.
        cancels = mean_vector_length <= 1e-3 * mean_length
        degrees = None if cancels or moving == 0 else direction_degrees(mean_dx, mean_dy)
        return FlowStatistics(
            num_vectors=self._num_vectors,
            mean_magnitude=mean_length,
            max_magnitude=self._longest,
            std_magnitude=math.sqrt(max(0.0, mean_square - mean_length**2)),
            mean_dx=mean_dx,
            mean_dy=mean_dy,
            moving_fraction=moving,
            direction_degrees=degrees,
            direction=direction_label(degrees),
            coherence=mean_vector_length / mean_length if mean_length > 0 else 0.0,
            dominant_degrees=dominant,
            dominant_direction=direction_label(dominant),
            histogram=tuple(float(share) for share in histogram),
            unit=self._unit,
        )

    def _dominant_direction(self) -> tuple[NDArray[np.float64], float | None]:
        """Shares of all motion by direction, and the direction of the mean vector around the peak."""
        lengths = self._by_direction[0]
        if not lengths.any():
            return np.zeros(self._num_bins), None
        # A peak may straddle two bins: so each is judged with half of its neighbors, and the answer is the mean
        # direction of all vectors in the winner and beside it, which is finer than a bin.
        smooth = lengths + (np.roll(lengths, 1) + np.roll(lengths, -1)) / 2
        around = (int(smooth.argmax()) + np.array([-1, 0, 1])) % self._num_bins
        dx, dy = self._by_direction[1:, around].sum(axis=1)
        return lengths / lengths.sum(), direction_degrees(float(dx), float(dy))


def compute_statistics(
    flow: NDArray[Any],
    *,
    mask: NDArray[np.bool_] | None = None,
    min_magnitude: float = 0.1,
    num_bins: int = 36,
    unit: str = "pixels",
) -> FlowStatistics:
    """Measure how much a flow field moves, and where to.

    Args:
        flow: (H, W, 2) vectors (dx, dy), dy down. Those that are not finite or exceed 1e9 are unknown and
            left out.
        mask: (H, W) bool: count these vectors only, such as those of a moving object; None counts all.
        min_magnitude: shorter vectors do not count as moving and have no direction: the noise of the method.
        num_bins: bins of the histogram of directions.
        unit: what the vectors measure; it is copied to the result.

    Raises:
        ShapeError: not a flow field, or a mask of another size.
        OptionError: fewer than 4 bins, or a negative `min_magnitude`.

    >>> flow = np.zeros((20, 20, 2), np.float32)
    >>> flow[5:10, 5:10] = (10, 0)
    >>> stats = compute_statistics(flow, mask=flow[..., 0] > 0)
    >>> stats.mean_magnitude, stats.direction_degrees, stats.direction
    (10.0, 0.0, 'right')
    >>> compute_statistics(np.zeros((4, 4, 2))).direction
    'none'
    """
    accumulator = FlowAccumulator(min_magnitude=min_magnitude, num_bins=num_bins, unit=unit)
    accumulator.add(flow, mask=mask)
    return accumulator.result()


def compute_statistics_by_grid(
    flow: NDArray[Any], *, rows: int = 3, columns: int = 3, **options: Any
) -> list[list[FlowStatistics]]:
    """The statistics of each cell of a grid laid over the field: `result[row][column]`.

    Args:
        flow: (H, W, 2) vectors (dx, dy).
        rows: cells from top to bottom, of H / rows pixels each, as nearly as whole pixels allow.
        columns: cells from left to right.
        options: `mask`, `min_magnitude`, `num_bins`, `unit` of `compute_statistics`.

    Raises:
        ShapeError: not a flow field, or a mask of another size.
        OptionError: a grid that has no cell, or more cells than pixels.

    >>> flow = np.zeros((6, 6, 2))
    >>> flow[:3, 3:] = (0, -2)
    >>> [[cell.direction for cell in row] for row in compute_statistics_by_grid(flow, rows=2, columns=2)]
    [['none', 'up'], ['none', 'none']]
    """
    field = as_flow(flow)
    regions = grid_of(*field.shape[:2], rows=rows, columns=columns)
    return [[_region(field, region, options) for region in row] for row in regions]


def compute_statistics_by_half(flow: NDArray[Any], **options: Any) -> dict[str, FlowStatistics]:
    """The statistics of the upper, lower, left and right half of the field.

    Args:
        flow: (H, W, 2) vectors (dx, dy), at least 2×2; the middle row or column of odd sizes falls to the
            lower or right half.
        options: `mask`, `min_magnitude`, `num_bins`, `unit` of `compute_statistics`.

    Raises:
        ShapeError: not a flow field of at least 2×2, or a mask of another size.

    >>> halves = compute_statistics_by_half(np.full((4, 4, 2), (-1.0, 0.0)))
    >>> list(halves), halves["lower"].direction
    (['upper', 'lower', 'left', 'right'], 'left')
    """
    field = as_flow(flow)
    return {name: _region(field, half_of(name, *field.shape[:2]), options) for name in HALVES}


def grid_of(height: int, width: int, *, rows: int, columns: int) -> list[list[Region]]:
    """The cells of a grid over a picture: `result[row][column]`."""
    if not (1 <= rows <= height and 1 <= columns <= width):
        raise OptionError(
            f"a grid of {rows} rows and {columns} columns does not fit {width}x{height} pixels;"
            " ask for at least one of each, and for no more than there are pixels"
        )
    ys = np.linspace(0, height, rows + 1).round().astype(int)
    xs = np.linspace(0, width, columns + 1).round().astype(int)
    return [
        [(slice(top, bottom), slice(left, right)) for left, right in pairwise(xs)]
        for top, bottom in pairwise(ys)
    ]


def half_of(name: str, height: int, width: int) -> Region:
    """The `"upper"`, `"lower"`, `"left"` or `"right"` half of a picture."""
    if height < 2 or width < 2:
        raise ShapeError(f"a field of {width}x{height} pixels has no halves; it must be at least 2x2")
    every = slice(None)
    return {
        "upper": (slice(0, height // 2), every),
        "lower": (slice(height // 2, None), every),
        "left": (every, slice(0, width // 2)),
        "right": (every, slice(width // 2, None)),
    }[name]


def _region(field: NDArray[np.float32], region: Region, options: Mapping[str, Any]) -> FlowStatistics:
    mask = options.get("mask")
    if mask is not None and np.shape(mask) != field.shape[:2]:
        raise ShapeError(f"mask is {np.shape(mask)}; it must be {field.shape[:2]}, one value per vector")
    part = None if mask is None else np.asarray(mask)[region]
    return compute_statistics(field[region], **{**options, "mask": part})
