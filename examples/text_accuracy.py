"""How well was it read: character and word rates, a missed line, and why words fall faster than characters."""

import random

from muybridge.metrics.text import align_text, cer, character_accuracy, wer, word_accuracy
from muybridge.metrics.text_lines import compare_engines, match_lines

print(align_text("THE HORSE IN MOTION", "THE H0RSE IN MOTlON!"), "\n")
pair = ("THE HORSE IN MOTION", "the horse n motion")
print(f"CER {cer(*pair):.2f}  WER {wer(*pair):.2f}  characters {character_accuracy(*pair):.2f}", end="  ")
print(f"words {word_accuracy(*pair):.2f}\n")

page = [
    "the horse in motion",
    "automatic electro photograph",
    "running at a gait of one forty",
    "over the palo alto track",
    "each picture shows the horse",
    "at intervals of twenty seven inches",
]
rng = random.Random(1878)


def spoil(line: str, chance: float) -> str:
    return "".join(rng.choice("abcdefgh") if rng.random() < chance else letter for letter in line)


good = [spoil(line, 0.03) for line in page]
poor = [spoil(line, 0.15) for line in page[:2] + page[3:]] + ["|~#"]
for match in match_lines(page, poor):
    print(f"{match.reference or '(invented)':38} {match.prediction or '(missed)'}")
print()
print(compare_engines(page, {"perfect": page, "good": good, "poor": poor}))
