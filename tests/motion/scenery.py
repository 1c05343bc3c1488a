"""Hand-made pictures for the tests of movement: textured scenes, and what happens between them."""

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 72, 128


def scene(seed: int, *, width: int = WIDTH, gray: bool = False) -> NDArray[np.uint8]:
    """A blurry colored texture, (72, width, 3): each seed is another place."""
    draw = np.random.default_rng(seed)
    low, high = sorted(draw.uniform(0, 255, 2))
    cells = draw.uniform(low * 0.5, 128 + high * 0.5, (5, 2 + width // 16, 1 if gray else 3))
    cells = np.broadcast_to(cells, (*cells.shape[:2], 3))
    rows = np.linspace(0, cells.shape[0] - 1.001, HEIGHT)
    columns = np.linspace(0, cells.shape[1] - 1.001, width)
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None, None], (columns - c)[None, :, None]
    top = cells[r][:, c] * (1 - fc) + cells[r][:, c + 1] * fc
    bottom = cells[r + 1][:, c] * (1 - fc) + cells[r + 1][:, c + 1] * fc
    return np.asarray(top * (1 - fr) + bottom * fr).round().astype(np.uint8)


def still(picture: NDArray[np.uint8], num: int) -> list[NDArray[np.uint8]]:
    return [picture] * num


def noisy(pictures: list[NDArray[np.uint8]], sigma: float, seed: int = 0) -> list[NDArray[np.uint8]]:
    draw = np.random.default_rng(seed)
    return [np.clip(p + draw.normal(0, sigma, p.shape), 0, 255).astype(np.uint8) for p in pictures]


def dissolve(a: NDArray[np.uint8], b: NDArray[np.uint8], num: int) -> list[NDArray[np.uint8]]:
    """`num` mixed frames between a and b, neither included."""
    weights = np.arange(1, num + 1) / (num + 1)
    return [(a * (1 - w) + b * w).round().astype(np.uint8) for w in weights]


def pan(width: int, num: int, step: float, seed: int = 0) -> list[NDArray[np.uint8]]:
    """A camera that moves over a wide scene by `step` pixels a frame."""
    wide = scene(seed, width=width)
    return [wide[:, int(step * n) : int(step * n) + WIDTH] for n in range(num)]
