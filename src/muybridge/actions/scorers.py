"""Three ways to keep a window's scores up to date while frames come in.

    CausalScorer   each frame is computed once                          answer: a look at the network's memory
    MomentScorer   each moment (a frame, a tubelet) is encoded once     answer: the network over the moments again
    WindowScorer   nothing can be kept but pixels                       answer: the whole network over the window

All take single frames (H, W, 3) uint8 and give (K,) probabilities; which one serves a model, `make_scorer` knows. The
first two give what the third would, which the tests hold them to.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal, Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from muybridge.actions.inference import Inference, Precision, check_precision
from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models.causal import CausalNet
from muybridge.models.folding import fold_batch_norms
from muybridge.video.transforms import to_model_tensor

__all__ = [
    "CausalScorer",
    "FrameRing",
    "MomentScorer",
    "Normalization",
    "Scorer",
    "WindowScorer",
    "make_scorer",
]

MAX_CHUNK = 16
Normalization = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation of each channel, of pixels scaled to [0, 1]."""
Outputs = Literal["logits", "probabilities"]
ClipFunction = Callable[[Tensor], object]
"""(1, 3, T, H, W) float32 → (1, K) or (K,) scores."""


class Scorer(Protocol):
    """Keeps what it needs of the last frames, and scores their window."""

    def push(self, pixels: NDArray[np.uint8]) -> None:
        """See the next frame, (H, W, 3) uint8."""
        ...

    def scores(self) -> NDArray[np.float64]:
        """(K,) probabilities of the window that ends with the last frame."""
        ...

    def reset(self) -> None:
        """Forget all frames."""
        ...


@runtime_checkable
class MomentNet(Protocol):
    """A network in two steps: moments by themselves, then all moments of the window together."""

    frames_per_moment: int | None

    def encode_moments(self, clip: Tensor) -> Tensor:
        """(B, 3, t·frames_per_moment, H, W) → (B, t, D)."""
        ...

    def classify_moments(self, moments: Tensor) -> Tensor:
        """(B, t, D) → (B, K) logits."""
        ...


