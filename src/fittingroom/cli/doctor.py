"""`fittingroom doctor`: one block of facts to paste into a bug report."""

from __future__ import annotations

from fittingroom import data
from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, table
from fittingroom.environment import describe


def doctor(*, json: Json = False) -> None:
    """Print versions, processor, threads and where each dataset was found."""
    facts = describe(datasets={name: _where(name) for name in data.DATASETS}) | {"schema": "fittingroom/doctor/1"}
    if json:
        emit_json(facts)
        return
    rows = [(f"{package}", number or "not installed") for package, number in facts["versions"].items()]
    rows += [(key, facts[key]) for key in ("python", "system", "processor", "device", "threads", "device_reason")]
    rows += [(f"data {name}", where) for name, where in facts["datasets"].items()]
    emit("fittingroom doctor\n" + table(["what", "found"], rows))


def _where(name: str) -> str:
    found = data.locate(name)
    return str(found) if found else f"not on this machine yet; try `fittingroom data get {name}`"
