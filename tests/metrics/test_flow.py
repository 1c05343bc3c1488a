"""Flow errors, worked by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics.flow import angular_error, endpoint_error, outlier_fraction
from muybridge.motion.flow import read_flo

TRUTH = np.array([[[3.0, 4.0], [0.0, 0.0]], [[1.0, 0.0], [2e9, 2e9]]])


def test_endpoint_error_by_hand() -> None:
    # Distances 5, 0 and 1; the last vector is unknown.
    assert endpoint_error(np.zeros((2, 2, 2)), TRUTH) == pytest.approx(2)
    assert endpoint_error(TRUTH, TRUTH) == 0
    valid = np.array([[True, False], [False, True]])
    assert endpoint_error(np.zeros((2, 2, 2)), TRUTH, valid=valid) == pytest.approx(5)


def test_angular_error_by_hand() -> None:
    # (0, 0, 1) against (1, 0, 1) is 45 degrees, against (0, √3, 1) 60 degrees.
    truth = np.array([[1.0, 0.0], [0.0, math.sqrt(3)], [0.0, 0.0]])
    assert angular_error(np.zeros((3, 2)), truth) == pytest.approx((45 + 60 + 0) / 3)
    tiny = np.array([[1e-7, 0.0]])
    assert angular_error(tiny, np.zeros((1, 2))) == pytest.approx(math.degrees(1e-7), rel=1e-6)


def test_outliers_need_both_thresholds() -> None:
    truth = np.array([[100.0, 0.0]] * 3 + [[10.0, 0.0]] * 3)
    errors = np.array([3.5, 4.9, 5.1, 2.9, 3.1, 0.0])
    # At 100 px 5% are 5 px: only 5.1 counts; at 10 px 3 px rule: only 3.1.
    flow = truth + np.stack([np.zeros(6), errors], axis=1)
    assert outlier_fraction(flow, truth) == pytest.approx(2 / 6)
    assert outlier_fraction(flow, truth, threshold_px=1, relative_threshold=0) == pytest.approx(5 / 6)


@pytest.mark.parametrize("measure", [endpoint_error, angular_error, outlier_fraction])
def test_bad_input(measure) -> None:  # type: ignore[no-untyped-def]
    zeros: NDArray[np.float64] = np.zeros((3, 4, 2))
    with pytest.raises(ShapeError, match="one shape"):
        measure(zeros, np.zeros((3, 5, 2)))
    with pytest.raises(ShapeError, match="one shape"):
        measure(np.zeros((3, 4)), np.zeros((3, 4)))
    with pytest.raises(ShapeError, match="valid"):
        measure(zeros, zeros, valid=np.ones((2, 2), bool))
    with pytest.raises(OptionError, match="no known vector"):
        measure(zeros, np.full((3, 4, 2), 1e10))
    with pytest.raises(OptionError, match="NaN"):
        measure(np.full((3, 4, 2), np.nan), zeros)
    assert measure(zeros, np.where(np.arange(4)[None, :, None] > 1, np.nan, zeros)) == 0


@pytest.mark.shared
def test_zero_flow_on_rubber_whale(shared: Path) -> None:
    truth = read_flo(shared / "flow" / "rubberwhale_gt.flo")
    assert endpoint_error(np.zeros_like(truth), truth) == pytest.approx(1.256, abs=0.0005)
