"""Where a ViViT starts: from an image model, or from a public checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from muybridge.errors import WeightsError
from muybridge.models.checkpoint import load_into
from muybridge.models.hub_folder import blaming, hub_folder, read_config, read_state, record_of_folder
from muybridge.models.vivit import ViViT, vivit
from muybridge.models.weights import kinetics400_labels

__all__ = ["central_frame_kernel", "load_image_vit", "load_vivit_folder"]

# Names that transformers has for the one activation that ViViT was trained with.
_GELU_BY_TANH = ("gelu_fast", "gelu_new", "gelu_pytorch_tanh")


def central_frame_kernel(kernel: torch.Tensor, num_frames: int) -> torch.Tensor:
    """The tubelet kernel that sees only its central frame, and there what an image model's kernel sees.

    Training then starts from the image model's answer and learns from there what the other frames add.
    (Equation 9 of the paper; it beats spreading the kernel evenly over the frames.)

    Args:
        kernel: (D, 3, h, w) of an image model's patch embedding.
        num_frames: t of the tubelet.

    Returns:
        (D, 3, t, h, w), zero but for frame t // 2.

    >>> central_frame_kernel(torch.ones(1, 1, 1, 1), 3).flatten().tolist()
    [0.0, 1.0, 0.0]
    """
    tubelet = kernel.new_zeros(*kernel.shape[:2], num_frames, *kernel.shape[2:])
    tubelet[:, :, num_frames // 2] = kernel
    return tubelet


def load_image_vit(model: ViViT, state: Mapping[str, torch.Tensor]) -> None:
    """Start a video model from an image ViT of the same width and depth.

    The names are those of `ViTForImageClassification`. The patch kernel goes to the central frame of the
    tubelets, the positions are repeated for every moment, the blocks are copied; the classifier keeps its
    random weights. Temporal attention starts at zero, so a factorized model at first is the image model,
    frame by frame.

    Args:
        model: the video model to fill.
        state: the image model's parameters.

    Raises:
        WeightsError: a parameter is missing or has another shape.
    """
    image = {f"vivit.{key.removeprefix('vit.')}": value for key, value in state.items()}
    projection = "vivit.embeddings.patch_embeddings.projection.weight"
    positions = "vivit.embeddings.position_embeddings"
    own = model.state_dict()
    for key, value in own.items():
        if key.startswith(("classifier.", "vivit.temporal.")) or "_time." in key:
            continue
        if key not in image:
            raise WeightsError(f"the image model has no {key.removeprefix('vivit.')}")
        found = image[key]
        if key == projection:
            found = central_frame_kernel(found, value.shape[2])
        elif key == positions:
            found = _repeat_positions(
                found, value.shape[1], has_class=model.attention != "factorized_self_attention"
            )
        if found.shape != value.shape:
            here, there = tuple(value.shape), tuple(found.shape)
            raise WeightsError(f"{key} of the image model gives {there}, the video model has {here}")
        own[key] = found
    for key in own:
        if "attention_time.output." in key:
            own[key] = torch.zeros_like(own[key])
    model.load_state_dict(own)


def _repeat_positions(positions: torch.Tensor, wanted: int, *, has_class: bool) -> torch.Tensor:
    first, places = positions[:, :1], positions[:, 1:]
    repeated = places.repeat(1, max(1, (wanted - has_class) // places.shape[1]), 1)
    return torch.cat((first, repeated), dim=1) if has_class else repeated


def load_vivit_folder(reference: str, num_classes: int | None = None) -> nn.Module:
    """A folder or hub name in the public checkpoints' format → the module with its record.

    Args:
        reference: a folder, or a hub name such as `"google/vivit-b-16x2-kinetics400"`.
        num_classes: K, where another head is wanted.

    Raises:
        WeightsError: the folder cannot be had, is damaged, or holds another architecture.
    """
    folder = hub_folder(reference)
    config = read_config(folder)
    if config.get("model_type") != "vivit":
        raise WeightsError(
            f"{folder} holds a {config.get('model_type')!r}, not a vivit; see model 'hub_model'"
        )
    activation = config.get("hidden_act", "gelu_fast")
    if activation not in _GELU_BY_TANH:
        raise WeightsError(f"{folder} was trained with {activation!r}; vivit has {_GELU_BY_TANH[0]!r}")
    state = read_state(folder)
    record = record_of_folder(folder, config, reference)
    if len(record.labels) == 400 and record.labels[0] == "LABEL_0":
        record = record.with_labels(kinetics400_labels())
    head = state.get("classifier.weight")
    if head is None:
        raise WeightsError(f"{folder} has no classification head (classifier.weight)")
    with blaming(folder):
        model = _build(config, num_classes=len(head))
    return load_into(
        model, state, record, name="vivit", head="classifier", source=folder, num_classes=num_classes
    )


def _build(config: Mapping[str, Any], *, num_classes: int) -> nn.Module:
    model = vivit(
        num_classes=num_classes,
        num_frames=config.get("num_frames", 32),
        size_px=_square(config.get("image_size", 224)),
        tubelet=tuple(config.get("tubelet_size", (2, 16, 16))),
        dim=config.get("hidden_size", 768),
        depth=config.get("num_hidden_layers", 12),
        num_heads=config.get("num_attention_heads", 12),
        mlp_dim=config.get("intermediate_size", 3072),
    )
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = float(config.get("layer_norm_eps", 1e-6))
    return model


def _square(size: Any) -> int:
    sides = {size} if isinstance(size, int) else set(size)
    if len(sides) != 1:
        raise WeightsError(f"the checkpoint takes pictures of {size}; vivit takes squares")
    return int(sides.pop())
