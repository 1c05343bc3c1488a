"""Segments and signals → CSV (RFC 4180, UTF-8) for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable

from muybridge.report.strict_json import json_text
from muybridge.values import Segment, Signal

__all__ = ["segments_to_csv", "signals_to_csv"]

# A spreadsheet takes a cell that starts so for a formula, and words on a screen are anybody's words.
# Source: OWASP, "CSV Injection".
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]")


def segments_to_csv(segments: Iterable[Segment]) -> str:
    """One row for each segment, in the order given; seconds are those of the source.

    A kind or label that a spreadsheet would take for a formula gets a leading `'`, and the end of a line in it is
    always a line feed; `timeline.json` has both as they were.

    >>> print(segments_to_csv([Segment(1, 2.5, "text", "=1+1", 0.9)]), end="")
    kind,label,start_seconds,end_seconds,duration_seconds,score,attributes
    text,'=1+1,1.0,2.5,1.5,0.9,{}
    """
    header = ("kind", "label", "start_seconds", "end_seconds", "duration_seconds", "score", "attributes")
    rows = (
        (
            _as_text(segment.kind),
            _as_text(segment.label),
            _number(segment.start_seconds),
            _number(segment.end_seconds),
            _number(segment.duration_seconds),
            "" if segment.score is None else _number(segment.score),
            json_text(segment.attributes),
        )
        for segment in segments
    )
    return _csv(header, rows)


def signals_to_csv(signals: Iterable[Signal]) -> str:
    """One row for each value of each signal; a value that is not a number is left empty.

    >>> import numpy as np
    >>> print(signals_to_csv([Signal("energy", np.array([0.0]), np.array([0.25]), "px/s")]), end="")
    signal,unit,seconds,value
    energy,px/s,0.0,0.25
    """
    rows = (
        (_as_text(signal.name), _as_text(signal.unit), _number(second), _number(value))
        for signal in signals
        for second, value in zip(signal.seconds.tolist(), signal.values.tolist(), strict=True)
    )
    return _csv(("signal", "unit", "seconds", "value"), rows)


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return table.getvalue()


def _as_text(text: str) -> str:
    # Until 3.11.9, Python's csv writes a lone carriage return without quotes: the row would end there.
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _FORMULA.match(text) else text


def _number(number: float) -> float | str:
    # Microseconds are finer than any clock of a container; more digits would only be noise of the sum.
    return round(number, 6) if math.isfinite(number) else ""
