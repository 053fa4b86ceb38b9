"""Say, before a download, that it would bring CUDA packages to a machine without a GPU: the size, and the remedy.

Usage: warn_cuda.py REPORT, where REPORT is what `pip install --dry-run --report REPORT torch` wrote.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CUDA = ("nvidia-", "cuda-", "triton")
REMEDY = "make run TORCH_INDEX=https://download.pytorch.org/whl/cpu"


def download_urls(report: Path) -> dict[str, str]:
    """Return what pip would download, by package name."""
    items = json.loads(report.read_text())["install"]
    return {item["metadata"]["name"].lower(): item["download_info"]["url"] for item in items}


def size_bytes(url: str) -> int:
    """Return a file's size as its server gives it; 0 where it does not say."""
    try:
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.headers.get("Content-Length", 0))
    except (OSError, ValueError):
        return 0


def warning(sizes: dict[str, int]) -> str | None:
    """Return the warning, or None where no CUDA package is among those to be downloaded."""
    cuda = [name for name in sizes if name.startswith(CUDA)]
    if not cuda:
        return None
    total = sum(sizes.values())
    size = f"{total / 1e9:.1f} GB" if total else "several GB"
    return (
        f"This machine shows no NVIDIA GPU, but this torch brings {len(cuda)} CUDA packages with it: {size} to "
        f"download.\nThe small build does the same here. Stop with Ctrl-C and run instead:\n\n    {REMEDY}\n"
    )


def main() -> None:
    """Print the warning where one is due."""
    urls = {name: url for name, url in download_urls(Path(sys.argv[1])).items() if url.startswith("http")}
    if not any(name.startswith(CUDA) for name in urls):
        return
    with ThreadPoolExecutor(8) as pool:
        sizes = dict(zip(urls, pool.map(size_bytes, urls.values()), strict=True))
    text = warning(sizes)
    if text:
        sys.stderr.write(text)


if __name__ == "__main__":
    main()
