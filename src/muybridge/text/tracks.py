"""Text over time: what is written in a video, from which frame to which.

    every frame ──► small gray picture, kept for some seconds
    five times a second: a glance ──► do the known lines still stand? did new strokes appear that hold still?
    where something new stands: a look ──► detection and recognition at full size
    a line that has gone, or a new one ──► its first and last frame, found in the pictures kept

Reading costs a hundred times what decoding a frame does, so it happens rarely: a line is read twice when it
appears, more often only while its letters are doubtful, and all its readings are added up before decoding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.observer import View
from muybridge.text.line_track import LineTrack, area_of, box_of_quad, overlap
from muybridge.text.ppocr import PPOCRNetworks, cut_out
from muybridge.text.readings import Evidence
from muybridge.text.strokes import Box, Patch, StrokeMap, box_of_cells
from muybridge.values import Frame, Polygon, Segment, TextTrack, VideoMetadata
from muybridge.video.reader import open_video

__all__ = ["TextObserver", "track_text"]

_SECONDS_BETWEEN_GLANCES = 0.2
_MOST_KEPT = 150  # pictures of 480 x 270: 20 MB
_SCREEN_SIDE_PX = 512
_GUESS_SIDE_PX = 384
_LOOK_SIDE_PX = 960
_FULL = View(max_side_px=1920)


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
        # The view that finding scenes asks for, too: in one pass the two share it, so it costs nothing.
        self.view = View(max_side_px=480)
        self._forget()

    def settings(self) -> Mapping[str, Any]:
        """What changes the answer."""
        models = self.networks.models_path
        return {"version": 1, "min_score": self.min_score, "models_path": str(models) if models else None}

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        self._forget()
        self._source_size = (source.width, source.height)

    def _forget(self) -> None:
        self._source_size = (0, 0)
        self._kept: deque[tuple[float, NDArray[np.uint8]]] = deque(maxlen=_MOST_KEPT)
        self._strokes = StrokeMap()
        self._tracks: list[LineTrack] = []
        self._next_glance = -np.inf
        self._next_look = -np.inf
        self._next_guess = -np.inf
        self._review_seconds = np.inf
        self._patience = 0.0  # seconds until the next look after one that found nothing

    def observe(self, frame: Frame) -> list[Segment]:
        """See the next frame; return the lines that are known to have gone."""
        pixels = frame.pixels
        picture = pixels.copy() if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        self._kept.append((frame.pts_seconds, np.asarray(picture, np.uint8)))
        if frame.pts_seconds < self._next_glance:
            return []
        self._next_glance = frame.pts_seconds + _SECONDS_BETWEEN_GLANCES - 1e-6
        if not all(self._source_size):
            self._source_size = _Close(frame).size
        return self._glance(_Close(frame))

    def finish(self, end_seconds: float) -> list[Segment]:
        """The source ended; return the lines that stand until then."""
        gone = []
        for track in self._tracks:
            end = self._end_of(track, at_close=True)
            gone.append(track.to_text_track(end_seconds if end is None else end))
        self._tracks = []
        return self._segments(gone)

    def _glance(self, close: _Close) -> list[Segment]:
        seconds, picture = self._kept[-1]
        gone = self._check(close)
        still, moving = self._strokes.glance(picture, seconds)
        area, screen_side_px = self._where_to_look(seconds, picture, still, moving, gone)
        if area is not None:
            found = self._look(close, area, screen_side_px)
            gone = [track for track in gone if not self._revive(track, found)]
            self._start_tracks(found, gone)
            self._strokes.remember()
            self._patience = 0.0 if found else min(4.0, max(0.4, 2 * self._patience))
            self._next_look = seconds + self._patience
            self._next_guess = seconds + max(1.0, 2 * self._patience)
            self._review_seconds = seconds + 0.4 if self._doubtful_boxes() else np.inf
        return self._segments([track.to_text_track(self._end_of(track) or seconds) for track in gone])

    # Known lines

    def _check(self, close: _Close) -> list[LineTrack]:
        """Which known lines have gone; those that stand are confirmed, and read again where it helps."""
        seconds, picture = self._kept[-1]
        doubtful: list[LineTrack] = []
        to_read: list[LineTrack] = []
        gone: list[LineTrack] = []
        for track in self._tracks:
            presence = self._stands(track, picture, seconds)
            if presence < 0.25:
                gone.append(track)  # the look that follows takes it back where it errs
            elif presence < 0.5 or (presence < 0.75 and seconds - track.last_read_seconds > 1):
                doubtful.append(track)
            elif track.wants_reading(seconds):
                to_read.append(track)
        evidence = self._read(close, [self._quad_now(track) for track in to_read + doubtful])
        for track, reading in zip(to_read, evidence, strict=False):
            if track.says_the_same(reading):
                track.add(reading, seconds)
            else:
                track.last_read_seconds = seconds
        for track, reading in zip(doubtful, evidence[len(to_read) :], strict=True):
            if reading.decode().text.strip() and track.says_the_same(reading):
                track.add(reading, seconds)
                track.patch = Patch.of(picture, track.patch.box)
                track.confirmed_seconds = seconds
            else:
                gone.append(track)
        self._tracks = [track for track in self._tracks if track not in gone]
        return gone

    def _stands(self, track: LineTrack, picture: NDArray[np.uint8], seconds: float) -> float:
        """How much of the line stands where it was, or where it has scrolled to; confirmed where it does."""
        elapsed = seconds - track.confirmed_seconds
        dx, dy = round(track.velocity[0] * elapsed), round(track.velocity[1] * elapsed)
        presence = track.patch.presence(picture, dx, dy)
        if presence < 0.75:
            reach = 8 if track.is_moving else 40
            x, y, score = track.patch.find(picture, dx, dy, reach)
            moved = track.patch.presence(picture, x, y)
            if score < 0.8 or (x, y) == (0, 0) or moved < 0.75:
                return presence
            dx, dy, presence = x, y, moved
        self._confirm(track, picture, seconds, dx, dy)
        return presence

    def _confirm(
        self, track: LineTrack, picture: NDArray[np.uint8], seconds: float, dx: int, dy: int
    ) -> None:
        elapsed = seconds - track.confirmed_seconds
        left, top, right, bottom = track.patch.box
        box = (left + dx, top + dy, right + dx, bottom + dy)
        began_to_move = (dx, dy) != (0, 0) and not track.is_moving
        track.velocity = (dx / elapsed, dy / elapsed) if (dx, dy) != (0, 0) and elapsed > 0 else (0.0, 0.0)
        if box[0] < 0 or box[1] < 0 or box[2] > picture.shape[1] or box[3] > picture.shape[0]:
            return  # partly outside: the patch from inside stays the better witness
        patch = Patch.of(picture, box)
        if (dx, dy) == (0, 0):
            if patch.contrast < 0.9 * track.patch.contrast:
                track.confirmed_seconds = seconds
                return  # fading: measured against its full strength
            common = track.patch.mask & patch.mask & (track.patch.strokes * patch.strokes > 0)
            if 2 * common.sum() > track.patch.mask.sum():
                patch.mask = common  # what stays the same is the writing, what changes is behind it
        grew = patch.contrast > 1.15 * track.patch.contrast
        track.moved = (track.moved[0] + dx, track.moved[1] + dy)
        track.patch, track.confirmed_seconds = patch, seconds
        if began_to_move or (grew and seconds - track.start_seconds < 2):
            track.start_seconds = self._start_of(track)

    def _start_of(self, track: LineTrack, not_before: float = -np.inf) -> float:
        """The first picture kept from which on the line stands without a break."""
        newest, _ = self._kept[-1]
        without = (
            None if track.is_moving else self._picture_before(self._strokes.still_since(track.patch.box))
        )
        start, num_without = newest, 0
        for seconds, picture in reversed(self._kept):
            if seconds < not_before:
                break
            if self._presence(track, picture, seconds - newest, without) >= 0.5:
                start, num_without = seconds, 0
            else:
                num_without += 1
                if num_without == 2:
                    break
        return start

    def _end_of(self, track: LineTrack, *, at_close: bool = False) -> float | None:
        """The first picture since the line was confirmed from which on it does not stand; None: none yet."""
        first: float | None = None
        # At the source's end it is not known whether the last picture is without the line.
        newest = None if at_close or track.is_moving else self._kept[-1][1]
        for seconds, picture in self._kept:
            elapsed = seconds - track.confirmed_seconds
            if elapsed <= 0:
                continue
            if self._presence(track, picture, elapsed, newest) >= 0.5:
                first = None
            elif first is None:
                first = seconds
        return first

    def _presence(
        self, track: LineTrack, picture: NDArray[np.uint8], elapsed: float, without: NDArray[np.uint8] | None
    ) -> float:
        """How much of a line stands in a picture, `elapsed` seconds from where its patch was taken."""
        if without is not None:
            share = track.patch.share(picture, without)
            if share is not None:
                return share
        dx, dy = round(track.velocity[0] * elapsed), round(track.velocity[1] * elapsed)
        presence = track.patch.presence(picture, dx, dy)
        if presence < 0.5 and track.is_moving:
            dx, dy, _ = track.patch.find(picture, dx, dy, 2)
            presence = track.patch.presence(picture, dx, dy)
        return presence

    def _picture_before(self, seconds: float) -> NDArray[np.uint8] | None:
        """A picture kept from before strokes that hold still since that glance can have appeared."""
        before = seconds - 3.5 * _SECONDS_BETWEEN_GLANCES
        return next((picture for moment, picture in reversed(self._kept) if moment <= before), None)

    # New lines

    def _where_to_look(
        self,
        seconds: float,
        picture: NDArray[np.uint8],
        still: NDArray[np.bool_],
        moving: NDArray[np.bool_],
        gone: Sequence[LineTrack],
    ) -> tuple[Box | None, int]:
        """The part of the picture that is worth a look, and the size at which to screen it first; 0: not."""
        height, width = picture.shape
        boxes = [track.patch.box for track in gone]
        if seconds >= self._review_seconds:
            boxes += self._doubtful_boxes()
        if still.any() and (boxes or seconds >= self._next_look):
            boxes.append(box_of_cells(still, picture))
        if not boxes:
            scrolls = any(track.is_moving for track in self._tracks)
            wait = self._next_look + 0.5 if scrolls else self._next_guess
            if moving.any() and seconds >= wait:
                return (0, 0, width, height), 0 if scrolls else _GUESS_SIDE_PX
            return None, 0
        left, top = min(box[0] for box in boxes) - 48, min(box[1] for box in boxes) - 24
        right, bottom = max(box[2] for box in boxes) + 48, max(box[3] for box in boxes) + 24
        area = (max(0, left), max(0, top), min(width, right), min(height, bottom))
        if (area[2] - area[0]) * (area[3] - area[1]) > 0.5 * width * height:
            return (0, 0, width, height), 0 if gone else _SCREEN_SIDE_PX
        return area, 0

    def _doubtful_boxes(self) -> list[Box]:
        """Where a line was found lately but not well: a blurred one may have been found in part."""
        newest = self._kept[-1][0]
        tracks = [track for track in self._tracks if newest - track.start_seconds < 2]
        return [self._box_now(track) for track in tracks if track.best.confidence < 0.97]

    def _look(self, close: _Close, area: Box, screen_side_px: int) -> list[tuple[Polygon, Evidence]]:
        """Detect and read in a part of the picture; lines that are already known are left out."""
        _, picture = self._kept[-1]
        pixels, scale = close.pixels, close.size[0] / picture.shape[1]
        left, top, right, bottom = (round(value * scale) for value in area)
        part = pixels[top:bottom, left:right]
        longer, whole = max(part.shape[:2]), max(pixels.shape[:2])
        if screen_side_px and not self.networks.detect(part, side_px=min(longer, screen_side_px)):
            return []
        regions = self.networks.detect(part, side_px=max(64, round(longer * min(1.0, _LOOK_SIDE_PX / whole))))
        to_source = self._source_size[0] / close.size[0]
        known = [self._box_now(track) for track in self._tracks]
        quads = []
        for region in regions:
            quad = tuple(((x + left) * to_source, (y + top) * to_source) for x, y in region.quad)
            box = self._small_box(quad)
            if not any(overlap(box, b) > 0.5 and area_of(box) < 1.3 * area_of(b) for b in known):
                quads.append(quad)
        read = zip(quads, self._read(close, quads), strict=True)
        return [(quad, evidence) for quad, evidence in read if _is_writing(evidence)]

    def _revive(self, track: LineTrack, found: list[tuple[Polygon, Evidence]]) -> bool:
        """Take back that a line has gone where the look finds it again: in its place, or scrolled on."""
        seconds, picture = self._kept[-1]
        left, top, right, bottom = track.patch.box
        for place, (quad, evidence) in enumerate(found):
            box = self._small_box(quad)
            dx, dy = (box[0] + box[2] - left - right) / 2, (box[1] + box[3] - top - bottom) / 2
            stays = overlap(box, track.patch.box) > 0.5
            scrolled = min(abs(dx), abs(dy)) < 6 and max(abs(dx), abs(dy)) < max(picture.shape) / 4
            if not (stays or scrolled) or not track.says_the_same(evidence):
                continue
            del found[place]
            track.add(evidence, seconds)
            elapsed = seconds - track.confirmed_seconds
            track.velocity = (
                (0.0, 0.0) if stays or not elapsed else (round(dx) / elapsed, round(dy) / elapsed)
            )
            track.quad, track.moved = quad, (0.0, 0.0)
            track.patch, track.confirmed_seconds = Patch.of(picture, box), seconds
            if track.is_moving:
                track.start_seconds = min(track.start_seconds, self._start_of(track))
            self._tracks.append(track)
            return True
        return False

    def _start_tracks(self, found: Sequence[tuple[Polygon, Evidence]], gone: Sequence[LineTrack]) -> None:
        seconds, picture = self._kept[-1]
        for quad, evidence in found:
            box = self._small_box(quad)
            track = LineTrack(quad, Patch.of(picture, box), seconds, seconds)
            track.add(evidence, seconds)
            before = [self._end_of(other) or seconds for other in gone if overlap(box, other.patch.box) > 0.3]
            track.start_seconds = self._start_of(track, max(before, default=-np.inf))
            # A line that was first seen in parts: blurred, or still being written.
            parts = [other for other in self._tracks if overlap(box, self._box_now(other)) > 0.5]
            track.start_seconds = min([track.start_seconds, *(other.start_seconds for other in parts)])
            self._tracks = [other for other in self._tracks if other not in parts]
            self._tracks.append(track)

    # Reading, and places

    def _read(self, close: _Close, quads: Sequence[Polygon]) -> list[Evidence]:
        if not quads:
            return []
        scale = close.size[0] / self._source_size[0]
        crops = [cut_out(close.pixels, tuple((x * scale, y * scale) for x, y in quad)) for quad in quads]
        return self.networks.read_lines(crops)

    def _small_box(self, quad: Polygon) -> Box:
        _, picture = self._kept[-1]
        return box_of_quad(quad, picture.shape[1] / self._source_size[0], picture)

    def _quad_now(self, track: LineTrack) -> Polygon:
        seconds, picture = self._kept[-1]
        scale = self._source_size[0] / picture.shape[1]
        elapsed = seconds - track.confirmed_seconds
        dx = (track.moved[0] + track.velocity[0] * elapsed) * scale
        dy = (track.moved[1] + track.velocity[1] * elapsed) * scale
        return tuple((x + dx, y + dy) for x, y in track.quad)

    def _box_now(self, track: LineTrack) -> Box:
        return self._small_box(self._quad_now(track))

    def _segments(self, tracks: Sequence[TextTrack]) -> list[Segment]:
        return [
            track.to_segment()
            for track in tracks
            if track.score >= self.min_score and track.text and (track.num_readings > 1 or track.score >= 0.8)
        ]

    # A run that was stopped goes on

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "source_size": list(self._source_size),
            "kept_seconds": [seconds for seconds, _ in self._kept],
            "kept_pictures": [picture for _, picture in self._kept],
            "strokes": self._strokes.state(),
            "tracks": [track.state() for track in self._tracks],
            "next_glance": float(self._next_glance),
            "next_look": float(self._next_look),
            "next_guess": float(self._next_guess),
            "review_seconds": float(self._review_seconds),
            "patience": self._patience,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        width, height = state["source_size"]
        self._source_size = (width, height)
        kept = zip(state["kept_seconds"], state["kept_pictures"], strict=True)
        self._kept = deque(kept, maxlen=_MOST_KEPT)
        self._strokes.restore(state["strokes"])
        self._tracks = [LineTrack.from_state(track) for track in state["tracks"]]
        self._next_glance, self._next_look = state["next_glance"], state["next_look"]
        self._next_guess, self._review_seconds = state["next_guess"], state["review_seconds"]
        self._patience = state["patience"]


class _Close:
    """The current moment at full size and in color, made when first asked for."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._pixels: NDArray[np.uint8] | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB; what the observer itself sees, where there is nothing closer."""
        if self._pixels is None:
            closer = self._frame.closer
            self._pixels = self._frame.pixels if closer is None else closer(_FULL).pixels
        return self._pixels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def _is_writing(evidence: Evidence) -> bool:
    """Whether a reading is worth a track: windows and poles look like single characters."""
    path = evidence.decode()
    return path.confidence >= {0: 2.0, 1: 0.97, 2: 0.8}.get(len(path.text.strip()), 0.55)


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
