"""What the camera does and what moves in front of it, told apart: a pan over a wall while a box runs left."""

import cv2
import numpy as np

from muybridge import Frame, MotionObserver, Segment, VideoMetadata

RATE, SECONDS = 15, 6
random = np.random.default_rng(0)
wall = cv2.resize(random.integers(0, 255, (30, 120), np.uint8), (1200, 300), interpolation=cv2.INTER_CUBIC)
box = cv2.resize(random.integers(0, 255, (8, 4), np.uint8), (24, 48), interpolation=cv2.INTER_CUBIC)

observer = MotionObserver()
observer.start(VideoMetadata("wall"))
findings = []
for index in range(RATE * SECONDS):
    seconds = index / RATE
    left = round(60 * max(seconds - 2, 0))  # still for two seconds, then to the right
    picture = wall[90:210, 200 + left : 413 + left].copy()
    x = 190 - round(90 * (seconds - 4))  # the box enters the screen after four seconds
    if 0 <= x <= 189:
        picture[60:108, x : x + 24] = box
    findings += observer.observe(Frame(picture, seconds))
findings += observer.finish(SECONDS)

for item in sorted((f for f in findings if isinstance(f, Segment)), key=lambda s: (s.kind, s.start_seconds)):
    numbers = {name: value for name, value in item.attributes.items() if name.endswith("per_second")}
    print(f"{item.start_seconds:4.1f} to {item.end_seconds:4.1f} s  {item.label:24}  {numbers}")
