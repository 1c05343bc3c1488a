"""Short and long windows at once: a clap is lost in a long window, getting up from a chair in a short one."""

import numpy as np

from muybridge.actions import MultiScaleClassifier, StreamingClassifier
from muybridge.values import Frame


def movement(clip):
    """How much changes from frame to frame (a clap), and from the window's start to its end (getting up)."""
    jump = float((clip[:, :, 1:] - clip[:, :, :-1]).abs().mean())
    drift = float((clip[:, :, -1] - clip[:, :, 0]).abs().mean())
    clap, rise = min(1.0, 8 * jump), min(1.0, 2 * max(0.0, drift - 4 * jump))
    return [clap, rise, max(0.0, 1 - clap - rise)]


def scale(window_size):
    labels = ["clap", "get up", "nothing"]
    return StreamingClassifier(
        movement, window_size=window_size, stride=5, labels=labels, outputs="probabilities"
    )


# The short window speaks for claps, the long one for getting up, both for nothing.
weights = {"0.3 s": [1.0, 0.0, 0.5], "2 s": [0.0, 1.0, 0.5]}
both = MultiScaleClassifier({"0.3 s": scale(10), "2 s": scale(60)}, weights=weights)
print("a clap at 3 s, getting up from 5 to 7 s")
for index in range(270):
    seconds = index / 30
    level = 40 + 100 * np.clip((seconds - 5) / 2, 0, 1) + (80 if 3.0 <= seconds < 3.2 and index % 2 else 0)
    prediction = both.push(Frame(np.full((24, 32, 3), level, np.uint8), seconds, index=index))
    if prediction is not None and prediction.label != "nothing" and prediction.score > 0.3:
        best = prediction.labels.index(prediction.label)
        added = ", ".join(f"{name} adds {part[best]:.2f}" for name, part in prediction.scales.items())
        print(f"{seconds:5.2f} s  {prediction.label:<7} {prediction.score:.2f}   {added}")
