"""Each kind of error, made on purpose and by hand."""

import numpy as np
import pytest

from muybridge.errors import OptionError
from muybridge.metrics.temporal import evaluate_detection
from muybridge.metrics.temporal_annotations import ground_truth_of, predictions_of
from muybridge.metrics.temporal_errors import diagnose_detection
from muybridge.values import Segment


def segment(start: float, end: float, label: str, score: float | None = None) -> Segment:
    return Segment(start, end, "action", label, score)


TRUTH = ground_truth_of(
    {
        "a": [segment(0, 10, "jump"), segment(30, 32, "run"), segment(50, 70, "jump")],
        "b": [segment(0, 5, "run")],
    }
)
FOUND = predictions_of(
    {
        "a": [
            segment(0, 9, "jump", 0.9),  # right
            segment(0, 10, "jump", 0.8),  # the same again
            segment(50, 55, "jump", 0.7),  # tIoU 0.25
            segment(50, 70, "run", 0.6),  # that is a jump
            segment(45, 55, "run", 0.5),  # neither label nor boundary: tIoU 0.2 with a jump
            segment(80, 90, "run", 0.4),  # nothing there
            segment(30, 32, "swim", 0.99),  # no such class: left out
        ],
        "b": [segment(0, 5, "run", 0.3)],  # right
        "elsewhere": [segment(0, 5, "run", 0.2)],
    }
)


def test_each_reason_by_hand() -> None:
    errors = diagnose_detection(TRUTH, FOUND)
    assert errors.kinds == (
        "correct", "double", "bad boundary", "wrong label", "confusion", "background", "correct", "background"
    )  # fmt: skip
    assert errors.rows == (0, 1, 2, 3, 4, 5, 7, 8)
    assert errors.counts == {
        "double": 1, "wrong label": 1, "bad boundary": 1, "confusion": 1, "background": 2
    }  # fmt: skip
    assert (errors.num_true, errors.num_missed) == (4, 2)
    missed = {
        (each.start_seconds, each.end_seconds): (each.num_true, each.num_missed) for each in errors.lengths
    }
    assert missed == {(0, 3): (1, 1), (3, 6): (1, 0), (6, 12): (1, 0), (12, 18): (0, 0), (18, None): (1, 1)}


def test_map_agrees_with_the_evaluation_and_gains_are_what_is_lost() -> None:
    errors = diagnose_detection(TRUTH, FOUND)
    assert errors.mean_average_precision == pytest.approx(
        evaluate_detection(TRUTH, FOUND, tiou_thresholds=[0.5]).average_map
    )
    # jump: right first, so 1/2 whatever follows. run: right as the fourth, 1/4 · 1/2; the third without one error.
    assert errors.mean_average_precision == pytest.approx((1 / 2 + 1 / 8) / 2)
    assert errors.gains["wrong label"] == pytest.approx((1 / 3 - 1 / 4) / 4)
    assert errors.gains["double"] == 0
    assert all(gain >= 0 for gain in errors.gains.values())


def test_only_the_best_predictions_of_each_class_are_looked_at() -> None:
    assert diagnose_detection(TRUTH, FOUND, predictions_per_true=1).rows == (0, 1, 3, 4)


def test_numbers_outside_what_is_allowed() -> None:
    with pytest.raises(OptionError, match="background_tiou"):
        diagnose_detection(TRUTH, FOUND, background_tiou=0.6)
    with pytest.raises(OptionError, match="length_edges"):
        diagnose_detection(TRUTH, FOUND, length_edges_seconds=(6, 3))
    with pytest.raises(OptionError, match="tIoU"):
        diagnose_detection(TRUTH, FOUND, tiou_threshold=np.nan)