class FrameRing:
    """The last frames of a stream in one block of memory, always readable as one array.

    Every frame is written twice, `capacity` places apart, so that the last `capacity` frames lie side by side wherever
    the ring stands: twice the memory, and no copy when a window is read.

    Args:
        capacity: how many frames are kept.

    >>> ring = FrameRing(3)
    >>> for level in range(5):
    ...     ring.push(np.full((1, 1, 3), level, np.uint8))
    >>> ring.window()[:, 0, 0, 0].tolist(), ring.num_pushed
    ([2, 3, 4], 5)
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.num_pushed = 0
        self._frames: NDArray[np.uint8] | None = None

    def push(self, pixels: NDArray[np.uint8]) -> None:
        """Keep a frame (H, W, 3) and let go of the oldest.

        Raises:
            ShapeError: not the shape of the frames before.
        """
        if self._frames is None:
            self._frames = np.empty((2 * self.capacity, *pixels.shape), np.uint8)
        if pixels.shape != self._frames.shape[1:]:
            raise ShapeError(_another_size(pixels.shape, self._frames.shape[1:]))
        place = self.num_pushed % self.capacity
        self._frames[place] = self._frames[place + self.capacity] = pixels
        self.num_pushed += 1

    def window(self) -> NDArray[np.uint8]:
        """(T, H, W, 3) the last frames, the oldest first; a view, overwritten by the next push."""
        if self._frames is None:
            raise OptionError("no frame has been pushed yet")
        if self.num_pushed < self.capacity:
            return self._frames[: self.num_pushed]
        first = self.num_pushed % self.capacity
        return self._frames[first : first + self.capacity]

    def reset(self) -> None:
        """Forget all frames; the next may have another size."""
        self.num_pushed = 0
        self._frames = None


class WindowScorer:
    """Computes the whole window anew.

    Args:
        function: (1, 3, T, H, W) float32 → (1, K) or (K,).
        window_size: T.
        normalization: of the pixels.
        outputs: what the function gives.

    Raises:
        OptionError: unknown `outputs`.
    """

    def __init__(
        self,
        function: ClipFunction,
        *,
        window_size: int,
        normalization: Normalization,
        outputs: Outputs = "logits",
    ) -> None:
        _check_outputs(outputs)
        self._function = function
        self._normalization = normalization
        self._outputs = outputs
        self._ring = FrameRing(window_size)

    def push(self, pixels: NDArray[np.uint8]) -> None:
        """See the next frame."""
        self._ring.push(pixels)

    def scores(self) -> NDArray[np.float64]:
        """(K,) probabilities."""
        mean, std = self._normalization
        clip = to_model_tensor(self._ring.window(), mean=mean, std=std)[None]
        with torch.inference_mode():
            return _probabilities(self._function(clip), self._outputs)

    def reset(self) -> None:
        """Forget all frames."""
        self._ring.reset()


class CausalScorer:
    """Runs each frame through a causal network, which keeps what it needs of the past.

    Its answer is the mean over the last `window_size` frames, each of which has seen the frames before it too; so a
    window's answer equals that of the window with as many frames before it as the network looks back. Frames between
    two predictions are computed together, which costs less than one by one.

    Args:
        model: the network; copied.
        window_size: over how many last frames the answer is averaged.
        stride: frames between two predictions.
        normalization: of the pixels.
    """

    def __init__(
        self, model: CausalNet, *, window_size: int, stride: int = 1, normalization: Normalization
    ) -> None:
        net = copy.deepcopy(model).eval()
        net.memory_frames = window_size
        self._stream = net.stream()
        self._normalization = normalization
        self._chunk = min(stride, MAX_CHUNK)
        self._waiting: list[NDArray[np.uint8]] = []
        self._shape: tuple[int, ...] | None = None
        self._logits: Tensor | None = None

    def push(self, pixels: NDArray[np.uint8]) -> None:
        """See the next frame.

        Raises:
            ShapeError: not the shape of the frames before.
        """
        self._shape = self._shape or pixels.shape
        if pixels.shape != self._shape:
            raise ShapeError(_another_size(pixels.shape, self._shape))
        self._waiting.append(pixels.copy())
        if len(self._waiting) >= self._chunk:
            self._compute()

    def scores(self) -> NDArray[np.float64]:
        """(K,) probabilities."""
        self._compute()
        if self._logits is None:
            raise OptionError("no frame has been pushed yet")
        return _probabilities(self._logits, "logits")

    def reset(self) -> None:
        """Forget all frames."""
        self._stream.reset()
        self._waiting.clear()
        self._shape = self._logits = None

    def _compute(self) -> None:
        if self._waiting:
            mean, std = self._normalization
            clip = to_model_tensor(np.stack(self._waiting), mean=mean, std=std)
            self._waiting.clear()
            self._logits = self._stream.push_clip(clip)[-1]


class MomentScorer:
    """Encodes each moment once, and reads the window's moments together for every prediction.

    Moments begin where windows begin: with tubelets of two frames and a prediction for every frame, windows begin at
    even and at odd frames, so both rows of tubelets are kept. What is new since the last prediction is encoded in one
    go.

    Args:
        model: encodes moments; copied.
        window_size: frames of the window, a multiple of the moment's.
        stride: frames between two predictions.
        normalization: of the pixels.

    Raises:
        OptionError: a window that is not a whole number of moments.
    """

    def __init__(
        self, model: MomentNet, *, window_size: int, stride: int, normalization: Normalization
    ) -> None:
        assert isinstance(model, nn.Module)
        self._length = model.frames_per_moment or 1
        if window_size % self._length:
            raise OptionError(
                f"window_size is {window_size}; this model reads {self._length} frames at a time, so take a multiple"
            )
        self._net = cast(MomentNet, fold_batch_norms(model))
        self._stride = stride
        self._normalization = normalization
        self._ring = FrameRing(window_size)
        self._moments: dict[int, Tensor] = {}  # first frame → (D,)
        self.num_encoded = 0

    def push(self, pixels: NDArray[np.uint8]) -> None:
        """See the next frame."""
        self._ring.push(pixels)

    def scores(self) -> NDArray[np.float64]:
        """(K,) probabilities."""
        window = self._ring.window()
        first = self._ring.num_pushed - len(window)
        starts = range(first, first + len(window), self._length)
        new = [start for start in starts if start not in self._moments]
        with torch.inference_mode():
            if new:
                frames = [window[start - first : start - first + self._length] for start in new]
                mean, std = self._normalization
                clip = to_model_tensor(np.concatenate(frames), mean=mean, std=std)[None]
                self._moments.update(zip(new, self._net.encode_moments(clip)[0], strict=True))
                self.num_encoded += len(new)
            moments = torch.stack([self._moments[start] for start in starts])
            logits = self._net.classify_moments(moments[None])
        for start in [start for start in self._moments if start < first + self._stride]:
            del self._moments[start]
        return _probabilities(logits, "logits")

    def reset(self) -> None:
        """Forget all frames."""
        self._ring.reset()
        self._moments.clear()


def make_scorer(
    model: nn.Module | ClipFunction,
    *,
    window_size: int,
    stride: int,
    normalization: Normalization,
    outputs: Outputs = "logits",
    precision: Precision = "float32",
    recompute: bool = False,
) -> Scorer:
    """The scorer that does the least work for a model.

    Args:
        model: a causal network, one that encodes moments, any other module, or any function of a clip.
        window_size: frames of the window.
        stride: frames between two predictions.
        normalization: of the pixels.
        outputs: what a function gives; modules give logits.
        precision: of modules whose window is computed anew; see `Inference`.
        recompute: compute the whole window anew whatever the model.

    Raises:
        OptionError: a window that the model cannot take, or unknown `outputs` or `precision`.
    """
    # Also where this model has no use for them: a typing error must not wait for the model that has.
    _check_outputs(outputs)
    check_precision(precision)
    needed = getattr(model, "num_frames", None)
    if isinstance(model, nn.Module) and isinstance(needed, int) and needed != window_size:
        raise OptionError(f"window_size is {window_size}; this model takes windows of {needed} frames")
    if not isinstance(model, nn.Module):
        return WindowScorer(model, window_size=window_size, normalization=normalization, outputs=outputs)
    if isinstance(model, CausalNet) and not recompute:
        return CausalScorer(model, window_size=window_size, stride=stride, normalization=normalization)
    if isinstance(model, MomentNet) and model.frames_per_moment and not recompute:
        return MomentScorer(model, window_size=window_size, stride=stride, normalization=normalization)
    inference = Inference(model, precision=precision)
    return WindowScorer(
        inference.probabilities, window_size=window_size, normalization=normalization, outputs="probabilities"
    )


def _check_outputs(outputs: Outputs) -> None:
    if outputs not in ("logits", "probabilities"):
        raise OptionError(f"outputs is {outputs!r}; it is 'logits' or 'probabilities'")


def _another_size(shape: tuple[int, ...], before: tuple[int, ...]) -> str:
    return (
        f"a frame is {shape}, the frames before it were {before}; give size_px, so that every frame is brought to one"
        " size, or call reset() to begin another stream"
    )


def _probabilities(values: object, outputs: Outputs) -> NDArray[np.float64]:
    tensor = values if isinstance(values, Tensor) else torch.as_tensor(np.asarray(values))
    row = tensor.detach().double().cpu()
    if row.ndim == 2 and row.shape[0] == 1:
        row = row[0]
    if row.ndim != 1 or row.shape[0] < 1:
        raise ShapeError(f"the model gives {tuple(tensor.shape)} for one clip; it must give (1, K) or (K,)")
    if not row.isfinite().all():
        raise WeightsError("the model gives NaN or infinity for a sound clip; its weights are broken")
    scores: NDArray[np.float64] = (row.softmax(0) if outputs == "logits" else row).numpy()
    return scores
