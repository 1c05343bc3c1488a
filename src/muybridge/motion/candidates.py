"""Which frame stands for a shot: a bounded number of candidates, kept while the shot lasts.

Each candidate is the sharpest frame of its stretch of time. When a shot has too many, neighbors are merged and the
sharper one stays, so that the memory is bounded however long the shot is:

    stretches   |··x··|·x···|···x·|x····|   full:   |··x········|···x·······|

At the end of the shot the winner is sharp and like the other candidates, which makes it a representative. Sharpness
is the variance of the Laplacian (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.motion.appearance import NEW_SCENE_CHANGE, Appearance, dissimilarity, thin
from muybridge.values import Frame

__all__ = ["Candidate", "CandidateKeeper", "sharpness"]

STRETCH_SECONDS = 0.4
LOOK_SECONDS = 0.09  # frames that follow each other faster than this are not all looked at
MAX_CANDIDATES = 8
MAX_LIVELY = 24
_BLACK_CONTRAST = 6.0
_JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame that may become a keyframe.

    Args:
        pts_seconds: when it appears.
        duration_seconds: how long it stays.
        sharpness: see `sharpness`.
        look: what it looks like.
        picture: (H, W, 3) uint8 RGB, or its JPEG where it comes from a saved state; empty where no pictures are wanted.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """

    pts_seconds: float
    duration_seconds: float
    sharpness: float
    look: Appearance
    picture: NDArray[np.uint8] | bytes
    width: int
    height: int

    @property
    def jpeg(self) -> bytes:
        """The picture as JPEG; made when asked for, since few candidates win."""
        if isinstance(self.picture, bytes):
            return self.picture
        bgr = cv2.cvtColor(self.picture, cv2.COLOR_RGB2BGR)
        return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()

    def state(self) -> list[Any]:
        """As numbers, bytes and arrays."""
        return [
            self.pts_seconds,
            self.duration_seconds,
            self.sharpness,
            self.look.state(),
            self.jpeg,
            self.width,
            self.height,
        ]

    @classmethod
    def from_state(cls, state: list[Any]) -> Self:
        """The inverse of `state`."""
        seconds, duration, sharp, look, jpeg, width, height = state
        return cls(seconds, duration, sharp, Appearance.from_state(look), jpeg, width, height)


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian of the luma, of a frame thinned to about 144 pixels.

    Args:
        pixels: (H, W, 3) uint8 RGB, or (H, W) uint8 luma.

    >>> draw = np.random.default_rng(0)
    >>> sharp = draw.integers(0, 255, (90, 160), dtype=np.uint8)
    >>> sharpness(sharp) > sharpness(cv2.blur(sharp, (5, 5))) > sharpness(np.full((90, 160), 7, np.uint8)) == 0
    True
    """
    small = thin(pixels, 144)
    gray = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2


class CandidateKeeper:
    """Keeps candidates for the keyframes of a source whose boundaries become known a few seconds late.

    Args:
        pictures: whether to keep the pictures, as JPEG, or the times alone.
    """

    def __init__(self, *, pictures: bool) -> None:
        self._pictures = pictures
        self._best: Frame | None = None  # of the stretch that lasts
        self._best_look: Appearance | None = None
        self._best_sharpness = 0.0
        self._stretch_start = -math.inf
        self._last_look = -math.inf
        self._recent: list[Candidate] = []  # of times where a boundary may still come
        self._shot: list[Candidate] = []
        self._lively: list[tuple[float, Candidate]] = []  # of the seconds with the most movement

    def observe(self, frame: Frame, look: Appearance, change: float) -> None:
        """See the next frame, its look, and its dissimilarity from the frame before."""
        seconds = frame.pts_seconds
        if change > NEW_SCENE_CHANGE or seconds - self._stretch_start >= STRETCH_SECONDS:
            self.close()
            self._stretch_start = seconds
        elif seconds - self._last_look < LOOK_SECONDS:
            return
        self._last_look = seconds
        measured = sharpness(frame.pixels)
        if self._best is None or measured > self._best_sharpness:
            pixels = frame.pixels.copy() if self._pictures else frame.pixels[:1, :1].copy()
            self._best = Frame(pixels, seconds, frame.duration_seconds, frame.index)
            self._best_look, self._best_sharpness = look, measured

    def close(self) -> None:
        """End the stretch of time that lasts: its sharpest frame becomes a candidate."""
        if self._best is None or self._best_look is None:
            return
        self._recent.append(
            Candidate(
                self._best.pts_seconds,
                self._best.duration_seconds,
                self._best_sharpness,
                self._best_look,
                self._best.pixels if self._pictures else b"",
                self._best.width,
                self._best.height,
            )
        )
        self._best = self._best_look = None

    def settle(self, until_seconds: float) -> None:
        """No further boundary begins before that second: candidates before it belong to the shot that lasts."""
        while self._recent and self._recent[0].pts_seconds < until_seconds:
            self._shot.append(self._recent.pop(0))
        if len(self._shot) > MAX_CANDIDATES:
            # The first pair of neighbors that are nearest in time is merged: that keeps the stretches even.
            gaps = [b.pts_seconds - a.pts_seconds for a, b in zip(self._shot, self._shot[1:], strict=False)]
            place = int(np.argmin(gaps))
            blurrier = min(place, place + 1, key=lambda p: self._shot[p].sharpness)
            del self._shot[blurrier]
            self.settle(until_seconds)

    def note_energy(self, start_seconds: float, energy: float) -> None:
        """The second that begins there had that motion energy: keep its sharpest frame if it is among the liveliest."""
        if len(self._lively) == MAX_LIVELY and energy <= self._lively[-1][0]:
            return
        inside = [
            candidate
            for candidate in (*self._shot, *self._recent)
            if start_seconds <= candidate.pts_seconds < start_seconds + 1
        ]
        if inside:
            self._lively.append((energy, max(inside, key=lambda candidate: candidate.sharpness)))
            self._lively.sort(key=lambda kept: -kept[0])
            del self._lively[MAX_LIVELY:]

    def liveliest(self, start_seconds: float, end_seconds: float) -> Candidate | None:
        """The frame of the liveliest second in that time."""
        inside = [kept for _, kept in self._lively if start_seconds <= kept.pts_seconds < end_seconds]
        return inside[0] if inside else None

    def end_shot(self, end_seconds: float, next_start_seconds: float) -> Candidate | None:
        """The shot is over: its best candidate.

        Args:
            end_seconds: where the transition to the next shot begins.
            next_start_seconds: the first second of the next shot alone.
        """
        everything = [*self._shot, *self._recent]
        self._shot = []
        self._recent = [kept for kept in everything if kept.pts_seconds >= next_start_seconds]
        clear = [kept for kept in everything if kept.pts_seconds < end_seconds]
        return best_of(clear or [kept for kept in everything if kept.pts_seconds < next_start_seconds])

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        best = self._best
        return {
            "best": None
            if best is None
            else [best.pixels, best.pts_seconds, best.duration_seconds, best.index],
            "best_look": None if self._best_look is None else self._best_look.state(),
            "numbers": [self._best_sharpness, self._stretch_start, self._last_look],
            "recent": [candidate.state() for candidate in self._recent],
            "shot": [candidate.state() for candidate in self._shot],
            "lively": [[energy, candidate.state()] for energy, candidate in self._lively],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self._best = None if state["best"] is None else Frame(*state["best"])
        self._best_look = None if state["best_look"] is None else Appearance.from_state(state["best_look"])
        self._best_sharpness, self._stretch_start, self._last_look = state["numbers"]
        self._recent = [Candidate.from_state(item) for item in state["recent"]]
        self._shot = [Candidate.from_state(item) for item in state["shot"]]
        self._lively = [(energy, Candidate.from_state(item)) for energy, item in state["lively"]]


def best_of(candidates: list[Candidate]) -> Candidate | None:
    """The candidate that is sharp and like the others; black ones only where there is nothing else."""
    visible = [kept for kept in candidates if kept.look.contrast > _BLACK_CONTRAST] or candidates
    if not visible:
        return None
    sharpest = max(kept.sharpness for kept in visible)

    def worth(candidate: Candidate) -> float:
        unlike = [dissimilarity(candidate.look, other.look) for other in visible if other is not candidate]
        usual = float(np.mean(unlike)) if unlike else 0.0
        return math.sqrt(candidate.sharpness / sharpest if sharpest > 0 else 1.0) * (1 - usual)

    return max(visible, key=worth)
