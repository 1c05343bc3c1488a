"""The camera's motion, sharpened on the pixels.

Dense inverse search looks at a quarter of the picture's size and blends the patches that overlap, so that a field
that grows with the distance from the middle comes out too flat: zooms and rolls were told 5 to 30% too small. Pans
are right. Lucas and Kanade (An iterative image registration technique, IJCAI 1981) has no such bias, but must begin
near the answer; from where the flow's camera puts a point, it does.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.motion.camera import VISIBLE_PX, CameraMotion, grid_points
from muybridge.motion.similarity import Similarity, refit, squared_error, to_matrix

__all__ = ["refine_camera"]

_MAX_POINTS = 80
_LEAST_POINTS = 8
_WINDOW_PX = 9
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 3, 0.03)
_LEAST_AGREEING = 0.5


def refine_camera(
    camera: CameraMotion,
    previous: NDArray[np.uint8],
    current: NDArray[np.uint8],
    *,
    weights: NDArray[np.float32],
) -> CameraMotion:
    """The same motion, as the pixels around some points of the grid say it.

    Each is sought where the camera puts it; the zoom and the roll that are left over, fitted in spite of those that
    objects carry away, go on top. Where fewer than half agree on one, or hardly anything moves, the camera stays as
    it is.

    Args:
        camera: what `estimate_camera` says of the pair.
        previous: (H, W) uint8 luma.
        current: (H, W) uint8 luma.
        weights: (H, W) how far to trust each place, such as `texture_weights`.

    >>> from muybridge.motion.camera import texture_weights
    >>> noise = np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8)
    >>> frame = cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC)
    >>> zoom = np.array([[1.03, 0, -2.385], [0, 1.03, -1.785], [0, 0, 1]])
    >>> second = cv2.warpPerspective(frame, zoom, (160, 120))
    >>> flat = CameraMotion(np.array([[1.02, 0, -1.59], [0, 1.02, -1.19], [0, 0, 1]]), 160, 120, 1.0, 1.0)
    >>> round(float(refine_camera(flat, frame, second, weights=texture_weights(frame)).matrix[0, 0]), 3)
    1.03
    """
    if camera.reach_px < VISIBLE_PX:
        return camera
    points, trust, step = grid_points(camera.height, camera.width)
    trust = trust * weights[step // 2 :: step, step // 2 :: step].ravel()
    usable = np.flatnonzero(trust > 0.05)
    usable = usable[:: -(-usable.size // _MAX_POINTS) or 1]
    points, trust = points[:, usable], trust[usable]
    shift = np.stack(camera.displacement(*points))
    expected = points + shift
    margin = _WINDOW_PX // 2
    (x, y), right, bottom = expected, camera.width - margin, camera.height - margin
    trust *= (x >= margin) & (x < right) & (y >= margin) & (y < bottom)
    total = float(np.add.reduce(trust))
    if np.count_nonzero(trust) < _LEAST_POINTS:
        return camera
    found, is_found = _follow(_as_bright(previous, current), current, points, expected)
    rest, tolerance = found - expected, 0.2 + 0.06 * np.hypot(shift[0], shift[1])
    trust *= is_found
    similarity = refit((0.0, 0.0, 0.0, 0.0), expected, rest, trust, tolerance)
    agreed = float(trust @ (squared_error(similarity, expected, rest) < 4 * tolerance**2))
    if agreed < _LEAST_AGREEING * total:
        return camera
    return replace(camera, matrix=to_matrix(_about(similarity, camera)) @ camera.matrix)


def _about(similarity: Similarity, camera: CameraMotion) -> Similarity:
    """The zoom and the roll of a similarity alone, about where the middle of the picture has gone.

    Pans need no help, and a large object that moves slowly would pass for one.
    """
    p, q, _, _ = similarity
    middle = np.array([(camera.width - 1) / 2, (camera.height - 1) / 2])
    dx, dy = camera.shift_at(*middle)
    x, y = middle + (dx, dy)
    return p, q, float(q * y - p * x), float(-q * x - p * y)


def _follow(
    previous: NDArray[np.uint8],
    current: NDArray[np.uint8],
    points: NDArray[np.float64],
    expected: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Where the points are in the current picture, (2, N), and whether they were found, (N,)."""
    start, guess = (places.T.astype(np.float32, order="C") for places in (points, expected))
    found, is_found, _ = cv2.calcOpticalFlowPyrLK(
        previous,
        current,
        start,
        guess,
        winSize=(_WINDOW_PX, _WINDOW_PX),
        maxLevel=0,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return found.T.astype(np.float64), is_found[:, 0] == 1


def _as_bright(previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The previous picture with the mean of the current one: a change of light is no motion."""
    brighter = round(cv2.mean(current)[0] - cv2.mean(previous)[0])
    if brighter == 0:
        return previous
    return np.asarray(cv2.addWeighted(previous, 1.0, previous, 0.0, brighter), np.uint8)
