"""Options that would do nothing: refused, where a person might think that they did something."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from muybridge.errors import OptionError

__all__ = ["given_options", "refuse_options"]


def given_options(context: typer.Context, names: Iterable[str]) -> list[str]:
    """Those of the command's parameters that stand on the command line, as they are written there.

    Args:
        context: of the command.
        names: of parameters, as the command's function calls them.
    """
    given = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            is_negated = context.params[parameter.name] is False and parameter.secondary_opts
            given.append((parameter.secondary_opts if is_negated else parameter.opts)[0])
    return given


def refuse_options(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Refuse what is given for no effect.

    Args:
        context: of the command.
        names: of parameters, as the command's function calls them.
        why: where that is, such as "without --output".

    Raises:
        OptionError: one of them stands on the command line.
    """
    if given := given_options(context, tuple(names)):
        them = "them" if len(given) > 1 else "it"
        raise OptionError(f"{', '.join(given)}: of no effect {why}; leave {them} out")
