"""Two pictures of an evaluation: what is taken for what, and the clips that went most wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import VideoError
from muybridge.video.sampling import sample_clip

if TYPE_CHECKING:
    from muybridge.training.evaluation import Evaluation

__all__ = ["draw_confusion", "draw_worst"]

Picture = NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK = (30, 30, 30)
_CORNER = "true \\ named"


def _text_width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, _FONT, scale, 1)[0][0])


def _write(
    picture: Picture,
    text: str,
    left: int,
    base: int,
    *,
    scale: float = 0.42,
    ink: tuple[int, int, int] = _INK,
) -> None:
    # OpenCV's font knows ASCII only.
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(picture, plain, (left, base), _FONT, scale, ink, 1, cv2.LINE_AA)


def draw_confusion(evaluation: Evaluation) -> Picture:
    """The confusion matrix, each row a class and its shades the shares that it was named as.

    Args:
        evaluation: what to draw.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    counts, labels = evaluation.confusion, [label[:28] for label in evaluation.labels]
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
    return picture


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
    width = height_px * 4 // 3
    for place in evaluation.worst(most):
        item = evaluation.items[place]
        p = evaluation.probabilities[place]
        said = int(p.argmax())
        true = float(p[evaluation.targets[place]])
        strip: Picture = np.full((height_px + 20, width * num_frames, 3), 255, np.uint8)
        text = f"{item.label} {true:.0%}, named {evaluation.labels[said]} {p[said]:.0%}    {item.path.name}"
        _write(strip, text, 4, 14)
        try:
            clip = sample_clip(item.path, num_frames=num_frames, size_px=(width, height_px))
            strip[20:] = np.concatenate(list(clip.pixels), axis=1)
        except VideoError as error:
            _write(strip, error.reason, 4, 40)
        rows.append(strip)
    return np.concatenate(rows, axis=0)
