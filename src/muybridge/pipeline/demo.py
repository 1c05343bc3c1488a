"""A sample video whose truth is known, because it is drawn here: scenes, a cut, a dissolve, a moving horse, words.

0 s       4 s            8 s  9 s          13 s           18 s
│ a horse │ nothing      ╲╱   the camera   │ nothing      │
│ gallops │ moves        ╱╲   pans right   │ moves        │
│ right   │  HELLO FROM  ╲╱                │  THE HORSE   │
│         │  MUYBRIDGE   ╱╲                │  IN MOTION   │
cut         dissolve             cut
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.values import Segment, Timeline, VideoMetadata
from muybridge.video.writer import VideoWriter

__all__ = ["Check", "check_demo", "write_demo_video"]

WIDTH, HEIGHT, FRAMES_PER_SECOND = 640, 360, 25
END_SECONDS = 18.0
CUTS = (4.0, 13.0)
DISSOLVE = (8.0, 9.0)
PAN_PIXELS_PER_SECOND = 90.0
WORDS = ((5.0, 7.4, "HELLO FROM MUYBRIDGE"), (14.0, 17.0, "THE HORSE IN MOTION"))
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is true of the demo video, and what was found of it."""

    what: str
    truth: str
    found: str
    is_right: bool


def write_demo_video(path: str | Path) -> Timeline:
    """Draw the sample video.

    Args:
        path: where it is written, as H.264.

    Returns:
        The truth: shots, the object's and the camera's motion, the words.

    >>> truth = write_demo_video(getfixture("tmp_path") / "demo.mp4")
    >>> [(shot.start_seconds, shot.end_seconds) for shot in truth.of("shot")]
    [(0.0, 4.0), (4.0, 8.5), (8.5, 13.0), (13.0, 18.0)]
    """
    panorama = _texture(1, WIDTH + 600, tint=(150, 120, 90))
    stage, wall, gallery = (_texture(seed, WIDTH, tint=tint) for seed, tint in _TINTS)
    with VideoWriter(path, width=WIDTH, height=HEIGHT, frames_per_second=FRAMES_PER_SECOND) as writer:
        for number in range(round(END_SECONDS * FRAMES_PER_SECOND)):
            seconds = number / FRAMES_PER_SECOND
            left = round(PAN_PIXELS_PER_SECOND * max(0.0, seconds - DISSOLVE[0]))
            if seconds < CUTS[0]:
                pixels = _with_horse(stage, seconds)
            elif seconds < DISSOLVE[1]:
                share = max(0.0, (seconds - DISSOLVE[0]) / (DISSOLVE[1] - DISSOLVE[0]))
                view = panorama[:, left : left + WIDTH]
                pixels = np.asarray(cv2.addWeighted(wall, 1 - share, view, share, 0), np.uint8)
            elif seconds < CUTS[1]:
                pixels = panorama[:, left : left + WIDTH]
            else:
                pixels = gallery
            writer.write(np.ascontiguousarray(_with_words(pixels, seconds)))
    return _truth(str(path))


def check_demo(truth: Timeline, found: Timeline) -> list[Check]:
    """Hold what was found against what is true.

    Args:
        truth: of `write_demo_video`.
        found: of `analyze`.

    Returns:
        One row for each true thing; a time counts as right within a tenth of a second (two frames and a half), an
        edge of the dissolve or of a motion, which begins and ends softly, within half a second.
    """
    boundaries = [shot.start_seconds for shot in found.of("shot")[1:]]
    checks = [_check_boundary("cut", cut, cut, boundaries) for cut in CUTS]
    checks.insert(1, _check_boundary("dissolve", *DISSOLVE, boundaries))
    extra = len(boundaries) - 3
    checks.append(Check("shots", "4", f"{len(boundaries) + 1}", extra == 0))
    checks += [_check_motion(expected, found) for expected in (*truth.of("object"), *truth.of("camera"))]
    checks += [_check_words(expected, found) for expected in truth.of("text")]
    texts = [segment.label for segment in found.of("text")]
    return [*checks, Check("texts", str(len(WORDS)), str(len(texts)), len(texts) == len(WORDS))]


_TINTS = ((2, (90, 140, 110)), (3, (120, 110, 150)), (4, (160, 150, 120)))


def _truth(path: str) -> Timeline:
    middle = sum(DISSOLVE) / 2
    edges = [0.0, CUTS[0], middle, CUTS[1], END_SECONDS]
    segments = [Segment(start, end, "shot") for start, end in pairwise(edges)]
    segments.append(Segment(0.0, CUTS[0], "object", "something moves right"))
    segments.append(Segment(CUTS[0], DISSOLVE[0], "camera", "camera static"))
    segments.append(Segment(DISSOLVE[1], CUTS[1], "camera", "camera pans right"))
    segments.append(Segment(CUTS[1], END_SECONDS, "camera", "camera static"))
    segments += [Segment(start, end, "text", words) for start, end, words in WORDS]
    metadata = VideoMetadata(path, width=WIDTH, height=HEIGHT, duration_seconds=END_SECONDS)
    return Timeline(metadata, tuple(segments))


