"""What a layer or a network costs, before any of it is trained: parameters, multiply-adds, memory.

A multiply-add is one multiplication and the addition that takes it in. Papers and model pages mostly
print this number as "FLOPs" or "GFLOPs"; counted as floating-point operations it would be twice as many.

`conv3d_cost` and `attention_cost` are formulas, `model_cost` looks at a whole network run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from muybridge.analysis.model_cost import LayerCost, ModelCost, model_cost
from muybridge.errors import OptionError

__all__ = [
    "AttentionCost",
    "ConvCost",
    "LayerCost",
    "ModelCost",
    "attention_cost",
    "conv3d_cost",
    "model_cost",
]


@dataclass(frozen=True, slots=True)
class ConvCost:
    """A 3D convolution beside its (2+1)D equivalent; stride 1, same padding, with biases.

    Args:
        spec: (in channels, out channels, kernel frames, kernel height, kernel width).
        input_size: (T, H, W).
        parameters: of the 3D convolution.
        multiply_adds: of the 3D convolution, for one clip.
        factorized_parameters: of a 1×kh×kw convolution to out channels, then a kt×1×1 one.
        factorized_multiply_adds: of those two, for one clip.
    """

    spec: tuple[int, int, int, int, int]
    input_size: tuple[int, int, int]
    parameters: int
    multiply_adds: int
    factorized_parameters: int
    factorized_multiply_adds: int

    @property
    def parameter_savings(self) -> float:
        """The share of the parameters that the factorization saves; negative where it needs more."""
        return 1 - self.factorized_parameters / self.parameters

    @property
    def multiply_add_savings(self) -> float:
        """The share of the multiply-adds that the factorization saves; negative where it needs more."""
        return 1 - self.factorized_multiply_adds / self.multiply_adds

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {
            "spec": list(self.spec),
            "input_size": list(self.input_size),
            "parameter_savings": self.parameter_savings,
            "multiply_add_savings": self.multiply_add_savings,
        }


def conv3d_cost(spec: Sequence[int], input_size: Sequence[int]) -> ConvCost:
    """The cost of a 3D convolution and of its (2+1)D equivalent, at stride 1 and same padding.

    Args:
        spec: (in channels, out channels, kernel frames, kernel height, kernel width).
        input_size: (T, H, W) of the input, and by the padding of the output.

    Raises:
        OptionError: not five and three positive whole numbers.

    >>> cost = conv3d_cost((3, 64, 3, 7, 7), (16, 224, 224))
    >>> cost.parameters, cost.factorized_parameters, cost.multiply_adds
    (28288, 21824, 22658678784)

    Source: Tran et al., "A Closer Look at Spatiotemporal Convolutions", CVPR 2018, arXiv:1711.11248.
    """
    _check_counts("spec", spec, "(in, out, kernel frames, kernel height, kernel width)", 5)
    _check_counts("input_size", input_size, "(T, H, W)", 3)
    in_channels, out_channels, frames, height, width = spec
    positions = math.prod(input_size)
    weights = in_channels * out_channels * frames * height * width
    space = in_channels * out_channels * height * width
    time = out_channels * out_channels * frames
    return ConvCost(
        (in_channels, out_channels, frames, height, width),
        (input_size[0], input_size[1], input_size[2]),
        parameters=weights + out_channels,
        multiply_adds=weights * positions,
        factorized_parameters=space + time + 2 * out_channels,
        factorized_multiply_adds=(space + time) * positions,
    )


@dataclass(frozen=True, slots=True)
class AttentionCost:
    """One layer of self-attention over a clip's tubelets: all with all, or space and time in turn.

    Args:
        num_tokens: N = tokens_per_step · num_steps.
        tokens_per_step: n_s, tubelets side by side.
        num_steps: n_t, tubelets one after another.
        projection_multiply_adds: of queries, keys, values and output, 4·N·D²; the factorized layer has
            two sets.
        joint_multiply_adds: of all with all, 2·N²·D.
        factorized_multiply_adds: of space within each step, then time at each place, 2·N·(n_s + n_t)·D.
        joint_scores: entries of one head's score matrices, N².
        factorized_scores: likewise, N·(n_s + n_t).
    """

    num_tokens: int
    tokens_per_step: int
    num_steps: int
    projection_multiply_adds: int
    joint_multiply_adds: int
    factorized_multiply_adds: int
    joint_scores: int
    factorized_scores: int

    @property
    def ratio(self) -> float:
        """How many times the multiply-adds of factorized attention the joint one takes, projections aside."""
        return self.joint_multiply_adds / self.factorized_multiply_adds

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"ratio": self.ratio}


def attention_cost(
    input_size: Sequence[int], *, tubelet: Sequence[int] = (2, 16, 16), width: int = 768
) -> AttentionCost:
    """The cost of one layer of attention over a clip, joint and factorized.

    Args:
        input_size: (T, H, W) of the clip.
        tubelet: (frames, height, width) of what one token covers.
        width: D, the size of a token.

    Raises:
        OptionError: numbers that are not positive, or a clip that is not whole tubelets.

    >>> cost = attention_cost((16, 224, 224), tubelet=(2, 16, 16))
    >>> cost.num_tokens, cost.tokens_per_step, cost.num_steps, round(cost.ratio, 1)
    (1568, 196, 8, 7.7)

    Source: Arnab et al., "ViViT: A Video Vision Transformer", ICCV 2021, arXiv:2103.15691.
    """
    _check_counts("input_size", input_size, "(T, H, W)", 3)
    _check_counts("tubelet", tubelet, "(frames, height, width)", 3)
    _check_counts("width", [width], "the size of a token", 1)
    if any(size % step for size, step in zip(input_size, tubelet, strict=True)):
        raise OptionError(
            f"a clip of {tuple(input_size)} is not a whole number of tubelets of {tuple(tubelet)};"
            " each size must be a multiple of the tubelet's"
        )
    num_steps, rows, columns = (size // step for size, step in zip(input_size, tubelet, strict=True))
    tokens_per_step = rows * columns
    num_tokens = num_steps * tokens_per_step
    factorized_scores = num_tokens * (tokens_per_step + num_steps)
    return AttentionCost(
        num_tokens=num_tokens,
        tokens_per_step=tokens_per_step,
        num_steps=num_steps,
        projection_multiply_adds=4 * num_tokens * width**2,
        joint_multiply_adds=2 * num_tokens**2 * width,
        factorized_multiply_adds=2 * factorized_scores * width,
        joint_scores=num_tokens**2,
        factorized_scores=factorized_scores,
    )


def _check_counts(name: str, numbers: Sequence[int], meaning: str, length: int) -> None:
    if len(numbers) != length or any(int(number) != number or number < 1 for number in numbers):
        raise OptionError(f"{name} is {tuple(numbers)}; it must be {meaning}, each at least 1")
