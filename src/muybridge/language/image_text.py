"""Images and words in one space, by CLIP, SigLIP and the like from the transformers library.

    frames (N, H, W, 3) ──► vectors (N, D) ─┐
                                            ├── cosine × the model's own scale ──► logits
    a query, and sentences that say nothing ┘

How well a query fits a frame is said against sentences that fit any frame: the probability of the query among them.
A query that no frame shows is beaten by "a photo", and so there is no match.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from muybridge.errors import WeightsError, require_extra
from muybridge.language.hub_loading import FILES, load_network, load_processor
from muybridge.models.hub_folder import hub_folder, read_config

__all__ = ["BACKGROUNDS", "ImageTextModel", "load_image_text_model"]

PROMPTS = ("{}", "a photo of {}", "a frame of a video of {}")
BACKGROUNDS = ("a photo", "a picture of something", "a frame of a video", "an image", "something else")
BATCH_SIZE = 16


class ImageTextModel:
    """A model that embeds images and texts.

    Args:
        network: with `get_image_features`, `get_text_features` and `logit_scale`.
        processor: its processor.
        name: how the user called it.
        fingerprint: changes when the files do.
    """

    def __init__(self, network: Any, processor: Any, *, name: str, fingerprint: str = "") -> None:
        self.network, self.processor, self.name, self.fingerprint = network, processor, name, fingerprint
        self.scale = float(network.logit_scale.detach().exp())

    @property
    def size_px(self) -> int:
        """The side of the square images that the network sees; of others it may see as many pixels."""
        return _size_px(self.network.config.vision_config)

    def embed_images(self, pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(N, D) vectors of length 1 for N images of (H, W, 3) uint8 RGB."""
        # SigLIP 2's processor for both would put its own defaults in the place of the folder's sizes.
        prepare = self.processor.image_processor
        batches = (list(pixels[at : at + BATCH_SIZE]) for at in range(0, len(pixels), BATCH_SIZE))
        return np.concatenate(
            [self._features("get_image_features", prepare(batch, return_tensors="pt")) for batch in batches]
        )

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) vectors of length 1; text beyond what the model takes is cut off."""
        inputs = self.processor(
            text=list(texts),
            padding="max_length",  # as SigLIP was trained; CLIP masks what is filled up
            truncation=True,
            max_length=int(self.network.config.text_config.max_position_embeddings),
            return_tensors="pt",
        )
        return self._features("get_text_features", inputs)

    def probabilities(
        self, vectors: NDArray[np.float32], query: str, *, backgrounds: Sequence[str] = BACKGROUNDS
    ) -> NDArray[np.float64]:
        """How well a query fits each image, against sentences that say nothing.

        Args:
            vectors: (N, D) of images.
            query: what is looked for.
            backgrounds: what it must beat.

        Returns:
            (N,) probabilities of the query among them.
        """
        wanted = self.embed_texts([prompt.format(query) for prompt in PROMPTS]).mean(0, keepdims=True)
        wanted /= np.linalg.norm(wanted)
        texts = np.concatenate([wanted, self.embed_texts(backgrounds)])
        logits = self.scale * (vectors.astype(np.float64) @ texts.T.astype(np.float64))
        logits -= logits.max(1, keepdims=True)
        shares = np.exp(logits)
        result: NDArray[np.float64] = shares[:, 0] / shares.sum(1)
        return result

    def _features(self, method: str, inputs: Any) -> NDArray[np.float32]:
        embed = getattr(self.network, method)
        # All that the processor made and the network takes: where images keep their shape, it and a mask too.
        accepted = inspect.signature(embed).parameters
        tensors = {name: inputs[name].to(self.network.device) for name in accepted if name in inputs}
        with torch.inference_mode():
            features = embed(**tensors)
        features = getattr(features, "pooler_output", features).float()
        unit = features / features.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        array: NDArray[np.float32] = unit.cpu().numpy()
        return array


def load_image_text_model(reference: str | Path) -> ImageTextModel:
    """An image-text model by hub name or local folder.

    Args:
        reference: `owner/repository`, such as `"openai/clip-vit-base-patch32"` or
            `"google/siglip-base-patch16-224"`, or a folder in the hub's format.

    Raises:
        WeightsError: it cannot be found, is not complete, or does not embed images and texts.
        MissingExtraError: `muybridge[hub]` is not installed.
    """
    name = str(reference)
    transformers = require_extra("transformers", extra="hub")
    folder = hub_folder(name, patterns=FILES, safetensors_only=True)
    family = read_config(folder).get("model_type")
    network = load_network(transformers.AutoModel, folder, name, what="an image-text model")
    if not all(hasattr(network, part) for part in ("get_image_features", "get_text_features", "logit_scale")):
        raise WeightsError(
            f"{name} is a {family!r}, which does not embed images and texts; give a CLIP or SigLIP, such as"
            " openai/clip-vit-base-patch32"
        )
    model = ImageTextModel(network, load_processor(folder, name), name=name, fingerprint=_fingerprint(folder))
    if model.size_px < 1:
        raise WeightsError(f"{name} is a {family!r} whose config.json does not say how large its images are")
    return model


def _size_px(vision_config: Any) -> int:
    """The side of a network's square images, also where only the number of its patches is given; 0 for neither.

    >>> from types import SimpleNamespace
    >>> _size_px(SimpleNamespace(image_size=224)), _size_px(SimpleNamespace(patch_size=16, num_patches=256))
    (224, 256)
    """

    def setting(name: str) -> int:
        value = getattr(vision_config, name, None) or 0
        return int(max(value) if isinstance(value, list | tuple) else value)

    # SigLIP 2 (NaFlex) takes any shape of up to so many patches.
    return setting("image_size") or round(setting("patch_size") * math.sqrt(setting("num_patches")))


def _fingerprint(folder: Path) -> str:
    files = sorted(file for file in folder.iterdir() if file.suffix in (".safetensors", ".json"))
    rows = [f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]
