"""Where downloaded weights and computed results may be kept."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(name: str) -> Path:
    """The folder for one kind of cached things; it need not exist yet.

    `MUYBRIDGE_CACHE` names the root; without it, the platform's cache folder is used
    (`~/.cache/muybridge` on Linux, `~/Library/Caches/muybridge` on macOS).

    Args:
        name: the kind, such as `"weights"`.

    >>> cache_folder("weights").name
    'weights'
    """
    root = os.environ.get("MUYBRIDGE_CACHE")
    if root:
        return Path(root).expanduser() / name
    import platformdirs

    return platformdirs.user_cache_path("muybridge", appauthor=False) / name
