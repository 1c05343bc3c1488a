"""Shots, keyframes and movement of a film that this file makes: a cut, a dissolve, and something that moves fast."""

import tempfile
from pathlib import Path

import numpy as np

import muybridge
from muybridge.motion.scenes import watch_scenes
from muybridge.video.writer import VideoWriter

draw = np.random.default_rng(3)
rooms = [np.kron(draw.integers(0, 255, (9, 16, 3)), np.ones((20, 20, 1))) for _ in range(3)]


def picture(number: int) -> np.ndarray:
    if number < 75:
        return rooms[0]
    share = min(1.0, max(0.0, (number - 150) / 25))
    shown = rooms[1] * (1 - share) + rooms[2] * share
    if 225 <= number < 260:  # a white box crosses the room
        left = 8 * (number - 225)
        shown = shown.copy()
        shown[60:120, left : left + 60] = 255
    return shown


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "film.mp4"
    with VideoWriter(path, width=320, height=180, frames_per_second=25) as writer:
        for number in range(350):
            writer.write(picture(number).astype(np.uint8))
    for shot in muybridge.detect_shots(path):
        how = shot.attributes["transition"]
        print(f"{shot.label}: {shot.start_seconds:5.2f} to {shot.end_seconds:5.2f} s, begins with a {how}")
    with muybridge.open_video(path) as video:
        for spike in (found for found in watch_scenes(video) if found.kind == "motion"):
            print(f"movement: {spike.start_seconds:.2f} to {spike.end_seconds:.2f} s, {spike.label}")
    times = [f"{frame.pts_seconds:.2f}" for frame in muybridge.pick_keyframes(path)]
    print("keyframes at", ", ".join(times), "s")
