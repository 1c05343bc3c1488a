"""Few heaps for many threads, what is free goes back, or is kept for the next step of a training."""

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


SCATTERED = """
import ctypes
from pathlib import Path
from muybridge.heap import give_back

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

large, small = [], []
for _ in range(1000):  # what lasts lies between what does not
    large.append(libc.malloc(100_000)); ctypes.memset(large[-1], 1, 100_000)
    small.append(libc.malloc(100))
for block in large: libc.free(block)
before = megabytes()
print(give_back(), before - megabytes())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_what_is_free_between_what_lasts_goes_back() -> None:
    run = subprocess.run([sys.executable, "-c", SCATTERED], capture_output=True, text=True, check=True)
    done, megabytes = run.stdout.split()
    if done == "False":
        pytest.skip("another C library than glibc")
    assert float(megabytes) > 60  # of 95


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
