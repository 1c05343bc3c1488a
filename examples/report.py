"""Make a short video and a timeline of it, write the report, read it back."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from muybridge import Picture, Segment, Signal, Timeline
from muybridge.report import read_timeline, write_report
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

folder = Path(tempfile.mkdtemp())
video = folder / "two rooms.mp4"
with VideoWriter(video, width=320, height=180, frames_per_second=25) as writer:
    for number in range(100):
        picture = np.full((180, 320, 3), (40, 70, 110) if number < 50 else (110, 60, 40), np.uint8)
        cv2.circle(picture, (3 * number, 90), 20, (240, 240, 230), -1)
        if number >= 50:
            cv2.putText(picture, "EXIT", (120, 50), cv2.FONT_HERSHEY_DUPLEX, 1.2, (255, 255, 255))
        writer.write(picture)

with open_video(video) as opened:
    metadata = opened.metadata
    pixels = opened.frames_at(seconds=[3.0]).pixels[0]
jpeg = cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()
keyframe = Segment(3, 3, "keyframe", attributes={"picture": "keyframe-0000"})
shots = [Segment(0, 2, "shot"), Segment(2, 4, "shot")]
energy = Signal("motion_energy", np.arange(4.0), np.array([0.4, 0.4, 0.9, 0.4]))
image = Picture("keyframe-0000", jpeg, 3.0, 320, 180)
text = Segment(2, 4, "text", "EXIT", 0.98)
timeline = Timeline(metadata, (*shots, text, keyframe), (energy,), (image,))
page = write_report(timeline, folder / "report")
print("open", page)
print((page.parent / "text.vtt").read_text(encoding="utf-8"))
print("the same timeline when read back:", read_timeline(page.parent) == timeline)
