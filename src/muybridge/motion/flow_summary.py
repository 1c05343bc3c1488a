"""The motion of a whole video in numbers: over time, by region, and of what is seen to move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from muybridge.errors import OptionError
from muybridge.motion.flow_video import FlowFrame
from muybridge.motion.statistics import HALVES, FlowAccumulator, FlowStatistics, Region, grid_of
from muybridge.motion.warp import find_moving

__all__ = ["FlowSummary", "TimedStatistics", "summarize_flow"]

_UNIT = "pixels per second"


@dataclass(frozen=True, slots=True)
class TimedStatistics:
    """The motion between two frames.

    Args:
        start_seconds: when the earlier frame appears.
        end_seconds: when the later one does.
        is_cut: the frames show different scenes; their numbers are None.
        statistics: of the whole picture, in pixels of the source per second.
        moving: of the pixels that are seen to move.
    """

    start_seconds: float
    end_seconds: float
    is_cut: bool
    statistics: FlowStatistics | None
    moving: FlowStatistics | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "is_cut": self.is_cut,
            "statistics": self.statistics.to_dict() if self.statistics else None,
            "moving": self.moving.to_dict() if self.moving else None,
        }


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """The motion of a whole video. Speeds are in pixels of the source per second; cuts take no part.

    Args:
        overall: of all pixels over all time; each pair of frames counts for as long as it lasts.
        moving: of the pixels that are seen to move, as `find_moving` finds them.
        halves: `"upper"`, `"lower"`, `"left"`, `"right"` → statistics of that half.
        grid: `grid[row][column]`, statistics of each cell.
        pairs: the motion between each two neighboring frames.
    """

    overall: FlowStatistics
    moving: FlowStatistics
    halves: dict[str, FlowStatistics]
    grid: tuple[tuple[FlowStatistics, ...], ...]
    pairs: tuple[TimedStatistics, ...]

    @property
    def num_cuts(self) -> int:
        """How many pairs of frames lie across a cut."""
        return sum(pair.is_cut for pair in self.pairs)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "num_pairs": len(self.pairs),
            "num_cuts": self.num_cuts,
            "overall": self.overall.to_dict(),
            "moving": self.moving.to_dict(),
            "halves": {name: half.to_dict() for name, half in self.halves.items()},
            "grid": [[cell.to_dict() for cell in row] for row in self.grid],
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


def summarize_flow(
    flow_frames: Iterable[FlowFrame], *, rows: int = 3, columns: int = 3, min_speed: float = 3.0
) -> FlowSummary:
    """Measure the motion of a video from the flow between its frames.

    Args:
        flow_frames: what `iterate_flow` gives. They are read once and not kept.
        rows: cells of the grid from top to bottom; no more than the field has rows of pixels.
        columns: cells of the grid from left to right; likewise.
        min_speed: pixels of the source per second below which nothing counts as moving.

    Raises:
        OptionError: a grid without cells.

    >>> import numpy as np
    >>> from muybridge.values import Frame
    >>> flow = np.full((6, 6, 2), (2.0, 0.0), np.float32)
    >>> picture = np.zeros((6, 6), np.uint8)
    >>> pair = FlowFrame(flow, Frame(picture, 0.0), Frame(picture, 0.5), 12, 6)
    >>> summary = summarize_flow([pair])
    >>> summary.overall.mean_magnitude, summary.overall.direction, summary.moving.direction
    (8.0, 'right', 'none')
    """
    if rows < 1 or columns < 1:
        raise OptionError(f"a grid of {rows} rows and {columns} columns has no cell")
    options: dict[str, Any] = {"min_magnitude": min_speed, "unit": _UNIT}
    overall, moving = FlowAccumulator(**options), FlowAccumulator(**options)
    halves = {name: FlowAccumulator(**options) for name in HALVES}
    grid = [[FlowAccumulator(**options) for _ in range(columns)] for _ in range(rows)]
    pairs = []
    for pair in flow_frames:
        height, width = pair.flow.shape[:2]
        rows, columns = min(rows, height), min(columns, width)
        span = pair.start_seconds, pair.end_seconds, pair.is_cut
        if pair.is_cut:
            pairs.append(TimedStatistics(*span, None, None))
            continue
        speeds, seconds = pair.pixels_per_second, pair.duration_seconds
        mask = find_moving(pair.frame, pair.next_frame, pair.flow, min_magnitude=0.0)
        mask &= np.hypot(speeds[..., 0], speeds[..., 1]) >= min_speed
        now, now_moving = FlowAccumulator(**options), FlowAccumulator(**options)
        now_moving.add(speeds, mask=mask)
        for region, row, column in _atoms(height, width, rows=rows, columns=columns):
            atom = FlowAccumulator(**options)
            atom.add(speeds[region])
            now.merge(atom)
            grid[row][column].merge(atom, weight=seconds)
            for name in _halves_of(region, height, width):
                halves[name].merge(atom, weight=seconds)
        overall.merge(now, weight=seconds)
        moving.merge(now_moving, weight=seconds)
        pairs.append(TimedStatistics(*span, now.result(), now_moving.result()))
    return FlowSummary(
        overall.result(),
        moving.result(),
        {name: half.result() for name, half in halves.items()},
        tuple(tuple(cell.result() for cell in row[:columns]) for row in grid[:rows]),
        tuple(pairs),
    )


def _atoms(height: int, width: int, *, rows: int, columns: int) -> Iterator[tuple[Region, int, int]]:
    """The pieces into which the grid and the halves together cut a picture, each with its row and column.

    So each pixel is measured once, however many regions it belongs to.
    """
    for row, regions in enumerate(grid_of(height, width, rows=rows, columns=columns)):
        for column, (ys, xs) in enumerate(regions):
            for y_piece in _split(ys, height // 2):
                for x_piece in _split(xs, width // 2):
                    yield (y_piece, x_piece), row, column


def _split(span: slice, middle: int) -> list[slice]:
    if span.start < middle < span.stop:
        return [slice(span.start, middle), slice(middle, span.stop)]
    return [span]


def _halves_of(region: Region, height: int, width: int) -> tuple[str, str]:
    ys, xs = region
    return "upper" if ys.stop <= height // 2 else "lower", "left" if xs.stop <= width // 2 else "right"
