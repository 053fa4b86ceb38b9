"""Open the port, print the address, and serve until Ctrl-C."""

from __future__ import annotations

import errno
import socket
import threading
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn

from fittingroom.errors import UsageError
from fittingroom.studio.app import build_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from fittingroom.studio.studio import Studio

GRACE_SECONDS = 2


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: a name or address of this machine.
        port: 0 for any that is free.

    Raises:
        UsageError: the port is taken, or not ours to take; or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(_why_not(host, port, error)) from None
    return listener


def _why_not(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} is taken; perhaps by a studio that is open already at http://{host}:{port}/. "
            "Choose another with --port, or --port 0 for any that is free."
        )
    if number == errno.EACCES:
        return f"Port {port} may not be used by this user. Choose one above 1023 with --port."
    if isinstance(error, OverflowError):
        return f"Expected a port from 0 to 65535, received {port}."
    return f"The studio cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}."


def serve(studio: Studio, *, tell: Callable[[str], None], browser: bool = True) -> None:
    """Serve the studio until it is interrupted.

    Args:
        studio: its access names the host and port; port 0 is replaced by the one that was free.
        tell: takes the address once the port is open.
        browser: open the page there.

    Raises:
        UsageError: as `listen`.
    """
    listener = listen(studio.access.host, studio.access.port)
    opened = replace(studio, access=replace(studio.access, port=listener.getsockname()[1]))
    config = uvicorn.Config(
        build_app(opened),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    tell(opened.access.address)
    if browser:
        threading.Thread(target=webbrowser.open, args=(opened.access.address,), daemon=True).start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        opened.tasks.close()
