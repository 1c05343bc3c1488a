"""`muybridge models`."""

from __future__ import annotations

from typing import Any

import typer


def models(
    name: str | None = typer.Argument(None, help="Show this model; without a name, list all."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the models and their published weights, or show one.

    Examples:

        muybridge models

        muybridge models r2plus1d_18 --json
    """
    from muybridge.cli.output import print_json
    from muybridge.models.registry import list_models, model_entry

    if name is None:
        entries = [_summary(model) for model in list_models()]
        if as_json:
            print_json(entries)
            return
        for entry in entries:
            weights = ", ".join(
                f"{record['name']}{_percent(record)}{' (at hand)' if record['at_hand'] else ''}"
                for record in entry["weights"]
            )
            extra = f"  [needs muybridge[{entry['extra']}]]" if entry["extra"] else ""
            typer.echo(f"{entry['name']:<22} {entry['description']}{extra}")
            if weights:
                typer.echo(f"{'':<22} weights: {weights}")
        return
    entry = _summary(model_entry(name).name, with_parameters=True)
    if as_json:
        print_json(entry)
        return
    for key in ("name", "description", "task", "inputs", "options", "parameters", "paper", "extra"):
        if entry.get(key):
            typer.echo(f"{key:>12}  {_words(entry[key])}")
    for record in entry["weights"]:
        typer.echo(f"{'weights':>12}  {record['name']}{_percent(record)}")
        for key in ("protocol", "license", "source", "url", "hub_name", "sha256", "at_hand"):
            if record[key]:
                typer.echo(f"{'':>14}{key}: {record[key]}")


def _summary(name: str, *, with_parameters: bool = False) -> dict[str, Any]:
    import torch

    from muybridge.errors import MuybridgeError
    from muybridge.models.available import is_available
    from muybridge.models.registry import create_model, model_entry

    entry = model_entry(name)
    summary: dict[str, Any] = {
        "name": entry.name,
        "description": entry.description,
        "task": entry.task,
        "inputs": [list(shape) for shape in entry.inputs],
        "options": list(entry.options),
        "extra": entry.extra,
        "paper": entry.paper,
        "weights": [
            # Four hundred labels would hide everything else.
            record.to_dict() | {"labels": len(record.labels), "at_hand": is_available(record)}
            for record in entry.weights.values()
        ],
    }
    if with_parameters:
        try:
            with torch.device("meta"):
                summary["parameters"] = sum(p.numel() for p in create_model(name).parameters())
        except MuybridgeError:
            summary["parameters"] = None  # needs an extra that is not installed, or weights
    return summary


def _percent(record: dict[str, Any]) -> str:
    top1 = record["accuracy"].get("top1")
    return f" {top1:g}%" if top1 is not None else ""


def _words(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join("x".join(map(str, item)) if isinstance(item, list) else str(item) for item in value)
    return str(value)
