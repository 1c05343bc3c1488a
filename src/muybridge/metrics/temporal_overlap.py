"""How much segments overlap in time, and the thresholds at which that counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["ACTIVITYNET_THRESHOLDS", "THUMOS_THRESHOLDS", "check_tiou_thresholds", "temporal_iou"]

ACTIVITYNET_THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
THUMOS_THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.3, 0.7, 5).tolist())


def temporal_iou(first: ArrayLike, second: ArrayLike) -> Any:
    """Intersection over union of segments in time.

    Args:
        first: (2,) one segment [start, end), or (N, 2).
        second: (2,) or (M, 2), in the same unit.

    Returns:
        A float for two segments; (M,) or (N,) for one against many; (N, M) for many against many. Segments that
        only touch, or that have no length, overlap by 0.0.

    Raises:
        ShapeError: arrays of another shape.
        OptionError: a time that is not finite, or an end before its start.

    >>> temporal_iou((0, 10), (5, 15))
    0.3333333333333333
    >>> temporal_iou((0, 10), [(0, 10), (10, 12), (0, 20)])
    array([1. , 0. , 0.5])
    """
    one, two = _checked_segments(first), _checked_segments(second)
    if one.ndim == two.ndim == 2:
        one = one[:, None]
    inside = np.minimum(one[..., 1], two[..., 1]) - np.maximum(one[..., 0], two[..., 0])
    inside = np.clip(inside, 0, None)
    union = (two[..., 1] - two[..., 0]) + (one[..., 1] - one[..., 0]) - inside
    overlap = np.divide(inside, union, out=np.zeros_like(union), where=union > 0)
    return float(overlap) if overlap.ndim == 0 else overlap


def check_tiou_thresholds(tiou_thresholds: Sequence[float]) -> NDArray[np.float64]:
    """Thresholds as an array.

    Raises:
        OptionError: none at all, or one outside (0, 1].
    """
    thresholds = np.asarray(tiou_thresholds, np.float64).reshape(-1)
    if not len(thresholds) or not ((thresholds > 0) & (thresholds <= 1)).all():
        raise OptionError(f"tIoU thresholds {list(tiou_thresholds)}; give one or more in (0, 1]")
    return thresholds


def _checked_segments(segments: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(segments, np.float64)
    if array.ndim not in (1, 2) or array.shape[-1] != 2:
        raise ShapeError(f"segments {array.shape}; they must be (2,) or (N, 2): start and end")
    if not np.isfinite(array).all() or (array[..., 1] < array[..., 0]).any():
        raise OptionError("segments must have finite times, and none may end before it starts")
    return array
