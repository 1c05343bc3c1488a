"""The checks of a model's input: a wrong clip is named and not mangled, and so is a model that needs more than one."""

from __future__ import annotations

import inspect

import torch
from torch import nn

from muybridge.errors import OptionError, ShapeError

__all__ = ["check_clip", "check_takes_clip_alone"]


def check_clip(
    clip: torch.Tensor,
    *,
    channels: int = 3,
    num_frames: int | None = None,
    size_px: int | tuple[int, int] | None = None,
    min_frames: int = 1,
    min_size_px: int = 1,
) -> None:
    """Raise unless a batch of clips is (B, channels, T, H, W) and floating point.

    Args:
        clip: the batch to look at.
        channels: C that the model takes.
        num_frames: T, where the model takes only one length.
        size_px: H and W, where the model takes only one size.
        min_frames: the least T that leaves anything after the model's strides.
        min_size_px: the least H and W.

    Raises:
        ShapeError: says what was expected and what came.

    >>> check_clip(torch.zeros(2, 3, 16, 112, 112))
    >>> check_clip(torch.zeros(2, 16, 3, 112, 112))
    Traceback (most recent call last):
    ...
    muybridge.errors.ShapeError: expected clips (B, 3, T, H, W) float32, got (2, 16, 3, 112, 112) float32:
    16 channels; move the channels before the frames
    """
    height, width = (size_px, size_px) if isinstance(size_px, int) else (size_px or (None, None))
    shape = tuple(clip.shape)
    problem = ""
    if len(shape) != 5:
        problem = f"{len(shape)} dimensions" + ("; add the batch with clip[None]" if len(shape) == 4 else "")
    elif not clip.is_floating_point():
        problem = "not floating point; video.transforms.to_model_tensor normalizes decoded frames"
    elif shape[1] != channels:
        hint = "; move the channels before the frames" if channels in (shape[2], shape[4]) else ""
        problem = f"{shape[1]} channels{hint}"
    elif num_frames is not None and shape[2] != num_frames:
        problem = f"{shape[2]} frames"
    elif height is not None and shape[3:] != (height, width):
        problem = f"{shape[3]}x{shape[4]} pixels"
    elif shape[2] < min_frames:
        problem = f"{shape[2]} frames, fewer than {min_frames}"
    elif shape[3] < min_size_px or shape[4] < min_size_px:
        problem = f"{shape[3]}x{shape[4]} pixels, less than {min_size_px}"
    if problem:
        wanted = f"(B, {channels}, {num_frames or 'T'}, {height or 'H'}, {width or 'W'})"
        dtype = str(clip.dtype).removeprefix("torch.")
        raise ShapeError(f"expected clips {wanted} float32, got {shape} {dtype}: {problem}")


def check_takes_clip_alone(model: nn.Module, name: str) -> None:
    """Raise where a model cannot be run on a clip without anything beside it.

    Args:
        model: what would be called with a clip.
        name: what to call it.

    Raises:
        OptionError: says what its `forward` takes.

    >>> check_takes_clip_alone(nn.Linear(2, 2), "linear")
    >>> check_takes_clip_alone(nn.Bilinear(2, 2, 2), "bilinear")
    Traceback (most recent call last):
    ...
    muybridge.errors.OptionError: bilinear takes input1 and input2; only a model that takes the frames of a clip alone
    can be run on a video here
    """
    needed = [
        parameter.name
        for parameter in inspect.signature(model.forward).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1:
        raise OptionError(
            f"{name} takes {' and '.join(needed)}; only a model that takes the frames of a clip alone"
            " can be run on a video here"
        )
