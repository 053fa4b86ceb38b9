"""One large training, measured: ranks beside a bare PyTorch loop, and data larger than memory beside small data.

    python benchmarks/one_training.py ranks              # 2 ranks of one thread, ResNet-20, in turns with the bare loop
    python benchmarks/one_training.py data               # 5 million images: memory of each command, and the rate
    python benchmarks/one_training.py data --images 1000000 --scratch /tmp    # a shorter look

What is compared takes turns in the same processes, so that what else runs on the machine falls on both. The data are
generated below ``--scratch`` (8 GB for 5 million images) and removed at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fittingroom as fr
from fittingroom.backend import processor_name
from fittingroom.data import FILE_NAMES
from fittingroom.data.idx import encode_header, write_idx

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGES, BATCH = 2048, 256  # of an epoch of the ranks' comparison
MEMORY_LIMIT = 2_000_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ranks", "data", "rank", "rates"])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--images", type=int, default=5_000_000)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.what == "ranks":
        words = ["--nproc-per-node", str(asked.ranks), "--standalone", __file__, "rank", "--rounds", str(asked.rounds)]
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-m", "torch.distributed.run", *words], check=True, env=environ)
    elif asked.what == "rank":
        one_rank(asked.rounds)
    elif asked.what == "rates":
        rates(asked.folder)
    else:
        data(asked.images, asked.scratch)


# --- several ranks beside a bare loop ---


def one_rank(rounds: int) -> None:
    """Train in turns with the bare loop, on this rank; the first prints."""
    import torch

    from fittingroom.training.plan import Hooks, plan_of
    from fittingroom.training.ranks import join
    from fittingroom.training.recipe import Recipe
    from fittingroom.training.trainer import fit

    torch.set_num_threads(1)
    ranks = join()
    assert ranks is not None, "python benchmarks/one_training.py ranks"
    train = fr.load("fashion-mnist").train
    pair = train.images[:IMAGES], train.labels[:IMAGES]
    recipe = Recipe(epochs=rounds + 1, batch_size=BATCH, optimizer="sgd", momentum=0.9, learning_rate=0.05)
    plan = plan_of(pair, recipe, 0, None, (), print, ranks)
    bare = BareLoop(*pair, ranks)
    ours: list[float] = []
    theirs: list[float] = []

    def on_epoch(line: dict[str, Any]) -> None:
        ours.append(line["seconds"])
        theirs.append(bare.epoch())

    fit(fr.build("residual-16-32-64"), plan, Hooks(on_epoch=on_epoch))
    alone = [bare.epoch(alone=True) for _ in range(3)] if ranks.is_first else []
    ranks.any(False)
    if ranks.is_first:
        print(ranks_table(ours[1:], theirs[1:], alone[1:], ranks.size))  # the first round has warmed both up


class BareLoop:
    """ResNet-20 in plain PyTorch, channels last, its gradients in one vector that one all-reduce sums."""

    def __init__(self, images: Any, labels: Any, ranks: Any) -> None:
        import torch

        torch.manual_seed(0)
        self.images, self.labels = torch.from_numpy(np.array(images)), torch.from_numpy(labels.astype("int64"))
        self.ranks, self.model = ranks, plain_resnet().to(memory_format=torch.channels_last)
        parameters = list(self.model.parameters())
        self.flat = torch.zeros(sum(parameter.numel() for parameter in parameters))
        start = 0
        for parameter in parameters:
            parameter.grad = self.flat.as_strided(parameter.shape, parameter.stride(), start)  # channels last, as it is
            start += parameter.numel()
        self.optimizer = torch.optim.SGD(parameters, 0.05, momentum=0.9)

    def epoch(self, alone: bool = False) -> float:
        """Train for an epoch and return its seconds."""
        import torch
        import torch.distributed as dist

        if not alone:
            dist.barrier()
        started = time.perf_counter()
        for rows in torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(0)).split(BATCH):
            mine = rows if alone else rows[self.ranks.share(len(rows))]
            inputs = self.images.index_select(0, mine).unsqueeze(1).float().mul_(1 / 255)
            self.flat.zero_()
            with torch.enable_grad():
                outputs = self.model(inputs)
                torch.nn.functional.cross_entropy(outputs, self.labels.index_select(0, mine)).backward()
            if not alone:
                dist.all_reduce(self.flat.mul_(len(mine) / len(rows)))
            self.optimizer.step()
        return time.perf_counter() - started


def plain_resnet() -> Any:
    """Return ResNet-20 on one channel as our `residual-16-32-64` is built."""
    import torch
    from torch import nn

    def normalised(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            changes = stride != 1 or inputs != outputs
            self.shortcut = normalised(inputs, outputs, 1, stride) if changes else nn.Identity()
            self.first, self.second = normalised(inputs, outputs, 3, stride), normalised(outputs, outputs, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))

    parts: list[nn.Module] = [normalised(1, 16, 3), nn.ReLU()]
    before = 16
    for stage, width in enumerate((16, 32, 64)):
        for block in range(3):
            parts.append(Block(before, width, 2 if stage and not block else 1))
            before = width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def ranks_table(ours: list[float], theirs: list[float], alone: list[float], size: int) -> str:
    """Return the rates and their ratios as Markdown."""
    ratios = [other / own for own, other in zip(ours, theirs, strict=True)]
    rows = {"fittingroom": ours, "a bare PyTorch loop, the same all-reduce": theirs}
    lines = [
        f"ResNet-20, {size} ranks of one thread, batches of {BATCH}, {IMAGES:,} images an epoch, "
        f"n = {len(ours)} epochs in turns; {processor_name()}",
        "",
        "| way | images a second, median |",
        "| --- | --- |",
        *(f"| {name} | {IMAGES / statistics.median(values):,.0f} |" for name, values in rows.items()),
        f"| the bare loop, one rank alone, afterwards (n = {len(alone)}) | {IMAGES / statistics.median(alone):,.0f} |",
        "",
        f"fittingroom against the bare loop: {statistics.median(ratios):.2f} "
        f"({', '.join(f'{ratio:.2f}' for ratio in ratios)}); bar: 0.95",
    ]
    return "\n".join(lines)


# --- data larger than memory ---


def data(images: int, scratch: Path) -> None:
    """Generate data, compare rates, then run each command in a process of its own and watch its memory."""
    with tempfile.TemporaryDirectory(prefix="fittingroom-large-", dir=scratch) as name:
        root = Path(name)
        folder = generated(root / "large", images)
        environ = {**os.environ, "FITTINGROOM_CACHE": str(root / "cache")}
        run, more = str(root / "run"), str(root / "converted")
        train = ["train", "-d", str(folder), "--epochs", "1", "--out"]
        commands = {
            "data info (the first look: fingerprint)": ["data", "info", str(folder)],
            "data verify": ["data", "verify", str(folder)],
            "explore": ["explore", "--dataset", str(folder), "--json"],
            "train, one epoch of the walk-through": [*train, run],
            "train --validation 10000": [*train, f"{run}-2", "--validation", "10000", "--no-onnx"],
            "evaluate": ["evaluate", run, "-d", str(folder)],
            "evaluate --coverage 0.95, of the second run": ["evaluate", f"{run}-2", "--coverage", "0.95"],
            "compare": ["compare", run, f"{run}-2"],
            "report": ["report", f"{run}-2"],
            "data convert, to four IDX files": ["data", "convert", str(folder), more, "--to", "idx"],
        }
        small = fr.load("fashion-mnist").train
        np.savez(root / "small.npz", images=small.images, labels=small.labels)
        subprocess.run([sys.executable, __file__, "rates", "--folder", str(folder)], check=True, env=environ)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"\n{images:,} training and {images // 5:,} test images of 28x28, {size / 1e9:.1f} GB\n")
        print("| command | exit code | most memory of its own (RssAnon), MB | limit | seconds here |")
        print("| --- | --- | --- | --- | --- |", flush=True)
        for title, words in commands.items():
            code, most, seconds = watched([sys.executable, "-m", "fittingroom", *words], environ, root / "said.txt")
            limit = "held" if most < MEMORY_LIMIT else "NOT HELD"
            print(f"| {title} | {code} | {most / 1e6:,.0f} | {limit} | {seconds:.0f} |", flush=True)
            if code:
                print((root / "said.txt").read_text()[-2000:])
            shutil.rmtree(more, ignore_errors=True)


def generated(folder: Path, images: int) -> Path:
    """Write a folder of random pixels and labels, a fifth as many test images."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, count in enumerate((images, images // 5)):
        with (folder / FILE_NAMES[2 * part]).open("wb") as file:
            file.write(encode_header(np.dtype(np.uint8), (count, 28, 28)))
            for start in range(0, count, 100_000):
                file.write(generator.bytes(min(100_000, count - start) * 784))
        write_idx(folder / FILE_NAMES[2 * part + 1], generator.integers(0, 10, count, dtype=np.uint8))
    return folder


