"""`fittingroom report`: write the page of a run."""

from __future__ import annotations

from pathlib import Path

from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json
from fittingroom.workflows.pages import report as write_page


def report(run: Path, /, *, json: Json = False) -> None:
    """Write the page of a run into its folder, and print where it is.

    Args:
        run: its folder.
    """
    page = write_page(run)
    if json:
        emit_json({"schema": "fittingroom/report/1", "run": str(run), "page": str(page)})
    else:
        emit(str(page))
