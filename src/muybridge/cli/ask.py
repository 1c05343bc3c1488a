"""`muybridge ask`."""

from __future__ import annotations

import typer


def ask(
    path: str = typer.Argument(help="The video file."),
    question: str = typer.Argument(help="What you want to know, in English."),
    model: str | None = typer.Option(
        None,
        help="Who answers what the evidence leaves open: a hub name, a folder, or an endpoint's address.",
    ),
    no_cache: bool = typer.Option(False, "--no-cache", help="Look at everything anew."),
    as_json: bool = typer.Option(False, "--json", help="Print the answer and its evidence as JSON."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="No progress bar."),
) -> None:
    """Answer a question about a video, with the moments that the answer rests on.

    Exit status 0 also where the video does not show it: "known" in the JSON tells them apart.

    Examples:

        muybridge ask holiday.mp4 "When does the camera pan left?"

        muybridge ask lecture.mp4 "What is written at 5 s?" --json
    """
    from muybridge.cli.output import clock, print_json, progress_bar
    from muybridge.pipeline.ask import ask as ask_video
    from muybridge.printable import printable

    with progress_bar("watching", quiet=quiet) as progress:
        answer = ask_video(path, question, model=model, use_cache=not no_cache, progress=progress)
    if as_json:
        print_json(answer)
        return
    typer.echo(answer.text)
    for segment in answer.evidence[:10]:
        span = f"{clock(segment.start_seconds)}–{clock(segment.end_seconds)}"
        typer.echo(f"  {span:>20}  {segment.kind:<8} {printable(segment.label)}")
    if len(answer.evidence) > 10:
        typer.echo(f"  and {len(answer.evidence) - 10} more")
