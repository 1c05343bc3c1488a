"""The cost of any network, layer by layer, without computing it.

The network runs once on tensors that have a shape and no numbers, so a model of any size costs neither
time nor memory. What is watched on the way:

    every operation              → multiply-adds, by PyTorch's own table of formulas
    every tensor made and freed  → the most that is alive at once: the memory of inference
    every tensor that autograd keeps → the memory of activations in training

A network that looks at the numbers (`if x.max() > 0`) cannot run so, and runs once on zeros instead.
"""

from __future__ import annotations

import contextlib
import copy
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from muybridge.errors import MuybridgeError, OptionError

__all__ = ["LayerCost", "ModelCost", "model_cost"]


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one module does itself, without the modules inside it.

    Args:
        name: its path in the model, such as `"layer1.0.conv1"`; empty for the model itself.
        kind: its class, such as `"Conv3d"`.
        output_shape: of its last call, its first tensor; None if it gave none.
        parameters: its own; a parameter that several modules share counts for the first.
        multiply_adds: its own, of all its calls.
        activation_bytes: of what it gave in its last call.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    multiply_adds: int
    activation_bytes: int


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What a network costs for one input.

    Args:
        model: the network's class.
        input_shapes: of the inputs, with the batch.
        parameters: all, trained or frozen.
        multiply_adds: of convolutions, matrix products and attention. Papers print this as "FLOPs".
        inference_bytes: the most that inputs and activations take at once, without gradients; parameters and
            the workspaces of kernels come on top.
        training_bytes: what autograd keeps for the backward pass, parameters aside; dropout masks left out.
        layers: the modules that have parameters or multiply-adds of their own, in the order of their
            first call.
    """

    model: str
    input_shapes: tuple[tuple[int, ...], ...]
    parameters: int
    multiply_adds: int
    inference_bytes: int
    training_bytes: int
    layers: tuple[LayerCost, ...]

    @property
    def giga_multiply_adds(self) -> float:
        """Multiply-adds in billions: what torchvision and many papers print as "GFLOPs"."""
        return self.multiply_adds / 1e9

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "layers": [asdict(layer) for layer in self.layers],
        }


def model_cost(
    model: nn.Module,
    input_size: Sequence[int] | None = None,
    *,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> ModelCost:
    """Parameters, multiply-adds and activation memory of a network, in all and by layer.

    Args:
        model: any module; it is left as it was. Build big ones under `with torch.device("meta")`.
        input_size: (T, H, W) of one RGB clip, (C, T, H, W) of one clip, or (B, C, T, H, W).
        inputs: for a network that takes something else: example inputs, of which only shape and dtype matter.

    Raises:
        OptionError: neither or both of the two, or a size of another length.
        ShapeError: an input that the model does not take.

    >>> model = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 5))
    >>> cost = model_cost(model, (4, 4, 4))
    >>> cost.parameters, cost.multiply_adds == 64 * 8 * 3 * 27 + 512 * 5
    (3221, True)
    >>> [(layer.name, layer.multiply_adds) for layer in cost.layers]
    [('0', 41472), ('3', 2560)]
    """
    tensors = _example_inputs(model, input_size, inputs)
    mode = FakeTensorMode(allow_non_fake_inputs=True)

    def shape_only(tensor: Tensor) -> Tensor:
        # A model on the meta device counts as one on the CPU, for there are no kernels to look at on meta.
        with mode:
            device = "cpu" if tensor.is_meta else tensor.device
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)

    try:
        fake_model = _copy_with(model, shape_only)
        fake_inputs = [shape_only(tensor) for tensor in tensors]
        with mode:
            return _measure(fake_model, fake_inputs)
    except MuybridgeError:
        raise
    except Exception:
        # The model needs numbers, or has an error of its own, which the run on zeros shows undisguised.
        return _measure(_copy_with(model, torch.clone), tensors)


def _example_inputs(
    model: nn.Module, input_size: Sequence[int] | None, inputs: Tensor | Sequence[Tensor] | None
) -> list[Tensor]:
    if (input_size is None) == (inputs is None):
        raise OptionError("give input_size for a clip, or inputs for anything else: one of the two")
    if inputs is not None:
        return [inputs] if isinstance(inputs, Tensor) else list(inputs)
    assert input_size is not None
    sizes = [int(size) for size in input_size]
    if not 3 <= len(sizes) <= 5 or min(sizes) < 1:
        raise OptionError(
            f"input_size is {tuple(input_size)}; it must be (T, H, W), (C, T, H, W) or (B, C, T, H, W), each"
            " at least 1; for other inputs give inputs="
        )
    shape = (1, 3)[: 5 - len(sizes)] + tuple(sizes)
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    return [torch.zeros(shape, dtype=like.dtype, device=like.device)]


def _copy_with(model: nn.Module, convert: Callable[[Tensor], Tensor]) -> nn.Module:
    """A copy in evaluation mode whose parameters and buffers are converted, and all learn."""
    memo: dict[int, Any] = {}
    for tensor in [*model.parameters(), *model.buffers()]:
        new = convert(tensor.detach())
        if isinstance(tensor, nn.Parameter):
            new = nn.Parameter(new, requires_grad=tensor.is_floating_point())
        memo[id(tensor)] = new
    return copy.deepcopy(model, memo).eval()


def _measure(model: nn.Module, inputs: list[Tensor]) -> ModelCost:
    own = {tensor.untyped_storage()._cdata for tensor in [*model.parameters(), *model.buffers()]}
    layers = _LayerWatch(model)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor.detach()

    counter = FlopCounterMode(display=False, custom_mapping=_MORE_FORMULAS)
    with (
        torch.enable_grad(),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        counter,
        layers.watching(counter),
    ):
        # Held to the end, so that no storage's address is given out twice.
        outputs = model(*inputs)
    del outputs
    live = _LiveBytes(own, inputs)
    with torch.no_grad(), live:
        model(*inputs)
    return ModelCost(
        model=type(model).__name__,
        input_shapes=tuple(tuple(tensor.shape) for tensor in inputs),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        multiply_adds=counter.get_total_flops() // 2,
        inference_bytes=live.peak,
        training_bytes=sum(kept.values()),
        layers=layers.costs(),
    )


def _attention_flops(
    query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...], *args: object, **options: object
) -> int:
    """Queries with keys (B, H, N, D)·(B, H, M, D), then scores with values (B, H, M, V)."""
    scores = query[0] * query[1] * query[2] * key[2]
    return 2 * scores * (query[3] + value[3])


def _lstm_flops(
    steps: tuple[int, ...],
    from_input: tuple[int, ...],
    from_state: tuple[int, ...],
    *args: object,
    **options: object,
) -> int:
    """At each of T·B steps two matrices, (4H, D) on the input and (4H, H) on the state before."""
    return 2 * steps[0] * steps[1] * (math.prod(from_input) + math.prod(from_state))


def _vector_flops(*shapes: tuple[int, ...], **options: object) -> int:
    """The last two of the arguments: a matrix (M, N) or a vector (N,) with a vector (N,)."""
    tensors = [shape for shape in shapes if isinstance(shape, tuple)]
    return 2 * math.prod(tensors[-2])


def _bilinear_flops(
    first: tuple[int, ...],
    weight: tuple[int, ...],
    second: tuple[int, ...],
    expand_first: Sequence[int],
    expand_weight: Sequence[int],
    expand_second: Sequence[int],
    summed: Sequence[int],
    *args: object,
    **options: object,
) -> int:
    """One side with the weight, then what that gives with the other side: B·K·I·J + B·K·J for `nn.Bilinear`."""

    def filled(shape: tuple[int, ...], places: Sequence[int]) -> list[int]:
        sizes = list(shape)
        for place in sorted(places):
            sizes.insert(place, 1)
        return sizes

    sides = (filled(first, expand_first), filled(weight, expand_weight), filled(second, expand_second))
    full = [max(sizes) for sizes in zip(*sides, strict=True)]
    kept = [1 if place in summed and place in expand_second else size for place, size in enumerate(full)]
    return 2 * (math.prod(full) + math.prod(kept))


# PyTorch's table has the kernels of GPUs, but not these of the CPU, and matrices but no vectors.
_MORE_FORMULAS: dict[Any, Callable[..., int]] = {
    torch.ops.aten.mv: _vector_flops,
    torch.ops.aten.addmv: _vector_flops,
    torch.ops.aten.dot: _vector_flops,
    torch.ops.aten.vdot: _vector_flops,
    torch.ops.aten._trilinear: _bilinear_flops,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
    torch.ops.aten.mkldnn_rnn_layer: _lstm_flops,
}


class _LayerWatch:
    """Reads the counter as modules begin and end: what each did, less what the modules inside it did."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.flops: dict[str, int] = {}
        self.outputs: dict[str, Tensor] = {}
        self._open: list[tuple[int, int]] = []  # for each module that runs: count at its start, inner counts

    @contextlib.contextmanager
    def watching(self, counter: FlopCounterMode) -> Iterator[None]:
        """Attach to every module, and detach in the end."""
        names = {module: name for name, module in self.model.named_modules()}

        def before(module: nn.Module, args: object) -> None:
            self.flops.setdefault(names[module], 0)
            self._open.append((counter.get_total_flops(), 0))

        def after(module: nn.Module, args: object, output: object) -> None:
            at_start, inside = self._open.pop()
            total = counter.get_total_flops() - at_start
            self.flops[names[module]] += total - inside
            if self._open:
                outer_start, outer_inside = self._open[-1]
                self._open[-1] = (outer_start, outer_inside + total)
            tensors = [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)]
            if tensors:
                self.outputs[names[module]] = tensors[0].detach()

        handles: list[Any] = []
        for module in names:
            handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def costs(self) -> tuple[LayerCost, ...]:
        """The modules with parameters or multiply-adds of their own; those never called come last."""
        modules = dict(self.model.named_modules())
        seen: set[nn.Parameter] = set()
        rows = []
        for name in [*self.flops, *(name for name in modules if name not in self.flops)]:
            own = set(modules[name].parameters(recurse=False)) - seen
            seen |= own
            num_parameters = sum(parameter.numel() for parameter in own)
            if num_parameters or self.flops.get(name, 0):
                output = self.outputs.get(name)
                rows.append(
                    LayerCost(
                        name,
                        type(modules[name]).__name__,
                        None if output is None else tuple(output.shape),
                        num_parameters,
                        self.flops.get(name, 0) // 2,
                        0 if output is None else output.numel() * output.element_size(),
                    )
                )
        return tuple(rows)


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that are alive, and remembers the most there ever were."""

    def __init__(self, ignored: set[int], inputs: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ignored = ignored
        self.alive: dict[int, int] = {}
        self.now = self.peak = 0
        for tensor in inputs:
            self._see(tensor)

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._see(leaf)
        return result

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.alive or key in self.ignored:
            return
        self.alive[key] = storage.nbytes()
        self.now += self.alive[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self.alive.pop(key, 0)