def watched(command: list[str], environ: dict[str, str], out: Path) -> tuple[int, int, float]:
    """Run a command; return its exit code, the most anonymous memory that it held, and its seconds."""
    most, started = 0, time.perf_counter()
    with out.open("w") as file, subprocess.Popen(command, env=environ, stdout=file, stderr=file) as process:
        while process.poll() is None:
            most = max(most, anonymous_bytes(process.pid))
            time.sleep(0.05)
    return process.returncode, most, time.perf_counter() - started


def anonymous_bytes(pid: int | str) -> int:
    """Return the memory of a process that no file stands behind."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def rates(folder: Path) -> None:
    """Train on the large data; at each of its ticks for an epoch of the 60,000, and compare images a second."""
    from fittingroom.training.callbacks import CallbackRunner
    from fittingroom.training.loop import Loop, LoopState
    from fittingroom.training.plan import Hooks, plan_of
    from fittingroom.training.recipe import Recipe
    from fittingroom.training.trainer import fit, session_for

    with np.load(folder.parent / "small.npz") as kept:
        pair = kept["images"], kept["labels"]
    small_plan = plan_of(pair, Recipe(epochs=1000), 0, None, (), print)
    large_plan = plan_of(fr.load(folder), Recipe(epochs=1), 0, None, (), print)
    large: list[float] = []
    small: list[float] = []
    with most_of_its_own() as most, session_for(fr.build("walkthrough"), small_plan, print) as (session, *_):
        runner = CallbackRunner((), session, probabilities=True)
        loop, state = Loop(session, runner, small_plan, Hooks(), None, lambda: False), LoopState()
        runner.begin(loop.steps, epochs_done=None)
        seen, since = [0], [time.perf_counter()]

        def turn(progress: Any) -> None:
            if progress.done:
                return
            large.append((progress.images - seen[0]) / (time.perf_counter() - since[0]))
            loop._epoch(state)
            small.append(60_000 / state.history[-1]["seconds"])
            seen[0], since[0] = progress.images, time.perf_counter()

        fit(fr.build("walkthrough"), large_plan, Hooks(on_progress=turn))
    ratios = [one / other for one, other in zip(large[1:], small[1:], strict=True)]
    print(
        f"The walk-through in turns, n = {len(ratios)}; {processor_name()}\n\n| data | images a second, median |\n"
        f"| --- | --- |\n| {len(large_plan.labels):,} in their file | {statistics.median(large[1:]):,.0f} |\n"
        f"| 60,000 in memory | {statistics.median(small[1:]):,.0f} |\n\nratio: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}); bar: 0.8; most memory of its own, both trainings and the 60,000 "
        f"images in it: {most[0] / 1e6:,.0f} MB",
        flush=True,
    )


@contextmanager
def most_of_its_own() -> Iterator[list[int]]:
    """Watch this process's anonymous memory, and give the most of it as the one item of a list."""
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], anonymous_bytes("self"))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    main()
