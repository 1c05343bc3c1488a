"""Greedy, beam (width 25), and beam with a language model: the word HELLO over noisy logits, and a real network's line.

    python benchmarks/ctc_decoders.py --seeds 400 --plot docs/images/ctc_hello.png
    python benchmarks/ctc_decoders.py --line ../shared/data/ctc/line --seeds 60

Prints a Markdown table and, as the last line, JSON. The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np

from muybridge.text import ctc
from muybridge.text.decoder_comparison import DecoderComparison, compare_decoders, spelled_logits

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LINE_CHARACTERS = " !\"#&'()*+,-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LINE_TEXT = "the fake friend of the family, like the"
# What the language model of HELLO has read: the word itself among many others.
WORDS = (
    "HELLO THERE THE QUICK BROWN FOX JUMPS OVER A LAZY DOG AND SAYS HELLO TO THE YELLOW BELL WELL TELL THE FELLOW "
    "THAT HELP IS NEAR HOLD ON BELOW THE HILL WE HEAR A CELLO HE LEFT THE HALL ALONE AND FELL ASLEEP HER HELMET "
    "HELD UNTIL WHEELS ROLLED PAST THE WILLOW HOLLOW FOLLOW ME ALL SMALL SHELLS SELL WELL SO SHE SAID HELLO AGAIN"
)


def readers(alphabet: str, blank: int, model: ctc.CharacterLanguageModel, weight: float) -> dict:
    search = partial(ctc.beam_search_batch, alphabet=alphabet, blank=blank, spans=False, kind="logits")
    with_model = partial(search, language_model=model, language_model_weight=weight)
    return {
        "greedy": lambda lines: [
            path.text for path in ctc.best_paths(lines, alphabet, blank=blank, kind="logits")
        ],
        "beam": lambda lines: [best[0].text for best in search(lines)],
        "beam + model": lambda lines: [best[0].text for best in with_model(lines)],
    }


def compare_hello(num_seeds: int) -> DecoderComparison:
    model = ctc.CharacterLanguageModel.train(WORDS, order=4)
    stranger = ctc.CharacterLanguageModel.train(WORDS.replace("HELLO", ""), order=4)
    decoders = readers(LETTERS, 0, model, weight=0.5)
    # What a model does to a word that it has never read.
    decoders["beam + model that never read HELLO"] = readers(LETTERS, 0, stranger, weight=0.5)["beam + model"]
    return compare_decoders(
        spelled_logits("HELLO", LETTERS, steps_per_character=1),
        "HELLO",
        decoders,
        sigmas=np.arange(0, 2.01, 0.25).tolist(),
        num_seeds=num_seeds,
    )


def compare_line(folder: Path, num_seeds: int) -> DecoderComparison:
    rows = (folder / "rnnOutput.csv").read_text().splitlines()
    logits = np.array([[float(cell) for cell in row.split(";")[:-1]] for row in rows])
    model = ctc.CharacterLanguageModel.train((folder / "corpus.txt").read_text(), order=5)
    return compare_decoders(
        logits,
        LINE_TEXT,
        readers(LINE_CHARACTERS, -1, model, weight=0.3),
        sigmas=[0, 0.5, 1, 1.5, 2],
        num_seeds=num_seeds,
    )


def plot(comparison: DecoderComparison, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), sharex=True)
    names = dict.fromkeys(scores.decoder for scores in comparison.scores)
    for name, marker in zip(names, "osD^", strict=False):
        rows = comparison.of(name)
        sigmas = [row.sigma for row in rows]
        for axis, values in zip(axes, ([r.exact for r in rows], [r.cer for r in rows]), strict=True):
            centers = [100 * value.value for value in values]
            axis.fill_between(
                sigmas,
                [100 * value.low for value in values],
                [100 * value.high for value in values],
                alpha=0.2,
            )
            axis.plot(sigmas, centers, marker=marker, markersize=4, label=name)
    axes[0].set(title=f"{comparison.text}: read without error (%)", xlabel="noise on the logits, sigma")
    axes[1].set(title="character error rate (%)", xlabel="noise on the logits, sigma")
    axes[0].legend(loc="lower left", frameon=False)
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument(
        "--line", type=Path, help="folder with rnnOutput.csv and corpus.txt of a real network"
    )
    parser.add_argument("--plot", type=Path, help="where to write the plot")
    options = parser.parse_args()
    comparison = compare_line(options.line, options.seeds) if options.line else compare_hello(options.seeds)
    if options.plot:
        plot(comparison, options.plot)
    print(comparison)
    print(json.dumps(comparison.to_dict()))


if __name__ == "__main__":
    main()
