"""Freed memory is used again: the system is asked for the same pages once."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from muybridge.training.memory import keep_freed_memory

if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit("no glibc")
torch.set_num_threads(1)
def thirty_steps():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(30):
        torch.ones(16 * 2**20)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

thirty_steps()  # how many places the heap takes before it uses them again depends on where it lies
print(thirty_steps())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc gives memory back this way")
def test_pages_are_cleared_once_instead_of_at_every_step() -> None:
    def page_faults(mode: str) -> int:
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=False
        )
        if run.stderr.strip() == "no glibc":
            pytest.skip("the C library is not glibc")
        assert run.returncode == 0, run.stderr
        return int(run.stdout)

    assert page_faults("keep") * 100 < page_faults("leave")
