"""How fast `analyze` is against the clock of the video, and how much memory it takes.

python benchmarks/analyze.py [--data ../shared/data] [--runs 3] [--memory]

With --memory an hour of video is analyzed (the reel, repeated), and the memory of its processes is noted every minute
of the video.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reel import parser, reel
from timing import report, take_turns

from muybridge.cores import num_threads
from muybridge.observer import Observer
from muybridge.pipeline import default_observers
from muybridge.pipeline.analyze import analyze
from muybridge.pipeline.lanes import Lanes
from muybridge.pipeline.own_process import InOwnProcess, spread
from muybridge.pipeline.passes import Pass, pictures_for, shared_cores
from muybridge.video import open_video
from muybridge.video.ahead import prepared
from muybridge.video.picture import DecodedPicture


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--memory", action="store_true")
    options.add_argument("--minutes", type=int, default=60, help="of video, for --memory")
    options = options.parse_args()
    path = reel(options.data, options.work)
    if options.memory:
        report(
            "memory of analyze, MB at each minute of the video", {"resident": memory(path, options.minutes)}
        )
        return
    observers = default_observers()
    contestants: dict[str, Callable[[], object]] = {"everything": lambda: analyze(path, use_cache=False)}
    if any(observer.name == "actions" for observer in observers):
        contestants["scenes, motion and text"] = lambda: analyze_without(path, "actions")
    contestants |= {
        "scenes and motion": lambda: analyze_without(path, "actions", "text"),
        "decoding alone": lambda: decode(path, observers),
    }
    cores: dict[str, float] = {}
    timed = {name: counted(name, work, cores) for name, work in contestants.items()}
    seconds = take_turns(timed, runs=options.runs)
    times = {name: {key: 180 / value for key, value in taken.items()} for name, taken in seconds.items()}
    report(
        "analyze",
        {
            "seconds for 180 s of 720p": seconds,
            "times real time": times,
            "processor seconds of all threads, last run": cores,
        },
    )


def counted(name: str, work: Callable[[], object], cores: dict[str, float]) -> Callable[[], object]:
    """The same work; its processor seconds are noted."""

    def run() -> object:
        before = time.process_time()
        result = work()
        cores[name] = round(time.process_time() - before, 1)
        return result

    return run


def analyze_without(path: Path, *names: str) -> object:
    return analyze(path, observers=default_observers(without=names), use_cache=False)


def decode(path: Path, observers: Sequence[Observer]) -> None:
    with open_video(path) as video:
        for _ in pictures_for(video, observers):
            pass


def memory(path: Path, minutes: int) -> list[int]:
    """An hour of pictures with times that go on; resident megabytes at each minute."""
    noted: list[int] = []
    observers = default_observers()
    with open_video(path) as video, shared_cores(), spread(observers, 60.0 * minutes) as watchers:
        run = Pass(watchers, video.metadata)
        others = [watcher.pid for watcher in watchers if isinstance(watcher, InOwnProcess)]
        with Lanes(run, num_threads=num_threads()) as lanes:
            views = [observer.view for observer in observers]
            for picture in prepared(again_and_again(path, observers), views):
                if picture.pts_seconds >= 60 * minutes:
                    break
                lanes.show(picture)
                if picture.pts_seconds >= 60 * len(noted):
                    noted.append(resident_megabytes(os.getpid(), *others))
            lanes.settle()
        run.finish()
        return [*noted, resident_megabytes(os.getpid(), *others)]


def again_and_again(path: Path, observers: Sequence[Observer]) -> Iterator[DecodedPicture]:
    start = 0.0
    while True:
        with open_video(path) as video:
            for picture in pictures_for(video, observers):
                picture.pts_seconds += start
                yield picture
            start += video.metadata.duration_seconds or 0.0


def resident_megabytes(*pids: int) -> int:
    """Of all these processes; what they share is counted for each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


if __name__ == "__main__":
    main()
