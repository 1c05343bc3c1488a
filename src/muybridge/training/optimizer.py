"""Which weights learn, and how fast: freezing, layer-wise rates, warm-up and cosine.

rate of a weight at a step  =  learning_rate · layer_decay^(layers above it) · schedule(step)
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from muybridge.errors import OptionError, UnknownNameError
from muybridge.training.settings import TrainingSettings

__all__ = ["build_optimizer", "freeze", "layer_names", "schedule", "set_rate", "train_mode"]


def layer_names(model: nn.Module) -> list[str]:
    """The layers of a model from input to output, by the names of their modules.

    A layer is a child of the model, or, where a child holds a list of blocks, each of the blocks.

    >>> from muybridge.models import create_model
    >>> layer_names(create_model("r3d_18", num_classes=2))
    ['stem', 'layer1', 'layer2', 'layer3', 'layer4', 'fc']
    >>> layer_names(create_model("causal_small", num_classes=2))[:3]
    ['stem', 'blocks.0', 'blocks.1']
    """

    def expand(name: str) -> Iterable[str]:
        module = model.get_submodule(name)
        if any(isinstance(inner, nn.ModuleList) for inner in module.modules()):
            for child, _ in module.named_children():
                yield from expand(f"{name}.{child}" if name else child)
        elif any(True for _ in module.parameters()):
            yield name

    return [layer for child, _ in model.named_children() for layer in expand(child)]


def freeze(model: nn.Module, names: Iterable[str]) -> None:
    """Take modules, or single parameters, out of the training.

    Args:
        model: the model.
        names: names of modules or parameters, as in `model.named_modules()`.

    Raises:
        UnknownNameError: no module or parameter has that name.
        OptionError: nothing would be left to train.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    >>> freeze(net, ["0"])
    >>> [name for name, weight in net.named_parameters() if weight.requires_grad]
    ['1.weight', '1.bias']
    """
    modules = dict(model.named_modules())
    parameters = dict(model.named_parameters())
    for name in names:
        if name in modules and name:
            modules[name].requires_grad_(False)
        elif name in parameters:
            parameters[name].requires_grad_(False)
        else:
            raise UnknownNameError("module", name, layer_names(model))
    if not any(weight.requires_grad for weight in parameters.values()):
        raise OptionError("every weight is frozen; leave at least the head to be trained")


def train_mode(model: nn.Module) -> None:
    """Training mode, but for modules that are frozen as a whole: their batch norms keep what they know."""
    model.train()
    for module in model.modules():
        weights = list(module.parameters())
        if weights and not any(weight.requires_grad for weight in weights):
            module.eval()


def build_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """An optimizer over what is not frozen, in groups of one rate each.

    Args:
        model: the model, already frozen as wanted.
        settings: rates, decay, kind.

    Returns:
        The optimizer; each group has a `"factor"`, which `set_rate` multiplies with the rate of the step.

    >>> from muybridge.models import create_model
    >>> optimizer = build_optimizer(create_model("simple3d", num_classes=2), TrainingSettings(layer_decay=0.5))
    >>> sorted({group["factor"] for group in optimizer.param_groups})
    [0.125, 0.25, 0.5, 1.0]
    """
    layers = layer_names(model)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        # What belongs to no layer (positions, class tokens) lies before the first.
        place = max((i for i, layer in enumerate(layers) if name.startswith(f"{layer}.")), default=0)
        factor = settings.layer_decay ** (len(layers) - 1 - place) if layers else 1.0
        decay = settings.weight_decay if weight.ndim > 1 else 0.0
        groups.setdefault((factor, decay), []).append(weight)
    params = [
        {"params": weights, "factor": factor, "weight_decay": decay}
        for (factor, decay), weights in groups.items()
    ]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            params,
            lr=settings.learning_rate,
            momentum=settings.momentum,
            nesterov=settings.momentum > 0,
        )
    return torch.optim.AdamW(params, lr=settings.learning_rate)


def schedule(step: int, *, num_steps: int, warmup_steps: int, final_rate: float = 0.0) -> float:
    """The factor of the learning rate at a step: a line up to 1, then half a cosine down to `final_rate`.

    Args:
        step: from 0.
        num_steps: of the whole run.
        warmup_steps: of the line.
        final_rate: after the last step.

    Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983; Goyal et al., arXiv:1706.02677 (warm-up).

    >>> [round(schedule(step, num_steps=6, warmup_steps=2), 3) for step in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return final_rate + (1 - final_rate) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give each group its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]
