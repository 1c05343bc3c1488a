"""Two pictures of an evaluation: what is taken for what, and the clips that went most wrong."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import VideoError
from muybridge.training.clips import span_of
from muybridge.video.reader import open_video
from muybridge.video.sampling import uniform_indices

if TYPE_CHECKING:
    from muybridge.training.evaluation import Evaluation
    from muybridge.training.videos import VideoItem

__all__ = ["draw_confusion", "draw_worst", "drawn_names"]

Picture = NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK = (30, 30, 30)
_CORNER = "true \\ named"
_KEY = "#n: labels[n] in evaluation.json, from 0"
_LONGEST_NAME = 28
_TITLE_PX = 38


def _text_width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, _FONT, scale, 1)[0][0])


def drawn_names(labels: Sequence[str]) -> list[str]:
    """What to call each class in a picture: no two alike, and of letters that OpenCV's font has.

    Args:
        labels: the classes.

    Returns:
        The labels, long ones shortened in the middle. Where letters are lost, or two would look the same, the place in
        `labels` stands first.

    >>> drawn_names(["wave", "händeklatschen", "拍手", "put the phone into the left pocket"])
    ['wave', 'handeklatschen', '#2', 'put the phone... left pocket']
    >>> drawn_names(["put the phone in the left pocket", "put the phone on the left pocket"])
    ['#0 put the pho...left pocket', '#1 put the pho...left pocket']
    """
    names = []
    for label in labels:
        plain, is_whole = _ascii(label)
        names.append(_shorten(plain, _LONGEST_NAME) if is_whole else "")
    often = Counter(names)
    for place, label in enumerate(labels):
        if not names[place] or often[names[place]] > 1:
            number = f"#{place}"
            plain = _ascii(label)[0]
            names[place] = f"{number} {_shorten(plain, _LONGEST_NAME - len(number) - 1)}".strip()
    return names


def _ascii(text: str) -> tuple[str, bool]:
    """What OpenCV's font can write of a text, accents left out; and whether that is all of it."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    plain = "".join(char for char in bare if " " <= char <= "~")
    return plain.strip(), plain == bare


def _shorten(text: str, most: int) -> str:
    """At most so many characters: what is left out is in the middle, as names often differ at an end."""
    if len(text) <= most:
        return text
    end = (most - 3) // 2
    return f"{text[: most - 3 - end]}...{text[-end:]}"


def _write(
    picture: Picture,
    text: str,
    left: int,
    base: int,
    *,
    scale: float = 0.42,
    ink: tuple[int, int, int] = _INK,
) -> None:
    cv2.putText(picture, text, (left, base), _FONT, scale, ink, 1, cv2.LINE_AA)


def draw_confusion(evaluation: Evaluation) -> Picture:
    """The confusion matrix, each row a class and its shades the shares that it was named as.

    The classes are called as `drawn_names` says.

    Args:
        evaluation: what to draw.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    counts, labels = evaluation.confusion, drawn_names(evaluation.labels)
    cell = 34 if len(labels) <= 40 else 14
    margin = max(_text_width(text, 0.42) for text in (_CORNER, *(f"{label} 000" for label in labels))) + 16
    side = cell * len(labels)
    picture: Picture = np.full((margin + side + 8, margin + side + 8, 3), 255, np.uint8)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    for row, column in np.ndindex(*counts.shape):
        top, left = margin + row * cell, margin + column * cell
        strength = float(shares[row, column])
        # Right is blue, wrong is red.
        full = np.array((20, 80, 160) if row == column else (190, 50, 30))
        color = (255 + (full - 255) * strength).astype(int)
        picture[top : top + cell - 1, left : left + cell - 1] = color if strength else 246
        if counts[row, column] and cell > 20:
            number = str(counts[row, column])
            place = left + (cell - _text_width(number, 0.4)) // 2
            ink = (255, 255, 255) if strength > 0.5 else _INK
            _write(picture, number, place, top + cell // 2 + 5, scale=0.4, ink=ink)
    names: Picture = np.full((side, margin, 3), 255, np.uint8)
    for row, label in enumerate(labels):
        _write(picture, f"{label} {counts[row].sum()}", 6, margin + row * cell + cell // 2 + 5)
        _write(names, label, 6, row * cell + cell // 2 + 5)
    # The columns' names read upwards.
    picture[:margin, margin : margin + side] = np.rot90(names)
    _write(picture, _CORNER, 6, margin - 8)
    return _with_key(picture) if any(label.startswith("#") for label in labels) else picture


def _with_key(picture: Picture) -> Picture:
    """Say below a picture what the numbers in it are."""
    height, width, _ = picture.shape
    whole: Picture = np.full((height + 24, max(width, _text_width(_KEY, 0.42) + 12), 3), 255, np.uint8)
    whole[:height, :width] = picture
    _write(whole, _KEY, 6, height + 16)
    return whole


def draw_worst(
    evaluation: Evaluation, *, most: int = 12, num_frames: int = 6, height_px: int = 96
) -> Picture:
    """A contact sheet of the clips whose true class got the lowest probability: one row of frames each.

    Args:
        evaluation: what to draw.
        most: how many clips.
        num_frames: frames of each, from its start to its end.
        height_px: of a frame.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    rows = []
    names, width = drawn_names(evaluation.labels), height_px * 4 // 3
    for place in evaluation.worst(most):
        item = evaluation.items[place]
        p = evaluation.probabilities[place]
        said, target = int(p.argmax()), int(evaluation.targets[place])
        strip: Picture = np.full((height_px + _TITLE_PX, width * num_frames, 3), 255, np.uint8)
        _write(strip, _title(item, place, strip.shape[1]), 4, 14)
        _write(strip, f"{names[target]} {p[target]:.0%}, named {names[said]} {p[said]:.0%}", 4, 31)
        try:
            strip[_TITLE_PX:] = np.concatenate(list(_frames(item, num_frames, (width, height_px))), axis=1)
        except VideoError as error:
            _write(strip, _ascii(error.reason)[0], 4, 54)
        rows.append(strip)
    sheet = np.concatenate(rows, axis=0)
    return _with_key(sheet) if any(name.startswith("#") for name in names) else sheet


def _title(item: VideoItem, place: int, width_px: int) -> str:
    """The file, the stretch, and where it stands in evaluation.json, which has all of a name that does not fit."""
    times = item.name.removeprefix(str(item.path))
    name, rest = _ascii(item.path.name)[0], f"{times}, videos[{place}]"
    most = len(name)
    while most > 8 and _text_width(_shorten(name, most) + rest, 0.42) > width_px - 8:
        most -= 1
    return _shorten(name, most) + rest


def _frames(item: VideoItem, num_frames: int, size_px: tuple[int, int]) -> Picture:
    """(T, H, W, 3) of the stretch that was judged, from its start to its end."""
    with open_video(item.path) as video:
        span = span_of(video, item)
        places = span[uniform_indices(len(span), num_frames)]
        return video.frames_at(indices=places.tolist(), size_px=size_px).pixels
