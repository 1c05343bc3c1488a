"""Videos of a store that are no longer under their name: moved, known by another spelling of their path, or gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from muybridge.pipeline.cache import content_hash
from muybridge.search.paths import key_of

if TYPE_CHECKING:
    from muybridge.pipeline.indexing import IndexReport
    from muybridge.search.store import Row, Store

__all__ = ["gone_names", "settle_gone", "where_it_was"]


def gone_names(store: Store) -> set[str]:
    """Names under which there is no video any more."""
    known = [path for path in store.rows() if "://" not in path]
    # Earlier versions left `..` in a path; it counts as moved to the name that it has now.
    return {path for path in known if ".." in Path(path).parts or not Path(path).is_file()}


def settle_gone(
    store: Store, gone: set[str], folders: list[Path], report: IndexReport, *, prune: bool
) -> None:
    """Tell of the videos of some folders that are gone, or forget them."""
    for name in sorted(gone):
        named_now = key_of(name)
        is_double = named_now != name and named_now in store.rows()
        if not any(Path(named_now).is_relative_to(folder) for folder in folders):
            continue
        if prune or is_double:
            store.remove(name)
            report.removed.append(name)
        elif not Path(name).is_file():
            report.missing.append(name)


def where_it_was(path: Path, gone: set[str], known: Mapping[str, Row]) -> str | None:
    """The video of the same bytes that is no longer under its name."""
    same_size = [name for name in sorted(gone) if known[name].size_bytes == path.stat().st_size]
    if not same_size:
        return None
    content = content_hash(path)
    return next((name for name in same_size if known[name].content_hash == content), None)
