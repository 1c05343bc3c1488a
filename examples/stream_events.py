"""A stream becomes events: a window over the frames, scores from any function, two thresholds, true times."""

import numpy as np

from muybridge.actions import EventRule, StreamingClassifier
from muybridge.values import Frame


def brightness(clip):
    """(1, 3, T, H, W) in [0, 1] → the probability that the lamp is on, and that it is off."""
    on = float(clip.mean())
    return [on, 1 - on]


rule = EventRule(on_threshold=0.6, off_threshold=0.4, min_duration_seconds=0.5, merge_gap_seconds=0.3)
watcher = StreamingClassifier(
    brightness,
    window_size=6,
    stride=2,
    labels=["lamp on", "lamp off"],
    ignored=["lamp off"],
    outputs="probabilities",
    rule=rule,
)
rng = np.random.default_rng(0)
print("the lamp is on from 2.0 to 5.0 s, flickers at 3.5 s, and flashes once at 7.0 s")
for index in range(300):
    seconds = index / 30
    lit = (2 <= seconds < 5 and not 3.5 <= seconds < 3.6) or 7 <= seconds < 7.1
    pixels = rng.integers(150, 256, (48, 64, 3)) if lit else rng.integers(0, 90, (48, 64, 3))
    prediction, events = watcher.see(Frame(pixels.astype(np.uint8), seconds, index=index))
    for event in events:
        what = (
            f"over, mean score {event.score:.2f}"
            if event.is_over
            else f"seen {event.latency_seconds:.2f} s late"
        )
        print(
            f"{seconds:5.2f} s: {event.label} from {event.start_seconds:.2f} to {event.end_seconds:.2f} s, {what}"
        )