def _texture(seed: int, width: int, *, tint: tuple[int, int, int]) -> Pixels:
    # Clouds of several sizes: something to see at every scale, as in a photograph.
    generator = np.random.default_rng(seed)
    total = np.zeros((HEIGHT, width), np.float32)
    for size in (4, 12, 40):
        coarse = generator.standard_normal((HEIGHT // size + 2, width // size + 2)).astype(np.float32)
        total += cv2.resize(coarse, (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
    shade = 1 + 0.09 * total[..., None]
    return np.asarray(np.clip(shade * np.array(tint, np.float32), 0, 255), np.uint8)


def _with_horse(background: Pixels, seconds: float) -> Pixels:
    """A galloping horse, crossing from left to right; its four legs swing one after the other."""
    pixels = background.copy()
    x, y = 120 + 125 * seconds, 200 + 6 * np.sin(12 * seconds)
    dark = (40, 28, 24)
    for leg, place in enumerate((-46, -34, 34, 46)):
        swing = np.sin(12 * seconds + 1.4 * leg)
        knee = (x + place + 20 * swing, y + 52)
        hoof = (knee[0] + 16 * np.sin(12 * seconds + 1.4 * leg - 1.2), y + 96)
        for start, end in (((x + place, y + 14), knee), (knee, hoof)):
            cv2.line(pixels, _point(*start), _point(*end), dark, 9, cv2.LINE_AA)
    cv2.ellipse(pixels, _point(x, y), (66, 27), 0, 0, 360, dark, -1, cv2.LINE_AA)
    cv2.line(pixels, _point(x + 50, y - 10), _point(x + 88, y - 52), dark, 24, cv2.LINE_AA)
    cv2.ellipse(pixels, _point(x + 104, y - 54), (25, 12), 25, 0, 360, dark, -1, cv2.LINE_AA)
    cv2.line(pixels, _point(x - 62, y - 8), _point(x - 96, y + 14), dark, 8, cv2.LINE_AA)
    return pixels


def _with_words(pixels: Pixels, seconds: float) -> Pixels:
    for start, end, words in WORDS:
        if start <= seconds < end:
            pixels = pixels.copy()
            for color, thickness in (((0, 0, 0), 9), ((255, 255, 255), 3)):
                cv2.putText(
                    pixels, words, (40, 200), cv2.FONT_HERSHEY_DUPLEX, 1.25, color, thickness, cv2.LINE_AA
                )
    return pixels


def _point(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _check_boundary(what: str, start: float, end: float, boundaries: list[float]) -> Check:
    truth = f"{start:.2f} s" if start == end else f"{start:.2f}–{end:.2f} s"
    nearest = min(boundaries, key=lambda b: max(start - b, b - end), default=None)
    if nearest is None:
        return Check(what, truth, "nothing", False)
    leeway = 0.1 if start == end else 0.5
    return Check(what, truth, f"{nearest:.2f} s", start - leeway <= nearest <= end + leeway)


def _check_motion(expected: Segment, found: Timeline) -> Check:
    truth = f"{expected.start_seconds:.2f}–{expected.end_seconds:.2f} s"
    of_kind = [s for s in found.of(expected.kind) if s.label == expected.label]
    covered = sum(expected.overlap_seconds(segment) for segment in of_kind)
    said = ", ".join(
        f"{s.start_seconds:.2f}–{s.end_seconds:.2f}" for s in of_kind if expected.overlap_seconds(s) > 0
    )
    is_right = covered >= expected.duration_seconds - 1.0
    return Check(expected.label, truth, f"{said} s" if said else "nothing", is_right)


def _check_words(expected: Segment, found: Timeline) -> Check:
    truth = f"{expected.start_seconds:.2f}–{expected.end_seconds:.2f} s"
    near = [s for s in found.of("text") if s.overlap_seconds(expected) > 0]
    same = [s for s in near if s.label.upper() == expected.label]
    if not same:
        read = ", ".join(repr(segment.label) for segment in near) or "nothing"
        return Check(f"“{expected.label}”", truth, read, False)
    said = f"{same[0].start_seconds:.2f}–{same[0].end_seconds:.2f} s"
    is_right = (
        abs(same[0].start_seconds - expected.start_seconds) <= 0.1
        and abs(same[0].end_seconds - expected.end_seconds) <= 0.1
    )
    return Check(f"“{expected.label}”", truth, said, is_right)
