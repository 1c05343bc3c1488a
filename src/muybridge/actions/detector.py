"""What is done in an untrimmed video, and from when to when: windows, scores, runs, labeled segments.

    frames ─┬─ small gray ─► OwnMotion ─► actionness ─► runs: from where it rises to where it rests or a cut comes
            └─ model's rate and size ─► windows inside a run ─► scores
    runs ─► pieces ─► passages ─► segments        a short run is one piece, a long one a piece for each window

Where nothing moves, nothing is done, and nothing is computed: an archive of quiet cameras costs little more than its
decoding. Frames of a run go through the classifier as they come: a causal network sees each of them once, other
networks read their window anew every `stride` frames. Each run is a stream of its own, as training clips are, so no
window straddles a cut. Memory is that of one window and of the scores that are undecided, however long the video.

The idea of gating by motion is that of actionness grouping (arXiv:1703.02716), with a hand-made actionness; that of
classifying whole proposals is the structured segment network's (arXiv:1704.06228), with any clip network. How evidence
adds up over cuts and over long runs is in `passages.py`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from muybridge.actions.actionness import ACTIONNESS_NAME, BACKGROUND_LABEL, OwnMotion
from muybridge.actions.detection_input import classifier_of, gray_of, view_of, window_seconds_of
from muybridge.actions.detection_rule import DetectionRule
from muybridge.actions.passages import Passages, Piece
from muybridge.actions.runs import Run
from muybridge.actions.stream_prediction import StreamPrediction
from muybridge.observer import Finding
from muybridge.values import Frame, Segment, Signal, VideoMetadata
from muybridge.video.reader import Pace, open_video

__all__ = ["ActionsObserver", "DetectionRule", "detect_actions"]

# From being off to being on; slower is a shadow that creeps.
MAX_RISE_SECONDS = 1.0
_SIGNAL_SECONDS = 2.0
Progress = Callable[[float, float], None]


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
        self.classifier = classifier_of(model, weights, stride=stride, labels=labels)
        self.background = tuple(label for label in background if label in self.classifier.labels)
        self.view = view_of(self.classifier)
        window_seconds = window_seconds_of(self.classifier)
        single = self.rule.max_single_seconds
        self._max_single = 2.5 * window_seconds if single is None else single
        self._passages = Passages(self.classifier.labels, self.background, self.rule, window_seconds)
        self._forget()

    def _forget(self) -> None:
        self._motion = OwnMotion()
        self._pace = Pace(self.classifier.view.frames_per_second)
        self._recent: deque[Frame] = deque()  # what a run may begin with
        # What the classifier has taken of this run, as far as it matters.
        self._shown: deque[Frame] = deque(maxlen=4 * self.classifier.window_size + self.classifier.stride)
        self._run: Run | None = None
        self._scene_seconds = -math.inf  # where the source began, or the last cut was
        self._rising_since: float | None = None
        self._chunk: list[tuple[float, float]] = []
        self.classifier.reset()
        self._passages.reset()

    def settings(self) -> Mapping[str, Any]:
        """All that changes the answer, as JSON values."""
        return {
            "version": 6,
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
        step = self._motion.push(gray_of(frame), frame.pts_seconds)
        found: list[Finding] = []
        if self._scene_seconds == -math.inf:
            self._scene_seconds = frame.pts_seconds
        if step is not None and step.is_cut:
            found += self._end_run(frame.pts_seconds, is_resting=False)
            self._recent.clear()
            self._rising_since, self._scene_seconds = None, frame.pts_seconds
        if self._pace.wants(frame.pts_seconds):
            found += self._take(frame)
        if step is None:
            return found
        if not step.is_cut:
            found += self._follow(step.start_seconds, step.end_seconds, step.actionness)
        self._chunk.append((step.start_seconds, step.actionness))
        if step.end_seconds - self._chunk[0][0] >= _SIGNAL_SECONDS:
            found += self._flush()
        return found

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """The source ended; return the rest."""
        found = self._end_run(end_seconds, is_resting=False)
        return [*found, *self._passages.end(end_seconds, is_bounded=False), *self._flush()]

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs: a few seconds of small frames, and the scores of what goes on."""
        return {
            "motion": self._motion.state(),
            "last_slot": self._pace.last_slot,
            "recent": [_frame_state(frame) for frame in self._recent],
            "shown": [_frame_state(frame) for frame in self._shown],
            "num_taken": self.classifier.num_taken,
            "rising_since": self._rising_since,
            "scene_seconds": self._scene_seconds,
            "chunk": [list(row) for row in self._chunk],
            "run": None if self._run is None else self._run.state(),
            "passages": self._passages.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._forget()
        self._motion.restore(state["motion"])
        self._pace.last_slot = state["last_slot"]
        self._recent.extend(_frame_of(saved) for saved in state["recent"])
        self._shown.extend(_frame_of(saved) for saved in state["shown"])
        self.classifier.see_again(self._shown, num_taken=int(state["num_taken"]))
        self._rising_since, self._scene_seconds = state["rising_since"], float(state["scene_seconds"])
        self._chunk = [(float(seconds), float(value)) for seconds, value in state["chunk"]]
        if state["run"] is not None:
            self._run = Run.from_state(state["run"], self.classifier.labels)
        self._passages.restore(state["passages"])

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
        prediction = self.classifier.push(frame)
        if self.classifier.newest_seconds == frame.pts_seconds:
            self._remember(frame)
        if prediction is None:
            return []
        run.predictions.append(prediction)
        if not run.is_long and frame.pts_seconds - run.start_seconds <= self._max_single:
            return []
        return self._add(run, run.part(), frame.pts_seconds)

    def _remember(self, frame: Frame) -> None:
        """A frame that the classifier has taken, so that a restored run has its window."""
        if self.classifier.num_taken == 1:
            self._shown.clear()
        self._shown.append(frame)

    def _follow(self, start: float, end: float, actionness: float) -> list[Finding]:
        """Begin a run, go on with it, or let it rest."""
        rule, run = self.rule, self._run
        if actionness < rule.off_actionness:
            self._rising_since = None
        elif self._rising_since is None:
            self._rising_since = start
        if run is None and actionness >= rule.on_actionness:
            return self._begin_run(end, actionness)
        if run is None:
            # So long a stillness parts passages, whatever cuts lie in it.
            is_over = self._passages.is_open and end - self._passages.end_seconds >= self._max_single
            return [*self._passages.end(end)] if is_over else []
        run.add_step(actionness)
        if actionness >= rule.off_actionness:
            run.end_seconds = end
        elif end - run.end_seconds >= rule.rest_seconds:
            return self._end_run(end)
        return []

    def _begin_run(self, end: float, actionness: float) -> list[Finding]:
        rising = end if self._rising_since is None else self._rising_since
        start = max(rising, end - MAX_RISE_SECONDS)
        is_bounded = start - self._scene_seconds >= self.rule.rest_seconds
        if not is_bounded:
            start = self._scene_seconds
        self._run = Run(start, end, is_bounded=is_bounded)
        self._run.add_step(actionness)
        self.classifier.reset()
        self._shown.clear()
        found: list[Finding] = []
        for frame in self._recent:
            if frame.pts_seconds >= start - self.rule.context_seconds:
                found += self._show(frame)
        return found

    def _end_run(self, now: float, *, is_resting: bool = True) -> list[Finding]:
        """The run is over: with its last motion, or because the scene is; what it was."""
        run, self._run = self._run, None
        if run is None:
            return []
        if not is_resting:
            run.end_seconds = now
        found: list[Finding] = []
        if run.end_seconds - run.start_seconds >= self.rule.min_duration_seconds:
            run.predictions = run.predictions or self._padded_prediction()
            found += self._add(run, run.rest(), now)
        return [*found, *self._passages.end(now)] if is_resting else found

    def _add(self, run: Run, pieces: Iterable[Piece], now: float) -> list[Finding]:
        """Pieces of a run to the passage, which it goes on with or begins."""
        found: list[Finding] = []
        passages = self._passages
        for piece in pieces:
            if passages.is_open and piece.start_seconds > passages.end_seconds:
                still = Piece(passages.end_seconds, piece.start_seconds, None)
                found += passages.push(still, now_seconds=now)
            found += passages.push(piece, now_seconds=now, is_bounded=run.is_bounded)
        return found

    def _padded_prediction(self) -> list[StreamPrediction]:
        """A run shorter than a window stands still at its end until the window is full, as in training."""
        if not self._shown:
            return []
        prediction = self.classifier.hold(self._recent[-1])
        return [] if prediction is None else [prediction]

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
        metadata, pace = video.metadata, Pace.of(observer.view)
        observer.start(metadata)
        end = metadata.start_seconds
        for picture in video.pictures(quick=True, sparing=observer.view.sparing):
            end = picture.pts_seconds + picture.duration_seconds
            if not pace.wants_picture(picture):
                continue
            found += observer.observe(picture.frame(observer.view))
            if progress is not None:
                progress(end - metadata.start_seconds, metadata.duration_seconds or 0.0)
        found += observer.finish(end)
    return sorted(
        (item for item in found if isinstance(item, Segment)), key=lambda s: (s.start_seconds, s.end_seconds)
    )


def _frame_state(frame: Frame) -> dict[str, Any]:
    return {
        "pixels": frame.pixels,
        "numbers": [frame.pts_seconds, frame.duration_seconds, frame.index],
    }


def _frame_of(state: Mapping[str, Any]) -> Frame:
    seconds, duration, index = state["numbers"]
    return Frame(np.array(state["pixels"], np.uint8), float(seconds), float(duration), int(index))
