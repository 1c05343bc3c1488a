"""What image files tell without being decoded: whether they hold more than one picture, and the tags of TIFF.

Sources: ITU-T T.81, 1992, annex B (the markers of JPEG); CIPA DC-007, 2009 (several pictures in one JPEG
file); W3C, PNG, third edition, 2025 (`acTL`); WebP container specification; TIFF 6.0, 1992, and BigTIFF.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

__all__ = ["TIFF_STARTS", "has_more_pictures", "tiff_directories"]

TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")  # the last two are BigTIFF

_TIFF_SUBFILE_TYPE = 254
_TIFF_REDUCED_OR_MASK = 0b101  # what belongs to another picture: a thumbnail, or which pixels of it count
_TIFF_VALUES = {1: "B", 3: "H", 4: "I", 16: "Q"}

_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff])")  # within coded pixels 0xFF is followed by 0
_JPEG_NEXT = re.compile(rb"[\x00\xff]*?\xff\xd8\xff")
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def has_more_pictures(data: bytes) -> bool:
    """Whether an image file holds more than one picture: Motion JPEG, animated PNG or WebP, TIFF of several pages.

    Pictures that belong to the first one do not count: thumbnails, masks, the other pictures of a camera's
    multi-picture JPEG (a gain map, a smaller copy).

    >>> has_more_pictures(b"P5 1 1 255 x")
    False
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _is_motion_jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _num_frames_of_png(data) > 1
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _num_frames_of_webp(data) > 1
    if data.startswith(TIFF_STARTS):
        pages = tiff_directories(data)
        next(pages, None)
        return any(not tags.get(_TIFF_SUBFILE_TYPE, 0) & _TIFF_REDUCED_OR_MASK for tags in pages)
    return False


def tiff_directories(data: bytes) -> Iterator[dict[int, int]]:
    """The tags of each picture of a TIFF or BigTIFF file, by number; of several values in a tag the first.

    Only whole numbers that stand in the tag itself are given. Ends where the file is damaged.
    """
    order = "<" if data.startswith(b"II") else ">"
    is_big = data[2:4] in (b"+\x00", b"\x00+")
    offset, count, entry = ("Q", "Q", "HHQ") if is_big else ("I", "H", "HHI")
    room = struct.calcsize(offset)
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(order + offset, data, 8 if is_big else 4)
        while place and place not in seen:
            seen.add(place)
            tags: dict[int, int] = {}
            (num_tags,) = struct.unpack_from(order + count, data, place)
            place += struct.calcsize(count)
            for _ in range(num_tags):
                number, kind, num_values = struct.unpack_from(order + entry, data, place)
                place += struct.calcsize(order + entry)
                value = _TIFF_VALUES.get(kind)
                if value and 0 < num_values <= room // struct.calcsize(value):
                    (tags[number],) = struct.unpack_from(order + value, data, place)
                place += room
            yield tags
            (place,) = struct.unpack_from(order + offset, data, place)
    except struct.error:
        pass  # libtiff mends some damage that this does not


def _is_motion_jpeg(data: bytes) -> bool:
    """Whether the first picture is followed by another of the same size that it does not speak of."""
    size, stop, is_first_of_several = _jpeg_picture(data, 0)
    follows = _JPEG_NEXT.match(data, stop) if stop and not is_first_of_several else None
    return follows is not None and _jpeg_picture(data, follows.end() - 3)[0] == size


def _jpeg_picture(data: bytes, start: int) -> tuple[bytes, int, bool]:
    """The size of a picture, as it is written; where it ends, 0 where it is cut off; whether it lists others."""
    size, lists_others, at = b"", False, start + 2
    while marker := _JPEG_MARKER.search(data, at):
        code, at = marker[1][0], marker.end()
        if code == 0xD9:
            return size, at, lists_others
        if code == 0xD8:  # the next one begins; the end of this one is missing
            return size, marker.start(), lists_others
        if code in _JPEG_WITHOUT_LENGTH:
            continue
        if code in _JPEG_FRAMES:
            size = data[at + 3 : at + 7]
        lists_others |= code == 0xE2 and data[at + 2 : at + 6] == b"MPF\x00"
        at += int.from_bytes(data[at : at + 2], "big")
    return size, 0, lists_others


def _num_frames_of_png(data: bytes) -> int:
    at = 8
    while at + 12 <= len(data) and data[at + 4 : at + 8] != b"IDAT":
        if data[at + 4 : at + 8] == b"acTL":
            return int.from_bytes(data[at + 8 : at + 12], "big")
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return 1


def _num_frames_of_webp(data: bytes) -> int:
    num_frames, at = 0, 12
    while at + 8 <= len(data):
        num_frames += data[at : at + 4] == b"ANMF"
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return num_frames
