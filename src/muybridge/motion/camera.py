"""The camera's own motion, told apart from what moves in front of it.

    flow of a pair ─► points on a grid ─► consensus ─► refined fit ─► CameraMotion: pan, tilt, zoom, roll
                      (weighted by texture)                           what remains moves on its own

A similarity (shift, scale, turn) has four unknowns and a closed form, so it is the default: it is what a pan,
a tilt, a zoom and a roll look like on the screen. A homography also follows the keystone of a wide, fast pan.

Directions are those of a person behind the camera: when the camera pans right, the picture moves left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.motion.similarity import agree, of_matrix, squared_error, to_matrix

__all__ = [
    "VISIBLE_PX",
    "CameraMotion",
    "CameraSpeed",
    "estimate_camera",
    "grid_points",
    "holds_still",
    "object_mask",
    "texture_weights",
]

_MAX_POINTS = 400
_CLEAR_CHANGE_LEVELS = 8
VISIBLE_PX = 0.25
"""What moves no corner of the picture by more is rest."""
_NOISE_LEVELS = 1.5
"""Gradient in gray levels per pixel at which a point is trusted by half."""


@dataclass(frozen=True, slots=True)
class CameraSpeed:
    """What the camera does, in units that do not depend on the resolution.

    Args:
        pan: to the right, in picture heights per second.
        tilt: upward, in picture heights per second.
        zoom: inward, as the natural logarithm of the magnification per second (0.1 is about 10% per second).
        roll: clockwise as the person behind the camera sees it, in degrees per second.
    """

    pan: float
    tilt: float
    zoom: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class CameraMotion:
    """How the picture of the scene moves from one frame to the next.

    Args:
        matrix: (3, 3) float64 homography of pixel coordinates (x, y, 1): frame 1 → frame 2.
        width: pixels of the frames.
        height: pixels of the frames.
        inlier_share: how much of the textured picture follows the matrix, in [0, 1].
        evidence: how much of the picture has texture to go by, in [0, 1]; 0.0 means that nothing is known and
            the matrix is the identity.

    >>> shift = np.array([[1.0, 0, -6], [0, 1, 0], [0, 0, 1]])
    >>> motion = CameraMotion(shift, width=160, height=120, inlier_share=1.0, evidence=1.0)
    >>> motion.speed(seconds=0.1).pan
    0.5
    >>> motion.flow()[60, 80].tolist()
    [-6.0, 0.0]
    """

    matrix: NDArray[np.float64]
    width: int
    height: int
    inlier_share: float
    evidence: float

    def flow(self) -> NDArray[np.float32]:
        """The flow that the camera alone makes: (H, W, 2) float32, pixels per frame (dx, dy)."""
        x, y = _pixels(self.height, self.width)
        flow = np.empty((self.height, self.width, 2), np.float32)
        flow[..., 0], flow[..., 1] = _displacement(self.matrix, x, y)
        return flow

    @property
    def mean_px(self) -> float:
        """By how far the picture moves on average, in pixels."""
        points, _, _ = grid_points(self.height, self.width)
        return float(np.hypot(*_displacement(self.matrix, *points)).mean())

    @property
    def reach_px(self) -> float:
        """By how far the corner that moves most moves, in pixels."""
        right, bottom = self.width - 1.0, self.height - 1.0
        corners = ((0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom))
        return max(math.hypot(*_displacement(self.matrix, x, y)) for x, y in corners)

    def shift_at(self, x: float, y: float) -> tuple[float, float]:
        """By how far that place moves, in pixels to the right and down."""
        dx, dy = _displacement(self.matrix, x, y)
        return float(dx), float(dy)

    def moved(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The first frame, (H, W) uint8, as the camera alone makes it the second."""
        size = (self.width, self.height)
        drawn = cv2.warpPerspective(picture, self.matrix, size, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(drawn, np.uint8)

    def displacement(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`shift_at` for many places: (N,) and (N,) to the right and down."""
        dx, dy = _displacement(self.matrix, x, y)
        return dx, dy

    def speed(self, seconds: float) -> CameraSpeed:
        """The motion as a person names it, from the matrix' linear part at the middle of the picture.

        Args:
            seconds: the time between the two frames.

        Raises:
            OptionError: a time that is not positive.
        """
        if not seconds > 0:
            raise OptionError(f"{seconds} seconds between two frames; the time must be positive")
        x, y = (self.width - 1) / 2, (self.height - 1) / 2
        (a, b, c), (d, e, f), (g, h, i) = self.matrix.tolist()
        w = g * x + h * y + i
        u, v = (a * x + b * y + c) / w, (d * x + e * y + f) / w
        dx, dy = u - x, v - y
        # The derivative of (u, v) by (x, y).
        ux, uy, vx, vy = (a - u * g) / w, (b - u * h) / w, (d - v * g) / w, (e - v * h) / w
        turn, area = math.atan2(vx - uy, ux + vy), max(ux * vy - uy * vx, 1e-9)
        unit = self.height * seconds
        # On the screen y points down: a positive angle turns the picture clockwise, the camera the other way.
        return CameraSpeed(
            pan=0.0 - dx / unit,
            tilt=dy / unit,
            zoom=0.5 * math.log(area) / seconds,
            roll=0.0 - math.degrees(turn) / seconds,
        )


def texture_weights(gray: NDArray[np.uint8], *, block_size: int = 7) -> NDArray[np.float32]:
    """How well motion can be seen at each pixel: 1 at corners, 0 on flat areas and along straight edges.

    The smaller eigenvalue of the structure tensor, relative to the noise of an 8-bit picture (Shi and Tomasi,
    Good Features to Track, CVPR 1994).

    Args:
        gray: (H, W) uint8 luma.
        block_size: side of the neighborhood in pixels.

    Returns:
        (H, W) float32 in [0, 1).

    Raises:
        ShapeError: not an (H, W) uint8 array.

    >>> texture_weights(np.full((32, 32), 90, np.uint8)).max().item()
    0.0
    """
    if gray.ndim != 2 or gray.dtype != np.uint8:
        raise ShapeError(f"gray is {gray.shape} {gray.dtype}; it must be (H, W) uint8")
    # OpenCV gives 8-bit pictures 4 g² / 255² for a gradient of g; undone, this is in gray levels squared.
    smaller = cv2.cornerMinEigenVal(gray, block_size) * (255.0 / 2) ** 2
    return np.asarray(smaller / (smaller + _NOISE_LEVELS**2), np.float32)


def estimate_camera(
    flow: NDArray[np.float32],
    *,
    weights: NDArray[np.float32] | None = None,
    model: Literal["similarity", "homography"] = "similarity",
    previous: CameraMotion | None = None,
) -> CameraMotion:
    """The motion of the scene as a whole, found in spite of the objects that move in it.

    Consensus over pairs of points (RANSAC with the truncated cost MSAC: Fischler and Bolles, CACM 1981; Torr
    and Zisserman, CVIU 2000), among them the still camera and the previous motion, then iteratively
    re-weighted least squares with Geman–McClure weights. The similarity's least squares are closed form
    (Umeyama, PAMI 1991; in complex numbers w = a·z + b); the homography is the normalized direct linear
    transform (Hartley, PAMI 1997). The points are fixed, so equal input gives equal output.

    Args:
        flow: (H, W, 2) float32, pixels of displacement (dx, dy).
        weights: (H, W) how far to trust each vector, such as `texture_weights`; None trusts all alike.
        model: `"similarity"` or `"homography"`.
        previous: the motion of the pair before, which is likely to go on.

    Returns:
        The camera's motion; the identity with `evidence` 0.0 where there is too little to go by.

    Raises:
        ShapeError: arrays of other shapes.
        OptionError: an unknown model.

    >>> flow = np.zeros((90, 160, 2), np.float32)
    >>> flow[..., 0] = 3
    >>> flow[20:70, 30:90] = (-5, 8)      # an object on its own way
    >>> round(estimate_camera(flow).speed(seconds=0.1).pan, 6)      # 3 of 90 pixels in 0.1 s, to the right
    -0.333333
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ShapeError(f"flow is {flow.shape}; it must be (H, W, 2)")
    if model not in ("similarity", "homography"):
        raise OptionError(f"camera model {model!r}; it is 'similarity' or 'homography'")
    height, width = flow.shape[:2]
    if weights is not None and weights.shape != (height, width):
        raise ShapeError(f"weights are {weights.shape}; they must be {(height, width)} like the flow")

    points, shift, trust = _grid(flow, weights)
    usable = np.flatnonzero(trust > 0.05)
    evidence = usable.size / max(1, trust.size)
    if usable.size < 8 or evidence < 0.01:
        return CameraMotion(np.eye(3), width, height, inlier_share=0.0, evidence=0.0)
    points, shift, trust = points[:, usable], shift[:, usable], trust[usable]
    tolerance = 0.2 + 0.06 * np.hypot(shift[0], shift[1])

    expected = of_matrix(previous.matrix) if previous is not None and previous.evidence > 0 else None
    similarity = agree(points, shift, trust, tolerance, expected=expected, size_px=min(width, height))
    matrix = to_matrix(similarity)
    if model == "homography":
        matrix = _refine_homography(matrix, points, shift, trust, tolerance)
        squared = _error(matrix, points, shift) ** 2
    else:
        squared = squared_error(similarity, points, shift)
    share = float(trust @ (squared < 4 * tolerance**2)) / float(np.add.reduce(trust))
    return CameraMotion(matrix, width, height, inlier_share=share, evidence=evidence)


def holds_still(
    previous: NDArray[np.uint8],
    current: NDArray[np.uint8],
    camera: CameraMotion,
    *,
    moved: NDArray[np.uint8] | None = None,
    min_share: float = 0.4,
) -> bool:
    """Whether the pixels speak for a still camera, whatever the flow says.

    Dense flow is smooth: it carries a large object's motion into the background around it. The pixels do not:
    where the alleged motion would change a pixel clearly and it has stayed as it was, the camera stood still.

    Args:
        previous: (H, W) uint8 luma.
        current: (H, W) uint8 luma.
        camera: what was estimated from their flow.
        moved: `camera.moved(previous)`, where it has been made already.
        min_share: how much of what the motion would change must have stayed.

    >>> frame = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    >>> pan = CameraMotion(np.array([[1.0, 0, 3], [0, 1, 0], [0, 0, 1]]), 64, 48, 1.0, 1.0)
    >>> holds_still(frame, frame, pan), holds_still(frame, np.roll(frame, 3, axis=1), pan)
    (True, False)
    """
    if camera.reach_px < VISIBLE_PX:
        return False
    moved = camera.moved(previous) if moved is None else moved
    change = cv2.absdiff(moved, previous)
    would_change = cv2.threshold(change, _CLEAR_CHANGE_LEVELS, 255, cv2.THRESH_BINARY)[1]
    stayed = cv2.compare(cv2.absdiff(current, previous), cv2.absdiff(current, moved) // 2, cv2.CMP_LT)
    num_clear = cv2.countNonZero(would_change)
    num_stayed = cv2.countNonZero(cv2.bitwise_and(stayed, would_change))
    return bool(num_stayed > max(min_share * num_clear, 0.002 * current.size))


def object_mask(
    flow: NDArray[np.float32], camera: CameraMotion, *, threshold_px: float = 1.0
) -> NDArray[np.bool_]:
    """Where something moves on its own: the flow that the camera does not explain.

    Args:
        flow: (H, W, 2) float32, pixels of displacement.
        camera: the camera's motion for the same pair.
        threshold_px: pixels per frame from which a difference counts; fast camera motion raises it by 8%
            of its own length, because flow errs in proportion.

    Returns:
        (H, W) bool.

    Raises:
        ShapeError: a flow of another size than the camera's frames.
    """
    if flow.shape != (camera.height, camera.width, 2):
        raise ShapeError(f"flow is {flow.shape}; it must be {(camera.height, camera.width, 2)}")
    explained = camera.flow()
    left = np.hypot(*np.moveaxis(flow - explained, -1, 0))
    return np.asarray(left > threshold_px + 0.08 * np.hypot(explained[..., 0], explained[..., 1]))


def _grid(
    flow: NDArray[np.float32], weights: NDArray[np.float32] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points on a grid, (2, N) x and y; by how far each has moved, (2, N); and how far to trust it, (N,)."""
    height, width = flow.shape[:2]
    points, trust, step = grid_points(height, width)
    some = slice(step // 2, None, step)
    shift = np.ascontiguousarray(flow[some, some].reshape(-1, 2).T, np.float64)
    if weights is not None:
        trust = trust * weights[some, some].ravel()
    if not np.isfinite(shift).all():
        finite = np.isfinite(shift).all(axis=0)
        shift, trust = np.where(finite, shift, 0.0), trust * finite
    return points, shift, trust


@lru_cache(maxsize=8)
def grid_points(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """The grid of a picture size, (2, N); how far to trust each place in it, (N,); and its step in pixels."""
    step = max(1, math.ceil(math.sqrt(height * width / _MAX_POINTS)))
    y, x = np.mgrid[step // 2 : height : step, step // 2 : width : step].astype(np.float64)
    points = np.stack([x.ravel(), y.ravel()])
    # Objects are mostly framed in the middle; the border is mostly scene.
    off_center = np.abs(points / np.array([[width], [height]]) - 0.5).max(axis=0) * 2
    return points, 0.5 + 0.5 * off_center, step


def _refine_homography(
    matrix: NDArray[np.float64],
    points: NDArray[np.float64],
    shift: NDArray[np.float64],
    trust: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Re-weighted normalized direct linear transform, from a similarity that already fits most points."""
    center = points.mean(axis=1, keepdims=True)
    scale = math.sqrt(2) / max(float(np.hypot(*(points - center)).mean()), 1e-9)
    normalize = np.array([[scale, 0, -scale * center[0, 0]], [0, scale, -scale * center[1, 0]], [0, 0, 1]])
    (x, y), (u, v) = (points - center) * scale, (points + shift - center) * scale
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.stack(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=-1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=-1),
        ]
    )
    for _ in range(4):
        residual = _error(matrix, points, shift) / tolerance
        weights = trust / (1 + residual**2) ** 2
        normal = np.einsum("kni,n,knj->ij", rows, weights, rows)
        solution = np.linalg.eigh(normal)[1][:, 0].reshape(3, 3)
        matrix = np.linalg.inv(normalize) @ solution @ normalize
        matrix = matrix / matrix[2, 2]
    return np.asarray(matrix, np.float64)


def _error(
    matrix: NDArray[np.float64], points: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    dx, dy = _displacement(matrix, *points)
    return np.asarray(np.hypot(dx - shift[0], dy - shift[1]))


def _displacement(matrix: NDArray[np.float64], x: Any, y: Any) -> tuple[Any, Any]:
    """Where the matrix moves points, numbers or arrays, relative to where they were."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    if g == 0 and h == 0 and i == 1:
        return (a - 1) * x + b * y + c, d * x + (e - 1) * y + f
    w = g * x + h * y + i
    return (a * x + b * y + c) / w - x, (d * x + e * y + f) / w - y


@lru_cache(maxsize=4)
def _pixels(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x, y
