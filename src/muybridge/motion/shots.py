"""Where one shot ends and the next begins: hard cuts and gradual transitions.

`ShotDetector` is pushed one frame after another, so files, cameras and network streams share it. A cut is a frame
that is unlike the one before it, by far more than the frames around differ from each other (an adaptive threshold:
Yeo and Liu, Rapid scene analysis on compressed video, 1995), and that stays unlike: no frame shortly before is like
any frame shortly after, so a flash, or a hand that passes the lens, is no cut. Gradual transitions are found by
`muybridge.motion.transitions`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.motion.appearance import Appearance, describe, dissimilarity
from muybridge.motion.transitions import WINDOW_LENGTHS, Gradual, GradualFinder
from muybridge.values import Segment

__all__ = ["Boundary", "ShotDetector", "detect_shots", "shot_segment", "tile"]

CUT_FLOOR = 0.30  # a cut's dissimilarity, where nothing moves
CUT_OVER_MOTION = 1.2  # and how much of the usual dissimilarity of neighboring frames is added to that
CONTEXT_FRAMES = 5
FLASH_SECONDS = 0.22
MIN_SHOT_SECONDS = 0.25
SETTLE_ROWS = 44


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a new shot begins.

    Args:
        seconds: the PTS of the first frame of the new shot; for a gradual transition, of its middle.
        transition: `"cut"`, `"dissolve"` or `"fade"`.
        start_seconds: the first frame that is no longer the old shot alone; a cut's `seconds`.
        end_seconds: the first frame that is the new shot alone; a cut's `seconds`.
        score: confidence in [0, 1].
    """

    seconds: float
    transition: str
    start_seconds: float
    end_seconds: float
    score: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(slots=True)
class _Seen:
    look: Appearance
    pts_seconds: float
    row: int
    change: float  # from the frame before


