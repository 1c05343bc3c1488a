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

    def write(
        path: Path,
        *,
        step: int = 3,
        seed: int = 0,
        num_frames: int = 16,
        width: int = 64,
        color: tuple[int, int, int] | None = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(seed)
        background = generator.integers(40, 120, (48, width, 3), np.uint8)
        paint = generator.integers(180, 255, 3) if color is None else color
        top = int(generator.integers(4, 28))
        with VideoWriter(path, width=width, height=48, frames_per_second=10) as writer:
            for index in range(num_frames):
                pixels = background.copy()
                place = (
                    (step * index) % (width - 16)
                    if step > 0
                    else (width - 16) - (-step * index) % (width - 16)
                )
                pixels[top : top + 16, place : place + 16] = paint
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


@pytest.fixture(scope="session")
def colored(tmp_path_factory: pytest.TempPathFactory, write_video: Write) -> Path:
    """A folder of two classes that differ by color, five clips each; `p0` to `p4` are the people."""
    folder = tmp_path_factory.mktemp("colored")
    for index in range(5):
        write_video(folder / "red" / f"_p{index}_.mp4", seed=index, color=(250, 20, 20))
        write_video(folder / "green" / f"_p{index}_.mp4", seed=50 + index, color=(20, 250, 20))
    return folder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a small network that knows two other classes (its weights are random)."""
    import torch

    from muybridge.models.checkpoint import save_checkpoint
    from muybridge.models.registry import create_model
    from muybridge.models.weights import Weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    record = Weights(
        "base", labels=("a", "b", "c"), num_frames=4, frames_per_second=5.0, size_px=32, resize_px=36,
        closest_zoom=2.0, num_clips=3,
    )  # fmt: skip
    save_checkpoint(path, create_model("causal_tiny", num_classes=3), name="causal_tiny", weights=record)
    return path
