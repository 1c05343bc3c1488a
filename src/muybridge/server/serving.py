"""The address, until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection
from pathlib import Path

from muybridge.errors import OptionError, require_extra
from muybridge.server.library import Library

__all__ = ["serve"]

GRACE_SECONDS = 2  # for who is being sent a video when the server ends


def serve(
    folder: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    names: Collection[str] = (),
    store: str | Path | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serve a page and an API over the videos of a folder, until the process is interrupted.

    Nothing is written into the folder. Whoever can reach the address can see the videos: there is no password, so it
    is this machine's own unless another is named.

    Args:
        folder: where the videos lie, also in folders of it.
        host: the address to bind.
        port: the port; 0 for any that is free.
        names: further host names under which it is reached, such as that of a proxy before it.
        store: where `muybridge index` put what it saw; None for the user's own store.
        started: called with the page's address, once requests are accepted.

    Raises:
        VideoOpenError: no such folder.
        OptionError: the address cannot be bound, or a name is no name of a host.
        MissingExtraError: `muybridge[server]` is not installed.
    """
    uvicorn = require_extra("uvicorn", extra="server")
    require_extra("fastapi", extra="server")
    from muybridge.server.analyses import Analyses
    from muybridge.server.app import create_app
    from muybridge.server.hosts import as_host_name

    for name in (host, *names):
        as_host_name(name)
    library = Library(folder)
    bound = _bind(host, port)
    with bound, Analyses() as analyses:
        app = create_app(library, analyses, host=host, names=names, store=store)
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_farewell)
        if started is not None:
            name = f"[{host}]" if ":" in host else host
            started(f"http://{name}:{bound.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[bound])


def _is_no_farewell(record: logging.LogRecord) -> bool:
    """Whether a line of the log is more than that somebody was still being sent something at the end."""
    return not (
        record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError | KeyboardInterrupt)
    )


def _bind(host: str, port: int) -> socket.socket:
    """A socket that listens: requests wait in it until the server takes them."""
    if not 0 <= port < 65536:
        raise OptionError(f"port is {port}; it must be from 0 to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"{host}:{port} cannot be served ({reason}); name another --port, or --host"
        ) from error
