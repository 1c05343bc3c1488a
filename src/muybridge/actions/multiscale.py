"""Several windows at once: a short one for a clap, a long one for getting up from a chair.

    frames     ─┬─► short window   wave .7  stand up .1 ─┐
    decoded     │                                        ├─ fused for each class ─► wave .4  stand up .5
    once       ─┴─► long window    wave .1  stand up .9 ─┘   with what each scale added

A window that is much longer than an action mixes it with what lies around it; one that is much shorter never sees the
whole. Which scale suits a class is a matter of that class, so weights may be given for each. A fused prediction says
what each scale added, so that it can be seen which one spoke.

A window says most of its middle, and the middle of a long one lies further back than that of a short one. So what is
fused is what the scales say of one moment, the middle of the longest window that ends now:

    long window     |--------------x--------------|
    short windows             |----x----|         ┤ now; the short window that is fused is an older one
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.actions.events import ROUNDING_SECONDS, Event, EventRule
from muybridge.actions.stream_prediction import PredictionObserver, StreamPrediction
from muybridge.actions.streaming import NOMINAL_FRAMES_PER_SECOND, StreamingClassifier, StreamModel
from muybridge.errors import OptionError, ShapeError
from muybridge.models.causal import CausalNet
from muybridge.observer import View
from muybridge.values import Frame

__all__ = ["MultiScaleClassifier"]

Fusion = Literal["mean", "max"]


class MultiScaleClassifier(PredictionObserver):
    """Streaming classifiers of several window lengths, fused for each class.

    A fused prediction comes with every prediction of the first scale. Its window is as long as the longest scale's and
    ends with this frame; of each scale the prediction is taken whose middle is nearest to the middle of that window.

    Scales that have not seen a whole window yet are left out. When a longer one joins, it speaks of an earlier moment
    than the shorter ones already did; nothing is said until it has caught up, half its window later. Where the source
    ends or has a gap, what the first scale saw after that moment makes events too.

    Args:
        scales: name → classifier, the shortest window first; all with the same labels.
        fusion: `"mean"` weighs the scales, `"max"` takes the surest for each class.
        weights: name → one weight, or (K,) one for each class; None weighs all alike. They are scaled to sum to 1 for
            each class.
        rule: when an event begins and ends.
        ignored: labels that are never an event.
        name: of the observer.

    Raises:
        OptionError: no scale, labels that differ, an unknown fusion, or weights that are not for these scales.

    >>> def size_of(count):
    ...     return lambda clip: [[clip.shape[2] / 8, 1 - clip.shape[2] / 8]]
    >>> def scale(size):
    ...     return StreamingClassifier(
    ...         size_of(size), window_size=size, stride=1, labels=["long", "short"], outputs="probabilities"
    ...     )
    >>> both = MultiScaleClassifier({"2 frames": scale(2), "6 frames": scale(6)})
    >>> found = [both.push(Frame(np.zeros((4, 4, 3), np.uint8), 0.1 * i, index=i)) for i in range(8)]
    >>> found[-1].scores.tolist(), {name: added.tolist() for name, added in found[-1].scales.items()}
    ([0.5, 0.5], {'2 frames': [0.125, 0.375], '6 frames': [0.375, 0.125]})
    """

    def __init__(
        self,
        scales: Mapping[str, StreamingClassifier],
        *,
        fusion: Fusion = "mean",
        weights: Mapping[str, ArrayLike] | None = None,
        rule: EventRule | None = None,
        ignored: Collection[str] = (),
        name: str = "stream",
    ) -> None:
        if not scales:
            raise OptionError("give at least one scale")
        if fusion not in ("mean", "max"):
            raise OptionError(f"fusion is {fusion!r}; it is 'mean' or 'max'")
        if weights is not None and set(weights) != set(scales):
            raise OptionError(f"weights are for {sorted(weights)}; the scales are {sorted(scales)}")
        first = next(iter(scales.values()))
        for key, scale in scales.items():
            if scale.labels != first.labels:
                raise OptionError(
                    f"scale {key!r} has other labels than the first; fuse models of one set of labels"
                )
        known = set(first.ignored) | set(ignored)
        super().__init__(name, first.labels, rule=rule, ignored=sorted(known))
        self.scales = dict(scales)
        self.fusion = fusion
        self._weights = {key: np.asarray((weights or {}).get(key, 1.0), np.float64) for key in scales}
        if any(not np.isfinite(w).all() or (w < 0).any() or w.ndim > 1 for w in self._weights.values()):
            raise OptionError("weights must be finite, 0 or more, and one number or (K,)")
        self.view = _common_view([scale.view for scale in scales.values()])
        self._recent: dict[str, deque[StreamPrediction]] = {key: deque() for key in scales}
        self._told_seconds = -math.inf
        self._left: list[StreamPrediction] = []

    @classmethod
    def of_model(
        cls,
        model: StreamModel = None,
        *,
        window_seconds: Sequence[float] = (1.0, 3.0),
        step_seconds: float = 0.25,
        fusion: Fusion = "mean",
        weights: Mapping[str, ArrayLike] | None = None,
        rule: EventRule | None = None,
        ignored: Collection[str] = (),
        **options: Any,
    ) -> Self:
        """One model at several window lengths, named by their seconds, such as `"1 s"`.

        A causal network keeps its rate and averages over more frames; any other sees its own number of frames at a
        lower rate.

        Args:
            model: as in `StreamingClassifier`.
            window_seconds: how long the windows are.
            step_seconds: how often each scale predicts; where its frames are further apart, with every frame.
            fusion: as in the class.
            weights: as in the class.
            rule: as in the class.
            ignored: as in the class.
            options: of every `StreamingClassifier`, except those that follow from the lengths: `stride`; the
                `window_size` of a causal network; the `frames_per_second` of any other model.

        Raises:
            OptionError: lengths that are not positive and finite, or two of one name; an option that follows from them.
        """
        if not window_seconds or not all(
            0 < seconds < math.inf for seconds in (*window_seconds, step_seconds)
        ):
            raise OptionError(
                f"window_seconds {window_seconds} and step_seconds {step_seconds} must be positive and finite"
            )
        lengths = {f"{seconds:g} s": seconds for seconds in sorted(window_seconds)}
        if len(lengths) < len(window_seconds):
            raise OptionError(
                f"window_seconds {window_seconds} are only the scales {', '.join(lengths)}; give each length once"
            )
        _refuse(options, "stride")
        one = StreamingClassifier(model, **options)
        _refuse(options, "window_size" if isinstance(one.model, CausalNet) else "frames_per_second")
        rate = (one.view.frames_per_second or NOMINAL_FRAMES_PER_SECOND) / one.frame_step
        scales = {}
        for name, seconds in lengths.items():
            own: dict[str, Any] = dict(options)
            if isinstance(one.model, CausalNet):
                own["window_size"] = max(1, round(seconds * rate))
                own["stride"] = max(1, round(step_seconds * rate))
            else:
                own["window_size"] = one.window_size
                own["frames_per_second"] = one.window_size / seconds
                own["stride"] = max(1, round(step_seconds * one.window_size / seconds))
            scales[name] = StreamingClassifier(one.model, **own)
        return cls(scales, fusion=fusion, weights=weights, rule=rule, ignored=ignored)

    def reset(self) -> None:
        """Forget everything: the next frame is the first of another source."""
        self._told_seconds = -math.inf
        self._left.clear()
        for name, scale in self.scales.items():
            self._recent[name].clear()
            scale.reset()

    def push(self, frame: Frame) -> StreamPrediction | None:
        """See the next frame.

        Args:
            frame: of a video or source.

        Returns:
            The fused prediction, where the first scale has one with this frame and its moment is a new one; None
            otherwise.

        Raises:
            ShapeError: as in `StreamingClassifier.push`.
            OptionError: likewise.
        """
        leading: StreamPrediction | None = None
        for position, (name, scale) in enumerate(self.scales.items()):
            prediction = scale.push(frame)
            if prediction is None:
                continue
            if position == 0:
                leading = prediction
                if prediction.is_first:
                    self._left = self._remaining()
            if (
                prediction.is_first
            ):  # after a gap, what was said before it is over, by the first scale for all
                for recent in self._recent.values() if position == 0 else [self._recent[name]]:
                    recent.clear()
            self._recent[name].append(prediction)
        return None if leading is None else self._fused_with(leading)

    def _fused_with(self, leading: StreamPrediction) -> StreamPrediction | None:
        """What all scales say of the middle of the longest window that ends with the first scale's newest one."""
        newest = [recent[-1] for recent in self._recent.values() if recent]
        length = max(prediction.end_seconds - prediction.start_seconds for prediction in newest)
        return self._told(replace(leading, start_seconds=leading.end_seconds - length))

    def _remaining(self) -> list[StreamPrediction]:
        """What the first scale said of the moments since the last one that was told: no longer window comes to them."""
        fused = [
            self._told(replace(own, is_first=False)) for own in list(self._recent[next(iter(self.scales))])
        ]
        return [prediction for prediction in fused if prediction is not None]

    def _told(self, window: StreamPrediction) -> StreamPrediction | None:
        """What all scales say of the middle of a window; None where that or a later moment was told already."""
        center = window.center_seconds
        if center <= self._told_seconds + ROUNDING_SECONDS:
            return None
        self._told_seconds = center
        for recent in self._recent.values():
            _drop_before(recent, center)
        scores, added = self._fused()
        return replace(window, scores=scores, scales=added)

    def _held_back(self) -> list[StreamPrediction]:
        left, self._left = self._left, []
        return left

    def end(self) -> list[Event]:
        """The source has ended; the events that were open."""
        self._left += self._remaining()
        return super().end()

    def settings(self) -> Mapping[str, Any]:
        """All that changes the answer, as JSON values."""
        return {
            "fusion": self.fusion,
            "weights": {name: weight.tolist() for name, weight in self._weights.items()},
            "scales": {name: dict(scale.settings()) for name, scale in self.scales.items()},
            "rule": [
                self.rule.on_threshold,
                self.rule.off_threshold,
                self.rule.min_duration_seconds,
                self.rule.merge_gap_seconds,
            ],
            "ignored": list(self.ignored),
        }

    def _fused(self) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        names = [name for name, recent in self._recent.items() if recent]
        rows = [self._recent[name][0].scores for name in names]
        if len({len(row) for row in rows}) > 1:
            raise OptionError(
                f"the scales give {[len(row) for row in rows]} scores; fuse models of one set of labels"
            )
        scores = np.stack(rows)
        if self.fusion == "max":
            surest = scores.argmax(axis=0)
            parts = np.where(surest == np.arange(len(names))[:, None], scores, 0.0)
        else:
            try:
                weights = np.stack([np.broadcast_to(self._weights[name], scores.shape[1:]) for name in names])
            except ValueError as error:
                raise ShapeError(
                    f"weights must be one number or ({scores.shape[1]},) for each scale"
                ) from error
            total = weights.sum(axis=0)
            parts = scores * np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        return parts.sum(axis=0), dict(zip(names, parts, strict=True))


def _refuse(options: Mapping[str, Any], name: str) -> None:
    if options.get(name) is not None:
        raise OptionError(f"{name} follows from window_seconds and step_seconds; give these alone")


def _drop_before(recent: deque[StreamPrediction], seconds: float) -> None:
    """Leave the prediction whose middle is nearest to a moment, and those after it; of two as near, the later one."""

    def distance(prediction: StreamPrediction) -> float:
        return abs(prediction.center_seconds - seconds)

    while len(recent) > 1 and distance(recent[1]) <= distance(recent[0]) + ROUNDING_SECONDS:
        recent.popleft()


def _common_view(views: Sequence[View]) -> View:
    """A view that serves all: each scale takes from it what it needs."""
    rates = [view.frames_per_second for view in views]
    rate = max(rate for rate in rates if rate is not None) if None not in rates else None
    if rate is not None and any(abs(rate / other - round(rate / other)) > 1e-9 for other in rates if other):
        rate = None  # frames chosen at one rate are not those that another would choose
    sizes = {view.short_side_px for view in views}
    return View(frames_per_second=rate, short_side_px=sizes.pop() if len(sizes) == 1 else None)
