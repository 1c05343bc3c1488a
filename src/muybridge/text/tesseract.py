"""Tesseract as a second engine, through its command line: it knows scripts that PP-OCR's networks do not."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, WeightsError
from muybridge.values import TextLine

__all__ = ["TesseractEngine", "lines_of_tsv"]


class TesseractEngine:
    """Reads with an installed Tesseract.

    Args:
        language: as Tesseract names it: `"eng"`, `"deu+fra"`; its data must be installed.
        program: the program's name or path.
        timeout_seconds: how long one image may take.

    Raises:
        WeightsError: the program is not installed.
        OptionError: a language whose name is none, or a time limit that is not positive.
    """

    name = "tesseract"

    def __init__(
        self, *, language: str = "eng", program: str = "tesseract", timeout_seconds: float = 60.0
    ) -> None:
        found = shutil.which(program)
        if found is None:
            raise WeightsError(
                f"the program {program!r} is not installed; install it (Debian, Ubuntu: apt install"
                " tesseract-ocr; macOS: brew install tesseract), or read with engine='ppocr'"
            )
        if not language or not all(
            part.replace("_", "").replace("/", "").isalnum() for part in language.split("+")
        ):
            raise OptionError(f"language is {language!r}; it must be like 'eng' or 'deu+fra'")
        if not timeout_seconds > 0:
            raise OptionError(f"timeout_seconds is {timeout_seconds}; it must be positive")
        self.language = language
        self.program = found
        self.timeout_seconds = timeout_seconds

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """Read images one by one."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: NDArray[np.uint8]) -> list[TextLine]:
        colors = image if image.ndim == 2 else image[:, :, ::-1]
        _, png = cv2.imencode(".png", np.ascontiguousarray(colors))
        command = [self.program, "stdin", "stdout", "-l", self.language, "tsv"]
        try:
            done = subprocess.run(
                command, input=png.tobytes(), capture_output=True, timeout=self.timeout_seconds, check=True
            )
        except subprocess.TimeoutExpired as error:
            raise OptionError(
                f"Tesseract needed more than {self.timeout_seconds:g} s for an image of"
                f" {image.shape[1]} x {image.shape[0]} pixels; scale it down, or raise timeout_seconds"
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()
            raise WeightsError(
                f"Tesseract failed: {said}; are the data of {self.language!r} installed?"
            ) from error
        return lines_of_tsv(done.stdout.decode())


def lines_of_tsv(tsv: str) -> list[TextLine]:
    r"""Join the words of Tesseract's TSV output to lines.

    Args:
        tsv: with its header; one row for each page, block, paragraph, line and word.

    >>> names = "level page_num block_num par_num line_num word_num left top width height conf text".split()
    >>> rows = [names, "5 1 1 1 1 1 10 20 30 12 90 Hello".split(), "5 1 1 1 1 2 45 20 40 14 80 world".split()]
    >>> line, = lines_of_tsv("\n".join("\t".join(row) for row in rows))
    >>> line.text, round(line.score, 3), line.polygon[2]
    ('Hello world', 0.85, (85.0, 34.0))
    """
    words: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (row["text"] or "").strip():
            words[tuple(row[name] for name in ("page_num", "block_num", "par_num", "line_num"))].append(row)
    lines = []
    for parts in words.values():
        left, top = (min(float(word[name]) for word in parts) for name in ("left", "top"))
        right = max(float(word["left"]) + float(word["width"]) for word in parts)
        bottom = max(float(word["top"]) + float(word["height"]) for word in parts)
        texts = [word["text"].strip() for word in parts]
        scores = [min(1.0, max(0.0, float(word["conf"]) / 100)) for word in parts]
        # Tesseract is sure of words, not of characters; a long word counts for more.
        score = sum(s * len(t) for s, t in zip(scores, texts, strict=True)) / sum(map(len, texts))
        polygon = ((left, top), (right, top), (right, bottom), (left, bottom))
        lines.append(TextLine(" ".join(texts), score, polygon))
    return lines
