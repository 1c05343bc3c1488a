"""What a detector looks at: the classifier's frames, and among them small gray ones for motion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.classifier import load_classifier_model
from muybridge.actions.streaming import DEFAULT_WINDOW, StreamingClassifier
from muybridge.errors import ShapeError, WeightsError
from muybridge.models.weights import weights_of
from muybridge.observer import View
from muybridge.values import Frame
from muybridge.video.spare import LEAST_PER_SECOND

__all__ = ["classifier_of", "gray_of", "view_of", "window_seconds_of"]

MOTION_FRAMES_PER_SECOND = 15.0
NOMINAL_FRAMES_PER_SECOND = 25.0
_GRAY = View(short_side_px=120, pixel_format="gray8")


def classifier_of(
    model: str | Path | nn.Module | None,
    weights: str | Path | None = None,
    *,
    stride: int | None = None,
    predictions_per_second: float | None = None,
    labels: Sequence[str] | None = None,
) -> StreamingClassifier:
    """A classifier that looks at windows as long as its clips were in training.

    Args:
        model: as in `classify`.
        weights: as in `classify`.
        stride: frames between two predictions; None for a quarter of the window.
        predictions_per_second: about so many, in place of a stride.
        labels: names of the outputs, where the model carries none.

    Raises:
        WeightsError: no trained weights are at hand, or none with labels.
        UnknownNameError: no such model.
    """
    name, module = load_classifier_model(model, weights=weights)
    record = weights_of(module)
    if labels is None and (record is None or not record.labels):
        raise WeightsError(
            f"{name} has no trained head with known labels, so its outputs mean nothing; give labels, or a checkpoint"
            " that holds them (muybridge.models.checkpoint.save_checkpoint)"
        )
    # The length that its clips had in training, also where a causal network could look back further.
    window = DEFAULT_WINDOW if record is None else record.num_frames
    if predictions_per_second is not None:
        rate = None if record is None else record.frames_per_second
        taken_per_second = (rate or NOMINAL_FRAMES_PER_SECOND) / (1 if record is None else record.stride)
        stride = max(1, round(taken_per_second / predictions_per_second))
    chosen = max(1, window // 4) if stride is None else stride
    return StreamingClassifier(module, window_size=window, stride=chosen, labels=labels, name=name)


def view_of(classifier: StreamingClassifier) -> View:
    """Frames as often as motion is looked at, so fine are boundaries; the classifier takes its own of them."""
    own = classifier.view
    rate = own.frames_per_second
    return View(
        frames_per_second=None if rate is None else max(rate, MOTION_FRAMES_PER_SECOND),
        short_side_px=own.short_side_px,
        sparing=rate is not None and rate <= LEAST_PER_SECOND,
    )


def window_seconds_of(classifier: StreamingClassifier) -> float:
    """How much time a window takes in; of a source of the nominal rate, where the weights only count its frames."""
    rate = classifier.view.frames_per_second or NOMINAL_FRAMES_PER_SECOND
    return classifier.window_size * classifier.frame_step / rate


def gray_of(frame: Frame) -> NDArray[np.uint8]:
    """The small gray picture of the same moment.

    Raises:
        ShapeError: not (H, W, 3).
    """
    if frame.closer is not None:
        return frame.closer(_GRAY).pixels
    if frame.pixels.ndim != 3:
        raise ShapeError(f"the frame is {frame.pixels.shape}; this observer's view is (H, W, 3) uint8")
    gray = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(
        cv2.resize(gray, _GRAY.fit(frame.width, frame.height), interpolation=cv2.INTER_AREA), np.uint8
    )
