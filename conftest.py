"""Fixtures that all tests and doctests share."""

import os
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(os.environ.get("MUYBRIDGE_SHARED_DATA", Path(__file__).parents[1] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real clips is absent")
    return SHARED


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test registers is forgotten after it; the package's own models are there before it."""
    from muybridge.models import registry

    registry.list_models()  # loaded first, or the package's own models would be forgotten as well
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))


@pytest.fixture(scope="session")
def sample_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty frames of 64×48 pixels at 10 per second; a bright square moves to the right over gray noise."""
    from muybridge.video.writer import VideoWriter

    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    background = np.random.default_rng(0).integers(60, 120, (48, 64, 3), np.uint8)
    with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
        for index in range(20):
            pixels = background.copy()
            pixels[16:32, 2 * index : 2 * index + 16] = (250, 200, 30)
            writer.write(pixels)
    return path
