"""A port to listen at, or one sentence why not."""

from __future__ import annotations

import errno
import socket

from fittingroom.errors import UsageError


def listen(host: str, port: int, who: str = "studio", *, backlog: int = 128) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: a name or address of this machine.
        port: 0 for any that is free.
        who: listens, for a message.
        backlog: connections that the system keeps until they are taken up.

    Raises:
        UsageError: the port is taken, or not ours to take; or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(backlog)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(_why_not(host, port, who, error)) from None
    return listener


def _why_not(host: str, port: int, who: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} is taken; perhaps by a {who} that is open already at http://{host}:{port}/. "
            "Choose another with --port, or --port 0 for any that is free."
        )
    if number == errno.EACCES:
        return f"Port {port} may not be used by this user. Choose one above 1023 with --port."
    if isinstance(error, OverflowError):
        return f"Expected a port from 0 to 65535, received {port}."
    return f"The {who} cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}."
