"""The ways to find optical flow without a network: Farneback's polynomials and the dense inverse search.

Each method is a small frozen value: its fields are its settings, `compute` does the work on two frames that
`muybridge.motion.flow.compute_flow` has already checked and converted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError, UnknownNameError

__all__ = ["Dis", "Farneback", "FlowMethod", "create_flow_method", "list_flow_methods"]

_DIS_PRESETS = {
    "ultrafast": cv2.DISOpticalFlow_PRESET_ULTRAFAST,
    "fast": cv2.DISOpticalFlow_PRESET_FAST,
    "medium": cv2.DISOpticalFlow_PRESET_MEDIUM,
    "fine": cv2.DISOpticalFlow_PRESET_MEDIUM,  # and what Dis.compute changes
}
_DIS_PATCH_PX = 8
_MIN_DIS_SIDES_PX = (2 * _DIS_PATCH_PX, 4 * _DIS_PATCH_PX)  # shorter and longer side: one pyramid level


@runtime_checkable
class FlowMethod(Protocol):
    """A way to find the flow between two frames."""

    @property
    def pixel_format(self) -> Literal["gray8", "rgb24"]:
        """What `compute` takes: (H, W) uint8 luma, or (H, W, 3) uint8 RGB."""
        ...

    def compute(self, frame1: NDArray[np.uint8], frame2: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 2) float32: by how many pixels (dx, dy) each pixel of `frame1` moves to `frame2`."""
        ...


@dataclass(frozen=True, slots=True)
class Farneback:
    """Flow from polynomials fitted to each neighborhood, from coarse to fine.

    Smooth and robust, but it smears the edges of moving things and is slower than `Dis`.

    Args:
        pyramid_scale: size of each pyramid level relative to the one below it, in (0, 1).
        num_levels: pyramid levels, the full size included.
        window_size_px: side of the averaging window; larger is smoother and catches faster motion.
        num_iterations: refinements on each level.
        polynomial_size_px: side of the neighborhood that a polynomial is fitted to.
        polynomial_sigma: standard deviation of the Gaussian that weighs this neighborhood.

    Raises:
        OptionError: a number outside what is allowed.

    Source: G. Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003.
    """

    pyramid_scale: float = 0.5
    num_levels: int = 3
    window_size_px: int = 15
    num_iterations: int = 3
    polynomial_size_px: int = 5
    polynomial_sigma: float = 1.2

    def __post_init__(self) -> None:
        if not 0 < self.pyramid_scale < 1:
            raise OptionError(f"pyramid_scale is {self.pyramid_scale}; it must lie between 0 and 1")
        for name in (
            "num_levels",
            "window_size_px",
            "num_iterations",
            "polynomial_size_px",
            "polynomial_sigma",
        ):
            if not getattr(self, name) > 0:
                raise OptionError(f"{name} is {getattr(self, name)}; it must be positive")

    @property
    def pixel_format(self) -> Literal["gray8", "rgb24"]:
        """Farneback sees brightness alone."""
        return "gray8"

    def compute(self, frame1: NDArray[np.uint8], frame2: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 2) float32 pixels, from two (H, W) uint8 frames."""
        flow = cv2.calcOpticalFlowFarneback(
            frame1,
            frame2,
            np.empty(0, np.float32),
            self.pyramid_scale,
            self.num_levels,
            self.window_size_px,
            self.num_iterations,
            self.polynomial_size_px,
            self.polynomial_sigma,
            0,
        )
        return np.asarray(flow, np.float32)


@dataclass(frozen=True, slots=True)
class Dis:
    """Flow from a dense inverse search of patches, then (not for `"ultrafast"`) variational refinement.

    Args:
        preset: `"fine"` searches up to the full size, with sparser patches and fewer steps: about twice as
            exact as `"medium"`, for about twice the time. The others are OpenCV's: `"medium"` stops at half of
            the size, `"fast"` and `"ultrafast"` at a quarter.

    Raises:
        UnknownNameError: a preset that does not exist.

    Source: T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast Optical Flow using Dense Inverse Search",
    ECCV 2016.
    """

    preset: Literal["ultrafast", "fast", "medium", "fine"] = "fine"

    def __post_init__(self) -> None:
        if self.preset not in _DIS_PRESETS:
            raise UnknownNameError("DIS preset", self.preset, _DIS_PRESETS)

    @property
    def pixel_format(self) -> Literal["gray8", "rgb24"]:
        """DIS sees brightness alone."""
        return "gray8"

    def compute(self, frame1: NDArray[np.uint8], frame2: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 2) float32 pixels, from two (H, W) uint8 frames."""
        height, width = frame1.shape
        padded1, padded2 = _pad_for_dis(frame1), _pad_for_dis(frame2)
        # A DISOpticalFlow keeps buffers and settings between calls; a new one costs nothing beside the search
        # and makes this safe to call from several threads.
        search = cv2.DISOpticalFlow.create(_DIS_PRESETS[self.preset])
        if self.preset == "fine":
            search.setFinestScale(0)
            search.setPatchStride(5)  # OpenCV's 3 is a tenth more exact for nearly twice the time
            search.setGradientDescentIterations(16)
            search.setVariationalRefinementIterations(2)
        search.setFinestScale(min(search.getFinestScale(), _coarsest_dis_scale(*padded1.shape)))
        flow = np.asarray(search.calc(padded1, padded2, np.empty(0, np.float32)), np.float32)
        return np.ascontiguousarray(flow[:height, :width])


