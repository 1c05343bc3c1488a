"""Tesseract behind the same interface."""

import shutil

import numpy as np
import pytest

from muybridge.errors import OptionError, WeightsError
from muybridge.text.reader import TextReader
from muybridge.text.tesseract import TesseractEngine

INSTALLED = shutil.which("tesseract") is not None


@pytest.mark.skipif(not INSTALLED, reason="Tesseract is not installed")
def test_it_reads_the_page(page: np.ndarray) -> None:
    lines = TextReader("tesseract").read(page)
    assert [line.text for line in lines] == ["Hello world", "room 4711"]
    assert all(0.5 < line.score <= 1 for line in lines)
    left, top = np.min(lines[0].polygon, axis=0)
    assert (left, top) == pytest.approx((32, 56), abs=12)


@pytest.mark.skipif(not INSTALLED, reason="Tesseract is not installed")
def test_a_language_without_data_is_an_error(page: np.ndarray) -> None:
    with pytest.raises(WeightsError, match="'xyz' installed"):
        TesseractEngine(language="xyz").read([page])


def test_absent_it_says_how_to_install_it() -> None:
    with pytest.raises(WeightsError, match="apt install tesseract-ocr"):
        TesseractEngine(program="tesseract-that-nobody-has")


@pytest.mark.skipif(not INSTALLED, reason="Tesseract is not installed")
def test_options_that_are_none() -> None:
    for language in ("", "eng;rm", "--help"):
        with pytest.raises(OptionError, match="language"):
            TesseractEngine(language=language)
    with pytest.raises(OptionError, match="timeout"):
        TesseractEngine(timeout_seconds=0)
