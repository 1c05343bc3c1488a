"""Whether a file is still the one that was indexed: by its size, its date and its content."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from muybridge.search import Store, freshness
from muybridge.search.freshness import has_changed
from muybridge.search.tables import FileState
from search_store import timeline


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"one film")
    return path


def put(store: Store, file: Path, *, with_hash: bool) -> None:
    stat = file.stat()
    content = hashlib.sha256(file.read_bytes()).hexdigest() if with_hash else ""
    store.add(timeline(str(file), "HELLO"), file=FileState(stat.st_size, stat.st_mtime_ns, content))


@pytest.mark.parametrize(
    ("content", "with_hash", "expected"),
    [
        (b"one film", True, False),  # copied: another date
        (b"two film", True, True),  # of the same size
        (b"two films", True, True),
        (b"one film", False, True),  # nothing tells it from another one
    ],
)
def test_what_lies_there_now(
    content: bytes, with_hash: bool, expected: bool, store: Store, file: Path
) -> None:
    put(store, file, with_hash=with_hash)
    assert store.find("hello")[0].has_changed is False
    file.write_bytes(content)
    os.utime(file, (1e9, 1e9))
    match = store.find("hello")[0]
    assert match.has_changed is expected
    assert match.to_dict()["has_changed"] is expected


def test_what_is_gone_or_was_never_there_has_not_changed(store: Store, file: Path) -> None:
    put(store, file, with_hash=True)
    row = store.rows()[str(file)]
    assert not has_changed(replace(row, size_bytes=0))
    file.unlink()
    assert not has_changed(row)


def test_large_files_are_not_read(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, file, with_hash=True)
    os.utime(file, (1e9, 1e9))
    monkeypatch.setattr(freshness, "MAX_HASHED_BYTES", 7)
    assert has_changed(store.rows()[str(file)])
