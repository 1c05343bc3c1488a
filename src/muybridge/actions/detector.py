"""What is done in an untrimmed video, and from when to when: windows, scores, runs, labelled segments.

    frames ─┬─ small gray ─► OwnMotion ─► actionness ─► runs: from where it rises to where it rests
            └─ model's rate and size ─► windows inside a run ─► scores
    a short run    is one action: the mean of its windows names it, the motion bounds it
    a long run     is cut where its scores change: `EventRule`, bounded by the run

Where nothing moves, nothing is done, and nothing is computed: an archive of quiet cameras costs little more than its
decoding. Frames of a run go through the classifier as they come: a causal network sees each of them once, other
networks read their window anew every `stride` frames. Each run is a stream of its own, as training clips are.
Memory is that of one window and of the scores of a short run, however long the video. A cut ends a run.

The idea of gating by motion is that of actionness grouping (arXiv:1703.02716), with a hand-made actionness; that of
classifying whole proposals is the structured segment network's (arXiv:1704.06228), with any clip network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from muybridge.actions.actionness import ACTIONNESS_NAME, BACKGROUND_LABEL, OwnMotion
from muybridge.actions.classifier import load_classifier_model
from muybridge.actions.detection_rule import DetectionRule
from muybridge.actions.events import Event
from muybridge.actions.stream_prediction import PredictionEvents, StreamPrediction
from muybridge.actions.streaming import DEFAULT_WINDOW, StreamingClassifier
from muybridge.errors import ShapeError, WeightsError
from muybridge.models.weights import weights_of
from muybridge.observer import Finding, View
from muybridge.values import Frame, Segment, Signal, VideoMetadata
from muybridge.video.reader import Pace, open_video

__all__ = ["ActionsObserver", "DetectionRule", "detect_actions"]

MOTION_FRAMES_PER_SECOND = 15.0
NOMINAL_FRAMES_PER_SECOND = 25.0
# From being off to being on; slower is a shadow that creeps.
MAX_RISE_SECONDS = 1.0
# Two parts of one action, parted by a cut.
JOIN_SECONDS = 0.3
_GRAY = View(short_side_px=120, pixel_format="gray8")
_SIGNAL_SECONDS = 2.0
Progress = Callable[[float, float], None]


@dataclass(slots=True)
class _Run:
    """Something is going on since `start`; it was last seen at `active_until`."""

    start: float
    active_until: float
    actionness: float = 0.0
    num_steps: int = 0
    predictions: list[StreamPrediction] = field(default_factory=list)
    events: PredictionEvents | None = None  # of a long run


class ActionsObserver:
    """Finds actions while a video goes by; an `Observer` that is also `Resumable`.

    Gives segments of kind `"action"`, and the signal `"actionness"`.

    Args:
        model: as in `classify`; None for the best weights at hand.
        weights: which weights of a named model.
        rule: when something begins and ends.
        background: labels that mean that nothing is being done; those that the model lacks are left out.
        stride: frames between two predictions, at the model's rate; None for a quarter of its window.
        labels: names of the outputs, where the model carries none.

    Raises:
        WeightsError: no trained weights are at hand, or none with labels.
        UnknownNameError: no such model.
        OptionError: numbers outside what is allowed.
    """

    name = "actions"

    def __init__(
        self,
        model: str | Path | nn.Module | None = None,
        *,
        weights: str | Path | None = None,
        rule: DetectionRule | None = None,
        background: Collection[str] = (BACKGROUND_LABEL,),
        stride: int | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.rule = rule or DetectionRule()
        self.classifier = _stream_of(model, weights, stride, labels)
        self.background = tuple(label for label in background if label in self.classifier.labels)
        own = self.classifier.view
        rate = own.frames_per_second
        # Boundaries are as fine as the looks at motion; the classifier takes its own of these frames.
        self.view = View(
            frames_per_second=None if rate is None else max(rate, MOTION_FRAMES_PER_SECOND),
            short_side_px=own.short_side_px,
        )
        window_seconds = self.classifier.window_size / (rate or NOMINAL_FRAMES_PER_SECOND)
        single = self.rule.max_single_seconds
        self._max_single = 2.5 * window_seconds if single is None else single
        self._forget()

    def _forget(self) -> None:
        self._motion = OwnMotion()
        self._pace = Pace(self.classifier.view.frames_per_second)
        self._recent: deque[Frame] = deque()  # what a run may begin with
        self._shown: deque[Frame] = deque()  # what the classifier has seen of this run, as far as it matters
        self._run: _Run | None = None
        self._rising_since: float | None = None
        self._held: Segment | None = None  # may go on after a cut
        self._chunk: list[tuple[float, float]] = []
        self.classifier.reset()

    def settings(self) -> Mapping[str, Any]:
        """All that changes the answer, as JSON values."""
        return {
            "version": 1,
            "classifier": dict(self.classifier.settings()),
            "rule": asdict(self.rule),
            "background": list(self.background),
        }

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        del source
        self._forget()

    def observe(self, frame: Frame) -> Iterable[Finding]:
        """See the next frame; return the actions that are over with it."""
        step = self._motion.push(_gray(frame), frame.pts_seconds)
        found: list[Finding] = []
        if step is not None and step.is_cut:
            found += self._end_run(frame.pts_seconds)
            self._recent.clear()
            self._rising_since = None
        if self._pace.wants(frame.pts_seconds):
            found += self._take(frame)
        if step is None:
            return found
        if not step.is_cut:
            found += self._follow(step.start_seconds, step.end_seconds, step.actionness)
        found += self._release(frame.pts_seconds)
        self._chunk.append((step.start_seconds, step.actionness))
        if step.end_seconds - self._chunk[0][0] >= _SIGNAL_SECONDS:
            found += self._flush()
        return found

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """The source ended; return the rest."""
        return [*self._end_run(end_seconds), *self._release(None), *self._flush()]

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs: a few seconds of small frames, and the scores of the run that goes on."""
        run = self._run
        return {
            "motion": self._motion.state(),
            "last_slot": self._pace.last_slot,
            "recent": [_frame_state(frame) for frame in self._recent],
            "shown": [_frame_state(frame) for frame in self._shown],
            "rising_since": self._rising_since,
            "held": None if self._held is None else self._held.to_dict(),
            "chunk": [list(row) for row in self._chunk],
            "run": None
            if run is None
            else {
                "numbers": [run.start, run.active_until, run.actionness, run.num_steps],
                "predictions": [prediction.state() for prediction in run.predictions],
                "events": None if run.events is None else run.events.state(),
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._forget()
        self._motion.restore(state["motion"])
        self._pace.last_slot = state["last_slot"]
        self._recent.extend(_frame_of(saved) for saved in state["recent"])
        self._shown.extend(_frame_of(saved) for saved in state["shown"])
        for frame in self._shown:
            self.classifier.push(frame)
        self._rising_since = state["rising_since"]
        self._held = None if state["held"] is None else Segment.from_dict(state["held"])
        self._chunk = [(float(seconds), float(value)) for seconds, value in state["chunk"]]
        if state["run"] is None:
            return
        start, until, actionness, num_steps = state["run"]["numbers"]
        self._run = _Run(start, until, actionness, num_steps)
        labels = self.classifier.labels
        self._run.predictions = [
            StreamPrediction.from_state(saved, labels) for saved in state["run"]["predictions"]
        ]
        if state["run"]["events"] is not None:
            self._run.events = self._new_events()
            self._run.events.restore(state["run"]["events"])

    def _take(self, frame: Frame) -> list[Finding]:
        """A frame at the model's rate: keep it for a run to begin with, and show it to the one that goes on."""
        kept = Frame(frame.pixels.copy(), frame.pts_seconds, frame.duration_seconds, frame.index)
        self._recent.append(kept)
        oldest = frame.pts_seconds - MAX_RISE_SECONDS - self.rule.context_seconds
        while self._recent[0].pts_seconds < oldest:
            self._recent.popleft()
        return self._show(kept) if self._run is not None else []

    def _show(self, frame: Frame) -> list[Finding]:
        """The next frame of the run to the classifier; actions of a long run that are over."""
        run = self._run
        assert run is not None
        self._shown.append(frame)
        if len(self._shown) > 4 * self.classifier.window_size + self.classifier.stride:
            for _ in range(self.classifier.stride):  # so that a restored run predicts at the same frames
                self._shown.popleft()
        prediction = self.classifier.push(frame)
        if prediction is None:
            return []
        if run.events is None and frame.pts_seconds - run.start <= self._max_single:
            run.predictions.append(prediction)
            return []
        if run.events is None:
            run.events = self._new_events()
        over = [event for each in (*run.predictions, prediction) for event in run.events.see(each)]
        run.predictions.clear()
        return self._hold(segment for event in over if (segment := _segment_of(event, run)) is not None)

    def _new_events(self) -> PredictionEvents:
        return PredictionEvents(self.classifier.labels, rule=self.rule.long_runs, ignored=self.background)

    def _follow(self, start: float, end: float, actionness: float) -> list[Finding]:
        """Begin a run, go on with it, or let it rest."""
        rule, run = self.rule, self._run
        if actionness < rule.off_actionness:
            self._rising_since = None
        elif self._rising_since is None:
            self._rising_since = start
        if run is None:
            return self._begin_run(end, actionness) if actionness >= rule.on_actionness else []
        run.actionness, run.num_steps = run.actionness + actionness, run.num_steps + 1
        if actionness >= rule.off_actionness:
            run.active_until = end
        elif end - run.active_until >= rule.rest_seconds:
            return self._end_run(end)
        return []

    def _begin_run(self, end: float, actionness: float) -> list[Finding]:
        rising = end if self._rising_since is None else self._rising_since
        start = max(rising, end - MAX_RISE_SECONDS)
        self._run = _Run(start, end, actionness, 1)
        self.classifier.reset()
        self._shown.clear()
        found: list[Finding] = []
        for frame in self._recent:
            if frame.pts_seconds >= start - self.rule.context_seconds:
                found += self._show(frame)
        return found

    def _end_run(self, now: float) -> list[Finding]:
        """The run is over at its last motion; what it was."""
        run, self._run = self._run, None
        if run is None or run.active_until - run.start < self.rule.min_duration_seconds:
            return []
        if run.events is not None:
            over = [_segment_of(event, run) for event in run.events.finish()]
            return self._hold(segment for segment in over if segment is not None)
        predictions = run.predictions or self._padded_prediction()
        if not predictions:
            return []
        scores = np.mean([prediction.scores for prediction in predictions], axis=0)
        best = int(scores.argmax())
        label, score = self.classifier.labels[best], float(scores[best])
        if label in self.background or score < self.rule.min_score:
            return []
        attributes = {
            "actionness": round(run.actionness / run.num_steps, 4),
            "latency_seconds": now - run.start,
            "alternatives": _next_likely(self.classifier.labels, scores),
        }
        return self._hold([Segment(run.start, run.active_until, "action", label, score, attributes)])

    def _padded_prediction(self) -> list[StreamPrediction]:
        """A run shorter than a window stands still at its end until the window is full, as in training."""
        if not self._shown:
            return []
        last, step = (
            self._shown[-1],
            1 / (self.classifier.view.frames_per_second or NOMINAL_FRAMES_PER_SECOND),
        )
        for number in range(1, self.classifier.window_size + 1):
            seconds = last.pts_seconds + number * step
            prediction = self.classifier.push(Frame(last.pixels, seconds, step, last.index + number))
            if prediction is not None:
                return [prediction]
        return []

    def _hold(self, segments: Iterable[Segment]) -> list[Finding]:
        """Join what a cut parted; of the rest each waits for the next."""
        found: list[Finding] = []
        for segment in sorted(segments, key=lambda s: (s.start_seconds, s.end_seconds)):
            held = self._held
            if held is not None and held.label == segment.label and _touch(held, segment):
                self._held = _joined(held, segment)
                continue
            found += [] if held is None else [held]
            self._held = segment
        return found

    def _release(self, now: float | None) -> list[Finding]:
        """What nothing can be joined to any more; all of it at the end of the source."""
        held, run = self._held, self._run
        if held is None:
            return []
        next_start = run.start if run is not None else None if now is None else now - MAX_RISE_SECONDS
        if next_start is not None and next_start - held.end_seconds <= JOIN_SECONDS:
            return []
        self._held = None
        return [held]

    def _flush(self) -> list[Finding]:
        if not self._chunk:
            return []
        table = np.array(self._chunk)
        self._chunk = []
        return [Signal(ACTIONNESS_NAME, table[:, 0], table[:, 1])]


def detect_actions(
    path: str | Path,
    *,
    model: str | Path | nn.Module | None = None,
    weights: str | Path | None = None,
    rule: DetectionRule | None = None,
    progress: Progress | None = None,
) -> list[Segment]:
    """Say what is done in a video, and from when to when.

    Args:
        path: the video, of any length: memory does not grow with it.
        model: a name, a checkpoint, a folder or a module, as in `classify`; None for the best weights at hand.
        weights: which weights of a named model.
        rule: when something begins and ends; None for what suits single people and cameras.
        progress: called with (seconds done, seconds in all).

    Returns:
        Segments of kind `"action"` with label and score, by start; `attributes` tell their mean actionness and the
        next likely labels.

    Raises:
        VideoError: the video cannot be read.
        WeightsError: no trained weights are at hand and none can be had; the message says what can be done.
        UnknownNameError: no such model or weights.
    """
    observer = ActionsObserver(model, weights=weights, rule=rule)
    found: list[Finding] = []
    with open_video(path) as video:
        metadata, pace = video.metadata, Pace(observer.view.frames_per_second)
        observer.start(metadata)
        end = metadata.start_seconds
        for picture in video.pictures():
            end = picture.pts_seconds + picture.duration_seconds
            if not pace.wants(picture.pts_seconds):
                continue
            found += observer.observe(picture.frame(observer.view))
            if progress is not None:
                progress(end - metadata.start_seconds, metadata.duration_seconds or 0.0)
        found += observer.finish(end)
    return sorted(
        (item for item in found if isinstance(item, Segment)), key=lambda s: (s.start_seconds, s.end_seconds)
    )


def _stream_of(
    model: str | Path | nn.Module | None,
    weights: str | Path | None,
    stride: int | None,
    labels: Sequence[str] | None,
) -> StreamingClassifier:
    name, module = load_classifier_model(model, weights=weights)
    record = weights_of(module)
    if labels is None and (record is None or not record.labels):
        raise WeightsError(
            f"{name} has no trained head with known labels, so its outputs mean nothing; give labels, or a checkpoint"
            " that holds them (muybridge.models.checkpoint.save_checkpoint)"
        )
    # The length that its clips had in training, also where a causal network could look back further.
    window = DEFAULT_WINDOW if record is None else record.num_frames
    chosen = max(1, window // 4) if stride is None else stride
    return StreamingClassifier(module, window_size=window, stride=chosen, labels=labels, name=name)


def _gray(frame: Frame) -> NDArray[np.uint8]:
    """The small gray picture of the same moment."""
    if frame.closer is not None:
        return frame.closer(_GRAY).pixels
    if frame.pixels.ndim != 3:
        raise ShapeError(f"the frame is {frame.pixels.shape}; this observer's view is (H, W, 3) uint8")
    gray = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(
        cv2.resize(gray, _GRAY.fit(frame.width, frame.height), interpolation=cv2.INTER_AREA), np.uint8
    )


def _segment_of(event: Event, run: _Run) -> Segment | None:
    """An event of a long run that is over, within the bounds of the run."""
    start, end = max(event.start_seconds, run.start), min(event.end_seconds, run.active_until)
    if not event.is_over or end <= start:
        return None
    attributes = {
        "actionness": round(run.actionness / run.num_steps, 4),
        "latency_seconds": event.latency_seconds,
        "peak_score": event.peak_score,
    }
    return Segment(start, end, "action", event.label, event.score, attributes)


def _next_likely(labels: Sequence[str], scores: NDArray[np.float64]) -> list[list[Any]]:
    """The second and third likeliest labels with their scores."""
    order = np.argsort(-scores, kind="stable")[1:3].tolist()
    return [[labels[row], round(float(scores[row]), 4)] for row in order]


def _touch(first: Segment, second: Segment) -> bool:
    return second.start_seconds - first.end_seconds <= JOIN_SECONDS


def _joined(first: Segment, second: Segment) -> Segment:
    lengths = (max(first.duration_seconds, 1e-6), max(second.duration_seconds, 1e-6))
    score = float(np.average([first.score or 0.0, second.score or 0.0], weights=lengths))
    end = max(first.end_seconds, second.end_seconds)
    return Segment(first.start_seconds, end, first.kind, first.label, score, first.attributes)


def _frame_state(frame: Frame) -> dict[str, Any]:
    return {
        "pixels": frame.pixels,
        "numbers": [frame.pts_seconds, frame.duration_seconds, frame.index],
    }


def _frame_of(state: Mapping[str, Any]) -> Frame:
    seconds, duration, index = state["numbers"]
    return Frame(np.array(state["pixels"], np.uint8), float(seconds), float(duration), int(index))
