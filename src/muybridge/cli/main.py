"""The command line: one verb for each file of this folder, named like the Python function that it calls."""

from __future__ import annotations

import importlib
import io
import os
import sys
import warnings

import typer

from muybridge.errors import MuybridgeError

__all__ = ["app", "run"]

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells count

# In the order in which `muybridge --help` lists them.
VERBS = (
    "demo",
    "analyze",
    "probe",
    "shots",
    "keyframes",
    "flow",
    "classify",
    "stream",
    "detect",
    "read",
    "caption",
    "ask",
    "index",
    "find",
    "serve",
    "compare",
    "cost",
    "models",
    "train",
    "evaluate",
)

app = typer.Typer(
    name="muybridge",
    help="Tell what happens in a video, when it happens, and what is written on the screen.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import muybridge

        typer.echo(muybridge.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


for verb in VERBS:
    app.command(verb, no_args_is_help=verb not in {"demo", "models"})(
        getattr(importlib.import_module(f"muybridge.cli.{verb}"), verb)
    )


def run() -> None:
    """The console script: errors that the package raises on purpose become one line and exit status 1."""
    warnings.showwarning = _show_warning
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show, such as a file name that is not UTF-8, must not end an hour's work.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MuybridgeError as error:
        print(f"muybridge: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as stop:
        # Typer makes this status of Ctrl-C by itself, and says nothing.
        if stop.code == INTERRUPTED:
            print("muybridge: stopped", file=sys.stderr)
        raise
    except KeyboardInterrupt:  # before or after Typer's part
        print("muybridge: stopped", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; the exit must not try to flush into the void.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def _show_warning(message: object, *_: object, **__: object) -> None:
    print(f"muybridge: warning: {message}", file=sys.stderr)
