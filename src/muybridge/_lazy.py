"""Names that are imported when first touched, so that importing the package stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping


def attach(
    package: str, names: Mapping[str, str], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Give a package its `__getattr__` and `__dir__` (PEP 562).

    Args:
        package: the package's own `__name__`.
        names: public name → the module that defines it.
        submodules: submodules that are reachable as attributes.

    >>> getter, lister = attach("json", {"JSONDecoder": "json.decoder"}, ["tool"])
    >>> getter("JSONDecoder").__name__, lister()
    ('JSONDecoder', ['JSONDecoder', 'tool'])
    """
    modules = frozenset(submodules)

    def __getattr__(name: str) -> object:
        if name in names:
            value = getattr(importlib.import_module(names[name]), name)
            setattr(sys.modules[package], name, value)
            return value
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*names, *modules})

    return __getattr__, __dir__
