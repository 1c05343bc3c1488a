"""Reading: an image to lines of text, a video to lines of text over time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError, UnknownNameError, VideoDecodeError, VideoOpenError
from muybridge.text.ctc import Hypothesis
from muybridge.text.image_files import TIFF_STARTS, has_more_pictures
from muybridge.text.ppocr import PPOCRNetworks, cut_out
from muybridge.text.transparency import over_white
from muybridge.values import Polygon, TextLine, TextTrack

__all__ = ["ENGINES", "PPOCREngine", "TextEngine", "TextReader", "is_image", "load_image", "read_text"]


class TextEngine(Protocol):
    """Something that reads images."""

    name: str

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """Read images, (H, W, 3) uint8 RGB or (H, W) uint8 gray each; the lines of each in any order."""
        ...


class PPOCREngine:
    """Reads with the PP-OCR networks inside rapidocr.

    They write Chinese (simplified and traditional), Japanese, English and the other languages in Latin
    letters, Greek, digits, punctuation and symbols: `networks.alphabet` lists all 18,709 characters.
    Cyrillic, Arabic, Hebrew, Hangul and the scripts of India are not among them.

    Args:
        models_path: a folder of other PP-OCR models in ONNX; by default those inside rapidocr.
        num_threads: for one run of a network; by default all cores, at most four.
        max_side_px: larger images are scaled down to this before text is looked for; lines are still read at
            full size.

    Raises:
        OptionError: an option outside what is allowed.
    """

    name = "ppocr"

    def __init__(
        self,
        *,
        models_path: str | Path | None = None,
        num_threads: int | None = None,
        max_side_px: int = 1920,
    ) -> None:
        if max_side_px < _LEAST_SIDE_PX:
            raise OptionError(f"max_side_px is {max_side_px}; it must be at least {_LEAST_SIDE_PX}")
        self.networks = PPOCRNetworks(models_path=models_path, num_threads=num_threads)
        self.max_side_px = max_side_px

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """Read images; the lines of all of them share the batches of the recognition network."""
        quads = [self._find_lines(image) for image in images]
        crops = [cut_out(image, quad) for image, some in zip(images, quads, strict=True) for quad in some]
        paths = iter([evidence.decode() for evidence in self.networks.read_lines(crops)])
        return [[line for quad in some if (line := _as_line(next(paths), quad)).text] for some in quads]

    def _find_lines(self, image: NDArray[np.uint8]) -> list[Polygon]:
        height, width = image.shape[:2]
        longer = max(height, width)
        if longer > 2 * self.max_side_px:
            warnings.warn(
                f"an image of {width} x {height} pixels is searched for text at {self.max_side_px} pixels;"
                " small text may be missed: cut the image into parts, or raise max_side_px",
                stacklevel=4,
            )
        # Small images are enlarged: the network does not see letters of a few pixels.
        side_px = min(max(longer, _LEAST_SIDE_PX), self.max_side_px)
        found = [region.quad for region in self.networks.detect(image, side_px=side_px)]
        if not found and min(height, width) >= 8 and longer < _LEAST_SIDE_PX * 4 / 3:
            # A tight crop of one word shows no background, by which the detection network knows text.
            return [((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))]
        return found


_LEAST_SIDE_PX = 480


def _tesseract() -> TextEngine:
    from muybridge.text.tesseract import TesseractEngine

    return TesseractEngine()


ENGINES: Mapping[str, Callable[[], TextEngine]] = {"ppocr": PPOCREngine, "tesseract": _tesseract}
"""The engines by name; `TextReader` also takes an engine that was made with other options."""


class TextReader:
    """Reads images, line by line.

    Args:
        engine: a name of `ENGINES`, or an engine.
        min_score: lines that are less sure are left out.

    Raises:
        UnknownNameError: an unknown engine.
        OptionError: a score outside [0, 1].

    >>> image = np.full((80, 320, 3), 255, np.uint8)
    >>> _ = cv2.putText(image, "Hello", (40, 58), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    >>> [line.text for line in TextReader().read(image)]
    ['Hello']
    """

    def __init__(self, engine: str | TextEngine = "ppocr", *, min_score: float = 0.6) -> None:
        if isinstance(engine, str) and engine not in ENGINES:
            raise UnknownNameError("text engine", engine, ENGINES)
        if not 0 <= min_score <= 1:
            raise OptionError(f"min_score is {min_score}; it must lie in [0, 1]")
        self.engine = ENGINES[engine]() if isinstance(engine, str) else engine
        self.min_score = min_score

    def read(self, image: NDArray[np.uint8]) -> list[TextLine]:
        """Read one image.

        Args:
            image: (H, W, 3) uint8 RGB, or (H, W) uint8 gray.

        Returns:
            The lines from top to bottom, those beside each other from left to right.

        Raises:
            ShapeError: not an image.
        """
        return self.read_many([image])[0]

    def read_many(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """Read several images at once, which is faster than one by one and gives the same.

        Args:
            images: (H, W, 3) uint8 RGB or (H, W) uint8 gray each; sizes may differ.

        Raises:
            ShapeError: one of them is not an image.
        """
        for image in images:
            shape, dtype = np.shape(image), getattr(image, "dtype", None)
            if dtype != np.uint8 or len(shape) not in (2, 3) or 0 in shape or shape[2:] not in ((), (3,)):
                raise ShapeError(
                    f"an image is {shape} {dtype}; it must be (H, W, 3) uint8 RGB or (H, W) uint8 gray,"
                    " at least one pixel"
                )
        return [
            _in_reading_order([line for line in lines if line.score >= self.min_score])
            for lines in self.engine.read(images)
        ]


def read_text(
    path: str | Path,
    *,
    engine: str | TextEngine = "ppocr",
    min_score: float = 0.6,
    progress: Callable[[float, float], None] | None = None,
) -> list[TextLine] | list[TextTrack]:
    """Read what is written in an image or a video.

    Args:
        path: the file.
        engine: a name of `ENGINES`, or an engine; videos are read by PP-OCR alone, whose evidence adds up
            over frames.
        min_score: text that is less sure is left out.
        progress: called with the seconds of a video that are done, and all of them.

    Returns:
        For an image its lines, from top to bottom; for a video each line with the time it is shown.

    Raises:
        VideoOpenError: the file is missing, or neither an image nor a video.
        VideoDecodeError: the file is an image, but a damaged one.
        UnknownNameError: an unknown engine.
        OptionError: another engine than PP-OCR for a video.
    """
    if is_image(Path(path)):
        return TextReader(engine, min_score=min_score).read(load_image(path))
    from muybridge.text.tracks import track_text

    reader = TextReader(engine, min_score=min_score)
    if not isinstance(reader.engine, PPOCREngine):
        raise OptionError(
            f"engine {reader.engine.name!r} reads images; videos need 'ppocr', whose evidence adds up over"
            " frames. To read single frames: TextReader(engine).read(frame.pixels)"
        )
    return track_text(path, networks=reader.engine.networks, min_score=min_score, progress=progress)


def load_image(path: str | Path) -> NDArray[np.uint8]:
    """Load an image, upright, over white where it is transparent.

    Args:
        path: PNG, JPEG, WebP, TIFF, BMP or PNM. The transparency of a gray TIFF is not read, nor are the
            pictures after the first one of a file that holds several; a warning says so.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        VideoOpenError: the file is missing or cannot be read.
        VideoDecodeError: it is damaged, or larger than OpenCV opens.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise VideoOpenError(f"cannot be read: {error}", path=path) from error
    if data[:2] in (b"P1", b"P2", b"P3"):
        data += b"\n"  # OpenCV does not read a last number that nothing follows
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if image is not None:
            image = over_white(np.asarray(image, np.uint8), data)
    except cv2.error as error:
        raise VideoDecodeError(f"the image cannot be decoded: {error.err or error}", path=path) from error
    if image is None:
        raise VideoDecodeError("the image is damaged or of an unknown format; convert it to PNG", path=path)
    if has_more_pictures(data):
        is_jpeg = data.startswith(_JPEG_START)
        remedy = "name a Motion JPEG .mjpeg" if is_jpeg else "save the others as files of their own"
        warnings.warn(f"{path}: only the first of several pictures is read; {remedy}", stacklevel=2)
    return np.ascontiguousarray(image[:, :, ::-1], np.uint8)


_JPEG_START = b"\xff\xd8\xff"
_MOVING_STARTS = (b"\x89PNG\r\n\x1a\n", _JPEG_START)  # images, or videos where there are more pictures
_STILL_STARTS = (b"BM", *TIFF_STARTS)
_PNM_START = re.compile(rb"P[1-6]\s")
_LARGEST_FIRST_PICTURE = 2**26  # bytes in which a second picture must begin to be found
_SINGLE_SUFFIXES = (".jpg", ".jpeg", ".jps", ".mpo", ".png")  # FFmpeg reads one JPEG of what is named so


def is_image(path: Path) -> bool:
    """Whether a file begins as images do.

    A raw Motion JPEG and an animated PNG are videos; animated WebP and TIFF of several pages are images,
    and so is a Motion JPEG whose name ends as those of single images do: FFmpeg reads no more of them than OpenCV.

    Args:
        path: the file.

    Raises:
        VideoOpenError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
            if start.startswith(_MOVING_STARTS):
                if start.startswith(_JPEG_START) and path.suffix.lower() in _SINGLE_SUFFIXES:
                    return True
                return not has_more_pictures(start + file.read(_LARGEST_FIRST_PICTURE))
    except (OSError, ValueError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        raise VideoOpenError(why, path=path) from error
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    return is_webp or start.startswith(_STILL_STARTS) or _PNM_START.match(start) is not None


def _as_line(path: Hypothesis, quad: Polygon) -> TextLine:
    """The line without spaces at its ends; one score for each code point."""
    scores = [span.confidence for span in path.characters for _ in span.character]
    text = path.text.strip()
    lead = len(path.text) - len(path.text.lstrip())
    return TextLine(text, path.confidence, quad, tuple(scores[lead : lead + len(text)]))


def _in_reading_order(lines: Sequence[TextLine]) -> list[TextLine]:
    """Top to bottom; lines that stand at one height from left to right."""

    def place(line: TextLine) -> tuple[float, float, float]:
        ys = [y for _, y in line.polygon]
        return (min(ys) + max(ys)) / 2, max(ys) - min(ys), min(x for x, _ in line.polygon)

    rows: list[list[tuple[tuple[float, float, float], TextLine]]] = []
    for line in sorted(lines, key=place):
        middle, height, _ = place(line)
        if rows:
            other, other_height, _ = rows[-1][0][0]
            if middle - other < min(height, other_height) / 2:
                rows[-1].append((place(line), line))
                continue
        rows.append([(place(line), line)])
    return [line for row in rows for _, line in sorted(row, key=lambda item: item[0][2])]
