"""A trained model made ready for many clips: as fast as the machine allows, with the answer of float32.

    float32 model ──fold batch norms, channels last, bfloat16──► fast model ──► probabilities
          │                                                                          │ first and second too close?
          └────────────────────── the same clips again in float32 ◄──────────────────┘

bfloat16 keeps 8 bits of precision. On the residual networks that moves a logit by 0.4 to 0.6% of the spread (standard
deviation) of a clip's logits, so two labels can change places only where they nearly tie. The rule: where the logits of
first and second differ by less than 3% of the spread, about four standard deviations of that error's
difference, the clip is computed again in float32.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import nn

from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models.folding import fold_batch_norms

__all__ = ["Inference", "check_precision", "has_fast_bfloat16"]

Precision = Literal["auto", "float32", "bfloat16"]
_TIE = 0.03


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies matrices of bfloat16 in hardware (AMX or AVX512-BF16; CUDA from Ampere on).

    Args:
        device: the device to ask.

    >>> has_fast_bfloat16(torch.device("meta"))
    False
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Newer than the oldest torch that is supported; without it float32 is the safe answer.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def check_precision(precision: Precision) -> None:
    """Refuse a precision that there is not.

    Args:
        precision: what was asked for.

    Raises:
        OptionError: an unknown precision.

    >>> check_precision("auto")
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise OptionError(f"precision is {precision!r}; it is 'auto', 'float32' or 'bfloat16'")


class Inference:
    """Clips in, probabilities out.

    Args:
        model: (B, 3, T, H, W) → (B, K) logits; it is not changed.
        precision: `"auto"` takes bfloat16 where the device is fast at it.
        device: where to compute; None for a GPU if there is one.

    Raises:
        OptionError: an unknown precision.

    >>> from muybridge.models import create_model
    >>> inference = Inference(create_model("simple3d", num_classes=4), precision="float32")
    >>> inference.probabilities(torch.zeros(2, 3, 4, 32, 32)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        precision: Precision = "auto",
        device: str | torch.device | None = None,
    ) -> None:
        check_precision(precision)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if precision == "auto":
            precision = "bfloat16" if has_fast_bfloat16(self.device) else "float32"
        self.precision = precision
        # A copy: the caller's model may go on to be trained.
        self._exact = _channels_last(fold_batch_norms(model).to(self.device))
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._fast = self._exact
        if precision == "bfloat16":
            self._fast = _channels_last(copy.deepcopy(self._exact).to(torch.bfloat16))
        self.num_recomputed = 0

    def probabilities(self, clips: torch.Tensor, *, views: int = 1) -> torch.Tensor:
        """The probability of each label, averaged over the views of each video.

        Args:
            clips: (N * views, 3, T, H, W) float32, the views of one video side by side.
            views: how many clips belong to one video.

        Returns:
            (N, K) float32 on the CPU; each row sums to 1.

        Raises:
            ShapeError: the clips do not fit the model, do not divide into views, or hold NaN or infinity.
            WeightsError: the model gives NaN or infinity for sound clips.
        """
        if views < 1 or clips.ndim < 1 or clips.shape[0] % views:
            raise ShapeError(f"{tuple(clips.shape)} clips do not divide into {views} views")
        _check_finite(clips)
        logits = self._logits(self._fast, clips, self._dtype)
        mean = _averaged(logits, views)
        doubtful = torch.zeros(mean.shape[0], dtype=torch.bool)
        if self._dtype != torch.float32:
            doubtful = _nearly_tied(logits, mean, views)
        elif not mean.isfinite().all():
            raise WeightsError("the model gives NaN or infinity for sound clips; its weights are broken")
        if doubtful.any():
            again = clips.reshape(-1, views, *clips.shape[1:])[doubtful].flatten(0, 1)
            exact = _averaged(self._logits(self._exact, again, torch.float32), views)
            if not exact.isfinite().all():
                raise WeightsError("the model gives NaN or infinity for sound clips; its weights are broken")
            mean[doubtful] = exact
            self.num_recomputed += int(doubtful.sum())
        return mean

    def _logits(self, model: nn.Module, clips: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        with torch.inference_mode():
            x = clips.to(self.device, dtype)
            if x.ndim == 5:
                x = x.contiguous(memory_format=torch.channels_last_3d)
            logits: torch.Tensor = model(x)
        if logits.ndim != 2:
            raise ShapeError(f"the model gives {tuple(logits.shape)}; a classifier gives (B, K) logits")
        return logits.float().cpu().clone()


def _channels_last(model: nn.Module) -> nn.Module:
    """Kernels of 3D convolutions laid out as the clips are, so that nothing is rearranged at each call."""
    for parameter in model.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return model


def _averaged(logits: torch.Tensor, views: int) -> torch.Tensor:
    return logits.softmax(dim=1).reshape(-1, views, logits.shape[1]).mean(dim=1)


def _nearly_tied(logits: torch.Tensor, mean: torch.Tensor, views: int) -> torch.Tensor:
    """(N,) bool: where rounding could have changed the first label, or gave no number at all."""
    if mean.shape[1] < 2:
        return torch.zeros(mean.shape[0], dtype=torch.bool)
    first, second = mean.clamp_min(1e-30).log().topk(2, dim=1).values.unbind(1)
    spread = logits.std(dim=1).reshape(-1, views).mean(dim=1)
    certain = torch.ge(first - second, _TIE * spread)  # false for NaN
    return certain.logical_not()


def _check_finite(clips: torch.Tensor) -> None:
    if clips.is_floating_point() and not clips.isfinite().all():
        at = (~clips.isfinite()).nonzero()
        frames = sorted({(int(row[0]), int(row[2]) if clips.ndim == 5 else 0) for row in at[:10_000]})
        where = ", ".join(f"clip {clip} frame {frame}" for clip, frame in frames[:4])
        raise ShapeError(
            f"NaN or infinity in {where}{', …' if len(frames) > 4 else ''}; clean the frames first"
        )
