"""Streaming classification: a window of W frames, a prediction every S frames, and nothing computed twice.

    frames      0 1 2 3 4 5 6 7 8 9 …            window_size 6, stride 2
    window      [- - - - - -]                    prediction with frame 5
                    [- - - - - -]                with frame 7
                        [- - - - - -]            with frame 9

Weights see the world at the rate at which they were trained: a record that says 15 frames per second gets 15 of a
camera's 30, by the source's clock, and each of a camera's 5 three times. The window is a ring of W frames, however long
the stream; after a gap in time it begins anew, because frames from both sides of a gap are no clip.

Which frames are taken is in `slots.py`; what each kind of model needs to compute for a new frame, in `scorers.py`.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.classifier import load_classifier_model
from muybridge.actions.events import EventRule
from muybridge.actions.inference import Precision
from muybridge.actions.scorers import ClipFunction, Normalization, Outputs, make_scorer
from muybridge.actions.slots import Slots
from muybridge.actions.stream_prediction import PredictionObserver, StreamPrediction
from muybridge.actions.views import crop_corners, resized_size
from muybridge.counts import check_count
from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models.causal import CausalNet
from muybridge.models.weights import Weights, weights_of
from muybridge.observer import View
from muybridge.values import Frame
from muybridge.video.picture import ArrayPicture

__all__ = ["StreamPrediction", "StreamingClassifier"]

DEFAULT_WINDOW = 16
NOMINAL_FRAMES_PER_SECOND = 30.0
# A hole that is longer than that, and than so many usual steps, parts two windows.
GAP_SECONDS = 2.0
GAP_STEPS = 8.0
UNSCALED: Normalization = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

StreamModel = str | Path | nn.Module | ClipFunction | None


class StreamingClassifier(PredictionObserver):
    """Names what happens in a stream, while it happens.

    It is an observer: `watch(video.pictures(), [classifier], video.metadata)` gives segments of kind `"action"`.
    Or it is used directly: `push` frames, `reset` before another source.

    Args:
        model: a name, a checkpoint or a folder as in `classify`; a module, with its weights record or without; or any
            function from clips (1, 3, T, H, W) float32 to (1, K) scores. None for the best weights at hand.
        window_size: frames of the window. None takes the model's own clip length, 16 where it has none. A causal
            network answers with the mean over that many last frames.
        stride: frames between two predictions, counted after the rate was brought down to the weights' own.
        weights: which weights of a named model.
        labels: names of the outputs; None for those of the weights, else `"class 0"`, `"class 1"`, ….
        frames_per_second: the rate of the window's frames; None for that of the weights, else every frame. Of a slower
            source each frame stays as long as it is shown.
        size_px: side of the square middle that the model sees; None for that of the weights or model, else the frames
            as they are.
        outputs: what a function gives; modules give logits.
        precision: of modules whose window is computed anew; `"auto"` takes bfloat16 where that is faster.
        rule: when an event begins and ends.
        ignored: labels that are never an event; `"none of these"` never is.
        name: of the observer.

    Raises:
        OptionError: options outside what is allowed, or a window that the model cannot take.
        WeightsError: no trained weights are at hand.
        UnknownNameError: no such model.

    >>> def brightness(clip):
    ...     bright = clip.mean().item()
    ...     return [[bright, 1 - bright]]
    >>> classifier = StreamingClassifier(
    ...     brightness, window_size=4, stride=2, labels=["bright", "dark"], outputs="probabilities"
    ... )
    >>> for level in (0, 0, 0, 0, 255, 255, 255, 255):
    ...     if found := classifier.push(np.full((8, 8, 3), level, np.uint8)):
    ...         print(found.index, found.label, f"{found.score:.2f}")
    3 dark 1.00
    5 bright 0.50
    7 bright 1.00
    """

    def __init__(
        self,
        model: StreamModel = None,
        *,
        window_size: int | None = None,
        stride: int = 4,
        weights: str | Path | None = None,
        labels: Sequence[str] | None = None,
        frames_per_second: float | None = None,
        size_px: int | None = None,
        outputs: Outputs = "logits",
        precision: Precision = "float32",
        rule: EventRule | None = None,
        ignored: Collection[str] = (),
        name: str = "stream",
    ) -> None:
        self.model_name, self.model, record = _load(model, weights)
        self.record = record
        window = window_size if window_size is not None else _own_window(self.model, record)
        _check_numbers(window, stride, frames_per_second, size_px)
        # A deque and JSON take none of NumPy's integers.
        self.window_size, self.stride = int(window), int(stride)
        known = tuple(labels) if labels is not None else record.labels if record is not None else ()
        super().__init__(name, known, rule=rule, ignored=_ignored(known, ignored))
        own_rate = record.frames_per_second if record is not None else None
        # Of so many frames of the source one is taken, where the weights tell no rate.
        self.frame_step = record.stride if record is not None and own_rate is None else 1
        if frames_per_second is not None:
            own_rate, self.frame_step = frames_per_second, 1
        elif own_rate is not None and record is not None:
            own_rate /= record.stride
        self._shape = _shape_record(self.model, record, size_px)
        short_side = min(_sides(self._shape)) if self._shape is not None else None
        self.view = View(frames_per_second=own_rate, short_side_px=short_side)
        self._scorer = make_scorer(
            self.model,
            window_size=self.window_size,
            stride=self.stride,
            normalization=(record.mean, record.std) if record is not None else UNSCALED,
            outputs=outputs,
            precision=precision,
        )
        self._precision, self._outputs = precision, outputs
        self._times: deque[float] = deque(maxlen=self.window_size)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is the first of another source."""
        self._slots = Slots(self.view.frames_per_second, frame_step=self.frame_step)
        self._num_seen = 0
        self._last_seconds: float | None = None
        self._usual_step: float | None = None
        self._begin_window()

    def _begin_window(self) -> None:
        self._scorer.reset()
        self._times.clear()
        self._num_taken = 0
        self._has_predicted = False
        self._held: tuple[NDArray[np.uint8], int] | None = None  # the frame that is shown until the next one

    @property
    def num_taken(self) -> int:
        """How many slots of the weights' rate have a frame since the window began: at the start, or after a gap."""
        return self._num_taken

    @property
    def newest_seconds(self) -> float | None:
        """When the last frame that was taken appears; None where there is none."""
        return self._times[-1] if self._times else None

    def push(
        self, frame: Frame | NDArray[np.uint8], *, pts_seconds: float | None = None
    ) -> StreamPrediction | None:
        """See the next frame.

        Args:
            frame: a frame of a video or source at any size, or pixels (H, W, 3) uint8 RGB.
            pts_seconds: for pixels, when they appear; None takes them to come at the weights' rate, or 30 per second.

        Returns:
            The prediction, where one is due with this frame, or with what was shown until it came; the newest one where
            several are. None otherwise.

        Raises:
            ShapeError: not (H, W, 3) uint8, or a size that changes where the model has none of its own.
            OptionError: a time that is not after the last one, or not finite.
        """
        moment = self._as_frame(frame, pts_seconds)
        self._check_time(moment.pts_seconds)
        self._num_seen += 1
        self._last_seconds = moment.pts_seconds
        # Frames that were made by hand, and all say 0, are counted.
        num_empty = self._slots.take(moment.pts_seconds, moment.index or self._num_seen - 1)
        if num_empty is None:
            return None
        if self._is_gap(moment.pts_seconds):
            self._begin_window()
        found = self._show_on(num_empty)  # nothing, where the window has just begun
        pixels = self._prepared(moment)
        if self.view.frames_per_second is not None:
            self._held = pixels.copy(), moment.index
        return self._take(pixels, moment.pts_seconds, moment.index) or found

    def hold(self, frame: Frame) -> StreamPrediction | None:
        """A source that ends before its first window is full stands still until it is, as clips do in training.

        Args:
            frame: the source's last, whether the weights' rate takes it or not.

        Returns:
            What the window shows; None where it had been full.
        """
        pixels, found = self._prepared(frame), None
        while self._num_taken < self.window_size:
            found = self._take(pixels, frame.pts_seconds, frame.index)
        return found

    def see_again(self, frames: Iterable[Frame], *, num_taken: int) -> None:
        """Go on as if nothing else had been seen since the window began.

        Args:
            frames: the last ones that were taken; a window of them, or all since it began.
            num_taken: what it was, so that predictions are due where they would have been.
        """
        self.reset()
        for frame in frames:
            self.push(frame)
        self._num_taken = num_taken

    def _show_on(self, num_slots: int) -> StreamPrediction | None:
        """What was taken last stays for so many slots; the prediction that is due meanwhile."""
        rate, found = self.view.frames_per_second, None
        if self._held is None or rate is None:
            return None
        (pixels, index), since = self._held, self._times[-1]
        # A window that stands still is the same however long.
        for number in range(max(0, num_slots - self.window_size), num_slots):
            moment = since + (number + 1) / rate
            found = self._take(pixels, moment, index, num_waiting=num_slots - number) or found
        return found

    def _take(
        self, pixels: NDArray[np.uint8], seconds: float, index: int, *, num_waiting: int = 0
    ) -> StreamPrediction | None:
        """The next frame of the window; the prediction that is due with it, unless those that wait bring another."""
        self._scorer.push(pixels)
        self._times.append(seconds)
        self._num_taken += 1
        beyond = self._num_taken - self.window_size
        if beyond < 0 or beyond % self.stride or num_waiting >= self.stride:
            return None
        scores = self._scorer.scores()
        is_first, self._has_predicted = not self._has_predicted, True
        return StreamPrediction(
            self._named(len(scores)),
            scores,
            start_seconds=self._times[0],
            end_seconds=seconds,
            index=index,
            is_first=is_first,
        )

    def settings(self) -> Mapping[str, Any]:
        """All that changes the answer, as JSON values."""
        return {
            "model": self.model_name,
            "weights": _fingerprint(self.model),
            "record": self.record.to_dict() if self.record is not None else None,
            "window_size": self.window_size,
            "stride": self.stride,
            "labels": list(self.labels),
            "size_px": self._shape.size_px if self._shape is not None else None,
            "frames_per_second": self.view.frames_per_second,
            "outputs": self._outputs,
            "precision": self._precision,
            "rule": list(astuple(self.rule)),
            "ignored": list(self.ignored),
        }

    def _as_frame(self, frame: Frame | NDArray[np.uint8], pts_seconds: float | None) -> Frame:
        if isinstance(frame, Frame):
            moment = frame
        else:
            rate = self.view.frames_per_second or NOMINAL_FRAMES_PER_SECOND
            seconds = self._num_seen / rate if pts_seconds is None else float(pts_seconds)
            moment = Frame(frame, seconds, 0.0, self._num_seen)
        pixels = moment.pixels
        if not isinstance(pixels, np.ndarray) or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ShapeError(f"a frame is {np.shape(pixels)}; it must be (H, W, 3) uint8 RGB")
        if pixels.dtype != np.uint8 or 0 in pixels.shape:
            raise ShapeError(f"a frame is {pixels.shape} {pixels.dtype}; it must be (H, W, 3) uint8 RGB")
        return moment

    def _check_time(self, seconds: float) -> None:
        if not math.isfinite(seconds):
            raise OptionError(f"a frame's time is {seconds}; it must be finite")
        if self._last_seconds is not None and seconds <= self._last_seconds:
            raise OptionError(
                f"a frame at {seconds:.3f} s follows one at {self._last_seconds:.3f} s; times must ascend."
                " muybridge.video.open_source mends the clock of a live source; reset() begins another one"
            )

    def _is_gap(self, seconds: float) -> bool:
        if not self._times:
            return False
        step = seconds - self._times[-1]
        if self._usual_step is not None and step > max(GAP_SECONDS, GAP_STEPS * self._usual_step):
            self._usual_step = None  # what is usual now, the next step tells: the source may have slowed
            return True
        self._usual_step = step
        return False

    def _prepared(self, frame: Frame) -> NDArray[np.uint8]:
        """The square middle at the size of the weights."""
        if self._shape is None:
            return frame.pixels
        width, height = self.view.fit(frame.width, frame.height)
        if (frame.width, frame.height) != (width, height):
            if frame.closer is not None:
                frame = frame.closer(self.view)
            else:
                frame = ArrayPicture(frame.pixels, pts_seconds=frame.pts_seconds).frame(self.view)
        pixels = frame.pixels
        size = resized_size(frame.width, frame.height, self._shape)
        if size != (frame.width, frame.height):
            import cv2

            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        side = self._shape.size_px
        left, top = crop_corners(size, side, 1)[0]
        return pixels[top : top + side, left : left + side]

    def _named(self, count: int) -> tuple[str, ...]:
        if not self.labels:
            self.labels = tuple(f"class {k}" for k in range(count))
        if len(self.labels) != count:
            raise WeightsError(f"{self.model_name} gives {count} scores for {len(self.labels)} labels")
        return self.labels


