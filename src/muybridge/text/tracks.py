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
from muybridge.values import Frame, LeftOut, Polygon, Segment, TextTrack, VideoMetadata
from muybridge.video.reader import open_video

__all__ = ["TextObserver", "track_text"]

_SECONDS_BETWEEN_GLANCES = 0.2
_SECONDS_LOST = 0.5
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
        # Finding scenes asks for the same size in color: in one pass the two share the scaling.
        self.view = View(max_side_px=480, pixel_format="gray8", sparing=True)
        self._forget()

    def settings(self) -> Mapping[str, Any]:
        """What changes the answer."""
        models = self.networks.models_path
        return {"version": 2, "min_score": self.min_score, "models_path": str(models) if models else None}

    def start(self, source: VideoMetadata) -> None:
        """A new source begins."""
        self._forget()
        self._source_size = (source.width, source.height)

    def _forget(self) -> None:
        self._source_size = (0, 0)
        self._kept: deque[tuple[float, NDArray[np.uint8]]] = deque(maxlen=_MOST_KEPT)
        self._strokes = StrokeMap()
        self._tracks: list[LineTrack] = []
        self._lost: list[LineTrack] = []  # no longer seen, but may come back within a moment
        self._next_glance = -np.inf
        self._next_look = -np.inf
        self._next_guess = -np.inf
        self._review_seconds = np.inf
        self._patience = 0.0  # seconds until the next look after one that found nothing
        self._left_out: LeftOut | None = None
        self._was_unreadable = False  # whether the last look found places of text that it could not read

    def observe(self, frame: Frame) -> list[Segment]:
        """See the next frame; return the lines that are known to have gone."""
        pixels, self._left_out = frame.pixels, frame.left_out
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
        lost, standing = self._lost, self._tracks
        self._lost, self._tracks = [], []
        return self._segments(lost, end_seconds) + self._segments(standing, end_seconds, at_close=True)

    def _glance(self, close: _Close) -> list[Segment]:
        seconds, picture = self._kept[-1]
        missed = self._check(close)
        still, moving = self._strokes.glance(picture, seconds)
        area, screen_side_px = self._where_to_look(seconds, picture, still, moving, missed)
        if area is not None:
            found = self._look(close, area, screen_side_px)
            self._lost = [track for track in self._lost if not self._revive(track, found)]
            self._start_tracks(found)
            self._patience = 0.0 if found else min(4.0, max(0.4, 2 * self._patience))
            if found or not self._was_unreadable or self._patience > 1:
                self._strokes.remember()  # else it is worth another look: out of focus, or still fading in
            self._next_look = seconds + self._patience
            self._next_guess = seconds + max(1.0, 2 * self._patience)
            self._review_seconds = seconds + 0.4 if self._boxes_to_review() else np.inf
        gone = [track for track in self._lost if seconds - track.last_read_seconds > _SECONDS_LOST]
        self._lost = [track for track in self._lost if track not in gone]
        return self._segments(gone, seconds)

    # Known lines

    def _check(self, close: _Close) -> list[LineTrack]:
        """Confirm the lines that stand, read again those where it helps; which ones are missed now?"""
        seconds, picture = self._kept[-1]
        self._lost = [track for track in self._lost if not self._returns(track)]
        missed: list[LineTrack] = []
        to_read: list[tuple[LineTrack, bool]] = []
        for track in self._tracks:
            presence = self._stands(track, picture, seconds)
            if presence < 0.25:
                missed.append(track)  # the look that follows takes it back where it errs
            elif presence < 0.5 or (presence < 0.75 and seconds - track.last_read_seconds > 1):
                to_read.append((track, True))
            elif track.wants_reading(seconds):
                to_read.append((track, False))
        evidence = self._read(close, [self._quad_now(track) for track, _ in to_read])
        for (track, is_doubtful), reading in zip(to_read, evidence, strict=True):
            if reading.decode().text.strip() and track.says_the_same(reading):
                track.add(reading, seconds)
                if is_doubtful:
                    track.renew(Patch.of(picture, self._box_now(track)), seconds)
            elif is_doubtful or track.num_missed:
                missed.append(track)
            else:
                track.num_missed += 1
                track.last_read_seconds = seconds
        for track in missed:
            track.last_read_seconds = seconds  # from now on it is lost
        self._tracks = [track for track in self._tracks if track not in missed]
        self._lost += missed
        return missed

    def _returns(self, track: LineTrack) -> bool:
        """Whether a line that was lost stands again, as after a flash or a moment out of focus."""
        seconds, picture = self._kept[-1]
        if any(overlap(track.patch.box, self._box_now(other)) > 0.3 for other in self._tracks):
            return False
        if self._stands(track, picture, seconds) < 0.75:
            return False
        self._tracks.append(track)
        return True

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
            if 2 * common.sum() > patch.mask.sum():
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
        start, last_without, num_without = newest, None, 0
        for seconds, picture in reversed(self._kept):
            if seconds < not_before:
                break
            if self._presence(track, picture, seconds - newest, without) >= 0.5:
                start, last_without, num_without = seconds, None, 0
            else:
                last_without = seconds if last_without is None else last_without
                num_without += 1
                if num_without == 2:
                    break
        if last_without is not None:
            for seconds, picture in reversed(self._pictures_between(last_without, start)):
                if self._presence(track, picture, seconds - newest, without) < 0.5:
                    break
                start = seconds
        return start

    def _pictures_between(self, after: float, before: float) -> list[tuple[float, NDArray[np.uint8]]]:
        """The pictures between two that were seen, where some were left out."""
        if self._left_out is None or not self._left_out.seconds(after, before):
            return []
        return [(f.pts_seconds, f.pixels) for f in self._left_out.frames(after, before, self.view)]

    def _end_of(self, track: LineTrack, *, at_close: bool = False) -> float | None:
        """The first picture since the line was confirmed from which on it does not stand; None: none yet."""
        first: float | None = None
        last_with = track.confirmed_seconds
        # At the source's end it is not known whether the last picture is without the line.
        newest = None if at_close or track.is_moving else self._kept[-1][1]
        for seconds, picture in self._kept:
            elapsed = seconds - track.confirmed_seconds
            if elapsed <= 0:
                continue
            if self._presence(track, picture, elapsed, newest) >= 0.5:
                first, last_with = None, seconds
            elif first is None:
                first = seconds
        if first is None:
            return None
        for seconds, picture in reversed(self._pictures_between(last_with, first)):
            if self._presence(track, picture, seconds - track.confirmed_seconds, newest) >= 0.5:
                break
            first = seconds
        return first

    def _presence(
        self, track: LineTrack, picture: NDArray[np.uint8], elapsed: float, without: NDArray[np.uint8] | None
    ) -> float:
        """How much of a line stands in a picture, `elapsed` seconds from where its patch was taken."""
        dx, dy = round(track.velocity[0] * elapsed), round(track.velocity[1] * elapsed)
        presence = track.patch.presence(picture, dx, dy)
        if presence < 0.5 and track.is_moving:
            dx, dy, _ = track.patch.find(picture, dx, dy, 2)
            presence = track.patch.presence(picture, dx, dy)
        if without is not None and presence >= 0.5:
            # Where the background holds still, its own strokes make the line look present.
            share = track.patch.share(picture, without)
            return presence if share is None else min(presence, share)
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
        missed: Sequence[LineTrack],
    ) -> tuple[Box | None, int]:
        """The part of the picture that is worth a look, and the size at which to screen it first; 0: not."""
        height, width = picture.shape
        boxes = [track.patch.box for track in missed]
        if seconds >= self._review_seconds:
            boxes += [self._box_now(track) for track in self._tracks if seconds - track.found_seconds < 2]
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
            return (0, 0, width, height), 0 if missed else _SCREEN_SIDE_PX
        return area, 0

    def _boxes_to_review(self) -> list[Box]:
        """Where lines appeared lately: a blurred one, or one that fades in, may have been found in part."""
        newest = self._kept[-1][0]
        return [
            self._box_now(track)
            for track in self._tracks
            if not track.is_moving
            and newest - track.found_seconds < (0.3 if track.best.confidence > 0.97 else 1.5)
        ]

    def _look(self, close: _Close, area: Box, screen_side_px: int) -> list[tuple[Polygon, Evidence]]:
        """Detect and read in a part of the picture; lines that are already known are left out."""
        _, picture = self._kept[-1]
        pixels, scale = close.pixels, close.size[0] / picture.shape[1]
        left, top, right, bottom = (round(value * scale) for value in area)
        part = pixels[top:bottom, left:right]
        longer, whole = max(part.shape[:2]), max(pixels.shape[:2])
        self._was_unreadable = False
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
        found = [(quad, evidence) for quad, evidence in read if _is_writing(evidence)]
        self._was_unreadable = len(found) < len(quads)
        return found

    def _revive(self, track: LineTrack, found: list[tuple[Polygon, Evidence]]) -> bool:
        """Take back that a line has gone where the look finds it again: in its place, or scrolled on."""
        seconds, picture = self._kept[-1]
        left, top, right, bottom = track.patch.box
        parts = [item for item in found if self._is_part(item, track)]
        if parts:  # it stands, though this picture does not show all of it well
            found[:] = [item for item in found if item not in parts]
            track.renew(Patch.of(picture, track.patch.box), seconds)
            track.last_read_seconds = seconds
            self._tracks.append(track)
            return True
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
            if track.renew(Patch.of(picture, box), seconds):
                track.quad, track.moved = quad, (0.0, 0.0)
            if track.is_moving:
                track.start_seconds = min(track.start_seconds, self._start_of(track))
            self._tracks.append(track)
            return True
        return False

    def _is_part(self, item: tuple[Polygon, Evidence], track: LineTrack) -> bool:
        box = self._small_box(item[0])
        is_inside = overlap(box, track.patch.box) > 0.5 and area_of(box) < 0.8 * area_of(track.patch.box)
        return is_inside and track.may_contain(item[1])

    def _start_tracks(self, found: Sequence[tuple[Polygon, Evidence]]) -> None:
        seconds, picture = self._kept[-1]
        for quad, evidence in found:
            box = self._small_box(quad)
            track = LineTrack(quad, Patch.of(picture, box), seconds, seconds, seconds)
            track.add(evidence, seconds)
            # A line that was first seen in parts, blurred or still being written, goes on in this one; any
            # other that was lost here has given way to it.
            here = [other for other in self._tracks + self._lost if overlap(box, self._box_now(other)) > 0.5]
            parts = [other for other in here if other.may_be_part_of(evidence)]
            gave_way = [other for other in self._lost if other in here and other not in parts]
            before = max([self._end_of(other) or seconds for other in gave_way], default=-np.inf)
            track.start_seconds = self._start_of(track, before)
            track.start_seconds = min([track.start_seconds, *(other.start_seconds for other in parts)])
            self._lost = [other for other in self._lost if other not in parts]
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

    def _segments(
        self, gone: Sequence[LineTrack], end_seconds: float, *, at_close: bool = False
    ) -> list[Segment]:
        """The lines that have gone, at `end_seconds` at the latest; a line that was taken for two only once."""
        segments = []
        ordered = sorted(gone, key=lambda track: track.best.confidence)
        for place, track in enumerate(ordered):
            others = [*ordered[place + 1 :], *self._lost, *self._tracks]
            same = next((other for other in others if self._is_the_same_line(track, other)), None)
            if same is not None:
                same.start_seconds = min(same.start_seconds, track.start_seconds)
                continue
            end = self._end_of(track, at_close=at_close)
            line = track.to_text_track(end_seconds if end is None else end)
            is_sure = line.score >= self.min_score and (line.num_readings > 1 or line.score >= 0.8)
            if line.text and is_sure:
                segments.append(line.to_segment())
        return segments

    def _is_the_same_line(self, track: LineTrack, other: LineTrack) -> bool:
        """Whether two tracks stood in one place at one time and say the same."""
        in_place = overlap(track.patch.box, other.patch.box) > 0.5
        in_time = other.start_seconds < track.last_read_seconds
        return in_place and in_time and other.best.text.strip() == track.best.text.strip()

    # A run that was stopped goes on

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "source_size": list(self._source_size),
            "kept_seconds": [seconds for seconds, _ in self._kept],
            "kept_pictures": [picture for _, picture in self._kept],
            "strokes": self._strokes.state(),
            "tracks": [track.state() for track in self._tracks],
            "lost": [track.state() for track in self._lost],
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
        self._lost = [LineTrack.from_state(track) for track in state["lost"]]
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
            pixels = self._frame.pixels if closer is None else closer(_FULL).pixels
            # A gray frame with nothing closer: the networks take three channels.
            self._pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        return self._pixels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


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
