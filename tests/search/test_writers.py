"""Two writers, and writers that are killed: what was added stays whole."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from muybridge.search import Store, open_store
from search_store import LetterCounts, timeline

WRITER = """
import sys
sys.path.insert(0, {tests!r})
from search_store import LetterCounts, timeline
from muybridge.search import open_store
store = open_store({store!r}, embedder=LetterCounts())
print("open", flush=True)
for number in range(1000):
    store.add(timeline(f"/{{sys.argv[1]}}/{{number % 7}}.mp4", f"take{{number}}", f"word{{number}}"))
    print(number, flush=True)
"""


def start_writer(tmp_path: Path, name: str) -> subprocess.Popen[str]:
    code = WRITER.format(tests=str(Path(__file__).parents[1]), store=str(tmp_path / "store"))
    writer = subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "open\n"
    return writer


def test_two_writers_and_a_kill_lose_nothing(new_store: Callable[[], Store], tmp_path: Path) -> None:
    mine = new_store()
    with start_writer(tmp_path, "theirs") as writer:
        assert writer.stdout is not None
        try:
            for number in range(12):
                mine.add(timeline(f"/mine/{number % 5}.mp4", f"take{number}", f"word{number}"))
                mine.add(timeline("/theirs/3.mp4", "both write this one"))
            said = [int(writer.stdout.readline()) for _ in range(9)]
        finally:
            writer.kill()  # SIGKILL, at whatever it is doing
        said += [int(line) for line in writer.stdout.read().split()]

    after = open_store(tmp_path / "store", embedder=LetterCounts())
    assert after.incomplete() == []
    for number in range(7, 12):
        assert len(after.find(f"word{number}", by="words", files=["/mine"])) == 1
    latest = {number % 7: number for number in said}
    for place, number in latest.items():
        if place == 3:
            continue
        # Of texts: "word6" finds a video named 6, too.
        texts = after.find(f"word{number}", by="words", files=["/theirs"], kinds=["text"])
        found = {match.label for match in texts}
        # The last thing it said, or the one that it was adding when it was killed, and never half of one.
        newer = after.timeline(f"/theirs/{place}.mp4").segments
        assert found == {f"word{number}"} or newer[0].label == f"take{number + 7}"
        assert len(newer) == 2
    after.optimize()
    assert after.incomplete() == []


def test_two_stores_made_at_the_same_time(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def add(number: int) -> None:
        made = open_store(tmp_path / "store", embedder=LetterCounts())
        made.add(timeline(f"/{number}.mp4", f"word{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    after = open_store(tmp_path / "store")
    assert len(after) == 4
    assert after.incomplete() == []


def test_a_table_that_another_writer_is_making_is_waited_for(tmp_path: Path) -> None:
    """Its folder is listed a moment before its content is there."""
    place = tmp_path / "store"
    open_store(place, embedder=LetterCounts()).add(timeline("/1.mp4", "word"))
    (place / "format.lance").rename(tmp_path / "content")
    (place / "format.lance").mkdir()

    def finish() -> None:
        (place / "format.lance").rmdir()
        (tmp_path / "content").rename(place / "format.lance")

    late = threading.Timer(0.3, finish)
    late.start()
    try:
        assert len(open_store(place)) == 1
    finally:
        late.join()
