"""Prefix beam search side by side with fast-ctc-decode (Rust), in one run.

    python benchmarks/ctc.py [--line ../shared/data/ctc/line]

Both keep 25 labelings and look at the full alphabet: fast-ctc-decode gets beam_cut_threshold=0. By default
it drops, at every step, the characters below a threshold, which is faster and not exact; that row is there
as well. Ours includes normalizing the input and the time span of every character (on its best path), theirs
the step of every character. Prints one JSON object: medians in ms, and ratios of each repetition's pair with
their quartiles.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import fast_ctc_decode
import numpy as np

from muybridge.text import ctc

T, K, WIDTH, BATCH = 100, 80, 25, 64
ALPHABET = [chr(0x100 + column) for column in range(K - 1)]


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def softmax(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


def inputs(line: Path | None) -> dict[str, np.ndarray]:
    """Batches of (BATCH, T, K) probabilities with the blank first, as fast-ctc-decode wants them."""
    rng = np.random.default_rng(0)
    made = {
        "random, flat": rng.normal(size=(BATCH, T, K)),
        "random, peaked": 4 * rng.normal(size=(BATCH, T, K)),
    }
    if line is not None:
        rows = (line / "rnnOutput.csv").read_text().splitlines()
        real = np.array([[float(cell) for cell in row.split(";")[:-1]] for row in rows])
        made["handwriting network"] = np.roll(real, 1, axis=1) + 0.2 * rng.normal(size=(BATCH, T, K))
    return {name: softmax(logits) for name, logits in made.items()}


def peer(probabilities: np.ndarray, threshold: float) -> str:
    return fast_ctc_decode.beam_search(
        probabilities, ["_", *ALPHABET], beam_size=WIDTH, beam_cut_threshold=threshold
    )[0]


def compare(batch: np.ndarray, repetitions: int) -> dict[str, object]:
    def one() -> list[ctc.Hypothesis]:
        return ctc.beam_search(batch[0], ALPHABET, width=WIDTH, kind="probabilities")

    def many() -> list[list[ctc.Hypothesis]]:
        return ctc.beam_search_batch(batch, ALPHABET, width=WIDTH, kind="probabilities")

    theirs = [peer(line, 0.0) for line in batch]
    equal = sum(best[0].text == text for best, text in zip(many(), theirs, strict=True))
    times: dict[str, list[float]] = {
        "peer_one": [],
        "peer_pruned": [],
        "peer_many": [],
        "one": [],
        "many": [],
    }
    for _ in range(repetitions):
        times["peer_one"].append(seconds(lambda: peer(batch[0], 0.0)))
        times["one"].append(seconds(one))
        times["peer_pruned"].append(seconds(lambda: peer(batch[0], 0.001)))
        times["peer_many"].append(seconds(lambda: [peer(line, 0.0) for line in batch]))
        times["many"].append(seconds(many))

    def ratio(slow: str, fast: str) -> dict[str, float]:
        ratios = [a / b for a, b in zip(times[slow], times[fast], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        return {"median": round(middle, 2), "low": round(low, 2), "high": round(high, 2)}

    return {
        "milliseconds": {name: round(1000 * statistics.median(values), 2) for name, values in times.items()},
        "one_line_ratio": ratio("peer_one", "one"),
        "batch_ratio": ratio("peer_many", "many"),
        "one_line_ratio_to_pruned_peer": ratio("peer_pruned", "one"),
        "same_best_labelings": f"{equal} of {len(batch)}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--line", type=Path, help="folder with rnnOutput.csv of a real network")
    parser.add_argument("--repetitions", type=int, default=9)
    options = parser.parse_args()
    results = {name: compare(batch, options.repetitions) for name, batch in inputs(options.line).items()}
    print(json.dumps({"T": T, "K": K, "width": WIDTH, "batch": BATCH, "results": results}, indent=1))


if __name__ == "__main__":
    main()
