"""Optical flow by RAFT, the recurrent network, with torchvision's architecture and published weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from muybridge.counts import check_count
from muybridge.errors import MuybridgeError, OptionError, UnknownNameError, require_extra
from muybridge.models.download import fetch
from muybridge.models.weights import Weights

if TYPE_CHECKING:
    import torch

__all__ = ["Raft"]

_STRIDE_PX = 8  # the network works on an eighth of the size
_MIN_SIDE_PX = 128  # its four correlation levels need 16 px on that eighth
_WEIGHTS = {"small": "Raft_Small_Weights", "large": "Raft_Large_Weights"}


@dataclass(frozen=True, slots=True)
class Raft:
    """Flow refined step by step from the correlation of all pairs of pixels, by a trained network.

    The most exact of the methods, and by far the slowest without a GPU.

    Args:
        size: `"large"` (5.3 M parameters) or `"small"` (1.0 M).
        checkpoint: a file with the network's state dict, `.safetensors` or PyTorch's; it is read again when it has
            changed. None for the weights that torchvision publishes, which are downloaded once.
        num_flow_updates: refinements; fewer is faster.
        device: where torch computes, such as `"cpu"` or `"cuda"`.

    Raises:
        UnknownNameError: a size that does not exist.
        OptionError: a number of updates that is no whole number of at least 1; a device that torch cannot use.
        MissingExtraError: torchvision is not installed.
        MuybridgeError: torchvision is installed but does not fit the installed torch.
        WeightsError: the weights cannot be downloaded, are damaged, or belong to another network.

    Source: Z. Teed, J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020.
    """

    size: Literal["small", "large"] = "large"
    checkpoint: str | Path | None = None
    num_flow_updates: int = 12
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.size not in _WEIGHTS:
            raise UnknownNameError("RAFT size", self.size, _WEIGHTS)
        check_count("num_flow_updates", self.num_flow_updates)

    @property
    def pixel_format(self) -> Literal["gray8", "rgb24"]:
        """RAFT sees colors."""
        return "rgb24"

    def compute(self, frame1: NDArray[np.uint8], frame2: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 2) float32 pixels, from two (H, W, 3) uint8 RGB frames."""
        import torch

        checkpoint = None if self.checkpoint is None else Path(self.checkpoint).resolve()
        network = _load_network(self.size, checkpoint, _state_of(checkpoint), self.device)
        height, width = frame1.shape[:2]
        with torch.inference_mode():
            pair = [_to_input(frame).to(self.device) for frame in (frame1, frame2)]
            flow = network(*pair, num_flow_updates=self.num_flow_updates)[-1]
        field = flow[0, :, :height, :width].permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(field, np.float32)


def _to_input(frame: NDArray[np.uint8]) -> torch.Tensor:
    """(1, 3, H', W') float32 in −1–1; H' and W' are multiples of 8, the border repeated."""
    import torch

    height, width = frame.shape[:2]
    bottom, right = (
        max(_MIN_SIDE_PX, -(-side // _STRIDE_PX) * _STRIDE_PX) - side for side in (height, width)
    )
    padded = np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge")
    return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 127.5 - 1


def _state_of(checkpoint: Path | None) -> tuple[int, int] | None:
    """What changes when a file is written anew; None where there is none."""
    if checkpoint is None or not checkpoint.is_file():
        return None
    status = checkpoint.stat()
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=2)
def _load_network(
    size: str, checkpoint: Path | None, _state: tuple[int, int] | None, device: str
) -> torch.nn.Module:
    from muybridge.models.checkpoint import load_state_dict, read_checkpoint

    _check_device(device)
    architectures = _torchvision_optical_flow()
    network: torch.nn.Module = getattr(architectures, f"raft_{size}")(weights=None)
    path = checkpoint or _download_weights(architectures, size)
    load_state_dict(network, read_checkpoint(path).state, name=f"RAFT {size!r}", source=str(path))
    return network.eval().to(device)


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # no such device, or a torch that is built without it
        reason = str(error).partition("\n")[0]
        raise OptionError(
            f"device is {device!r}; torch cannot use it here ({reason}); 'cpu' is always there"
        ) from error


def _torchvision_optical_flow() -> ModuleType:
    require_extra("torch", extra="hub")
    try:
        return require_extra("torchvision.models.optical_flow", extra="hub")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        raise MuybridgeError(
            f"torchvision does not fit the installed torch ({error}); install the two of one"
            " release and of one kind, CPU or CUDA, as pytorch.org says"
        ) from error


def _download_weights(architectures: ModuleType, size: str) -> Path:
    url: str = getattr(architectures, _WEIGHTS[size]).DEFAULT.url
    digits = Path(url).stem.rsplit("-", 1)[1]  # torchvision writes the start of the SHA-256 into the name
    return fetch(Weights(f"raft_{size}", url=url, sha256=digits))
