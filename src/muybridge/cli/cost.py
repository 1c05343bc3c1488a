"""`muybridge cost`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:  # --help must not wait for torch
    from torch import Tensor


def cost(
    context: typer.Context,
    model: str = typer.Argument("", help="A model of `muybridge models`, such as r3d_18."),
    size: str = typer.Option("", help="Frames, height and width of the clip, such as 16x112x112."),
    conv: list[str] = typer.Option(
        [], help="A 3D convolution: in,out,frames,height,width@TxHxW; may be given several times."
    ),
    attention: str = typer.Option("", help="Attention over a clip of TxHxW."),
    tubelet: str = typer.Option("2x16x16", help="With --attention: what one token covers."),
    width: int = typer.Option(768, help="With --attention: the size of a token."),
    layers: bool = typer.Option(False, "--layers", help="List the model's layers."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Tell what a model, a 3D convolution or attention costs: parameters, multiply-adds, memory.

    A multiply-add is what papers mostly call a FLOP. Nothing is computed, so any size is quick.

    Examples:

        muybridge cost r3d_18 --size 16x112x112 --layers

        muybridge cost --conv 3,64,3,7,7@16x224x224 --conv 64,128,3,3,3@8x56x56
    """
    from muybridge.cli.given import refuse_options
    from muybridge.errors import OptionError

    if (bool(model) + bool(conv) + bool(attention)) != 1:
        raise OptionError("name one model, or give --conv, or give --attention: one of the three")
    if not attention:
        refuse_options(context, ("tubelet", "width"), "without --attention")
    if not model:
        refuse_options(context, ("layers",), "without the name of a model")
    if model:
        _cost_of_model(model, size, layers, as_json)
    elif conv:
        if all("@" in text for text in conv):
            refuse_options(context, ("size",), "where each --conv has a size of its own after the @")
        _cost_of_convolutions(conv, size, as_json)
    else:
        refuse_options(context, ("size",), "on --attention, after which the size of its clip stands")
        _cost_of_attention(attention, tubelet, width, as_json)


def _cost_of_convolutions(texts: list[str], size: str, as_json: bool) -> None:
    from muybridge.analysis.cost import conv3d_cost
    from muybridge.cli.output import print_json

    costs = []
    for text in texts:
        spec, _, at = text.partition("@")
        costs.append(conv3d_cost(_numbers(spec, ","), _numbers(at or size, "x")))
    if as_json:
        print_json([row.to_dict() for row in costs])
        return
    rows = [["layer", "input", "parameters", "(2+1)D", "saved", "multiply-adds", "(2+1)D", "saved"]]
    rows += [
        [
            ",".join(map(str, row.spec)),
            "x".join(map(str, row.input_size)),
            f"{row.parameters:,}",
            f"{row.factorized_parameters:,}",
            f"{row.parameter_savings:.0%}",
            f"{row.multiply_adds / 1e9:.2f} G",
            f"{row.factorized_multiply_adds / 1e9:.2f} G",
            f"{row.multiply_add_savings:.0%}",
        ]
        for row in costs
    ]
    _print_table(rows)


def _cost_of_attention(size: str, tubelet: str, width: int, as_json: bool) -> None:
    from muybridge.analysis.cost import attention_cost
    from muybridge.cli.output import print_json

    found = attention_cost(_numbers(size, "x"), tubelet=_numbers(tubelet, "x"), width=width)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found.num_tokens:,} tokens: {found.num_steps} steps of {found.tokens_per_step}")
    rows = [["one layer", "scores per head", "multiply-adds"]]
    rows += [
        ["joint", f"{found.joint_scores:,}", f"{found.joint_multiply_adds / 1e9:.2f} G"],
        ["space, then time", f"{found.factorized_scores:,}", f"{found.factorized_multiply_adds / 1e9:.2f} G"],
        ["projections", "", f"{found.projection_multiply_adds / 1e9:.2f} G"],
    ]
    _print_table(rows)
    typer.echo(f"joint attention takes {found.ratio:.1f} times the multiply-adds, projections aside")


def _cost_of_model(name: str, size: str, layers: bool, as_json: bool) -> None:
    import torch

    from muybridge.analysis.model_cost import model_cost
    from muybridge.cli.output import print_json
    from muybridge.models import create_model, model_entry

    entry = model_entry(name)
    with torch.device("meta"):
        network = create_model(name)
        inputs = entry.example_inputs()
        if size:
            inputs = _with_size(inputs, size, name)
    found = model_cost(network, inputs=inputs)
    if as_json:
        print_json(found)
        return
    shapes = " and ".join("x".join(map(str, shape)) for shape in found.input_shapes)
    rows = {
        "model": f"{name}, on {shapes}",
        "parameters": f"{found.parameters:,} ({found.parameters * 4 / 2**20:.1f} MiB in float32)",
        "multiply-adds": f"{found.giga_multiply_adds:.2f} G",
        "activations": f"{found.inference_bytes / 2**20:.1f} MiB at most at once, in inference",
        "in training": f"{found.training_bytes / 2**20:.1f} MiB kept for the backward pass",
    }
    for title, value in rows.items():
        typer.echo(f"{title:>14}  {value}")
    if layers:
        table = [["layer", "kind", "output", "parameters", "multiply-adds", "MiB"]]
        table += [
            [
                layer.name or "(itself)",
                layer.kind,
                "x".join(map(str, layer.output_shape or ())),
                f"{layer.parameters:,}",
                f"{layer.multiply_adds / 1e6:,.1f} M",
                f"{layer.activation_bytes / 2**20:.1f}",
            ]
            for layer in found.layers
        ]
        typer.echo()
        _print_table(table)


def _with_size(inputs: list[Tensor], size: str, name: str) -> list[Tensor]:
    """The inputs with a clip of another size, words beside it left as they are."""
    from muybridge.errors import OptionError

    shape = _numbers(size, "x")
    if len(shape) != 3 or min(shape) < 1:
        raise OptionError(
            f"--size {size} is not frames, height and width, each at least 1, such as 16x112x112"
        )
    pixels = [place for place, tensor in enumerate(inputs) if tensor.is_floating_point()]
    if len(pixels) != 1 or inputs[pixels[0]].ndim != 5:
        raise OptionError(f"{name} does not take one clip of frames; leave --size out")
    clip = inputs[pixels[0]]
    return [tensor.new_zeros(*clip.shape[:2], *shape) if tensor is clip else tensor for tensor in inputs]


def _numbers(text: str, separator: str) -> list[int]:
    from muybridge.errors import OptionError

    try:
        return [int(part) for part in text.split(separator)]
    except ValueError:
        example = "3,64,3,7,7@16x224x224" if separator == "," else "16x224x224"
        raise OptionError(f"{text!r} is not whole numbers; write them as in {example}") from None


def _print_table(rows: list[list[Any]]) -> None:
    """Columns as wide as needed; the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        typer.echo("  ".join(cells).rstrip())
