"""A folder that is a web page with a model in it: it runs in the visitor's browser, from any server of plain files."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import ModelError, UsageError
from fittingroom.inference.model_files import PHOTO_MODEL, WEIGHTS, none_of_these_file, read_card
from fittingroom.inference.predictor import open_predictor

if TYPE_CHECKING:
    from collections.abc import Iterable

STATIC = Path(__file__).parent / "web_static"
STUDIO = Path(__file__).parents[1] / "studio" / "static"
SHARED = (
    "dom.js",
    "picture.js",
    "format.js",
    "words.js",
    "words-curate.js",
    "words-sweep.js",
    "views/drawing-pad.js",
    "views/drawn-pixels.js",
)
SHEETS = ("tokens.css", "base.css", "forms.css", "try.css", "pictures.css", "dark.css")
RUNTIME = "ort-wasm-simd-threaded.wasm"
RUNTIME_SHA256 = "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
"""Of the runtime's WebAssembly: onnxruntime-web 1.30.0 as npm has it, kept packed in this package."""
NO_PHOTOS = (
    "Photos and the camera are left out: a 28x28 network needs the article cut out of a photo, which is not done in "
    "the browser, and the network for photos knows other classes."
)
ONLY_PHOTO = "Drawings are left out: the network on this page answers whole photos."


@dataclass(frozen=True)
class PageModel:
    """An ONNX file for a page.

    Attributes:
        file: with its card beside it.
        class_names: in the order of its outputs.
        size: height and width of its pictures.
    """

    file: Path
    class_names: tuple[str, ...]
    size: tuple[int, int]


def write_web_page(out: Path, title: str, data: PageModel | None, *, with_photos: bool) -> Path:
    """Write the page; nothing of it is there until all of it is.

    Args:
        out: the folder to make.
        title: of the page.
        data: answers drawings and pictures that are data; None for none.
        with_photos: whether the network for photos is on it.

    Returns:
        The folder.

    Raises:
        UsageError: the folder holds something already.
        ModelError: the packed runtime is not the one that is meant.
    """
    check_is_free(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".web-page-") as made:
        folder = Path(made) / "site"
        _copy_static(folder)
        photo = _photo_model() if with_photos else None
        told = {
            "title": title,
            "data": None if data is None else _add_model(folder, data, "pixels"),
            "photo": None if photo is None else _add_model(folder, photo, "photo"),
            "leftOut": [*([] if with_photos else [NO_PHOTOS]), *([] if data else [ONLY_PHOTO])],
        }
        (folder / "models.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
        _write_worker(folder)
        if out.exists():
            out.rmdir()
        folder.rename(out)
        out.chmod(0o755)  # a server of plain files may be somebody else
    return out


def check_is_free(out: Path) -> None:
    """Raise where a folder cannot be made, since something is there.

    Raises:
        UsageError: a file, or a folder that is not empty.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UsageError(f"{out} is there already, and not empty. Choose another --out.")


def _photo_model() -> PageModel:
    predictor = open_predictor(PHOTO_MODEL)
    if predictor.image_shape is None:
        raise ModelError(f"{PHOTO_MODEL}: expected a network that says its size.")
    return PageModel(WEIGHTS / f"{PHOTO_MODEL}.onnx", predictor.names(10), predictor.image_shape)


def _copy_static(folder: Path) -> None:
    folder.mkdir()
    for name in ("index.html", "sw.js"):
        shutil.copyfile(STATIC / name, folder / name)
    shutil.copytree(STATIC / "js", folder / "js")
    (folder / "css").mkdir()
    shutil.copyfile(STATIC / "page.css", folder / "css" / "page.css")
    for name in SHEETS:
        shutil.copyfile(STUDIO / "css" / name, folder / "css" / name)
    for name in SHARED:
        to = folder / "shared" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STUDIO / "js" / name, to)
    shutil.copyfile(STUDIO / "icon.svg", folder / "icon.svg")
    _copy_runtime(folder / "runtime")
    (folder / "models").mkdir()
    icon = {"src": "icon.svg", "type": "image/svg+xml", "sizes": "any"}
    manifest = {"name": "fittingroom", "start_url": ".", "display": "standalone", "icons": [icon]}
    (folder / "manifest.webmanifest").write_text(json.dumps(manifest), "utf-8")
    notices = (WEIGHTS / "fashion-mnist" / "photo-notices.md").read_text("utf-8")
    licence = (STATIC / "runtime" / "LICENSE").read_text("utf-8")
    (folder / "licences.txt").write_text(f"ONNX Runtime Web\n\n{licence}\n\n{notices}", "utf-8")


def _copy_runtime(folder: Path) -> None:
    """Unpack the runtime, and pack it as a browser can unpack it, whatever server sends it."""
    folder.mkdir()
    shutil.copyfile(STATIC / "runtime" / "ort.wasm.bundle.min.mjs", folder / "ort.wasm.bundle.min.mjs")
    content = lzma.decompress((STATIC / "runtime" / f"{RUNTIME}.xz").read_bytes())
    found = hashlib.sha256(content).hexdigest()
    if found != RUNTIME_SHA256:
        raise ModelError(
            f"{RUNTIME}: expected SHA-256 {RUNTIME_SHA256}, found {found}. Install fittingroom again: its file was "
            "changed."
        )
    _write_packed(folder / f"{RUNTIME}.gz", content)


def _write_packed(to: Path, content: bytes) -> None:
    to.write_bytes(gzip.compress(content, 9, mtime=0))


def _add_model(folder: Path, model: PageModel, input_name: str) -> dict[str, Any]:
    """Pack a model's files into the page's folder, and return what the page is told of it."""
    predictor, card = open_predictor(model.file), read_card(model.file)
    file = f"{input_name}.onnx.gz"
    _write_packed(folder / "models" / file, model.file.read_bytes())
    second, none = none_of_these_file(model.file), None
    if predictor.none_of_these is not None:
        none = {"file": None if second is None else "none.onnx.gz", "threshold": predictor.threshold}
    if second is not None:
        _write_packed(folder / "models" / "none.onnx.gz", second.read_bytes())
    return {
        "file": file,
        "name": card.get("name", model.file.stem),
        "input": input_name,
        "size": list(model.size),
        "classes": list(model.class_names),
        "temperature": predictor.temperature,
        "none": none,
    }


def _write_worker(folder: Path) -> None:
    """Fill in which files the page keeps for when there is no network, and a name that changes with any of them."""
    files = sorted(path.relative_to(folder).as_posix() for path in _files(folder) if path.name != "sw.js")
    digest = hashlib.sha256()
    for name in files:
        digest.update(name.encode() + b"\0" + (folder / name).read_bytes())
    worker = (folder / "sw.js").read_text("utf-8")
    worker = worker.replace("VERSION", digest.hexdigest()[:16]).replace('["FILES"]', json.dumps(["./", *files]))
    (folder / "sw.js").write_text(worker, "utf-8")


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def site_bytes(folder: Path) -> int:
    """Return how much a page takes on disk."""
    return sum(path.stat().st_size for path in _files(folder))
