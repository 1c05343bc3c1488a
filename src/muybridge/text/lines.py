"""The lines that are followed: which ones stand, which have gone, which one goes on in which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from muybridge.text.closeup import CloseUp
from muybridge.text.history import SECONDS_BETWEEN_GLANCES, History
from muybridge.text.line_track import LineTrack, area_of, box_of_quad, overlap
from muybridge.text.readings import Evidence
from muybridge.text.strokes import Box, Patch, StrokeMap
from muybridge.values import Polygon, Segment

__all__ = ["Found", "Lines"]

_SECONDS_LOST = 0.5

_Why = Literal[
    "doubtful", "changed", "unsure"
]  # its presence is low, a spot of it is new, its letters are unclear

Found = tuple[Polygon, Evidence]
"""What a look found: where, in pixels of the source, and what was read there."""


class Lines:
    """The lines of writing that stand in a video, and those that were lost a moment ago and may come back.

    Args:
        history: the pictures of the last seconds.
        strokes: since when strokes hold still.
        min_score: lines that are less sure are left out.
        source_width: of the source, in whose pixels quads are.
    """

    def __init__(self, history: History, strokes: StrokeMap, *, min_score: float, source_width: int) -> None:
        self._history = history
        self._strokes = strokes
        self._min_score = min_score
        self.source_width = source_width
        self.standing: list[LineTrack] = []
        self.lost: list[LineTrack] = []

    def check(self, close: CloseUp) -> list[LineTrack]:
        """Confirm the lines that stand, read again those where it helps; which ones are missed now?"""
        seconds, picture = self._history.newest
        before = self._history.at_or_before(seconds - SECONDS_BETWEEN_GLANCES + 1e-3)
        before = picture if before is None else before
        self.lost = [track for track in self.lost if not self._returns(track)]
        missed: list[LineTrack] = []
        to_read: list[tuple[LineTrack, _Why]] = []
        for track in self.standing:
            presence = self._stands(track, picture, seconds)
            if presence < 0.25 or (presence < 0.5 and self._leaves(track)):
                missed.append(track)  # the look that follows takes it back where it errs
            elif self._leaves(track):
                continue  # what is left of it would be read otherwise
            elif presence < 0.5 or (presence < 0.75 and seconds - track.last_read_seconds > 1):
                to_read.append((track, "doubtful"))
            elif track.has_changed(picture, before, seconds):
                to_read.append((track, "changed"))
            elif track.wants_reading(seconds):
                to_read.append((track, "unsure"))
        evidence = close.read([self._quad_now(track) for track, _ in to_read])
        for (track, why), reading in zip(to_read, evidence, strict=True):
            if not self._take(track, why, reading):
                missed.append(track)
        for track in missed:
            track.last_read_seconds = seconds  # from now on it is lost
        self.standing = [track for track in self.standing if track not in missed]
        self.lost += missed
        return [track for track in missed if not self._leaves(track)]

    def _leaves(self, track: LineTrack) -> bool:
        """Whether a line that scrolls is on its way out of the picture: it need not be looked for."""
        seconds, picture = self._history.newest
        dx, dy = track.shift_after(seconds - track.confirmed_seconds)
        left, top, right, bottom = track.patch.box
        is_inside = left + dx >= 0 and top + dy >= 0
        is_inside &= right + dx <= picture.shape[1] and bottom + dy <= picture.shape[0]
        return track.is_moving and not is_inside

    def _take(self, track: LineTrack, why: _Why, reading: Evidence) -> bool:
        """Take a line's next reading; whether it still stands."""
        seconds, picture = self._history.newest
        look = Patch.of(picture, self.box_now(track) if track.is_moving else track.patch.box)
        if why != "unsure" and not track.is_moving and track.is_contradicted_by(reading):
            if track.is_contradicted_by(reading, may_grow=True):
                track.gave_way = self._history.handover(track)
            return False  # else it is still being written: the look that follows reads the whole
        if why == "changed":
            track.settle(reading, look)
            track.last_read_seconds = seconds
            return True
        if reading.decode().text.strip() and track.says_the_same(reading):
            track.add(reading, seconds)
            if why == "doubtful" and track.is_moving and track.patch.presence(picture) >= 0.75:
                track.velocity, look = (0.0, 0.0), Patch.of(picture, track.patch.box)  # it has come to rest
            if not track.is_moving:
                track.as_read, track.as_read_seconds = look, seconds
            if why == "doubtful":
                track.renew(Patch.of(picture, self.box_now(track)), seconds)
            return True
        if why == "doubtful" or track.num_missed:
            return False
        track.num_missed += 1
        track.last_read_seconds = seconds
        return True

    def _returns(self, track: LineTrack) -> bool:
        """Whether a line that was lost stands again, as after a flash or a moment out of focus."""
        seconds, picture = self._history.newest
        if track.gave_way or any(
            overlap(track.patch.box, self.box_now(other)) > 0.3 for other in self.standing
        ):
            return False
        if self._stands(track, picture, seconds) < 0.75:
            return False
        self.standing.append(track)
        return True

    def _stands(self, track: LineTrack, picture: NDArray[np.uint8], seconds: float) -> float:
        """How much of the line stands where it was, or where it has scrolled to; confirmed where it does."""
        dx, dy = track.expected(picture, seconds)
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
        left, top, right, bottom = track.patch.box
        box = (left + dx, top + dy, right + dx, bottom + dy)
        began_to_move = (dx, dy) != (0, 0) and not track.is_moving
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
        track.move(patch, seconds)
        if began_to_move:
            # It may have stood before it moved: the way it moves now says nothing of that.
            track.start_seconds = min(track.start_seconds, self._start_of(track))
        elif grew and seconds - track.start_seconds < 2:  # it fades in, or focus is found
            track.start_seconds = self._start_of(track, known_since=track.start_seconds)

    def _start_of(self, track: LineTrack, known_since: float = np.inf) -> float:
        return self._history.start_of(track, self._strokes.still_since(track.patch.box), known_since)

    def take(self, found: list[Found]) -> bool:
        """Go on with what a look found; whether any of it is new."""
        self.lost = [track for track in self.lost if track.gave_way or not self._revive(track, found)]
        self._start_tracks(found)
        return bool(found)

    def let_go(self) -> list[Segment]:
        """The lines that have been lost for so long that they will not come back."""
        seconds, _ = self._history.newest
        gone = [track for track in self.lost if seconds - track.last_read_seconds > _SECONDS_LOST]
        self.lost = [track for track in self.lost if track not in gone]
        return self._segments(gone, seconds)

    def finish(self, end_seconds: float) -> list[Segment]:
        """The source ended; those that stand do so until then."""
        lost, standing = self.lost, self.standing
        self.lost, self.standing = [], []
        return self._segments(lost, end_seconds) + self._segments(standing, end_seconds, at_close=True)

    def boxes(self) -> list[Box]:
        """Where the lines stand now."""
        return [self.box_now(track) for track in self.standing]

    def _revive(self, track: LineTrack, found: list[Found]) -> bool:
        """Take back that a line has gone where the look finds it again: in its place, or scrolled on."""
        seconds, picture = self._history.newest
        left, top, right, bottom = track.patch.box
        parts = [item for item in found if self._is_part(item, track)]
        if parts:  # it stands, though this picture does not show all of it well
            found[:] = [item for item in found if item not in parts]
            track.renew(Patch.of(picture, track.patch.box), seconds)
            track.last_read_seconds = seconds
            self.standing.append(track)
            return True
        for place, (quad, evidence) in enumerate(found):
            box = self.small_box(quad)
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
            self.standing.append(track)
            return True
        return False

    def _is_part(self, item: Found, track: LineTrack) -> bool:
        box = self.small_box(item[0])
        is_inside = overlap(box, track.patch.box) > 0.5 and area_of(box) < 0.8 * area_of(track.patch.box)
        return is_inside and track.may_contain(item[1])

    def _start_tracks(self, found: Sequence[Found]) -> None:
        seconds, picture = self._history.newest
        for quad, evidence in found:
            box = self.small_box(quad)
            patch = Patch.of(picture, box)
            track = LineTrack(quad, patch, seconds, seconds, seconds, patch, seconds)
            track.add(evidence, seconds)
            # A line that was first seen in parts, blurred or still being written, goes on in this one; any
            # other that was lost here has given way to it.
            here = [other for other in self.standing + self.lost if overlap(box, self.box_now(other)) > 0.5]
            parts = [other for other in here if self._goes_on_in(other, evidence)]
            gave_way = [other for other in self.lost if other in here and other not in parts]
            track.not_before = max([self._gave_way_seconds(other) for other in gave_way], default=-np.inf)
            track.start_seconds = self._start_of(track)
            track.start_seconds = min([track.start_seconds, *(other.start_seconds for other in parts)])
            self.lost = [other for other in self.lost if other not in parts]
            self.standing = [other for other in self.standing if other not in parts]
            self.standing.append(track)

    def _goes_on_in(self, track: LineTrack, evidence: Evidence) -> bool:
        """Whether a reading in a line's place is the whole, or a better view, of the same writing."""
        if track.gave_way or not track.may_be_part_of(evidence):
            return False
        return track in self.standing or not track.is_contradicted_by(evidence, may_grow=True)

    def _gave_way_seconds(self, lost: LineTrack) -> float:
        """Since when another line may stand where this one stood."""
        end = None if lost.gave_way else self._history.end_of(lost)
        if end is not None:
            return end
        if lost.is_moving:
            return self._history.newest[0]
        if lost.gave_way is None:  # the two look so much alike that its end is only seen beside what followed
            lost.gave_way = self._history.handover(lost)
        return lost.gave_way[1]

    def small_box(self, quad: Polygon) -> Box:
        """The upright box around a quad, in pixels of the small picture."""
        _, picture = self._history.newest
        return box_of_quad(quad, picture.shape[1] / self.source_width, picture)

    def _quad_now(self, track: LineTrack) -> Polygon:
        seconds, picture = self._history.newest
        scale = self.source_width / picture.shape[1]
        elapsed = seconds - track.confirmed_seconds
        dx = (track.moved[0] + track.velocity[0] * elapsed) * scale
        dy = (track.moved[1] + track.velocity[1] * elapsed) * scale
        return tuple((x + dx, y + dy) for x, y in track.quad)

    def box_now(self, track: LineTrack) -> Box:
        """Where a line stands, or has scrolled to, in pixels of the small picture."""
        return self.small_box(self._quad_now(track))

    def _segments(
        self, gone: Sequence[LineTrack], end_seconds: float, *, at_close: bool = False
    ) -> list[Segment]:
        """The lines that have gone, at `end_seconds` at the latest; a line that was taken for two only once."""
        segments = []
        ordered = sorted(gone, key=lambda track: track.best.confidence)
        for place, track in enumerate(ordered):
            others = [*ordered[place + 1 :], *self.lost, *self.standing]
            same = next((other for other in others if self._is_the_same_line(track, other)), None)
            if same is not None:
                same.start_seconds = min(same.start_seconds, track.start_seconds)
                continue
            end = track.gave_way[0] if track.gave_way else self._history.end_of(track, at_close=at_close)
            line = track.to_text_track(end_seconds if end is None else end)
            is_sure = line.score >= self._min_score and (line.num_readings > 1 or line.score >= 0.8)
            if line.text and is_sure:
                segments.append(line.to_segment())
        return segments

    def _is_the_same_line(self, track: LineTrack, other: LineTrack) -> bool:
        """Whether two tracks stood in one place at one time and say the same."""
        in_place = overlap(track.patch.box, other.patch.box) > 0.5
        in_time = other.start_seconds < track.last_read_seconds
        return in_place and in_time and other.best.text.strip() == track.best.text.strip()

    def state(self) -> dict[str, Any]:
        """As lists and arrays."""
        return {
            "standing": [track.state() for track in self.standing],
            "lost": [track.state() for track in self.lost],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.standing = [LineTrack.from_state(track) for track in state["standing"]]
        self.lost = [LineTrack.from_state(track) for track in state["lost"]]