class ShotDetector:
    """Finds shot boundaries in frames that are pushed one at a time, in order.

    It keeps a window of about three seconds, whatever the length of the source, and reports a boundary once nothing
    that is still to come can change it.

    >>> draw = np.random.default_rng(0)
    >>> first, second = (np.repeat(np.repeat(draw.integers(0, 255, (9, 16, 3), dtype=np.uint8), 8, 0), 8, 1)
    ...                  for _ in range(2))
    >>> detector = ShotDetector()
    >>> for number in range(40):
    ...     assert not detector.observe(first if number < 20 else second, number / 25)
    >>> [(boundary.seconds, boundary.transition) for boundary in detector.finish()]
    [(0.8, 'cut')]
    """

    def __init__(self) -> None:
        self._finder = GradualFinder()
        self._seen: deque[_Seen] = deque()
        self._next = 1  # the place in `_seen` of the next frame to be judged
        self._cuts: list[tuple[int, Boundary]] = []
        self._graduals: list[tuple[Gradual, Boundary]] = []
        self._settled_row = -1.0
        self._last: Boundary | None = None

    def observe(self, pixels: NDArray[np.uint8], pts_seconds: float) -> list[Boundary]:
        """See the next frame; return the boundaries that became certain with it.

        Args:
            pixels: (H, W, 3) uint8 RGB, or (H, W) uint8 luma; about 72 pixels high is enough.
            pts_seconds: when it appears; later than the frame before.

        Raises:
            ShapeError: another shape or dtype.
        """
        look = describe(pixels)
        change = dissimilarity(self._seen[-1].look, look) if self._seen else 0.0
        return self.observe_look(look, pts_seconds, change)

    def observe_look(self, look: Appearance, pts_seconds: float, change: float) -> list[Boundary]:
        """The same for a frame that was described and compared with the frame before already."""
        for gradual in self._finder.observe(look, pts_seconds, change):
            self._compete(gradual)
        self._seen.append(_Seen(look, pts_seconds, self._finder.num_rows - 1, change))
        self._judge(pts_seconds)
        return self._settle(self._finder.num_rows - SETTLE_ROWS)

    def finish(self) -> list[Boundary]:
        """The source ended: return the boundaries that are left."""
        self._judge(np.inf)
        return self._settle(np.inf)

    @property
    def settled_seconds(self) -> float:
        """Every boundary that begins before this second has been reported."""
        place = self._finder.num_rows - SETTLE_ROWS - WINDOW_LENGTHS[-1] - self._finder.first_row
        times = self._finder.pts_seconds
        return times[place] if 0 <= place < len(times) else -math.inf

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, as nested dicts and lists of numbers, strings and arrays."""
        return {
            "finder": self._finder.state(),
            "seen": [
                {"look": seen.look.state(), "numbers": [seen.pts_seconds, seen.row, seen.change]}
                for seen in self._seen
            ],
            "next": self._next,
            "cuts": [[row, asdict(boundary)] for row, boundary in self._cuts],
            "graduals": [[asdict(gradual), asdict(boundary)] for gradual, boundary in self._graduals],
            "settled_row": self._settled_row,
            "last": None if self._last is None else asdict(self._last),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._finder.restore(state["finder"])
        self._seen = deque(
            _Seen(Appearance.from_state(seen["look"]), *seen["numbers"]) for seen in state["seen"]
        )
        self._next = state["next"]
        self._cuts = [(row, Boundary(**boundary)) for row, boundary in state["cuts"]]
        self._graduals = [
            (Gradual(**gradual), Boundary(**boundary)) for gradual, boundary in state["graduals"]
        ]
        self._settled_row = state["settled_row"]
        self._last = None if state["last"] is None else Boundary(**state["last"])

    def _compete(self, gradual: Gradual) -> None:
        """Keep a gradual transition if it is better than all that overlap it."""
        if gradual.start < self._settled_row:
            return  # what was reported stays
        rivals = [
            kept for kept in self._graduals if kept[0].start < gradual.end and gradual.start < kept[0].end
        ]
        if all(gradual.beats(rival) for rival, _ in rivals):
            times, first_row = self._finder.pts_seconds, self._finder.first_row
            start, end = (times[row - first_row] for row in (gradual.start, gradual.end))
            score = min(1.0, float(gradual.score))
            boundary = Boundary(gradual.middle_seconds, gradual.transition, start, end, score)
            self._graduals = [kept for kept in self._graduals if kept not in rivals] + [(gradual, boundary)]

    def _judge(self, now_seconds: float) -> None:
        """Decide on all frames that enough has been seen after."""
        while self._next < len(self._seen):
            candidate = self._seen[self._next]
            following = len(self._seen) - 1 - self._next
            if following < CONTEXT_FRAMES and np.isfinite(now_seconds):
                break
            if now_seconds - candidate.pts_seconds < FLASH_SECONDS:
                break
            if candidate.change > CUT_FLOOR and self._is_cut(self._next):
                seconds = candidate.pts_seconds
                boundary = Boundary(seconds, "cut", seconds, seconds, min(1.0, candidate.change))
                self._cuts.append((candidate.row, boundary))
            self._next += 1
            while self._next > CONTEXT_FRAMES + 1 and (
                candidate.pts_seconds - self._seen[0].pts_seconds > FLASH_SECONDS + 0.1
            ):
                self._seen.popleft()
                self._next -= 1

    def _is_cut(self, place: int) -> bool:
        candidate = self._seen[place]
        lo, hi = max(1, place - CONTEXT_FRAMES), min(len(self._seen), place + CONTEXT_FRAMES + 1)
        around = sorted(self._seen[other].change for other in range(lo, hi) if other != place)
        # The second largest: one more cut may be near, and animation moves at every second frame only.
        usual = around[-2] if len(around) > 1 else 0.0
        needed = CUT_FLOOR + CUT_OVER_MOTION * usual
        if candidate.change < needed:
            return False
        # A flash, or something that covers the lens for a moment: some frame before is like some frame after.
        start, end = candidate.pts_seconds - FLASH_SECONDS, candidate.pts_seconds + FLASH_SECONDS
        before = [s.look for s in list(self._seen)[:place] if s.pts_seconds >= start] or [
            self._seen[place - 1].look
        ]
        after = [s.look for s in list(self._seen)[place:] if s.pts_seconds <= end]
        return all(dissimilarity(a, b) > 0.5 * candidate.change for a in before for b in after)

    def _settle(self, row: float) -> list[Boundary]:
        """Report, in order of time, what lies before that row."""
        spans = [(gradual.start - 2, gradual.end + 2) for gradual, _ in self._graduals]
        done: list[tuple[float, Boundary]] = [
            cut for cut in self._cuts if cut[0] < row and not any(a <= cut[0] <= b for a, b in spans)
        ]
        self._cuts = [cut for cut in self._cuts if cut[0] >= row]
        done += [(gradual.end, boundary) for gradual, boundary in self._graduals if gradual.end < row]
        self._graduals = [kept for kept in self._graduals if kept[0].end >= row]
        certain: list[Boundary] = []
        for end_row, boundary in sorted(done, key=lambda found: found[1].seconds):
            if self._last and boundary.seconds - self._last.seconds < MIN_SHOT_SECONDS:
                # Two that are too near to be two: the surer one stays, if that can still be chosen.
                if certain and boundary.score > certain[-1].score:
                    certain[-1] = self._last = boundary
                continue
            certain.append(boundary)
            self._last = boundary
            self._settled_row = max(self._settled_row, end_row)
        return certain


def shot_segment(number: int, begin: Boundary | None, end: Boundary, start_seconds: float) -> Segment:
    """A shot between two boundaries as a segment.

    Args:
        number: its place in the video, from 1.
        begin: the boundary where it begins; None for the first shot.
        end: the boundary where it ends, or the end of the video.
        start_seconds: where the video begins.
    """
    if begin is None:
        return Segment(start_seconds, end.seconds, "shot", f"shot {number}", None, {"transition": "start"})
    attributes: dict[str, Any] = {"transition": begin.transition}
    if begin.transition != "cut":
        attributes["transition_start_seconds"] = begin.start_seconds
        attributes["transition_end_seconds"] = begin.end_seconds
    return Segment(begin.seconds, end.seconds, "shot", f"shot {number}", begin.score, attributes)


def tile(boundaries: Iterable[Boundary], *, start_seconds: float, end_seconds: float) -> list[Segment]:
    """The shots between the boundaries, without a gap from the start to the end.

    >>> cut = Boundary(2.0, "cut", 2.0, 2.0, 0.9)
    >>> [(shot.start_seconds, shot.end_seconds) for shot in tile([cut], start_seconds=0.0, end_seconds=5.0)]
    [(0.0, 2.0), (2.0, 5.0)]
    """
    inside = [found for found in boundaries if start_seconds < found.seconds < end_seconds]
    ends = [*inside, Boundary(end_seconds, "end", end_seconds, end_seconds, 1.0)]
    begins: list[Boundary | None] = [None, *inside]
    return [
        shot_segment(number, begin, end, start_seconds)
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True), start=1)
    ]


def detect_shots(path: str | Path, *, mode: Literal["fast", "exact"] = "fast") -> list[Segment]:
    """Find the shots of a video: they tile it from the first frame's start to the last frame's end.

    Args:
        path: the video file.
        mode: `"exact"` looks at every frame. `"fast"` decodes little where the encoder has put keyframes at cuts,
            and looks at all frames that others are made from where it has not, or where gradual transitions are
            found; it may miss a transition that neither keyframes nor packet sizes show.

    Returns:
        Segments of kind `"shot"`. `attributes["transition"]` says how a shot begins: `"start"`, `"cut"`,
        `"dissolve"` or `"fade"`; the latter two have `"transition_start_seconds"` and `"transition_end_seconds"`, and
        the shot begins in their middle.

    Raises:
        OptionError: another mode.
        VideoError: the file cannot be opened or decoded.

    >>> from muybridge.video.writer import VideoWriter
    >>> path = getfixture("tmp_path") / "two.mp4"
    >>> with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
    ...     for number in range(40):
    ...         writer.write(np.full((48, 64, 3), (200, 30, 30) if number < 25 else (20, 60, 220), np.uint8))
    >>> [(shot.start_seconds, shot.end_seconds) for shot in detect_shots(path)]
    [(0.0, 2.5), (2.5, 4.0)]
    """
    if mode not in ("fast", "exact"):
        raise OptionError(f"mode is {mode!r}; it is 'fast' or 'exact'")
    # These read files; the detector above does not, and must stay usable without a decoder.
    from muybridge.motion.hints import boundaries_from_hints, early_looks
    from muybridge.motion.scanning import scan
    from muybridge.video.reader import Video

    with early_looks(path) as early, Video(path, also=[early.offer] if mode == "fast" else []) as video:
        found = boundaries_from_hints(video, early) if mode == "fast" else None
        if found is None:
            early.close()
            found = scan(video, sparing=mode == "fast")
        return tile(found, start_seconds=video.packets.start_seconds, end_seconds=video.packets.end_seconds)
