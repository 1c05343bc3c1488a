"""Networks loaded once for all tests of text."""

import cv2
import numpy as np
import pytest

from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.reader import PPOCREngine, TextReader


@pytest.fixture(scope="session")
def engine() -> PPOCREngine:
    return PPOCREngine(num_threads=1)


@pytest.fixture(scope="session")
def networks(engine: PPOCREngine) -> PPOCRNetworks:
    return engine.networks


@pytest.fixture(scope="session")
def reader(engine: PPOCREngine) -> TextReader:
    return TextReader(engine)


@pytest.fixture
def page() -> np.ndarray:
    """Two lines on white, the second one indented, 320 × 480 pixels."""
    image = np.full((320, 480, 3), 255, np.uint8)
    cv2.putText(image, "Hello world", (30, 90), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3)
    cv2.putText(image, "room 4711", (120, 220), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 30, 160), 3)
    return image
