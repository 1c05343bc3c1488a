"""Learn new classes from a few clips: a trained network says what it sees, and only a line is fitted to that.

    clips ──several looks──► trained network, frozen ──► features (M, D) ──logistic regression──► new head

The features of a network that knows hundreds of actions separate new ones too; five clips a class can fit a
head, where they could not train the millions of weights below it. How strongly the head is held back is chosen by
cross-validation over the clips, which also tells what accuracy to expect.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from muybridge.actions.classifier import load_classifier_model
from muybridge.counts import check_count
from muybridge.errors import DatasetError, OptionError, WeightsError
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.registry import model_entry
from muybridge.models.weights import Weights, set_weights, weights_of
from muybridge.training.augmentation import Augmentation
from muybridge.training.clip_cache import ClipCache
from muybridge.training.clips import ClipDataset
from muybridge.training.run_files import check_writable, write_whole
from muybridge.training.seeds import check_seed
from muybridge.training.splits import folds_to_score
from muybridge.training.videos import VideoList
from muybridge.video.transforms import to_model_tensor

__all__ = ["FewShotResult", "head_features", "learn_from_few"]

_MILD = Augmentation(crop_area=(0.7, 1.0), crop_aspect=(0.9, 1.1), hue=0.02, blur=0.0, jitter=0.0)
_STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
_USUAL_STRENGTH = 0.1


@dataclass(frozen=True, slots=True)
class FewShotResult:
    """A model that was taught new classes.

    Args:
        model: the network with its new head, in evaluation mode, carrying its record.
        path: the saved model.
        num_clips: how many clips it was taught from.
        expected_top1: accuracy on the clips that were left out in turn; None where that tells nothing, since fewer than
            two classes have clips of more than one group.
        strength: how strongly the head is held back (the weight of its squares).
        num_scored: how many clips were left out in turn.
        not_scored: the classes whose clips are all of one group; without them nothing of their class would be left.
    """

    model: nn.Module
    path: Path
    num_clips: int
    expected_top1: float | None
    strength: float
    num_scored: int
    not_scored: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; the model is given by its path."""
        record = weights_of(self.model)
        return {
            "path": str(self.path),
            "labels": list(record.labels) if record else [],
            "num_clips": self.num_clips,
            "expected_top1": self.expected_top1,
            "strength": self.strength,
            "num_scored": self.num_scored,
            "not_scored": list(self.not_scored),
        }


def learn_from_few(
    videos: VideoList,
    output: str | Path,
    *,
    model: str | Path | None = None,
    num_looks: int = 4,
    mirror: Mapping[str, str] | None = None,
    cache: ClipCache | None = None,
    seed: int = 0,
    on_progress: Callable[[float, float], None] | None = None,
) -> FewShotResult:
    """Teach a trained model new classes by fitting its last layer.

    Args:
        videos: a few clips of each class.
        output: the file to write, ending in `.safetensors`.
        model: as in `classify`; None for the best whose weights are at hand.
        num_looks: how many times each clip is looked at; all but the first with small changes.
        mirror: class → class in the mirror, for what names do not tell.
        cache: where decoded videos are kept.
        seed: of the changes; as in `check_seed`.
        on_progress: called with how many looks are done and how many there are.

    Raises:
        DatasetError: fewer than two classes.
        OptionError: the model's last layer is not linear.
        WeightsError: no trained weights are at hand.
        VideoError: a video cannot be read.
        OutputError: the file cannot be written.

    Source: linear probes; Alain and Bengio, arXiv:1610.01644; Chen et al., A Closer Look at Few-shot Classification,
    arXiv:1904.04232.
    """
    output = Path(output).expanduser()
    if len(videos.labels) < 2:
        raise DatasetError(f"only {', '.join(videos.labels) or 'no class'}; give at least two classes")
    if output.suffix != ".safetensors":
        raise OptionError(f"output is {output}; it must end in .safetensors")
    check_count("num_looks", num_looks)
    check_seed(seed)
    check_writable(output.parent)
    name, network = _trained(model)
    record = (weights_of(network) or Weights(name)).for_whole_pictures()
    features, targets = _all_features(
        network,
        name,
        record,
        videos,
        num_looks,
        mirror=mirror,
        cache=cache,
        seed=seed,
        on_progress=on_progress,
    )
    parts, not_scored = folds_to_score(videos)
    num_scored = sum(map(len, parts))
    with _one_thread():
        strength, expected = _choose_strength(features, targets, parts, videos)
        weight, bias = _fit_head(features, targets, len(videos.labels), strength)
    taught = _with_head(network, name, weight, bias)
    new_record = replace(
        record,
        name=output.stem,
        url="",
        hub_name="",
        sha256="",
        source=f"head fitted on the frozen features of {name}/{record.name}",
        labels=videos.labels,
        accuracy={} if expected is None else {"top1": round(100 * expected, 2)},
        protocol="" if expected is None else _protocol(num_scored, len(videos)),
    )
    set_weights(taught, new_record)
    write_whole(output, lambda part: save_checkpoint(part, taught, name=name, weights=new_record))
    return FewShotResult(taught.eval(), output, len(videos), expected, strength, num_scored, not_scored)


