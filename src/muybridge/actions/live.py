"""From a source to what happens in it, while it happens: open, watch, tell.

The function is `stream`; the command of that name is the same with a live view.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from muybridge.actions.events import Event, EventRule
from muybridge.actions.stream_prediction import PredictionObserver, StreamPrediction
from muybridge.actions.streaming import StreamingClassifier, StreamModel
from muybridge.errors import OptionError, VideoError
from muybridge.video.live_source import LiveSource, SourceCounts
from muybridge.video.reader import Pace
from muybridge.video.sources import open_source

__all__ = ["StreamUpdate", "stream"]


@dataclass(frozen=True, slots=True)
class StreamUpdate:
    """What a moment of a stream brought.

    Args:
        pts_seconds: the moment, on the source's clock.
        prediction: what the window shows; None for the last update, when the source has ended.
        events: those that begin to be certain, or are over.
        latency_seconds: from the arrival of the frame to the prediction.
        counts: what the source has given so far.
    """

    pts_seconds: float
    prediction: StreamPrediction | None
    events: tuple[Event, ...]
    latency_seconds: float
    counts: SourceCounts

    def to_dict(self, *, top: int = 5) -> dict[str, Any]:
        """As JSON values."""
        return {
            "pts_seconds": self.pts_seconds,
            "prediction": self.prediction.to_dict(top=top) if self.prediction is not None else None,
            "events": [event.to_dict() for event in self.events],
            "latency_seconds": self.latency_seconds,
            "counts": self.counts.to_dict(),
        }


def stream(
    source: str | int | Path | LiveSource,
    *,
    model: StreamModel | PredictionObserver = None,
    weights: str | Path | None = None,
    window_size: int | None = None,
    stride: int | None = None,
    rule: EventRule | None = None,
    **options: Any,
) -> Iterator[StreamUpdate]:
    """Name what happens in a live source, while it happens.

    Args:
        source: an address as in `open_source`, or an opened source, whose `stop` ends the stream.
        model: as in `StreamingClassifier`, or one that is set up, or a `MultiScaleClassifier`.
        weights: which weights of a named model.
        window_size: frames of the window; None for the model's own.
        stride: frames between two predictions; None for those of `StreamingClassifier`.
        rule: when an event begins and ends.
        options: of `open_source`.

    Yields:
        An update for each prediction, and a last one when the source has ended: it closes the events that were open.

    Raises:
        VideoError: the source cannot be opened, or was lost; what was open is yielded before.
        WeightsError: no trained weights are at hand.
        OptionError: an option outside what is allowed, or for a model or a source that is set up already.

    >>> def brightness(clip):
    ...     return [[clip.mean().item(), 1 - clip.mean().item()]]
    >>> watcher = StreamingClassifier(brightness, window_size=4, labels=["bright", "dark"], outputs="probabilities")
    >>> [update.prediction.label for update in stream(getfixture("sample_video"), model=watcher) if update.prediction]
    ['dark', 'dark', 'dark', 'dark', 'dark']
    """
    chosen = {"weights": weights, "window_size": window_size, "stride": stride, "rule": rule}
    watcher = _watcher(model, {name: value for name, value in chosen.items() if value is not None})
    with _opened(source, options) as opened:
        yield from _updates(opened, watcher)


def _watcher(model: StreamModel | PredictionObserver, options: dict[str, Any]) -> PredictionObserver:
    if not isinstance(model, PredictionObserver):
        return StreamingClassifier(model, **options)
    if options:
        raise OptionError(
            f"{', '.join(options)}: the model is set up already; give that to its {type(model).__name__} instead"
        )
    return model


def _opened(source: str | int | Path | LiveSource, options: dict[str, Any]) -> LiveSource:
    if not isinstance(source, LiveSource):
        return open_source(source, **options)
    if options:
        raise OptionError(
            f"{', '.join(options)}: the source is open already; give that to open_source instead"
        )
    return source


def _updates(source: LiveSource, watcher: PredictionObserver) -> Iterator[StreamUpdate]:
    watcher.start(source.metadata)
    pace = Pace(watcher.view.frames_per_second)
    last = 0.0
    failure: VideoError | None = None
    try:
        for picture in source.pictures():
            last = picture.pts_seconds
            if not pace.wants(last):
                continue
            prediction, events = watcher.see(picture.frame(watcher.view))
            if prediction is not None:
                latency = time.monotonic() - picture.arrived_seconds
                yield StreamUpdate(last, prediction, tuple(events), latency, replace(source.counts))
    except VideoError as error:
        failure = error
    yield StreamUpdate(last, None, tuple(watcher.end()), 0.0, replace(source.counts))
    if failure is not None:
        raise failure
