"""Few heaps for many threads; what is free is kept for the next step of a training."""

import subprocess
import sys

import pytest

COUNT = """
import ctypes, threading
from muybridge.heap import NUM_ARENAS, limit_arenas

done, together = limit_arenas(), threading.Barrier(24)
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def work():
    together.wait()
    blocks = [libc.malloc(5000) for _ in range(200)]
    together.wait()
    for block in blocks:
        libc.free(block)

threads = [threading.Thread(target=work) for _ in range(24)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
file = libc.fopen(b"PATH", b"w"); libc.malloc_info(0, file); libc.fclose(file)
print(done, open("PATH").read().count("<heap nr="), NUM_ARENAS)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_many_threads_share_two_heaps(tmp_path: object) -> None:
    # In a process of its own: what a process has made of heaps before stays.
    code = COUNT.replace("PATH", f"{tmp_path}/heaps.xml")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if "malloc_info" in run.stderr:
        pytest.skip("another C library than glibc")
    done, num_heaps, limit = run.stdout.split()
    assert done == "True"
    assert 1 <= int(num_heaps) <= int(limit)


STEPS = """
import resource, sys
import torch
from muybridge.heap import keep_freed_memory

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
        run = subprocess.run([sys.executable, "-c", STEPS, mode], capture_output=True, text=True, check=False)
        if run.stderr.strip() == "no glibc":
            pytest.skip("the C library is not glibc")
        assert run.returncode == 0, run.stderr
        return int(run.stdout)

    assert page_faults("keep") * 100 < page_faults("leave")
