"""Several ranks on this machine, as torchrun starts them, quickly: children of a server that has imported it all."""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
import os
import pickle
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parents[1]
PRELOADED = ("keras", "torch", "torch.distributed", "fittingroom.training.trainer", "fittingroom.cli.app")


class RankEnd(NamedTuple):
    """How a rank ended: its exit code (negative for a signal), what it returned, what it printed."""

    code: int
    result: Any
    out: str
    err: str


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def run_ranks(
    size: int, folder: Path, work: str, *arguments: Any, seconds: float = 120, **environ: str
) -> list[RankEnd]:
    """Run ``module:function`` of the helpers on every rank, each with one thread, and return how each ended."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent / "src")])  # the server's
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    folder.mkdir(parents=True, exist_ok=True)
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size)}
    processes = []
    for rank in range(size):
        own = {**address, **environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(size)}
        process = context.Process(target=_run, args=(own, folder, rank, work, arguments))
        process.start()
        processes.append(process)
    for process in processes:
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
    return [_end(process.exitcode, folder, rank) for rank, process in enumerate(processes)]


def _run(environ: dict[str, str], folder: Path, rank: int, work: str, arguments: tuple[Any, ...]) -> None:
    os.environ.update(environ)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{name}-{rank}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.path[:0] = [str(HERE), str(HERE.parent / "src")]
    import torch

    torch.set_num_threads(1)
    module, _, function = work.partition(":")
    result = getattr(importlib.import_module(module), function)(*arguments)
    (folder / f"result-{rank}").write_bytes(pickle.dumps(result))
    sys.stdout.flush()
    atexit._run_exitfuncs()  # which a child of multiprocessing leaves out
    if isinstance(result, int):
        sys.exit(result)


def _end(code: int | None, folder: Path, rank: int) -> RankEnd:
    result = folder / f"result-{rank}"
    out, err = ((folder / f"{name}-{rank}").read_text() for name in ("out", "err"))
    return RankEnd(
        -1 if code is None else code, pickle.loads(result.read_bytes()) if result.exists() else None, out, err
    )
