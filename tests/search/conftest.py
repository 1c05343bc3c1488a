"""Stores to test with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from muybridge.search import Store, open_store
from search_store import LetterCounts


@pytest.fixture
def new_store(tmp_path: Path) -> Callable[[], Store]:
    return lambda: open_store(tmp_path / "store", embedder=LetterCounts())


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    return new_store()
