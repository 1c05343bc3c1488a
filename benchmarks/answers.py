"""How many of 100 questions on real clips the evidence answers, by type: right, abstained, wrong but confident.

    python benchmarks/answers.py ../shared/data [--timelines FOLDER] [--show]

The questions were written by looking at the clips, before anything answered them (tests/language/questions.jsonl).
An answer with `known` False counts as abstained: right where the clip does not show what is asked, and not right,
but not misleading either, where it does. The timelines come from `analyze` and its cache; `--timelines` keeps them in
a folder as JSON, so that a second run only answers.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from muybridge import Answer, Timeline, analyze
from muybridge.language.answer import answer_question

QUESTIONS = Path(__file__).parents[1] / "tests" / "language" / "questions.jsonl"
_NUMBER = re.compile(r"(?<![\w.])(?:(\d+):)?(\d+)(?::(\d+(?:\.\d+)?)|(\.\d+)?)")


def numbers(text: str) -> list[float]:
    """The numbers of a sentence, clock times in seconds; what is quoted is left out."""
    found = []
    for match in re.finditer(r"(\d+(?::\d+)*(?:\.\d+)?)", re.sub(r"“[^”]*”", " ", text)):
        value = 0.0
        for part in match[1].split(":"):
            value = 60 * value + float(part)
        found.append(value)
    return found


def verdict(answer: Answer, accept: dict[str, Any]) -> str:
    """`"right"`, `"abstained"` or `"wrong"`."""
    if accept.get("unknown"):
        return "wrong" if answer.known else "right"
    if not answer.known:
        return "abstained"
    text = f" {answer.text.casefold()} "
    is_right = True
    if "yes" in accept:
        is_right &= answer.text.startswith("Yes" if accept["yes"] else "No")
    if "words" in accept:
        is_right &= any(word.casefold() in text for word in accept["words"])
    if "without" in accept:
        is_right &= not any(re.search(rf"\b{word}\b", text) for word in accept["without"])
    for name in ("number", "seconds"):
        if name in accept:
            low, high = accept[name]
            told = numbers(answer.text.replace("The third", "3"))
            is_right &= bool(told) and low <= told[0] <= high
    return "right" if is_right else "wrong"


def timeline_of(path: Path, name: str, folder: Path | None) -> Timeline:
    saved = folder / (name.replace("/", "__") + ".json") if folder is not None else None
    if saved is not None and saved.exists():
        return Timeline.from_dict(json.loads(saved.read_text(encoding="utf-8")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        timeline = analyze(path)
    if saved is not None:
        saved.parent.mkdir(parents=True, exist_ok=True)
        saved.write_text(json.dumps(timeline.to_dict(), ensure_ascii=False), encoding="utf-8")
    return timeline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--timelines", type=Path)
    parser.add_argument("--without", default="", help="leave segments of these kinds out, such as action")
    parser.add_argument("--show", action="store_true", help="print every answer that is not right")
    options = parser.parse_args()
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    timelines: dict[str, Timeline] = {}
    by_type: dict[str, Counter[str]] = {}
    seconds = []
    for row in rows:
        name = row["video"]
        if name not in timelines:
            timelines[name] = timeline_of(options.data / name, name, options.timelines)
        started = time.perf_counter()
        answer = answer_question(timelines[name], row["question"])
        seconds.append(time.perf_counter() - started)
        found = verdict(answer, row["accept"])
        by_type.setdefault(row["type"], Counter())[found] += 1
        if options.show and found != "right":
            print(f"{found:>9}  {name}: {row['question']}\n           {answer.text}   {row['accept']}")
    total = sum(by_type.values(), Counter())
    result = {
        "questions": len(rows),
        "right": total["right"],
        "abstained": total["abstained"],
        "wrong_but_confident": total["wrong"],
        "median_milliseconds": round(1000 * statistics.median(seconds), 2),
        "by_type": {kind: dict(count) for kind, count in sorted(by_type.items())},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
