"""`muybridge serve`."""

from __future__ import annotations

from pathlib import Path

import typer


def serve(
    folder: Path = typer.Argument(help="The folder of videos, with all folders in it."),
    host: str = typer.Option("127.0.0.1", help="The address to serve at; there is no password."),
    port: int = typer.Option(8765, help="The port; 0 for any that is free."),
    name: list[str] = typer.Option(
        [], "--name", help="A further host name under which it is reached, such as that of a proxy before it."
    ),
    store: str | None = typer.Option(None, "--store", help="The store that `muybridge index` made."),
    as_json: bool = typer.Option(False, "--json", help="Print the address as JSON."),
) -> None:
    """Serve a page and an HTTP API over the videos of a folder, until Ctrl-C.

    Videos are analyzed where the page asks for it; nothing is written into the folder. The search finds what
    `muybridge index` has seen.

    Examples:

        muybridge serve ~/Videos

        muybridge serve archive/ --port 9000 --store shows.store
    """
    from muybridge.cli.output import json_for_stdout
    from muybridge.server.hosts import is_loopback
    from muybridge.server.serving import serve as serve_folder

    def tell(address: str) -> None:
        if not is_loopback(host):
            typer.echo(f"muybridge: warning: everybody who can reach {host} can see these videos", err=True)
        told = {"folder": str(folder), "address": address}
        typer.echo(json_for_stdout(told) if as_json else f"{folder}: {address} (Ctrl-C ends it)")

    serve_folder(folder, host=host, port=port, names=name, store=store, started=tell)
