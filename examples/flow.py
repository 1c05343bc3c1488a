"""Optical flow in numbers and colors: a ball rolls to the right over a textured ground that stands still."""

import tempfile

import cv2
import numpy as np

import muybridge
from muybridge.motion.colors import color_flow, draw_legend
from muybridge.motion.statistics import compute_statistics
from muybridge.motion.warp import find_moving, warp_image

rng = np.random.default_rng(0)
ground = cv2.resize(rng.integers(60, 200, (30, 40), np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC)
pattern = cv2.resize(rng.integers(0, 255, (20, 20), np.uint8), (80, 80), interpolation=cv2.INTER_CUBIC)
ball = np.hypot(*np.mgrid[-40:40, -40:40]) < 38


def picture(x: int, y: int) -> np.ndarray:
    drawn = ground.copy()
    np.copyto(drawn[y : y + 80, x : x + 80], pattern, where=ball)
    return drawn


first, second = picture(100, 80), picture(109, 76)
flow = muybridge.compute_flow(first, second)  # (240, 320, 2): dx and dy of every pixel
moving = find_moving(first, second, flow)
for name, mask in (("all", None), ("what moves", moving)):
    stats = compute_statistics(flow, mask=mask)
    print(
        f"{name:>10}: {stats.mean_magnitude:5.2f} px {stats.dominant_direction} ({stats.dominant_degrees:.0f} degrees)"
    )

before, after = (np.abs(image - first.astype(float)).mean() for image in (second, warp_image(second, flow)))
print(f"the pictures differ by {before:.2f} levels; drawn back along the flow, by {after:.2f}")
painted = draw_legend(color_flow(flow, max_magnitude=12), max_magnitude=12)
path = f"{tempfile.mkdtemp()}/flow.png"
cv2.imwrite(path, cv2.cvtColor(painted, cv2.COLOR_RGB2BGR))
print("its colors:", path)
