"""How many threads: as many as there are cores, unless the environment says fewer."""

import pytest

from muybridge.cores import num_cores, num_threads


@pytest.mark.parametrize("said", ["1", "1,4", " 1 ", "0"])
def test_who_sets_one_thread_gets_one(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert num_threads() == 1


@pytest.mark.parametrize("said", ["", "many", "-2", "100000"])
def test_otherwise_all_cores_and_no_more(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert num_threads() == num_cores()
