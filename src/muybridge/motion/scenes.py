"""The observer of scenes: shots, keyframes, motion energy and its spikes from one small view of every frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from muybridge.motion.appearance import (
    NEW_SCENE_CHANGE,
    Appearance,
    describe,
    dissimilarity,
    steps_between,
)
from muybridge.motion.candidates import Candidate, CandidateKeeper
from muybridge.motion.energy import EnergyMeter, find_spikes, to_signal
from muybridge.motion.shots import Boundary, ShotDetector, shot_segment
from muybridge.observer import Finding, View
from muybridge.values import Frame, Picture, Segment, VideoMetadata

if TYPE_CHECKING:
    from muybridge.video.reader import Video

__all__ = ["ScenesObserver", "watch_scenes"]

VERSION = 5
MAX_SIDE_PX = 480
BLOCK_SECONDS = 3600  # a source without an end is searched for spikes once an hour
SAME_MOMENT_SECONDS = 1.0


class ScenesObserver:
    """Finds shots, keyframes and movement; implements `Observer` and `Resumable`.

    Findings are segments of kind `"shot"`, `"keyframe"` and `"motion"`, the signal `"motion energy"`, and a picture
    for each keyframe, which its segment names in `attributes["picture"]`.

    Args:
        pictures: whether keyframes come with their pictures (JPEG, at most 480 pixels wide).

    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> rooms = [np.kron(draw.integers(0, 255, (9, 16, 3)), np.ones((6, 6, 1))).astype(np.uint8) for _ in range(2)]
    >>> observer = ScenesObserver()
    >>> observer.start(VideoMetadata("two rooms"))
    >>> findings = [found for number in range(60) for found in observer.observe(
    ...     Frame(rooms[number // 30], number / 30, 1 / 30, number))]
    >>> findings += observer.finish(2.0)
    >>> for found in findings:
    ...     if isinstance(found, Segment):
    ...         print(found.kind, round(found.start_seconds, 2), round(found.end_seconds, 2), found.label)
    shot 0.0 1.0 shot 1
    keyframe 0.0 0.03 keyframe of shot 1
    shot 1.0 2.0 shot 2
    keyframe 1.0 1.03 keyframe of shot 2
    """

    name = "scenes"

    def __init__(self, *, pictures: bool = True) -> None:
        self.pictures = pictures
        self.view = View(max_side_px=MAX_SIDE_PX, sparing=True)
        self._reset()

    def settings(self) -> Mapping[str, Any]:
        """What changes the answer: the version of the method, and whether pictures are made."""
        return {"version": VERSION, "pictures": self.pictures, "max_side_px": MAX_SIDE_PX}

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        self._reset()

    def _reset(self) -> None:
        self._detector = ShotDetector()
        self._meter = EnergyMeter()
        self._keeper = CandidateKeeper(pictures=self.pictures)
        self._look: Appearance | None = None
        self._begin: Boundary | None = None  # of the shot that lasts
        self._start_seconds: float | None = None
        self._last_seconds = 0.0
        self._num_shots = self._num_keyframes = 0
        self._seconds: list[tuple[float, float]] = []  # whole seconds that were not searched for spikes yet
        self._keyframe_times: deque[float] = deque(maxlen=BLOCK_SECONDS)

    def observe(self, frame: Frame) -> Iterable[Finding]:
        """See the next frame; return what became certain."""
        look = describe(frame.pixels)
        if self._look is None:
            self._start_seconds = frame.pts_seconds
            return self._see(frame, look, 0.0)
        change = dissimilarity(self._look, look)
        between = []
        if frame.left_out is not None:
            between = frame.left_out.seconds(self._last_seconds, frame.pts_seconds)
        findings: list[Finding] = []
        if change > NEW_SCENE_CHANGE and between:
            # A cut, perhaps, and which frame is the first of the new shot must be known.
            assert frame.left_out is not None
            for other in frame.left_out.frames(self._last_seconds, frame.pts_seconds, self.view):
                other_look = describe(other.pixels)
                findings += self._see(other, other_look, dissimilarity(self._look, other_look))
            return [*findings, *self._see(frame, look, dissimilarity(self._look, look))]
        *steps, (_, _, last_change) = steps_between(
            self._look, self._last_seconds, look, frame.pts_seconds, between, change
        )
        for step in steps:
            findings += self._follow(*step)
        return [*findings, *self._see(frame, look, last_change)]

    def _see(self, frame: Frame, look: Appearance, change: float) -> list[Finding]:
        self._keeper.observe(frame, look, change)
        self._look, self._last_seconds = look, frame.pts_seconds
        return self._follow(look, frame.pts_seconds, change)

    def _follow(self, look: Appearance, seconds: float, change: float) -> list[Finding]:
        self._meter.observe(look, seconds)
        boundaries = self._detector.observe_look(look, seconds, change)
        certain = self._detector.settled_seconds
        findings = self._measure(self._meter.settle(boundaries, certain))
        for boundary in boundaries:
            findings += self._end_shot(boundary)
        self._keeper.settle(certain)
        if len(self._seconds) >= BLOCK_SECONDS:
            findings += self._find_spikes(self._seconds[-1][0] + 1.0)
        return findings

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        """The source ended; return the rest."""
        if self._start_seconds is None:
            return []
        end_seconds = max(end_seconds, self._start_seconds)
        boundaries = self._detector.finish()
        self._keeper.close()
        findings = self._measure(self._meter.finish(boundaries, end_seconds))
        for boundary in boundaries:
            findings += self._end_shot(boundary)
        findings += self._end_shot(Boundary(end_seconds, "end", end_seconds, end_seconds, 1.0))
        findings += self._find_spikes(end_seconds)
        return findings

    def _measure(self, seconds: list[tuple[float, float]]) -> list[Finding]:
        for start, energy in seconds:
            self._keeper.note_energy(start, energy)
        self._seconds += seconds
        return [to_signal(seconds)] if seconds else []

    def _end_shot(self, boundary: Boundary) -> list[Finding]:
        assert self._start_seconds is not None
        self._num_shots += 1
        shot = shot_segment(self._num_shots, self._begin, boundary, self._start_seconds)
        best = self._keeper.end_shot(boundary.start_seconds, boundary.end_seconds)
        self._begin = boundary
        label = f"keyframe of {shot.label}"
        return [shot, *(self._keyframe(best, "shot", label) if best is not None else [])]

    def _find_spikes(self, end_seconds: float) -> list[Finding]:
        findings: list[Finding] = []
        for spike in find_spikes(to_signal(self._seconds), end_seconds=end_seconds):
            findings.append(spike)
            best = self._keeper.liveliest(spike.start_seconds, spike.end_seconds)
            if best is not None and all(
                abs(best.pts_seconds - other) > SAME_MOMENT_SECONDS for other in self._keyframe_times
            ):
                findings += self._keyframe(best, "motion", f"keyframe of {spike.label}", spike)
        self._seconds = []
        return findings

    def _keyframe(
        self, candidate: Candidate, reason: str, label: str, spike: Segment | None = None
    ) -> list[Finding]:
        self._num_keyframes += 1
        self._keyframe_times.append(candidate.pts_seconds)
        name = f"keyframe-{self._num_keyframes:04d}"
        attributes: dict[str, Any] = {"reason": reason, "sharpness": round(candidate.sharpness, 1)}
        if spike is not None:
            attributes["peak"] = spike.attributes["peak"]
        picture: list[Finding] = []
        if self.pictures:
            attributes["picture"] = name
            picture.append(
                Picture(name, candidate.jpeg, candidate.pts_seconds, candidate.width, candidate.height)
            )
        end = candidate.pts_seconds + candidate.duration_seconds
        return [
            Segment(candidate.pts_seconds, end, "keyframe", label, None, attributes),
            *picture,
        ]

    def state(self) -> Mapping[str, Any]:
        """All that `restore` needs."""
        return {
            "detector": self._detector.state(),
            "meter": self._meter.state(),
            "keeper": self._keeper.state(),
            "look": None if self._look is None else self._look.state(),
            "begin": None if self._begin is None else self._begin.to_dict(),
            "numbers": [self._start_seconds, self._last_seconds, self._num_shots, self._num_keyframes],
            "seconds": [list(second) for second in self._seconds],
            "keyframe_times": list(self._keyframe_times),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._reset()
        self._detector.restore(state["detector"])
        self._meter.restore(state["meter"])
        self._keeper.restore(state["keeper"])
        self._look = None if state["look"] is None else Appearance.from_state(state["look"])
        self._begin = None if state["begin"] is None else Boundary(**state["begin"])
        self._start_seconds, self._last_seconds = state["numbers"][:2]
        self._num_shots, self._num_keyframes = state["numbers"][2:]
        self._seconds = [(float(start), float(energy)) for start, energy in state["seconds"]]
        self._keyframe_times.extend(state["keyframe_times"])


def watch_scenes(video: Video) -> list[Segment]:
    """The shots, keyframes and spikes of an opened file, without pictures."""
    # It reads a file; the observer above does not, and must stay usable without a decoder.
    from muybridge.video.ahead import read_ahead

    observer = ScenesObserver(pictures=False)
    observer.start(video.metadata)
    pictures = read_ahead(video.pictures(quick=True, sparing=observer.view.sparing), [observer.view])
    found = [finding for picture in pictures for finding in observer.observe(picture.frame(observer.view))]
    found += observer.finish(video.packets.end_seconds)
    return [finding for finding in found if isinstance(finding, Segment)]
