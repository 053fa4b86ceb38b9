"""A description of a dataset in Croissant, the JSON-LD of MLCommons.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "samplingRate": "cr:samplingRate",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "equivalentProperty": "cr:equivalentProperty",
}
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".mat": "application/x-matlab-data",
    ".npz": "application/zip",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".txt": "text/plain",
}
OTHER_TYPE = "application/octet-stream"
DESCRIPTION = "croissant.json"


def write_description(
    folder: Path,
    target: Path,
    name: str,
    counts: Mapping[str, int],
    image_shape: tuple[int, int],
    class_names: Sequence[str],
) -> None:
    """Write a Croissant description of the files in a folder, each with its SHA-256; PNGs as a set of files.

    Args:
        folder: of the dataset's files.
        target: the file to make.
        name: of the dataset.
        counts: how many images each part has.
        image_shape: height and width, in pixels.
        class_names: by label.
    """
    files, has_pictures = _files(folder)
    distribution = [_file_object(path, folder) for path in files if path != target]
    if has_pictures:
        distribution += [_file_set("pictures", "**/*.png", MEDIA_TYPES[".png"])]
    parts = " and ".join(f"{counted(count, 'image')} in {part}" for part, count in counts.items())
    height, width = image_shape
    classes = counted(len(class_names), "class", "classes")
    value = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": re.sub(r"[^\w-]+", "-", name).strip("-") or "dataset",
        "description": f"{parts}: grey pictures of {height}x{width} pixels in {classes}.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "url": folder_url(name),
        "version": "1.0.0",
        "distribution": distribution,
        "recordSet": [_classes(class_names)],
    }
    target.write_bytes((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


def _files(folder: Path) -> tuple[list[Path], bool]:
    """Return the files below a folder but for its PNGs, of which there may be a million, and whether there are such."""
    found, has_pictures = [], False
    for home, _, names in os.walk(folder):
        found += [Path(home, name) for name in names if not name.endswith(".png")]
        has_pictures = has_pictures or any(name.endswith(".png") for name in names)
    return sorted(found), has_pictures


def folder_url(name: str) -> str:
    """Return the address that Croissant asks for of a dataset that lies in a folder: relative, so it is no promise.

    Example:
        >>> folder_url("hats")
        './hats'
    """
    return f"./{name}"


def _file_object(path: Path, folder: Path) -> dict[str, Any]:
    relative = path.relative_to(folder).as_posix()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": relative,
        "name": relative,
        "contentUrl": relative,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": MEDIA_TYPES.get(path.suffix, OTHER_TYPE),
        "sha256": sha256,
    }


def _file_set(name: str, pattern: str, media_type: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "includes": pattern, "encodingFormat": media_type}


def _classes(names: Sequence[str]) -> dict[str, Any]:
    fields = [
        {"@type": "cr:Field", "@id": f"classes/{name}", "name": name, "dataType": kind}
        for name, kind in (("label", "sc:Integer"), ("class_name", "sc:Text"))
    ]
    rows = [{"classes/label": label, "classes/class_name": name} for label, name in enumerate(names)]
    return {"@type": "cr:RecordSet", "@id": "classes", "name": "classes", "field": fields, "data": rows}
