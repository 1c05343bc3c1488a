"""Timing side by side: all contestants take turns in one run, so that a busy machine is busy for all."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def take_turns(contestants: Mapping[str, Callable[[], Any]], *, runs: int) -> dict[str, dict[str, float]]:
    """Median, fastest and slowest seconds of each, after one run to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(runs + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: {"median": statistics.median(taken), "min": min(taken), "max": max(taken)}
        for name, taken in seconds.items()
    }


def report(subject: str, results: Mapping[str, Any]) -> None:
    """Print the results as JSON, with the machine."""
    machine = {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    print(json.dumps({"subject": subject, "machine": machine, **results}, indent=2))