def _load(
    model: StreamModel, weights: str | Path | None
) -> tuple[str, nn.Module | ClipFunction, Weights | None]:
    if callable(model) and not isinstance(model, nn.Module):
        return getattr(model, "__name__", type(model).__name__), model, None
    name, module = load_classifier_model(model, weights=weights)
    return name, module, weights_of(module)


def _own_window(model: nn.Module | ClipFunction, record: Weights | None) -> int:
    own = model.memory_frames if isinstance(model, CausalNet) else getattr(model, "num_frames", None)
    if isinstance(own, int):
        return own
    return record.num_frames if record is not None else DEFAULT_WINDOW


def _shape_record(
    model: nn.Module | ClipFunction, record: Weights | None, size_px: int | None
) -> Weights | None:
    """A record that says how frames are resized and cut; None leaves them as they are."""
    if size_px is not None:
        return Weights("size", size_px=int(size_px))
    if record is not None:
        return record
    own = getattr(model, "size_px", None)
    return Weights("size", size_px=own) if isinstance(own, int) else None


def _sides(record: Weights) -> tuple[int, int]:
    target = record.resize_px or record.size_px
    height, width = target if isinstance(target, tuple) else (target, target)
    return max(height, record.size_px), max(width, record.size_px)


def _ignored(labels: tuple[str, ...], ignored: Collection[str]) -> tuple[str, ...]:
    none = ("none of these",) if "none of these" in labels and "none of these" not in ignored else ()
    return (*ignored, *none)


def _check_numbers(
    window_size: int, stride: int, frames_per_second: float | None, size_px: int | None
) -> None:
    for name, value in (("window_size", window_size), ("stride", stride), ("size_px", size_px)):
        if value is not None:
            check_count(name, value)
    if frames_per_second is not None and not (math.isfinite(frames_per_second) and frames_per_second > 0):
        raise OptionError(f"frames_per_second is {frames_per_second}; it must be positive")


def _fingerprint(model: nn.Module | ClipFunction) -> str:
    """Tells one set of weights from another; a function's cannot be told, so each is its own."""
    if not isinstance(model, nn.Module):
        return uuid.uuid4().hex
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
