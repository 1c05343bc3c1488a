"""How a stored picture is turned, and perhaps mirrored, so that it stands upright.

    stored    ─► turned clockwise by 0, 90, 180 or 270° ─►    mirrored left to right, or not    ─► upright

These are the eight ways in which a camera, a phone or an editor leaves its pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from av.sidedata.sidedata import Type

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["Orientation", "orientation_of", "read_display_matrix"]


class Orientation(NamedTuple):
    """A clockwise turn of 0, 90, 180 or 270 degrees, and whether the turned picture is mirrored left to right."""

    rotation_degrees: int = 0
    is_mirrored: bool = False


UPRIGHT = Orientation()


def read_display_matrix(matrix: Sequence[int]) -> Orientation:
    """What a container's display matrix asks for, to the nearest quarter turn.

    Args:
        matrix: its nine numbers a b u c d v x y w; a pixel at (x, y) is shown at (a·x + c·y, b·x + d·y), y downwards
            (ISO/IEC 14496-12, 6.2.2). One that would leave nothing of the picture is taken as upright.

    >>> read_display_matrix([0, 1, 0, -1, 0, 0, 0, 0, 1])  # a phone that was held upright
    Orientation(rotation_degrees=90, is_mirrored=False)
    >>> read_display_matrix([1, 0, 0, 0, -1, 0, 0, 0, 1])  # upside down as in a pond, no half turn
    Orientation(rotation_degrees=180, is_mirrored=True)
    """
    a, b, c, d = (float(matrix[place]) for place in (0, 1, 3, 4))
    determinant = a * d - b * c
    if determinant == 0:
        return UPRIGHT
    is_mirrored = determinant < 0
    # Without the mirror, which comes last and turns x around, a turn is left.
    turn = math.degrees(math.atan2(b, -a if is_mirrored else a))
    return Orientation(round(turn / 90) * 90 % 360, is_mirrored)


def orientation_of(picture: VideoFrame) -> Orientation:
    """How a decoded picture is to be shown."""
    try:
        beside: Any = picture.side_data  # PyAV's stub names the motion vectors only
        matrix = beside[Type.DISPLAYMATRIX]
    except KeyError:
        return UPRIGHT
    except ValueError:
        # Beside it lies something that PyAV has no name for, such as a camera's Exif notes: the angle is all it gives,
        # counter-clockwise, and beyond half a turn where the matrix has none.
        angle = picture.rotation
        return Orientation(round(-angle / 90) * 90 % 360) if abs(angle) <= 180 else UPRIGHT
    return read_display_matrix(np.frombuffer(bytes(matrix), np.int32).tolist())
