"""Leaving a video in the middle never hangs."""

import subprocess
import sys
from pathlib import Path

import av.logging
import numpy as np

import muybridge.video.container  # noqa: F401  # sets the level
from muybridge.video.writer import VideoWriter

CODE = """
import sys
from muybridge.video.reader import open_video
for stop in range(60):
    with open_video(sys.argv[1]) as video:
        for number, _ in enumerate(video.pictures(start_seconds=0.01 * stop)):
            if number == stop % 13:
                break
print("done")
"""


def test_no_python_lock_is_taken_in_the_threads_of_a_decoder() -> None:
    assert av.logging.get_level() is None


def test_leaving_in_the_middle_again_and_again(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    path = tmp_path / "noise.mp4"
    with VideoWriter(path, width=160, height=120, frames_per_second=25) as writer:
        for _ in range(60):
            writer.write(draw.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "done"
