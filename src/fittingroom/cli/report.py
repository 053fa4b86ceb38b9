"""`fittingroom report`: write the page of a run, or one page that compares several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from fittingroom.cli.options import DataDir, Json, Quiet
from fittingroom.cli.output import emit, emit_json, log_unless
from fittingroom.errors import UsageError
from fittingroom.workflows.pages import report as write_page


def report(
    *runs: Path,
    out: Annotated[
        Path | None, Parameter(help="Where a comparison goes, a .html file; comparison.html beside the first run.")
    ] = None,
    split: Annotated[
        Literal["validation", "test"] | None,
        Parameter(help="Which images a comparison is on; test where all runs were evaluated, else validation."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the page of a run into its folder, or one page that compares several, and print where it is.

    Args:
        runs: a run folder; or two and more, to compare.
    """
    if not runs:
        raise UsageError("Expected a run folder, or several to compare. Example: fittingroom report runs/my-run")
    page = write_page(*runs, out=out, split=split, data_dir=data_dir, log=log_unless(quiet or json))
    if json:
        emit_json({"schema": "fittingroom/report/1", "runs": [str(run) for run in runs], "page": str(page)})
    else:
        emit(str(page))
