"""`muybridge index`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from muybridge.pipeline.indexing import IndexReport


def index(
    folders: list[str] = typer.Argument(help="Folders of videos, with all folders in them, or video files."),
    store: str | None = typer.Option(
        None, "--store", help="The store: a folder, or object storage such as s3://bucket/videos."
    ),
    prune: bool = typer.Option(False, "--prune", help="Forget videos of these folders that are gone."),
    rebuild: bool = typer.Option(False, "--rebuild", help="Build the store anew, whatever state it is in."),
    embedder: str | None = typer.Option(
        None, "--embedder", help="For a new store: 'words', or a sentence model's folder or hub name."
    ),
    processes: int | None = typer.Option(None, "--processes", help="Videos watched at the same time."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show no progress bar."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Watch all videos of some folders once, so that `muybridge find` finds what is in them.

    Videos that did not change are skipped, those that moved are renamed; a run that was killed goes on where it
    stood.

    Examples:

        muybridge index ~/Videos

        muybridge index archive/ lectures/ --store shows.store --prune
    """
    from muybridge.cli.output import print_json, progress_bar
    from muybridge.pipeline.indexing import find_videos, index_folder
    from muybridge.search.store import open_store

    find_videos(folders)  # before an old store is removed, and before a new one is made
    opened = open_store(store, embedder=embedder, rebuild=rebuild)
    with progress_bar("indexing", quiet=quiet) as progress:
        report = index_folder(*folders, store=opened, num_processes=processes, prune=prune, progress=progress)
    if as_json:
        print_json(report)
    else:
        _print(report, opened.uri, len(opened))
    if report.failed:
        raise typer.Exit(1)


def _print(report: IndexReport, uri: str, num_videos: int) -> None:
    import sys

    from muybridge.cli.output import clock

    counts = {
        "added": len(report.added),
        "updated": len(report.updated),
        "renamed": len(report.renamed),
        "removed": len(report.removed),
        "unchanged": report.num_unchanged,
        "failed": len(report.failed),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    typer.echo(f"{said}; {clock(report.video_seconds)} of video watched")
    typer.echo(f"{num_videos} videos in {uri}")
    if report.missing:
        typer.echo(f"{len(report.missing)} are no longer there; --prune forgets them", err=True)
    for path, reason in report.failed.items():
        print(f"muybridge: {reason if path in reason else f'{path}: {reason}'}", file=sys.stderr)