def _pad_for_dis(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat the border of frames that are too small for a search of patches."""
    height, width = frame.shape
    least_height, least_width = _MIN_DIS_SIDES_PX if height < width else _MIN_DIS_SIDES_PX[::-1]
    bottom, right = max(0, least_height - height), max(0, least_width - width)
    return np.pad(frame, ((0, bottom), (0, right)), mode="edge") if bottom or right else frame


def _coarsest_dis_scale(height: int, width: int) -> int:
    """The pyramid level from which OpenCV starts.

    Where the finest level would lie above it, OpenCV picks settings by the width alone, and then crashes on
    long, thin frames; so `Dis` lowers the finest level itself.
    """
    by_long_side = int(math.log2(max(height, width) / (4 * _DIS_PATCH_PX)) + 0.5)
    return min(by_long_side, int(math.log2(min(height, width) / _DIS_PATCH_PX)))


def _raft(size: Literal["small", "large"]) -> FlowMethod:
    from muybridge.motion.raft import Raft

    return Raft(size)


_METHODS: dict[str, Callable[[], FlowMethod]] = {
    "farneback": Farneback,
    "dis": Dis,
    "dis_fast": lambda: Dis("fast"),
    "dis_medium": lambda: Dis("medium"),
    "dis_ultrafast": lambda: Dis("ultrafast"),
    "raft": lambda: _raft("large"),
    "raft_small": lambda: _raft("small"),
}


def list_flow_methods() -> list[str]:
    """The names that `compute_flow` takes as its `method`.

    >>> list_flow_methods()
    ['dis', 'dis_fast', 'dis_medium', 'dis_ultrafast', 'farneback', 'raft', 'raft_small']
    """
    return sorted(_METHODS)


def create_flow_method(method: str | FlowMethod) -> FlowMethod:
    """The method of that name with its default settings; a method object is returned as it is.

    Args:
        method: one of `list_flow_methods()`, or an object such as `Farneback(window_size_px=25)`.

    Raises:
        UnknownNameError: no method has that name.
        WeightsError: the weights of a RAFT model cannot be had.

    >>> create_flow_method("dis_fast")
    Dis(preset='fast')
    """
    if not isinstance(method, str):
        return method
    if method not in _METHODS:
        raise UnknownNameError("flow method", method, _METHODS)
    return _METHODS[method]()
