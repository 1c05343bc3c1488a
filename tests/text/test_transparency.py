"""Images over white where their files are transparent."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from muybridge.text.reader import is_image, load_image

# Opacity 51 of 255 is a fifth: the colors by 0.2, plus 255 · 0.8 = 204.
STRAIGHT, MULTIPLIED, OVER_WHITE = (100, 150, 50, 51), (20, 30, 10, 51), (224, 234, 214)


def loaded(data: bytes, folder: Path) -> np.ndarray:
    path = folder / "image"
    path.write_bytes(data)
    return load_image(path)


def encoded(kind: str, image: np.ndarray) -> bytes:
    """A file without losses, of RGB or RGBA."""
    swapped = image[:, :, [2, 1, 0, 3][: image.shape[2]]]
    return cv2.imencode(kind, swapped, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()


def tiff(
    samples: np.ndarray,
    *,
    extra: int | None = None,
    photometric: int = 2,
    order: str = "<",
    orientation: int = 1,
) -> bytes:
    """A TIFF of one strip, (H, W, samples) uint8 or uint16."""
    height, width, num_samples = samples.shape
    pixels = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = struct.pack(f"{order}4H", *[8 * samples.itemsize] * 4)  # of each sample
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: photometric, 273: 16, 274: orientation}
    tags |= {277: num_samples, 278: height, 279: len(pixels)} | ({} if extra is None else {338: extra})
    directory = struct.pack(f"{order}H", len(tags))
    for tag, value in tags.items():
        if tag == 258:  # more than two values stand elsewhere
            bits_or_place = bits[:4] if num_samples <= 2 else struct.pack(f"{order}I", value)
            directory += struct.pack(f"{order}HHI", tag, 3, num_samples) + bits_or_place
        else:
            directory += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 16 + len(pixels))
    return start + bits + pixels + directory + bytes(4)


def bitmap(row: np.ndarray, *, header_size: int) -> bytes:
    """A BMP of one row, (W, 4) uint8 RGBA; its header says from 108 bytes on which byte is the opacity."""
    head = struct.pack("<IiiHHIIiiII", header_size, len(row), 1, 1, 32, 3, row.size, 0, 0, 0, 0)
    head += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = head[:52] if header_size == 40 else head.ljust(header_size, b"\0")
    start = b"BM" + struct.pack("<IHHI", 14 + len(head) + row.size, 0, 0, 14 + len(head))
    return start + head + row[:, [2, 1, 0, 3]].tobytes()


def with_orientation(data: bytes, orientation: int, size: tuple[int, int]) -> bytes:
    """A PNG or WebP file with an EXIF block that says how to turn it."""
    exif = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)
    if data.startswith(b"\x89PNG"):
        chunk = b"eXIf" + exif
        crc = struct.pack(">I", zlib.crc32(chunk))
        return data[:33] + struct.pack(">I", len(exif)) + chunk + crc + data[33:]
    height, width = size
    head = struct.pack("<4sIII", b"VP8X", 10, 0x18, width - 1)[:15] + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + head + data[12:] + struct.pack("<4sI", b"EXIF", len(exif)) + exif
    return struct.pack("<4sI", b"RIFF", len(body)) + body


@pytest.mark.parametrize("kind", [".png", ".webp", ".tif", ".bmp"])
def test_over_white_by_hand(kind: str, tmp_path: Path) -> None:
    pixels = np.array([[STRAIGHT, (7, 8, 9, 255), (0, 0, 0, 0)]], np.uint8)
    data = bitmap(pixels[0], header_size=108) if kind == ".bmp" else encoded(kind, pixels)
    assert loaded(data, tmp_path).tolist() == [[[*OVER_WHITE], [7, 8, 9], [255] * 3]]


@pytest.mark.parametrize("kind", [".png", ".tif"])
def test_over_white_of_16_bits(kind: str, tmp_path: Path) -> None:
    pixels = np.array([[STRAIGHT, (7, 8, 9, 255), (0, 0, 0, 0)]], np.uint16) * 257
    assert loaded(encoded(kind, pixels), tmp_path).tolist() == [[[*OVER_WHITE], [7, 8, 9], [255] * 3]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("scale", [np.uint8(1), np.uint16(257)])
@pytest.mark.parametrize(
    ("extra", "stored", "shown"),
    [
        (None, STRAIGHT, OVER_WHITE),
        (0, STRAIGHT, STRAIGHT[:3]),  # something else than opacity
        (1, MULTIPLIED, OVER_WHITE),
        (2, STRAIGHT, OVER_WHITE),
    ],
)
def test_tiff_says_what_its_fourth_sample_is(
    extra: int | None, stored: tuple, shown: tuple, scale: np.integer, order: str, tmp_path: Path
) -> None:
    pixels = np.array([[stored]], scale.dtype) * scale
    assert loaded(tiff(pixels, extra=extra, order=order), tmp_path).tolist() == [[[*shown]]]


def big_tiff(samples: tuple[int, ...], order: str) -> bytes:
    """A BigTIFF of one RGBA pixel, whose fourth sample it calls opacity."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HHHQ", 43, 8, 0, 24)
    tags = {256: 1, 257: 1, 258: 8, 259: 1, 262: 2, 273: 16, 277: 4, 278: 1, 279: 4, 338: 2}
    directory = struct.pack(f"{order}Q", len(tags))
    for tag, value in tags.items():
        num_values = 4 if tag == 258 else 1  # the bits of each sample
        values = struct.pack(f"{order}4H", *[value] * num_values, *[0] * (4 - num_values))
        directory += struct.pack(f"{order}HHQ", tag, 3, num_values) + values
    return head + bytes(samples).ljust(8, b"\0") + directory + bytes(8)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_transparency_of_a_big_tiff(order: str, tmp_path: Path) -> None:
    data = big_tiff(STRAIGHT, order)
    assert loaded(data, tmp_path).tolist() == [[[*OVER_WHITE]]]
    assert is_image(tmp_path / "image")


