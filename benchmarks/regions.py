"""Finding regions beside a flood fill in plain Python, on a probability map of 1280 × 720 pixels.

python benchmarks/regions.py > regions.json
"""

from __future__ import annotations

import json
import statistics
import time

import numpy as np

from muybridge.text.regions import find_regions

Found = list[tuple[tuple[int, int, int, int], int, float]]


def page(num_lines: int = 24, seed: int = 0) -> np.ndarray:
    """Lines of text of several lengths, and specks of noise."""
    rng = np.random.default_rng(seed)
    prob_map = np.zeros((720, 1280), np.float32)
    for row in range(num_lines):
        top, left = 12 + 29 * row, int(rng.integers(10, 300))
        prob_map[top : top + 14, left : left + int(rng.integers(200, 900))] = rng.uniform(0.6, 1.0)
    for y, x in rng.integers((0, 0), (720, 1280), (200, 2)):
        prob_map[y, x] = 0.9
    return prob_map


def flood_fill(prob_map: np.ndarray, threshold: float) -> Found:
    """Box, area and mean score of each region of touching pixels, pixel by pixel on Python lists."""
    height, width = prob_map.shape
    rows = prob_map.tolist()
    seen = [[value <= threshold for value in row] for row in rows]
    found: Found = []
    for y0 in range(height):
        for x0 in range(width):
            if seen[y0][x0]:
                continue
            seen[y0][x0] = True
            stack, area, total = [(y0, x0)], 0, 0.0
            left, top, right, bottom = x0, y0, x0, y0
            while stack:
                y, x = stack.pop()
                area += 1
                total += rows[y][x]
                left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
                for v in range(max(0, y - 1), min(height, y + 2)):
                    for u in range(max(0, x - 1), min(width, x + 2)):
                        if not seen[v][u]:
                            seen[v][u] = True
                            stack.append((v, u))
            found.append(((left, top, right + 1, bottom + 1), area, round(total / area, 5)))
    return sorted(found)


def ours(prob_map: np.ndarray, threshold: float) -> Found:
    kept, _ = find_regions(prob_map, threshold=threshold)
    return sorted((region.box, region.area_px, round(region.score, 5)) for region in kept)


def timed(function: object, *arguments: object, repeats: int) -> list[float]:
    seconds = []  # of the processor: the machine may be shared
    for _ in range(repeats):
        started = time.process_time()
        function(*arguments)  # type: ignore[operator]
        seconds.append(time.process_time() - started)
    return seconds


def main() -> None:
    prob_map = page()
    assert ours(prob_map, 0.5) == flood_fill(prob_map, 0.5)
    peer, own = timed(flood_fill, prob_map, 0.5, repeats=5), timed(find_regions, prob_map, repeats=50)
    print(
        json.dumps(
            {
                "num_regions": len(ours(prob_map, 0.5)),
                "text_share": float((prob_map > 0.5).mean()),
                "flood_fill_ms": {"median": 1e3 * statistics.median(peer), "min": 1e3 * min(peer)},
                "find_regions_ms": {"median": 1e3 * statistics.median(own), "min": 1e3 * min(own)},
                "times_faster": statistics.median(peer) / statistics.median(own),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
