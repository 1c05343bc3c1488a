"""Pictures that a container turns and mirrors, as its display matrix says: all eight ways, however they are read."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.video import open_video, probe
from muybridge.video.early import EarlyKeyframes
from muybridge.video.orientation import read_display_matrix
from muybridge.video.picture import Converter
from muybridge.video.reader import Video
from muybridge.video.sources import open_source
from stream_servers import folder_server

WIDTH, HEIGHT = 64, 32
TURNS = {"none": (1, 0, 0, 1), "right": (0, 1, -1, 0), "half": (-1, 0, 0, -1), "left": (0, -1, 1, 0)}
MIRRORS = {
    "hflip": (-1, 0, 0, 1),
    "vflip": (1, 0, 0, -1),
    "transpose": (0, 1, 1, 0),
    "antitranspose": (0, -1, -1, 0),
}
every_way = pytest.mark.parametrize("way", sorted(TURNS | MIRRORS))


def stored() -> NDArray[np.uint8]:
    """Quarters of four colors: each of the eight ways shows them in another order."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:16, :32] = (255, 0, 0)
    pixels[16:, :32] = (0, 255, 0)
    pixels[16:, 32:] = (0, 0, 255)
    return pixels


def shown(pixels: NDArray[np.uint8], a: int, b: int, c: int, d: int) -> NDArray[np.uint8]:
    """What ISO/IEC 14496-12 says, pixel by pixel: (x, y) goes to (a x + c y, b x + d y)."""
    height, width = pixels.shape[:2]
    places = {(x, y): (a * x + c * y, b * x + d * y) for x in range(width) for y in range(height)}
    left, top = (min(place[axis] for place in places.values()) for axis in (0, 1))
    result = np.zeros((width, height, 3) if b else (height, width, 3), np.uint8)
    for (x, y), (to_x, to_y) in places.items():
        result[to_y - top, to_x - left] = pixels[y, x]
    return result


def nine(a: float, b: float, c: float, d: float) -> list[int]:
    """A display matrix in fixed point."""
    return [*(round(value * 65536) for value in (a, b)), 0, *(round(value * 65536) for value in (c, d))] + [
        *(0, 0, 0, 1 << 30)
    ]


def write(path: Path, matrix: list[int]) -> Path:
    """Three frames of `stored` with that display matrix."""
    with av.open(str(path), "w", container_options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=5, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stored(), "rgb24")))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    assert struct.unpack(">9i", data[place : place + 36]) == tuple(nine(1, 0, 0, 1))
    data[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path


def are_equal(pixels: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    return pixels.shape == expected.shape and int(np.abs(pixels.astype(int) - expected).max()) <= 4


@every_way
def test_files_are_shown_as_the_matrix_says(tmp_path: Path, way: str) -> None:
    matrix = (TURNS | MIRRORS)[way]
    expected = shown(stored(), *matrix)
    path = write(tmp_path / "video.mp4", nine(*matrix))
    early = EarlyKeyframes(path, lambda picture: picture.frame().pixels, is_worth_it=lambda places: True)
    with early, Video(path, also=[early.offer]) as video:
        assert video.metadata.is_mirrored == (way in MIRRORS)
        assert (video.metadata.height, video.metadata.width) == expected.shape[:2]
        assert are_equal(next(iter(video)).pixels, expected)
        assert are_equal(video.frames_at(indices=[1]).pixels[0], expected)
        (found,) = early.taken().values()
        assert are_equal(found, expected)


@pytest.mark.parametrize("way", ["hflip", "vflip", "transpose", "right"])
def test_streams_are_shown_as_the_matrix_says(tmp_path: Path, way: str) -> None:
    matrix = (TURNS | MIRRORS)[way]
    write(tmp_path / "video.mp4", nine(*matrix))
    with folder_server(tmp_path) as url, open_source(f"{url}/video.mp4", policy="every") as source:
        first = next(iter(source.pictures()))
        assert are_equal(first.frame().pixels, shown(stored(), *matrix))


@every_way
def test_samples_are_shown_as_the_matrix_says(way: str) -> None:
    matrix = (TURNS | MIRRORS)[way]
    frame = av.VideoFrame.from_ndarray(stored(), "rgb24").reformat(format="yuvj444p")
    expected = cv2.cvtColor(shown(stored(), *matrix), cv2.COLOR_RGB2YCrCb)
    planes = Converter(*read_display_matrix(nine(*matrix))).sample(
        frame, expected.shape[1], expected.shape[0]
    )
    assert all(plane.flags.c_contiguous for plane in planes)
    assert np.abs(np.stack(planes, axis=-1).astype(int) - expected).max() <= 4


@pytest.mark.parametrize("matrix", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 0, 0, 1)])
def test_a_matrix_that_leaves_no_picture_is_none(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    metadata = probe(write(tmp_path / "video.mp4", nine(*matrix)))
    assert (metadata.rotation_degrees, metadata.is_mirrored) == (0, False)
    assert (metadata.width, metadata.height) == (WIDTH, HEIGHT)


@given(
    way=st.sampled_from(sorted(TURNS | MIRRORS)),
    degrees=st.floats(-40, 40),
    scale=st.floats(0.1, 20),
)
def test_slanted_and_scaled_pictures_go_to_the_nearest_quarter(
    way: str, degrees: float, scale: float
) -> None:
    matrix = (TURNS | MIRRORS)[way]
    (a, b), (c, d) = (matrix[:2], matrix[2:])
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    # First the quarter turn or the flip, then the slant.
    slanted = nine(a * cos - b * sin, a * sin + b * cos, c * cos - d * sin, c * sin + d * cos)
    assert read_display_matrix(slanted) == read_display_matrix(nine(*matrix))


def test_a_turn_that_a_jpeg_notes_itself(tmp_path: Path) -> None:
    """Exif notes come beside the matrix, and PyAV may not have a name for them."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj444p"
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(stored(), "rgb24").reformat(format="yuvj444p")
    jpeg = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    # One entry: the orientation (0x0112), one short, 6: to be turned to the right.
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    noted = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    path = tmp_path / "video.mjpeg"
    path.write_bytes(3 * noted)
    with open_video(path) as video:
        assert (video.metadata.rotation_degrees, video.metadata.is_mirrored) == (90, False)
        pixels = next(iter(video)).pixels
        assert np.abs(pixels.astype(int) - shown(stored(), *TURNS["right"])).mean() < 4


def test_probe_tells_a_flip_from_a_half_turn(tmp_path: Path) -> None:
    told = {}
    for way in ("half", "vflip", "none"):
        path = write(tmp_path / f"{way}.mp4", nine(*(TURNS | MIRRORS)[way]))
        lines = CliRunner().invoke(app, ["probe", str(path)]).stdout.splitlines()
        told[way] = next(line.split("  ")[-1] for line in lines if "rotation" in line)
    assert told == {
        "half": "180° (the size above is upright)",
        "vflip": "180°, then mirrored left to right (the size above is upright)",
        "none": "0° (the size above is upright)",
    }
