"""Small videos that a network can learn from in seconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from muybridge.video.writer import VideoWriter

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def write_video() -> Write:
    """A square that moves to the right (`step` > 0) or left over noise; one picture for each seed."""

    def write(path: Path, *, step: int = 3, seed: int = 0, num_frames: int = 16, width: int = 64) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(seed)
        background = generator.integers(40, 120, (48, width, 3), np.uint8)
        color = generator.integers(180, 255, 3)
        top = int(generator.integers(4, 28))
        with VideoWriter(path, width=width, height=48, frames_per_second=10) as writer:
            for index in range(num_frames):
                pixels = background.copy()
                place = (
                    (step * index) % (width - 16)
                    if step > 0
                    else (width - 16) - (-step * index) % (width - 16)
                )
                pixels[top : top + 16, place : place + 16] = color
                writer.write(pixels)
        return path

    return write


@pytest.fixture(scope="session")
def moving(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    """A folder of two classes, six clips each."""
    folder = tmp_path_factory.mktemp("moving")
    for index in range(6):
        write_video(folder / "slide left" / f"p{index}_1.mp4", step=-3, seed=index)
        write_video(folder / "slide right" / f"p{index}_1.mp4", step=3, seed=100 + index)
    return folder
