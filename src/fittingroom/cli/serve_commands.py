"""`fittingroom serve`: models over HTTP."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from fittingroom.cli.options import whole
from fittingroom.cli.output import emit, log
from fittingroom.errors import UsageError
from fittingroom.extras import install_line, missing

TOKEN = "FITTINGROOM_TOKEN"
LEAST_TOKEN = 16  # characters


def serve(
    *,
    model: Annotated[
        list[str] | None,
        Parameter(
            name=["--model", "-m"],
            help="NAME=MODEL or NAME:VERSION=MODEL, once for each: a run folder, an .onnx file or a shipped name.",
        ),
    ] = None,
    host: Annotated[str, Parameter(help="Address to listen on; off this machine a token is asked for.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Where to listen; 0 for any that is free."), whole(0, 65535)] = 8000,
    workers: Annotated[int, Parameter(help="Processes that answer; about one a processor core."), whole(1, 64)] = 1,
    queue: Annotated[
        int, Parameter(help="Requests with a body at once, of all processes; beyond it 429."), whole(1, 100_000)
    ] = 256,
    batching: Annotated[
        bool,
        Parameter(negative="--no-batching", help="Answer requests that come together, within 2 ms, in one run."),
    ] = True,
    token: Annotated[
        bool | None,
        Parameter(
            negative="--no-token",
            help=f"Ask for a token ({TOKEN}, or a new one); --no-token asks nobody, wherever it listens.",
        ),
    ] = None,
    access_log: Annotated[
        bool, Parameter(negative="--no-access-log", help="A line of JSON on stderr for each request.")
    ] = True,
) -> None:
    """Serve models over HTTP: the Open Inference Protocol, TensorFlow Serving's routes, pictures as files.

    Without --model fashion-mnist/94 answers as 94, and the network for photos as photo. A model's file that is replaced
    is taken up at once; Ctrl-C or SIGTERM ends the server when it has answered what is under way.
    """
    if missing("serve"):
        raise UsageError(f"The server needs packages that are not installed. Run: {install_line('serve')}")
    from fittingroom.serving.model_server import SERVING_LIMITS, ServerSettings, serve_models
    from fittingroom.serving.protocol_routes import LIVE, READY
    from fittingroom.serving.request_batches import WAIT_SECONDS
    from fittingroom.serving.served_models import read_sources
    from fittingroom.web.security import Access

    given = os.environ.get(TOKEN, "")
    if given and not (len(given) >= LEAST_TOKEN and given.isascii() and given.isprintable() and " " not in given):
        raise UsageError(f"{TOKEN}: expected at least {LEAST_TOKEN} letters and digits without blanks. Choose another.")
    kept = {"token": given} if given else {}
    access = Access(
        host, port, asks=bool(token), for_programs=True, is_open=token is False, probes=(LIVE, READY), **kept
    )
    settings = ServerSettings(
        read_sources(model or ()),
        access,
        replace(SERVING_LIMITS, uploads=queue),
        workers,
        WAIT_SECONDS if batching else 0.0,
        access_log,
    )
    if access.needs_token:
        told = f"the one in {TOKEN}" if given else access.token
        log(f"Every request has to bring the header Authorization: Bearer TOKEN; the token is {told}.")
    serve_models(settings, tell=emit)
