"""Video transformers that others publish on the hub, behind the interface of the own models.

    (B, 3, T, H, W) ──transpose──► (B, T, 3, H, W) ──transformers' model──► logits (B, K)

Three architectures have a name of their own here, each a different idea of how a transformer learns video:

    videomae      masks 90% of the tubelets and learns by painting them in       arXiv:2203.12602
    timesformer   attention over time, then over space, in every block           arXiv:2102.05095
    vjepa2        predicts the features of masked parts, not their pixels        arXiv:2506.09985

`hub_model` loads any other video classifier by hub name or folder. Code that lies in a repository is never
run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from muybridge.errors import OptionError, WeightsError, require_extra
from muybridge.models.hub_folder import hub_folder, read_config, record_of_folder
from muybridge.models.hub_pretrained import from_pretrained, import_failed, surplus_layers
from muybridge.models.input_check import check_clip
from muybridge.models.registry import register
from muybridge.models.weights import Weights, kinetics400_labels, set_weights

__all__ = [
    "TransformersClassifier",
    "hub_model",
    "timesformer",
    "videomae",
    "vjepa2",
]


class TransformersClassifier(nn.Module):
    """A video classifier of the transformers library as an ordinary module.

    Args:
        network: a module whose call returns an object with `.logits`.
        num_frames: T that it takes.
        size_px: H and W that it takes; None where any will do.

    Input (B, 3, T, H, W) float32; output (B, K) logits.
    """

    def __init__(self, network: nn.Module, *, num_frames: int, size_px: int | None) -> None:
        super().__init__()
        self.network = network
        self.num_frames, self.size_px = num_frames, size_px
        self.input_name = str(getattr(network, "main_input_name", "pixel_values"))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """(B, 3, T, H, W) → (B, K) logits."""
        check_clip(clip, num_frames=self.num_frames, size_px=self.size_px)
        logits: torch.Tensor = self.network(**{self.input_name: clip.transpose(1, 2)}).logits
        return logits


def _load_folder(reference: str, num_classes: int | None) -> nn.Module:
    """A hub name or a folder → the module with its record."""
    transformers = _transformers()
    folder = hub_folder(reference)
    config = read_config(folder)
    record = record_of_folder(folder, config, reference)
    settings: dict[str, Any] = {}
    if num_classes is not None and num_classes != len(record.labels):
        settings = {"num_labels": num_classes, "ignore_mismatched_sizes": True}
        record = record.with_labels(())
    else:
        _check_head(config, reference)
    network, info = from_pretrained(
        transformers.AutoModelForVideoClassification,
        folder,
        complaint=f"{reference} cannot be loaded as a video classifier",
        output_loading_info=True,
        **settings,
    )
    # transformers gives missing parameters random values and goes on; a label from those would be a lie.
    missing = sorted(info["missing_keys"])
    backbone = f"{network.base_model_prefix}."
    if num_classes is not None and not any(key.startswith(backbone) for key in missing):
        record = record.with_labels(()) if missing else record
    elif missing:
        raise WeightsError(
            f"{reference} lacks {len(missing)} parameters of {type(network).__name__}"
            f" ({', '.join(missing[:4])}); if it was pretrained without a head, give num_classes to add one"
        )
    _check_layers(network, info["unexpected_keys"], reference)
    return _wrap(network, record)


def _check_head(config: dict[str, Any], reference: str) -> None:
    """Refuse a head that has not one score for each label: of none, what comes out are features."""
    labels = config.get("id2label")
    expected = None if labels is None else len(labels)
    stated = config.get("num_labels", expected)
    if stated == 0 or (expected and stated != expected):
        raise WeightsError(
            f"{reference}: its config.json has num_labels {stated}; expected {expected or 'at least 1'}, a score for"
            " each label"
        )


def _check_layers(network: Any, unexpected: set[str], reference: str) -> None:
    """Refuse settings by which a part of the network that the file holds is left out."""
    backbone = f"{network.base_model_prefix}."
    surplus = {key for key in unexpected if key.startswith(backbone)} | {*surplus_layers(network, unexpected)}
    if surplus:
        raise WeightsError(
            f"{reference} holds {len(surplus)} parameters for which {type(network).__name__} has no place by its"
            f" config.json ({', '.join(sorted(surplus)[:4])})"
        )


def _wrap(network: Any, record: Weights | None) -> TransformersClassifier:
    config = network.config
    num_frames = int(getattr(config, "num_frames", 0) or getattr(config, "frames_per_clip", 16))
    size_px = getattr(config, "image_size", None) or getattr(config, "crop_size", None)
    fixed = size_px if isinstance(size_px, int) else (size_px[0] if size_px else None)
    model = TransformersClassifier(network, num_frames=num_frames, size_px=fixed)
    if record is not None:
        set_weights(model, record)
        model.eval()
    return model


def _transformers() -> Any:
    return require_extra("transformers", extra="hub")


def _random(config_name: str, settings: dict[str, Any]) -> TransformersClassifier:
    transformers = _transformers()
    try:
        config = getattr(transformers, f"{config_name}Config")(**settings)
        return _wrap(transformers.AutoModelForVideoClassification.from_config(config), None)
    except ImportError as error:
        raise import_failed(error) from error


@register(
    inputs=((3, 16, 224, 224),),
    extra="hub",
    load_folder=_load_folder,
    weights=(
        Weights(
            "kinetics400",
            hub_name="MCG-NJU/videomae-base-finetuned-kinetics",
            license="CC-BY-NC-4.0",
            source="https://huggingface.co/MCG-NJU/videomae-base-finetuned-kinetics",
            labels=kinetics400_labels(),
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            num_frames=16,
            stride=4,
            size_px=224,
            resize_px=224,
            accuracy={"top1": 80.9, "top5": 94.7},
            protocol="5 clips of 16 frames, every 4th frame, 3 crops",
        ),
    ),
    paper="VideoMAE: Masked Autoencoders are Data-Efficient Learners, arXiv:2203.12602",
)
def videomae(*, num_classes: int = 400, num_frames: int = 16, size_px: int = 224) -> TransformersClassifier:
    """A plain video transformer, pretrained by painting in masked tubelets.

    Args:
        num_classes: K, the size of the output.
        num_frames: T of the clips.
        size_px: H and W of the clips.
    """
    return _random("VideoMAE", {"num_labels": num_classes, "num_frames": num_frames, "image_size": size_px})


@register(
    inputs=((3, 8, 224, 224),),
    extra="hub",
    load_folder=_load_folder,
    weights=(
        Weights(
            "kinetics400",
            hub_name="facebook/timesformer-base-finetuned-k400",
            license="CC-BY-NC-4.0",
            source="https://huggingface.co/facebook/timesformer-base-finetuned-k400",
            labels=kinetics400_labels(),
            mean=(0.45, 0.45, 0.45),
            std=(0.225, 0.225, 0.225),
            num_frames=8,
            stride=32,
            size_px=224,
            resize_px=224,
            accuracy={"top1": 78.0, "top5": 93.7},
            protocol="1 clip of 8 frames, every 32nd frame, 3 crops (from the paper)",
        ),
    ),
    paper="Is Space-Time Attention All You Need for Video Understanding?, arXiv:2102.05095",
)
def timesformer(*, num_classes: int = 400, num_frames: int = 8, size_px: int = 224) -> TransformersClassifier:
    """A video transformer with attention over time, then over space, in every block.

    Args:
        num_classes: K, the size of the output.
        num_frames: T of the clips.
        size_px: H and W of the clips.
    """
    return _random(
        "Timesformer", {"num_labels": num_classes, "num_frames": num_frames, "image_size": size_px}
    )


@register(
    inputs=((3, 16, 256, 256),),
    extra="hub",
    load_folder=_load_folder,
    weights=(
        Weights(
            "ssv2",
            hub_name="facebook/vjepa2-vitl-fpc16-256-ssv2",
            license="MIT",
            source="https://huggingface.co/facebook/vjepa2-vitl-fpc16-256-ssv2",
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            num_frames=16,
            stride=4,
            size_px=256,
            resize_px=292,
        ),
    ),
    paper="V-JEPA 2: Self-Supervised Video Models, arXiv:2506.09985",
)
def vjepa2(*, num_classes: int = 174, num_frames: int = 16, size_px: int = 256) -> TransformersClassifier:
    """A video transformer that learned by predicting features of masked parts.

    Args:
        num_classes: K, the size of the output.
        num_frames: T of the clips.
        size_px: H and W of the clips.
    """
    return _random("VJEPA2", {"num_labels": num_classes, "frames_per_clip": num_frames, "crop_size": size_px})


@register(inputs=((3, 16, 224, 224),), extra="hub", load_folder=_load_folder)
def hub_model(*, num_classes: int | None = None) -> nn.Module:
    """Any video classifier of the hub, by its name or folder (give it as `weights`).

    Args:
        num_classes: K, where a new head is wanted.

    Raises:
        OptionError: no weights were given, so there is nothing to build.
    """
    raise OptionError("hub_model needs weights: a hub name owner/repository or a folder with config.json")
