"""Text over time: what is written in a video, from which frame to which.

    every frame ──► small gray picture, kept for some seconds
    five times a second: a glance ──► do the known lines still stand? did new strokes appear that hold still?
    where something new stands: a look ──► detection and recognition at full size
    a line that has gone, or a new one ──► its first and last frame, found in the pictures kept

Reading costs a hundred times what decoding a frame does, so it happens rarely: a line is read twice when it
appears, more often only while its letters are doubtful, and all its readings are added up before decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.observer import View
from muybridge.text.closeup import CloseUp
from muybridge.text.history import SECONDS_BETWEEN_GLANCES, History
from muybridge.text.line_track import LineTrack, adjoins, outgrows, overlap
from muybridge.text.lines import Found, Lines
from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.readings import Evidence
from muybridge.text.strokes import Box, StrokeMap, box_of_cells
from muybridge.values import Frame, Polygon, Segment, TextTrack, VideoMetadata
from muybridge.video.reader import open_video

__all__ = ["TextObserver", "track_text"]

_SCREEN_SIDE_PX = 512
_GUESS_SIDE_PX = 384
_BORDER_PX = 2  # a line that comes so close to the border of what was looked at may go on beyond it


class TextObserver:
    """Reads what is written, line by line, with the first and the last frame of each.

    Args:
        networks: to share them with others; by default its own, loaded when first needed.
        min_score: lines that are less sure are left out.
        num_threads: for one run of a network; by default all cores, at most four.

    Raises:
        OptionError: an option outside what is allowed.

    Findings are segments of kind `"text"`; `TextTrack.from_segment` turns them back into tracks.

    >>> TextObserver(min_score=0.8).settings()["min_score"]
    0.8
    """

    name = "text"

    def __init__(
        self,
        *,
        networks: PPOCRNetworks | None = None,
        min_score: float = 0.6,
        num_threads: int | None = None,
    ) -> None:
        if not 0 <= min_score <= 1:
            raise OptionError(f"min_score is {min_score}; it must lie in [0, 1]")
        self.networks = networks or PPOCRNetworks(num_threads=num_threads)
        self.min_score = min_score
        # Finding scenes asks for the same size in color: in one pass the two share the scaling.
        self.view = View(max_side_px=480, pixel_format="gray8", sparing=True)
        self._forget()

    def settings(self) -> Mapping[str, Any]:
        """What changes the answer."""
        models = self.networks.models_path
        return {"version": 4, "min_score": self.min_score, "models_path": str(models) if models else None}

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        self._forget()
        self._lines.source_width = source.width

    def _forget(self) -> None:
        self._history = History(self.view)
        self._strokes = StrokeMap()
        self._lines = Lines(self._history, self._strokes, min_score=self.min_score, source_width=0)
        self._next_glance = -np.inf
        self._next_look = -np.inf
        self._next_guess = -np.inf
        self._review_seconds = np.inf
        self._patience = 0.0  # seconds until the next look after one that found nothing
        self._was_unreadable = False  # whether the last look found places of text that it could not read

    def observe(self, frame: Frame) -> list[Segment]:
        """See the next frame; return the lines that are known to have gone."""
        pixels = frame.pixels
        picture = pixels.copy() if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        self._history.add(frame.pts_seconds, np.asarray(picture, np.uint8), frame.left_out)
        if frame.pts_seconds < self._next_glance:
            return []
        self._next_glance = frame.pts_seconds + SECONDS_BETWEEN_GLANCES - 1e-6
        close = CloseUp(frame, self.networks, self._lines.source_width)
        self._lines.source_width = close.source_width
        return self._glance(close)

    def finish(self, end_seconds: float) -> list[Segment]:
        """The source ended; return the lines that stand until then."""
        return self._lines.finish(end_seconds)

    def _glance(self, close: CloseUp) -> list[Segment]:
        seconds, picture = self._history.newest
        missed = self._lines.check(close)
        still, moving = self._strokes.glance(picture, seconds)
        area, screen_side_px = self._where_to_look(seconds, picture, still, moving, missed)
        if area is not None:
            found, area = self._look(close, area, screen_side_px)
            found_any = bool(found)
            found_new = self._lines.take(found)
            # A look at what was read before says nothing of whether new strokes are worth one.
            was_due = bool(missed) or seconds >= self._review_seconds
            if not found_any and not was_due:
                self._patience = min(4.0, max(0.4, 2 * self._patience))
            elif found_new:
                self._patience = 0.0
            # What is unreadable is worth another look: it is out of focus, or still fading in.
            if found_new or not self._was_unreadable or self._patience > 1:
                self._strokes.remember(area)
            self._next_look = seconds + self._patience
            self._next_guess = seconds + max(1.0, 2 * self._patience)
            self._review_seconds = seconds + 0.4 if self._boxes_to_review() else np.inf
        return self._lines.let_go()

    def _where_to_look(
        self,
        seconds: float,
        picture: NDArray[np.uint8],
        still: NDArray[np.bool_],
        moving: NDArray[np.bool_],
        missed: Sequence[LineTrack],
    ) -> tuple[Box | None, int]:
        """The part of the picture that is worth a look, and the size at which to screen it first; 0: not."""
        height, width = picture.shape
        boxes = [track.patch.box for track in missed]
        if seconds >= self._review_seconds:
            boxes += [
                self._lines.box_now(track)
                for track in self._lines.standing
                if seconds - track.found_seconds < 2
            ]
        if still.any() and (boxes or seconds >= self._next_look):
            new = box_of_cells(still, picture)
            # A line that is being written is read as a whole.
            begun = [self._lines.box_now(track) for track in self._lines.standing if not track.is_moving]
            boxes += [new, *(box for box in begun if adjoins(box, new))]
        if not boxes:
            scrolls = any(track.is_moving for track in self._lines.standing)
            wait = self._next_look + 0.5 if scrolls else self._next_guess
            if moving.any() and seconds >= wait:
                return (0, 0, width, height), 0 if scrolls else _GUESS_SIDE_PX
            return None, 0
        left, top = min(box[0] for box in boxes) - 48, min(box[1] for box in boxes) - 24
        right, bottom = max(box[2] for box in boxes) + 48, max(box[3] for box in boxes) + 24
        area = (max(0, left), max(0, top), min(width, right), min(height, bottom))
        if (area[2] - area[0]) * (area[3] - area[1]) > 0.5 * width * height:
            return (0, 0, width, height), 0 if missed else _SCREEN_SIDE_PX
        return area, 0

    def _boxes_to_review(self) -> list[Box]:
        """Where lines appeared lately: a blurred one, or one that fades in, may have been found in part."""
        newest = self._history.newest[0]
        return [
            self._lines.box_now(track)
            for track in self._lines.standing
            if not track.is_moving
            and newest - track.found_seconds < (0.3 if track.best.confidence > 0.97 else 1.5)
        ]

    def _look(self, close: CloseUp, area: Box, screen_side_px: int) -> tuple[list[Found], Box]:
        """Detect and read in a part of the picture; lines that are already known are left out.

        Returns:
            What was found, and the part that was seen: a larger one where a line went on beyond its border.
        """
        quads = self._detect(close, area, screen_side_px)
        wider = self._widened(area, quads)
        if wider != area:
            area, quads = wider, self._detect(close, wider, 0)
        read = zip(quads, close.read(quads), strict=True)
        found = [(quad, evidence) for quad, evidence in read if _is_writing(evidence)]
        self._was_unreadable = len(found) < len(quads)
        return found, area

    def _detect(self, close: CloseUp, area: Box, screen_side_px: int) -> list[Polygon]:
        _, picture = self._history.newest
        known = self._lines.boxes()
        quads = []
        for quad in close.detect(area, picture.shape[1], screen_side_px):
            box = self._lines.small_box(quad)
            if not any(overlap(box, b) > 0.5 and not outgrows(box, b) for b in known):
                quads.append(quad)
        return quads

    def _widened(self, area: Box, quads: Sequence[Polygon]) -> Box:
        """The area with as much of the picture beside and around it as lines that it cuts off may need."""
        height, width = self._history.newest[1].shape
        boxes = [self._lines.small_box(quad) for quad in quads]
        left, top, right, bottom = area
        if any(box[0] <= left + _BORDER_PX for box in boxes):
            left = 0
        if any(box[2] >= right - _BORDER_PX for box in boxes):
            right = width
        if any(box[1] <= top + _BORDER_PX for box in boxes):
            top = max(0, top - 48)
        if any(box[3] >= bottom - _BORDER_PX for box in boxes):
            bottom = min(height, bottom + 48)
        return left, top, right, bottom

    # A run that was stopped goes on

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "source_width": self._lines.source_width,
            "history": self._history.state(),
            "strokes": self._strokes.state(),
            "lines": self._lines.state(),
            "next_glance": float(self._next_glance),
            "next_look": float(self._next_look),
            "next_guess": float(self._next_guess),
            "review_seconds": float(self._review_seconds),
            "patience": self._patience,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._lines.source_width = state["source_width"]
        self._history.restore(state["history"])
        self._strokes.restore(state["strokes"])
        self._lines.restore(state["lines"])
        self._next_glance, self._next_look = state["next_glance"], state["next_look"]
        self._next_guess, self._review_seconds = state["next_guess"], state["review_seconds"]
        self._patience = state["patience"]


def _is_writing(evidence: Evidence) -> bool:
    """Whether a reading is worth a track: windows look like single characters, fences like 1222."""
    path = evidence.decode()
    text = path.text.strip()
    if len(text) <= 1:
        return bool(text) and path.confidence >= 0.98
    return path.confidence >= (0.55 if len(text) > 4 or (text.isalpha() and len(text) > 2) else 0.8)


def track_text(
    path: str | Path,
    *,
    networks: PPOCRNetworks | None = None,
    min_score: float = 0.6,
    progress: Callable[[float, float], None] | None = None,
) -> list[TextTrack]:
    """Read what is written in a video, with the time each line is shown.

    Args:
        path: the video.
        networks: by default those inside rapidocr.
        min_score: lines that are less sure are left out.
        progress: called with the seconds that are done, and all of them.

    Returns:
        The lines, in the order in which they appear.

    Raises:
        VideoOpenError: the file is missing or not a video.
        OptionError: an option outside what is allowed.
    """
    observer = TextObserver(networks=networks, min_score=min_score)
    segments: list[Segment] = []
    with open_video(path) as video:
        observer.start(video.metadata)
        end_seconds = video.metadata.start_seconds
        for frame in video.frames(observer.view):
            segments += observer.observe(frame)
            end_seconds = frame.pts_seconds + frame.duration_seconds
            if progress is not None and video.metadata.duration_seconds:
                progress(end_seconds - video.metadata.start_seconds, video.metadata.duration_seconds)
        segments += observer.finish(end_seconds)
    tracks = [TextTrack.from_segment(segment) for segment in segments]
    return sorted(tracks, key=lambda track: (track.start_seconds, track.end_seconds, track.text))
