"""Reading images."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import muybridge
from muybridge.errors import (
    OptionError,
    ShapeError,
    UnknownNameError,
    VideoDecodeError,
    VideoOpenError,
)
from muybridge.text.reader import PPOCREngine, TextReader, is_image, load_image, read_text

WORDS = ["available", "shakeshack", "london", "greenstead", "toast"]
WORDS += ["merry", "underground", "ronaldo", "bally", "university"]


def texts(lines: list[muybridge.TextLine]) -> list[str]:
    return [line.text for line in lines]


def test_lines_with_place_and_confidence_of_each_character(reader: TextReader, page: np.ndarray) -> None:
    first, second = reader.read(page)
    assert (first.text, second.text) == ("Hello world", "room 4711")
    assert first.score > 0.9
    assert len(first.character_scores) == len(first.text)
    assert np.mean(first.character_scores) == pytest.approx(first.score, abs=0.02)
    left, top = np.min(second.polygon, axis=0)
    right, bottom = np.max(second.polygon, axis=0)
    assert (left, top, right, bottom) == pytest.approx((122, 184, 362, 222), abs=16)


@pytest.mark.parametrize("degrees", [180, 90, 20])
def test_rotated_text_is_read(reader: TextReader, page: np.ndarray, degrees: int) -> None:
    side = np.full((560, 560, 3), 255, np.uint8)
    side[120:440, 40:520] = page
    matrix = cv2.getRotationMatrix2D((280, 280), degrees, 1)
    turned = cv2.warpAffine(side, matrix, (560, 560), borderValue=(255, 255, 255))
    # Words that stand upright in a column may be found one by one.
    assert sorted(" ".join(texts(reader.read(turned))).split()) == ["4711", "Hello", "room", "world"]


def test_batches_change_nothing(reader: TextReader, page: np.ndarray) -> None:
    other = np.full((120, 700, 3), 255, np.uint8)
    cv2.putText(other, "a longer line of text", (20, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3)
    together = reader.read_many([page, other])
    alone = [reader.read(page), reader.read(other)]
    assert [texts(lines) for lines in together] == [texts(lines) for lines in alone]
    for lines, others in zip(together, alone, strict=True):
        assert [line.score for line in lines] == pytest.approx([line.score for line in others], abs=1e-4)


def test_gray_reads_like_color(reader: TextReader, page: np.ndarray) -> None:
    assert texts(reader.read(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY))) == ["Hello world", "room 4711"]


def test_the_ten_words(reader: TextReader, shared: Path) -> None:
    read = []
    for number in range(1, 11):
        (path,) = (shared / "words").glob(f"demo_{number}.*")
        read.append("".join(texts(reader.read(load_image(path)))).lower().replace(" ", ""))
    assert sum(word == truth for word, truth in zip(read, WORDS, strict=True)) >= 9, read


def test_single_pixels_and_blank_images_hold_nothing(reader: TextReader) -> None:
    for shape in ((1, 1, 3), (1, 1), (1, 500, 3), (300, 2), (200, 200, 3)):
        assert reader.read(np.full(shape, 128, np.uint8)) == []
    assert reader.read_many([]) == []


def test_a_huge_image_is_scaled_and_that_is_said(page: np.ndarray, engine: PPOCREngine) -> None:
    huge = cv2.resize(page, (2400, 1600), interpolation=cv2.INTER_LINEAR)
    small = PPOCREngine(num_threads=1, max_side_px=640)
    small.networks = engine.networks
    with pytest.warns(UserWarning, match="2400 x 1600 pixels is searched for text at 640"):
        lines = TextReader(small).read(huge)
    assert texts(lines) == ["Hello world", "room 4711"]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_what_is_no_image_is_refused(reader: TextReader, image: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"\(H, W, 3\) uint8"):
        reader.read(image)


def test_options_that_are_none() -> None:
    with pytest.raises(UnknownNameError, match="ppocr"):
        TextReader("ppocrr")
    with pytest.raises(OptionError, match="min_score"):
        TextReader(min_score=1.5)
    with pytest.raises(OptionError, match="num_threads"):
        PPOCREngine(num_threads=0)
    with pytest.raises(OptionError, match="max_side_px"):
        PPOCREngine(max_side_px=10)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(VideoOpenError, match="no such file"):
        read_text(tmp_path / "none.png")
    with pytest.raises(VideoOpenError):
        read_text("nul\0byte.png")
    with pytest.raises(VideoOpenError):
        read_text(tmp_path)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(VideoDecodeError, match="damaged"):
        read_text(broken)
    text = tmp_path / "notes.txt"
    text.write_text("neither image nor video")
    with pytest.raises(VideoOpenError):
        read_text(text)


@pytest.mark.parametrize("kind", [".png", ".webp", ".tif"])
def test_images_load_over_white(kind: str, tmp_path: Path, page: np.ndarray, reader: TextReader) -> None:
    path = tmp_path / f"ünïcode name{kind}"
    opacity = 255 - cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    written = np.dstack([np.zeros_like(page), opacity])
    path.write_bytes(cv2.imencode(kind, written)[1].tobytes())
    assert texts(reader.read(load_image(path))) == ["Hello world", "room 4711"]


def test_motion_jpeg_is_a_video(tmp_path: Path, page: np.ndarray, reader: TextReader) -> None:
    other = np.full_like(page, 255)
    cv2.putText(other, "second picture", (60, 160), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0, 0, 0), 3)
    first, second = (cv2.imencode(".jpg", pixels)[1].tobytes() for pixels in (page, other))
    path = tmp_path / "camera.mjpeg"
    path.write_bytes(25 * first + 25 * second)
    assert not is_image(path)
    tracks = read_text(path, engine=reader.engine)
    assert {track.text for track in tracks} == {"Hello world", "room 4711", "second picture"}
    assert max(track.end_seconds for track in tracks) == pytest.approx(2.0)
    named_so = path.rename(tmp_path / "camera.jpg")
    assert is_image(named_so)
    with pytest.warns(UserWarning, match=r"name a Motion JPEG \.mjpeg"):
        load_image(named_so)


def test_pages_that_are_not_read_are_named(tmp_path: Path, page: np.ndarray) -> None:
    path = tmp_path / "pages.tif"
    cv2.imwritemulti(str(path), [page, 255 - page])
    assert is_image(path)
    with pytest.warns(UserWarning, match="only the first of several pictures"):
        assert np.array_equal(load_image(path)[:, :, ::-1], page)


@pytest.mark.parametrize("space", [b" ", b"\t", b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("magic", "pixels"),
    [(b"P1", b"0 1"), (b"P2", b"255 255 0"), (b"P3", b"255 255 255 255 0 0 0")]
    + [(b"P4", b"\x40"), (b"P5", b"255 \xff\x00"), (b"P6", b"255 \xff\xff\xff\x00\x00\x00")],
)
def test_all_pnm_files_are_images(magic: bytes, pixels: bytes, space: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pixels.pnm"
    path.write_bytes(magic + space + b"2 1\n" + pixels)
    assert is_image(path)
    assert load_image(path).tolist() == [[[255] * 3, [0] * 3]]


def test_importing_text_loads_no_network() -> None:
    import subprocess
    import sys

    code = (
        "import muybridge.text, muybridge.text.reader, sys;"
        "print([m for m in ('onnxruntime', 'rapidocr', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
