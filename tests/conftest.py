"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MUYBRIDGE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real clips is absent")
    return SHARED


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
