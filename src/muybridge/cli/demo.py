"""`muybridge demo`."""

from __future__ import annotations

from pathlib import Path

import typer


def demo(
    output: Path = typer.Option(
        Path("muybridge-demo"), "--output", "-o", help="The folder for the video and its report."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print what was found against what is true as JSON."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress bar."),
) -> None:
    """Draw a video whose truth is known, analyze it, and hold what is found against what is true.

    Examples:

        muybridge demo

        muybridge demo --output /tmp/demo --json
    """
    from dataclasses import asdict

    from muybridge.cli.output import print_json, progress_bar
    from muybridge.errors import OutputError
    from muybridge.pipeline.analyze import analyze
    from muybridge.pipeline.demo import check_demo, write_demo_video

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output}: cannot be made: {error.strerror}; choose another folder") from error
    video = output / "demo.mp4"
    truth = write_demo_video(video)
    # Without the cache: the demo shows the work, and the time it takes.
    with progress_bar("demo", quiet=quiet) as progress:
        found = analyze(video, output=output, use_cache=False, progress=progress)
    checks = check_demo(truth, found)
    report = output / "report.html"
    num_right = sum(check.is_right for check in checks)
    if as_json:
        print_json({"checks": [asdict(check) for check in checks], "report": str(report)})
    else:
        print_checks(checks)
        print(f"{num_right} of {len(checks)} right")
        print(f"report: {report.resolve()}")
    if num_right < len(checks):
        raise typer.Exit(1)


def print_checks(checks: list) -> None:  # type: ignore[type-arg]  # Check, whose module is heavy
    """A table of what is true and what was found."""
    rows = [("in the video", "true", "found"), *((c.what, c.truth, c.found) for c in checks)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    marks = ["", *("right" if check.is_right else "WRONG" for check in checks)]
    for row, mark in zip(rows, marks, strict=True):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + f"  {mark}")
