"""A trained model made ready for many clips: as fast as the machine allows, with the answer of float32.

    float32 model ──fold batch norms, channels last, bfloat16──► fast model ──► probabilities
          │                                                                          │ first and second too close?
          └────────────────────── the same clips again in float32 ◄──────────────────┘

bfloat16 keeps 8 bits of precision. On the residual networks that moves a logit by 0.4 to 0.6% of the spread (standard
deviation) of a clip's logits, so two labels can change places only where they nearly tie. The rule: where the logits of
first and second differ by no more than 3% of the spread, about four standard deviations of that error's
difference, the clip is computed again in float32.

The spread of two logits is their difference itself and says nothing of its error, nor does that of many which nearly
cancel. What the last layer sums up does: with features f and rows w of its matrix, the difference is the sum of
(w1 - w2) f, and its error is a share of the terms, however small the sum. So the 3% are of the spread or of
|(w1 - w2) f| / sqrt(2), which for independent rows is the same, whichever is larger; and never less than the rounding
of the two logits.
"""

from __future__ import annotations

import copy
import threading
from typing import Any, Literal

import torch
from torch import nn

from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models.folding import fold_batch_norms

__all__ = ["Inference", "check_precision", "has_fast_bfloat16"]

Precision = Literal["auto", "float32", "bfloat16"]
_TIE = 0.03
_ROUNDING = 2.0**-8
"""Half a step of bfloat16 for each of two logits, as a share of the larger."""


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
            self._head = _Head(self._fast)
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
            doubtful = _nearly_tied(logits, mean, views, self._head.terms(*logits.shape))
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


class _Head:
    """What the last layer of a network works with."""

    def __init__(self, model: nn.Module) -> None:
        # By thread: one model may answer several at once.
        self._last: dict[int, tuple[nn.Module, torch.Tensor]] = {}
        for module in model.modules():
            if isinstance(module, nn.Linear) or (
                isinstance(module, nn.Conv3d) and max(module.kernel_size) == 1
            ):
                module.register_forward_pre_hook(self._remember)

    def _remember(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._last[threading.get_ident()] = (module, args[0])

    def terms(self, num_clips: int, num_labels: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Its matrix (K, D) and the features (B, D) of the last call; None where it is no linear layer."""
        module, x = self._last.pop(threading.get_ident(), (None, None))
        if module is None or x is None:
            return None
        weight = module.get_parameter("weight").detach().flatten(1)
        if x.ndim > 2:  # places that are averaged after the layer
            x = x.flatten(1, -2).mean(dim=1) if isinstance(module, nn.Linear) else x.flatten(2).mean(dim=2)
        if weight.shape[0] != num_labels or x.shape != (num_clips, weight.shape[1]):
            return None
        return weight.float().cpu(), x.float().cpu()


def _nearly_tied(
    logits: torch.Tensor, mean: torch.Tensor, views: int, terms: tuple[torch.Tensor, torch.Tensor] | None
) -> torch.Tensor:
    """(N,) bool: where rounding could have changed the first label, or gave no number at all."""
    if mean.shape[1] < 2:
        return torch.zeros(mean.shape[0], dtype=torch.bool)
    best = mean.clamp_min(1e-30).log().topk(2, dim=1)
    scale = logits.std(dim=1)
    if terms is not None:
        weight, features = terms
        first, second = best.indices.repeat_interleave(views, dim=0).unbind(1)
        summed = ((weight[first] - weight[second]) * features).norm(dim=1)
        scale = torch.maximum(scale, summed / 2**0.5)
    error = torch.maximum(_TIE * scale, _ROUNDING * logits.abs().amax(dim=1))
    certain = torch.gt(-best.values.diff(dim=1)[:, 0], error.reshape(-1, views).mean(dim=1))  # false for NaN
    return certain.logical_not()


def _check_finite(clips: torch.Tensor) -> None:
    if clips.is_floating_point() and not clips.isfinite().all():
        at = (~clips.isfinite()).nonzero()
        frames = sorted({(int(row[0]), int(row[2]) if clips.ndim == 5 else 0) for row in at[:10_000]})
        where = ", ".join(f"clip {clip} frame {frame}" for clip, frame in frames[:4])
        raise ShapeError(
            f"NaN or infinity in {where}{', …' if len(frames) > 4 else ''}; clean the frames first"
        )
