"""How far a flow field is from the truth: endpoint error, angular error, share of outliers (Fl-all)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError

__all__ = ["angular_error", "endpoint_error", "outlier_fraction"]

_UNKNOWN_FLOW = 1e9  # Middlebury marks unknown vectors by components beyond this


def endpoint_error(
    flow: NDArray[Any], ground_truth: NDArray[Any], *, valid: NDArray[np.bool_] | None = None
) -> float:
    """Mean distance between the ends of the vectors and the true ends, in the unit of the vectors.

    Args:
        flow: (…, 2) vectors (dx, dy), such as (H, W, 2) or (N, H, W, 2).
        ground_truth: the true vectors, of the same shape; those not finite or beyond 1e9 are left out.
        valid: (…) bool: score these vectors only, such as those outside occlusions; None scores all.

    Raises:
        ShapeError: shapes that do not fit each other.
        OptionError: no vector to score, or a scored vector of `flow` that is NaN or infinite.

    Source: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011.

    >>> endpoint_error(np.full((2, 2, 2), (3.0, 4.0)), np.zeros((2, 2, 2)))
    5.0
    """
    found, true = _scored(flow, ground_truth, valid)
    return float(np.hypot(*(found - true).T).mean())


def angular_error(
    flow: NDArray[Any], ground_truth: NDArray[Any], *, valid: NDArray[np.bool_] | None = None
) -> float:
    """Mean angle in degrees between the space-time directions (dx, dy, 1) and the true ones.

    Args:
        flow: (…, 2) vectors (dx, dy) in pixels.
        ground_truth: the true vectors, of the same shape; those not finite or beyond 1e9 are left out.
        valid: (…) bool: score these vectors only; None scores all.

    Raises:
        ShapeError: shapes that do not fit each other.
        OptionError: no vector to score, or a scored vector of `flow` that is NaN or infinite.

    Source: Barron, Fleet, Beauchemin, "Performance of Optical Flow Techniques", IJCV 1994.

    >>> round(angular_error(np.full((2, 2, 2), (1.0, 0.0)), np.zeros((2, 2, 2))), 9)
    45.0
    """
    found, true = _scored(flow, ground_truth, valid)
    one = np.ones((len(found), 1))
    found, true = np.hstack([found, one]), np.hstack([true, one])
    # atan2 of the cross and the dot product stays exact for small angles, where arccos loses half its digits.
    sine = np.linalg.norm(np.cross(found, true), axis=1)
    return float(np.degrees(np.arctan2(sine, (found * true).sum(axis=1))).mean())


def outlier_fraction(
    flow: NDArray[Any],
    ground_truth: NDArray[Any],
    *,
    valid: NDArray[np.bool_] | None = None,
    threshold_px: float = 3.0,
    relative_threshold: float = 0.05,
) -> float:
    """Fl-all: the share of vectors off by more than 3 px **and** more than 5% of the true length, in [0, 1].

    Args:
        flow: (…, 2) vectors (dx, dy) in pixels.
        ground_truth: the true vectors, of the same shape; those not finite or beyond 1e9 are left out.
        valid: (…) bool: score these vectors only; None scores all. KITTI's Fl-noc scores the non-occluded.
        threshold_px: errors up to this are no outliers.
        relative_threshold: nor are errors up to this share of the true length.

    Raises:
        ShapeError: shapes that do not fit each other.
        OptionError: no vector to score, or a scored vector of `flow` that is NaN or infinite.

    Source: Menze & Geiger, "Object Scene Flow for Autonomous Vehicles", CVPR 2015.

    >>> truth = np.array([[100.0, 0.0], [100.0, 0.0], [10.0, 0.0], [10.0, 0.0]])
    >>> outlier_fraction(truth + [[4.0, 0], [6.0, 0], [4.0, 0], [3.0, 0]], truth)
    0.5
    """
    found, true = _scored(flow, ground_truth, valid)
    errors = np.hypot(*(found - true).T)
    lengths = np.hypot(*true.T)
    return float(((errors > threshold_px) & (errors > relative_threshold * lengths)).mean())


def _scored(
    flow: NDArray[Any], ground_truth: NDArray[Any], valid: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as (N, 2) float64, only the vectors that count."""
    found, true = np.asarray(flow, np.float64), np.asarray(ground_truth, np.float64)
    if found.shape != true.shape or found.ndim < 1 or found.shape[-1] != 2:
        raise ShapeError(
            f"flow is {found.shape} and ground_truth {true.shape}; both must be of one shape (…, 2)"
        )
    with np.errstate(invalid="ignore"):
        counted = (np.abs(true) <= _UNKNOWN_FLOW).all(axis=-1)
    if valid is not None:
        if np.shape(valid) != found.shape[:-1]:
            raise ShapeError(f"valid is {np.shape(valid)}; it must be {found.shape[:-1]}, one per vector")
        counted = counted & np.asarray(valid, bool)
    found, true = found[counted], true[counted]
    if len(found) == 0:
        raise OptionError("there is no known vector to score; check ground_truth and valid")
    if not np.isfinite(found).all():
        raise OptionError(
            "flow has NaN or infinite vectors where ground_truth is known; leave them out by valid"
        )
    return found, true