def test_the_black_of_cmyk_is_no_opacity(tmp_path: Path) -> None:
    inks = np.array([[(0, 0, 0, 255), (0, 255, 255, 0), (0, 0, 0, 0)]], np.uint8)
    read = loaded(tiff(inks, photometric=5), tmp_path)
    assert read.tolist() == [[[0, 0, 0], [255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [".png", ".webp", ".tif"])
def test_opacity_turns_with_the_image(kind: str, orientation: int, tmp_path: Path) -> None:
    opacity = np.random.default_rng(0).integers(0, 256, (4, 6, 1), np.uint8)
    black = np.concatenate([np.zeros((4, 6, 3), np.uint8), opacity], axis=2)
    opaque = np.repeat(255 - opacity, 3, axis=2)
    read, expected = (
        loaded(
            tiff(pixels, extra=2 if pixels is black else None, orientation=orientation)
            if kind == ".tif"
            else with_orientation(encoded(kind, pixels), orientation, (4, 6)),
            tmp_path,
        )
        for pixels in (black, opaque)
    )
    assert np.array_equal(read, expected)
    if kind == ".png" and orientation == 6:
        assert np.array_equal(read, np.rot90(opaque, -1))


def test_the_spare_byte_of_a_bitmap_is_no_opacity(tmp_path: Path) -> None:
    row = np.array([(10, 20, 30, 0), (40, 50, 60, 9)], np.uint8)
    assert loaded(bitmap(row, header_size=40), tmp_path).tolist() == [row[:, :3].tolist()]
    row[:, 3] = 0  # some writers leave it so, though they call it the opacity
    assert loaded(bitmap(row, header_size=108), tmp_path).tolist() == [row[:, :3].tolist()]


def test_the_transparency_of_a_gray_tiff_is_warned_of(tmp_path: Path) -> None:
    pixels = np.array([[(100, 51), (7, 255)]], np.uint8)
    data = tiff(pixels, extra=2, photometric=1)
    with pytest.warns(UserWarning, match="gray TIFF"):
        assert loaded(data, tmp_path).tolist() == [[[100] * 3, [7] * 3]]
