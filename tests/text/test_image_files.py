"""What image files tell without being decoded."""

import struct

import cv2
import numpy as np
import pytest

from muybridge.text.image_files import has_more_pictures, tiff_directories


def encoded(suffix: str, *, height: int = 16) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, 24, 3), np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


def jpeg(*, height: int = 16, segment: bytes = b"") -> bytes:
    data = encoded(".jpg", height=height)
    return data[:2] + segment + data[2:]


EXIF = b"Exif" + jpeg(height=8)  # a thumbnail within the first picture
APP1 = b"\xff\xe1" + (2 + len(EXIF)).to_bytes(2, "big") + EXIF
APP2 = b"\xff\xe2\x00\x06MPF\x00"


@pytest.mark.parametrize(
    ("data", "several"),
    [
        (jpeg(), False),
        (2 * jpeg(), True),
        (jpeg() + b"\x00\xff\xff" + jpeg(), True),  # padded
        (jpeg()[:-2] + jpeg(), True),  # the first lacks its end
        (jpeg() + jpeg()[:-9], True),  # the last is cut off
        (jpeg(segment=APP1), False),
        (2 * jpeg(segment=APP1), True),
        (jpeg(segment=APP2) + jpeg(), False),  # a camera's multi-picture file
        (jpeg() + jpeg(height=8), False),  # a smaller copy
        (jpeg() + b"\x00\x00\x00\x18ftypmp42" + jpeg(), False),  # a phone's motion photo
        (jpeg()[:-2], False),
        (jpeg()[:3], False),
    ],
)
def test_jpeg(data: bytes, several: bool) -> None:
    assert has_more_pictures(data) == several


@pytest.mark.parametrize("num_frames", [1, 2])
def test_png(num_frames: int) -> None:
    still = encoded(".png")
    assert not has_more_pictures(still)
    control = struct.pack(">I4sIII", 8, b"acTL", num_frames, 0, 0)
    assert has_more_pictures(still[:33] + control + still[33:]) == (num_frames == 2)  # after IHDR


@pytest.mark.parametrize("num_frames", [1, 2])
def test_webp(num_frames: int) -> None:
    assert not has_more_pictures(encoded(".webp"))
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x02" + bytes(9)
    chunks += num_frames * (b"ANMF" + struct.pack("<I", 17) + bytes(18))  # padded to an even length
    data = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
    assert has_more_pictures(data) == (num_frames == 2)


def tiff(order: str, is_big: bool, subfile_types: list[int]) -> bytes:
    """Pages with two tags each: the kind of page (a long), and the samples after the colors (a short)."""
    offset, count, entry = ("Q", "Q", "HHQ") if is_big else ("I", "H", "HHI")
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if is_big else struct.pack(order + "HI", 42, 8))
    room = struct.calcsize(offset)
    size = struct.calcsize("=" + count) + 2 * (struct.calcsize("=" + entry) + room) + room
    for index, subfile_type in enumerate(subfile_types):
        head += struct.pack(order + count, 2)
        head += struct.pack(order + entry, 254, 4, 1) + struct.pack(order + "I", subfile_type).ljust(
            room, b"\0"
        )
        head += struct.pack(order + entry, 338, 3, 1) + struct.pack(order + "H", 2).ljust(room, b"\0")
        is_last = index + 1 == len(subfile_types)
        head += struct.pack(order + offset, 0 if is_last else len(head) - size + room + size)
    return head


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize(
    ("subfile_types", "several"),
    [([0], False), ([0, 0], True), ([0, 1], False), ([0, 4], False), ([2, 2], True), ([0, 1, 0], True)],
)
def test_tiff(order: str, is_big: bool, subfile_types: list[int], several: bool) -> None:
    data = tiff(order, is_big, subfile_types)
    assert list(tiff_directories(data)) == [{254: kind, 338: 2} for kind in subfile_types]
    assert has_more_pictures(data) == several
    assert len(list(tiff_directories(data[:-1]))) == len(subfile_types)  # the end of the chain is cut off


def test_a_tiff_whose_pages_run_in_a_circle_ends() -> None:
    data = tiff("<", False, [0])
    assert len(list(tiff_directories(data[:-4] + struct.pack("<I", 8)))) == 1