def head_features(network: nn.Module, head: str, clips: Tensor) -> Tensor:
    """What the last layer of a network sees.

    Args:
        network: in evaluation mode.
        head: the key of its last layer.
        clips: (B, 3, T, H, W), normalized.

    Returns:
        (B, D) float32.

    Raises:
        OptionError: the output is not that layer applied to one vector for each clip.

    >>> from muybridge.models import create_model
    >>> head_features(create_model("causal_small", num_classes=3).eval(), "head", torch.zeros(2, 3, 4, 32, 32)).shape
    torch.Size([2, 256])
    """
    layer = network.get_submodule(head)
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    try:
        with torch.no_grad():
            logits = network(clips)
    finally:
        hook.remove()
    x = seen[-1].float()
    if x.ndim == 5:  # a convolution before the average is as good as one behind it
        x = x.mean(dim=(2, 3, 4))
    elif x.ndim == 3:  # a network that answers after each frame: its last answer counts
        x = x[:, -1]
    weight, bias = _head_weights(layer, head)
    if x.ndim != 2 or not torch.allclose(
        functional.linear(x, weight, bias), logits.float(), atol=1e-3, rtol=1e-3
    ):
        raise OptionError(
            f"the output of {type(network).__name__} is not its {head} of one vector; fine-tune it"
        )
    return x


def _trained(model: str | Path | None) -> tuple[str, nn.Module]:
    name, network = load_classifier_model(model)
    if model_entry(name).head is None:
        raise OptionError(f"{name} has no linear last layer to fit; fine-tune it instead")
    return name, network.eval()


def _all_features(
    network: nn.Module,
    name: str,
    record: Weights,
    videos: VideoList,
    num_looks: int,
    *,
    mirror: Mapping[str, str] | None,
    cache: ClipCache | None,
    seed: int,
    on_progress: Callable[[float, float], None] | None,
) -> tuple[Tensor, Tensor]:
    """(M, D) features and (M,) classes of all looks at all clips, the plain looks first."""
    plain = ClipDataset(videos, record, cache=cache)
    varied = ClipDataset(videos, record, cache=cache, augmentation=_MILD, mirror=mirror)
    head = str(model_entry(name).head)
    features, targets = [], []
    total = num_looks * len(videos)
    with torch.random.fork_rng(devices=[]):
        for look in range(total):
            index = look % len(videos)
            torch.default_generator.manual_seed(seed * 1_000_003 + look)
            clip, target = (plain if look < len(videos) else varied)[index]
            pixels = np.ascontiguousarray(clip.permute(1, 2, 3, 0).numpy())
            batch = to_model_tensor(pixels, mean=record.mean, std=record.std)[None]
            features.append(head_features(network, head, batch)[0])
            targets.append(target)
            if on_progress is not None:
                on_progress(look + 1, total)
    return torch.stack(features), torch.tensor(targets)


@contextmanager
def _one_thread() -> Iterator[None]:
    """On so few numbers torch's threads wait for each other longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _protocol(num_scored: int, num_clips: int) -> str:
    which = "the clips" if num_scored == num_clips else f"{num_scored} of the {num_clips} clips"
    return f"cross-validation over {which} it was taught from"


def _choose_strength(
    features: Tensor, targets: Tensor, parts: Sequence[NDArray[np.int64]], videos: VideoList
) -> tuple[float, float | None]:
    """The strength with the best accuracy on clips that are left out, and that accuracy."""
    if not parts:
        return _USUAL_STRENGTH, None
    owners = np.arange(len(targets)) % len(videos)
    scores = []
    for strength in _STRENGTHS:
        right = 0
        loss = 0.0
        for part in parts:
            inside = torch.from_numpy(~np.isin(owners, part))
            weight, bias = _fit_head(features[inside], targets[inside], len(videos.labels), strength)
            test = torch.from_numpy(part)  # the plain looks come first
            logits = functional.linear(features[test], weight, bias)
            right += int((logits.argmax(dim=1) == targets[test]).sum())
            loss += float(functional.cross_entropy(logits, targets[test], reduction="sum"))
        scores.append((-right, loss, strength))
    best = min(scores)
    return best[2], -best[0] / sum(map(len, parts))


def _fit_head(features: Tensor, targets: Tensor, num_classes: int, strength: float) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression on standardized features, each class with the same say: (K, D), (K,)."""
    x = features.double()
    mean, std = x.mean(dim=0), x.std(dim=0, correction=0).clamp_min(1e-6)
    x = (x - mean) / std
    counts = torch.bincount(targets, minlength=num_classes).clamp_min(1)
    shares = 1.0 / counts.double()
    weight = torch.zeros(num_classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(num_classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = functional.linear(x, weight, bias)
        loss = functional.cross_entropy(logits, targets, weight=shares)
        # Per feature, so that the strength means the same for narrow and wide networks.
        loss = loss + strength * weight.square().sum() / x.shape[1]
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        scaled = weight / std
        return scaled.float(), (bias - scaled @ mean).float()


def _head_weights(layer: nn.Module, head: str) -> tuple[Tensor, Tensor | None]:
    if isinstance(layer, nn.Linear):
        return layer.weight, layer.bias
    if isinstance(layer, nn.Conv3d) and layer.kernel_size == (1, 1, 1):
        return layer.weight.flatten(1), layer.bias
    raise OptionError(
        f"the last layer {head} is a {type(layer).__name__}, not linear; fine-tune the model instead"
    )


def _with_head(network: nn.Module, name: str, weight: Tensor, bias: Tensor) -> nn.Module:
    """A copy with another last layer."""
    taught = copy.deepcopy(network)
    head = str(model_entry(name).head)
    old = taught.get_submodule(head)
    new: nn.Module
    if isinstance(old, nn.Conv3d):
        new = nn.Conv3d(weight.shape[1], weight.shape[0], 1)
        weight = weight[:, :, None, None, None]
    else:
        new = nn.Linear(weight.shape[1], weight.shape[0])
    new.load_state_dict({"weight": weight, "bias": bias})
    parent, _, last = head.rpartition(".")
    setattr(taught.get_submodule(parent), last, new)
    if any(parameter.isnan().any() for parameter in taught.parameters()):
        raise WeightsError(f"the weights of {name} hold NaN")
    return taught
