"""`muybridge find`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from muybridge.search.results import Match
    from muybridge.search.store import Store


def find(
    query: str = typer.Argument("", help="What to look for, in any language; may be left out with --like."),
    store: str | None = typer.Option(None, "--store", help="The store that `muybridge index` made."),
    like: Path | None = typer.Option(None, "--like", help="Find what looks like this clip."),
    duplicates: bool = typer.Option(False, "--duplicates", help="List videos that hold one another."),
    limit: int = typer.Option(10, "--limit", "-n", help="At most so many results."),
    kind: list[str] = typer.Option([], "--kind", help="Only this kind: text, action, camera, subtitle, …"),
    file: list[str] = typer.Option([], "--file", help="Only these files, folders or patterns."),
    start: float | None = typer.Option(None, "--from", help="Only what ends after this second."),
    end: float | None = typer.Option(None, "--to", help="Only what begins before this second."),
    min_score: float | None = typer.Option(None, "--min-score", help="Only what is at least so sure."),
    by: str = typer.Option("both", "--by", help="words, meaning, or both."),
    strip: Path | None = typer.Option(
        None, "--strip", help="Write thumbnails of the results, as JPEG or PNG."
    ),
    clip: Path | None = typer.Option(None, "--clip", help="Cut the first result out, as a video."),
    overwrite: bool = typer.Option(
        False, "--overwrite", help="Let --strip and --clip replace a file that is there."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Find where something is written, said or done in the videos of a store, and show why it matched.

    Examples:

        muybridge find "a person waves" --strip waves.jpg

        muybridge find --like goal.mp4 --file 'matches/*' --json
    """
    from muybridge.cli.output import print_json
    from muybridge.errors import OptionError
    from muybridge.search.store import open_store

    if sum((bool(query.strip()), like is not None, duplicates)) != 1:
        raise OptionError("the query is empty; say what to look for, or name a clip with --like")
    if (like or duplicates) and (kind or start is not None or end is not None or min_score is not None):
        raise OptionError(
            "--like and --duplicates compare whole pictures: of the filters, only --file goes with --like"
        )
    if duplicates and (file or strip is not None or clip is not None):
        raise OptionError("--duplicates lists all pairs: --file, --strip and --clip do not go with it")
    opened = open_store(store, create=False)
    for target in (strip, clip):
        if target is not None:
            _check_target(target, opened, overwrite=overwrite)
    if duplicates:
        _print_duplicates(opened, as_json=as_json)
        return
    if like is not None:
        found = opened.find_like(like, limit=limit, files=file)
    else:
        found = opened.find(
            query,
            limit=limit,
            kinds=kind,
            files=file,
            start_seconds=start,
            end_seconds=end,
            min_score=min_score,
            by=by,  # type: ignore[arg-type]
        )
    if as_json:
        print_json([match.to_dict() for match in found])
    else:
        _print(found)
    if found:
        _write(found, strip, clip)
    elif kind and (unknown := [name for name in kind if name not in opened.kinds()]):
        there = ", ".join(opened.kinds())
        typer.echo(f"the store has nothing of kind {', '.join(unknown)}; it has: {there}", err=True)


def _check_target(target: Path, store: Store, *, overwrite: bool) -> None:
    """Refuse to write over a video of the store, whatever is said, and over another file unless it is said."""
    from muybridge.errors import OptionError
    from muybridge.search.paths import key_of

    # Links and other spellings of a path lead to the same file.
    if key_of(target) in store.rows() or target.resolve() in {Path(path).resolve() for path in store.rows()}:
        raise OptionError(f"{target} is a video of the store; name another file")
    if target.exists() and not overwrite:
        raise OptionError(f"{target} is there already; name another file, or replace it with --overwrite")


def _print(found: list[Match]) -> None:
    from muybridge.cli.output import clock
    from muybridge.printable import printable

    for match in found:
        typer.echo(f"{match.path}{_caution(match)}")
        times = f"{clock(match.start_seconds)}–{clock(match.end_seconds)}"
        typer.echo(f"  {times:>17}  {match.kind:<8}  {printable(match.label)}  [{printable(match.why)}]")
    if not found:
        typer.echo("nothing matches", err=True)


def _caution(match: Match) -> str:
    if not match.is_there:
        return "  (the file is no longer there; index its folder again)"
    return "  (the file has changed since it was indexed; index it again)" if match.has_changed else ""


def _print_duplicates(store: Store, *, as_json: bool) -> None:
    from muybridge.cli.output import print_json

    pairs = store.duplicates()
    if as_json:
        print_json([{"a": a, "b": b, "shared_share": share} for a, b, share in pairs])
        return
    for a, b, share in pairs:
        typer.echo(f"{share:4.0%}  {a}\n      {b}")
    if not pairs:
        typer.echo("no video holds another", err=True)


def _write(found: list[Match], strip: Path | None, clip: Path | None) -> None:
    from muybridge.errors import OutputError
    from muybridge.search.preview import cut_clip, draw_strip

    # Of the others there is nothing to show; where there is nothing else, it is said why.
    shown = [match for match in found if match.is_there and not match.has_changed] or found[:1]
    if strip is not None:
        import cv2

        pixels = cv2.cvtColor(draw_strip(shown), cv2.COLOR_RGB2BGR)
        try:
            is_written = cv2.imwrite(str(strip), pixels)
        except cv2.error:
            is_written = False
        if not is_written:
            raise OutputError(f"{strip} cannot be written; name a .jpg or .png in a folder that is there")
        typer.echo(f"thumbnails: {strip}", err=True)
    if clip is not None:
        typer.echo(f"clip: {cut_clip(shown[0], clip)}, of {shown[0].path}", err=True)
