"""`fittingroom studio` and `doctor`: open the page in a browser; what this machine has."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fittingroom.backend import describe
from fittingroom.cli.options import Json, whole
from fittingroom.cli.output import emit, emit_json, log, table
from fittingroom.data import DATASETS, locate
from fittingroom.errors import UsageError
from fittingroom.extras import install_line
from fittingroom.runs import ROOT

NEEDS = ("fastapi", "uvicorn")


def studio(
    *folders: Annotated[Path, Parameter(help="Folders with datasets to show besides the known ones.")],
    port: Annotated[int, Parameter(help="Where to listen; 0 for any that is free."), whole(0, 65535)] = 8765,
    host: Annotated[str, Parameter(help="Address to listen on; off this machine a token is asked for.")] = "127.0.0.1",
    browser: Annotated[bool, Parameter(negative="--no-browser", help="Open the page in a browser.")] = True,
    runs: Annotated[Path, Parameter(help="The folder that holds the runs.")] = ROOT,
    audits: Annotated[
        Path | None, Parameter(help="The folder that holds the audits; audits beside the runs if left out.")
    ] = None,
    token: Annotated[
        bool, Parameter(negative="", help="Ask for a token on this machine too, where others share it.")
    ] = False,
    read_only: Annotated[
        bool,
        Parameter(
            negative="",
            help="Print a second address, for a class: it may look and try on, but not train, delete or test.",
        ),
    ] = False,
    public_url: Annotated[
        str, Parameter(help="The address under which a proxy shows the studio, such as https://HOST/PATH.")
    ] = "",
) -> None:
    """Open the studio: a page on this machine, without account, download or cloud. Ctrl-C closes it."""
    if any(find_spec(name) is None for name in NEEDS):
        raise UsageError(f"The studio needs packages that are not installed. Run: {install_line('studio')}")
    from fittingroom.studio.asgi import serve
    from fittingroom.studio.flat_dataset import DatasetRegistry
    from fittingroom.studio.state import Studio
    from fittingroom.web.security import Access, public_address

    access = Access(
        host,
        port,
        asks=token,
        look_token=secrets.token_urlsafe(32) if read_only else None,
        public=public_address(public_url) if public_url else "",
    )
    if access.needs_token:
        log("Whoever has the studio's address can use it: it holds a token. Show it to nobody else.")
    place = None if audits is None else audits.resolve()
    serve(Studio(access, runs.resolve(), DatasetRegistry(folders), audits_dir=place), tell=emit, browser=browser)


def doctor(*, json: Json = False) -> None:
    """Print versions, processor, threads and where each dataset was found."""
    facts = describe(datasets={name: _where(name) for name in DATASETS}) | {"schema": "fittingroom/doctor/1"}
    if json:
        emit_json(facts)
        return
    rows = [(f"{package}", number or "not installed") for package, number in facts["versions"].items()]
    rows += [(key, facts[key]) for key in ("python", "system", "processor", "device", "threads", "device_reason")]
    rows += [(f"data {name}", where) for name, where in facts["datasets"].items()]
    emit("fittingroom doctor\n" + table(["what", "found"], rows))


def _where(name: str) -> str:
    found = locate(name)
    return str(found) if found else f"not on this machine yet; try `fittingroom data get {name}`"
