"""The signal exercise: three actions and two spikes in 200 noisy frames; are the three found, and only they?"""

from pathlib import Path

import numpy as np

from muybridge.actions.proposals import generate_proposals
from muybridge.metrics.temporal import evaluate_events

ACTIONS, SPIKES = [(20, 40), (80, 110), (150, 170)], [(55, 57), (130, 132)]


def signal(sigma: float, seed: int) -> np.ndarray:
    scores = np.full(200, 0.1)
    for start, end in ACTIONS + SPIKES:
        scores[start:end] = 0.9
    return scores + np.random.default_rng(seed).normal(0, sigma, 200)


def f1(sigma: float, seed: int, min_duration: int) -> float:
    found = generate_proposals(signal(sigma, seed), min_duration=min_duration)
    return evaluate_events(ACTIONS, [(p.start, p.end) for p in found], tiou_threshold=0.9).f1


found = generate_proposals(signal(0.1, seed=0))
for p in found:
    print(f"[{p.start:3}, {p.end:3})  {p.duration} frames, mean {p.mean_score:.2f}, peak {p.peak_score:.2f}")

print("\nF1 at tIoU 0.9, mean over 1,000 seeds\n sigma   min_duration=3   min_duration=2   min_duration=1")
for sigma in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
    means = [np.mean([f1(sigma, seed, length) for seed in range(1000)]) for length in (3, 2, 1)]
    print(f"  {sigma:.2f}" + "".join(f"{mean:17.4f}" for mean in means))

line = " ".join(f"{4 * frame + 2},{200 - 150 * score:.0f}" for frame, score in enumerate(signal(0.1, seed=0)))
bars = [f'<rect x="{4 * a}" width="{4 * (b - a)}" height="240" fill="#cde"/>' for a, b in ACTIONS]
bars += [f'<rect x="{4 * p.start}" y="222" width="{4 * p.duration}" height="12" fill="#37b"/>' for p in found]
bars += [f'<polyline points="{line}" fill="none" stroke="#222"/><path d="M0 125H800" stroke="#c33"/>']
svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="240">{"".join(bars)}</svg>'
Path("signal.svg").write_text(svg, encoding="utf-8")
print("\nsignal.svg: the scores, the threshold (red), the true actions (light) and those found (dark)")
