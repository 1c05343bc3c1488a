"""torchvision's video models as an oracle, also where its compiled operators do not fit the installed torch.

Its Python-only parts import once the names of the missing operators exist; nothing here calls them.
"""

import functools
import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

_library: torch.library.Library | None = None


@functools.cache
def torchvision_video_models() -> ModuleType:
    """`torchvision.models.video`; the test is skipped where torchvision is not installed."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        pytest.skip("torchvision is not installed")
    folder = Path(spec.origin).parent
    try:
        torch.ops.load_library(str(next(folder.glob("_C*.so"))))
    except (OSError, StopIteration):
        _name_missing_operators(folder)
    return importlib.import_module("torchvision.models.video")


def _name_missing_operators(folder: Path) -> None:
    global _library
    _library = torch.library.Library("torchvision", "DEF")  # kept: its definitions end with it
    text = (folder / "_meta_registrations.py").read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"torchvision::(\w+)|register_meta\(\"(\w+)\"", text))):
        _library.define(f"{name[0] or name[1]}(Tensor input) -> Tensor")
