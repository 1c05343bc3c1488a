"""Read an image, then a video in which a line is shown for a while: when it appears and when it is gone."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

import muybridge
from muybridge.text.reader import TextReader
from muybridge.video.writer import VideoWriter

wall = cv2.resize(np.random.default_rng(0).integers(40, 110, (20, 32, 3), np.uint8), (640, 360))
sign = cv2.putText(wall.copy(), "Platform 9", (190, 190), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (255, 255, 255), 3)

for line in TextReader().read(sign):
    surest = ", ".join(f"{c} {s:.2f}" for c, s in zip(line.text, line.character_scores, strict=True))
    print(f"image: {line.text!r}, score {line.score:.3f} ({surest})")

path = Path(tempfile.mkdtemp()) / "sign.mp4"
with VideoWriter(path, width=640, height=360, frames_per_second=25) as writer:
    for frame in range(75):
        shown = 20 <= frame < 55  # 0.8 s to 2.2 s
        writer.write(sign if shown else wall)
for track in muybridge.read_text(path):
    print(f"video: {track.text!r} from {track.start_seconds:.2f} s to {track.end_seconds:.2f} s,")
    print(f"       read in {track.num_readings} of 75 frames")
