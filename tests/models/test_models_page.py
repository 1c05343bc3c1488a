"""docs/models.md: its table tells the registry's numbers."""

import re
from pathlib import Path

import torch

from muybridge.models.registry import create_model, model_entry

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_table_tells_parameters_and_accuracies() -> None:
    rows = re.findall(
        r"^\| `(\w+)`[^|]*\|[^|]*\| ([\d,]*) \| (?:`(\w+)`)?[^|]*\| ([\d.]*)",
        PAGE.read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(rows) > 10
    for name, parameters, weights, top1 in rows:
        entry = model_entry(name)
        assert (weights or None) == next(iter(entry.weights), None)
        if top1:
            assert float(top1) == entry.weights[weights].accuracy["top1"]
        if parameters and not entry.extra:  # test_hub.py counts the others
            with torch.device("meta"):
                count = sum(p.numel() for p in create_model(name).parameters())
            assert int(parameters.replace(",", "")) == count, name
