"""What a result was made with: versions, processor, threads."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fittingroom.backend import choose_device

PACKAGES = ("fittingroom", "keras", "torch", "numpy", "matplotlib", "pooch", "cyclopts", "rich")


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str | None]:
    """Return the installed version of each package, None where it is missing; nothing is imported.

    Example:
        >>> versions(("no-such-package",))
        {'no-such-package': None}
    """
    return {package: _version(package) for package in packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def describe(**facts: Any) -> dict[str, Any]:
    """Return what ``environment.json`` holds.

    Args:
        facts: what else belongs there: dataset, fingerprint, seed.
    """
    device = choose_device()
    return {
        "schema": "fittingroom/environment/1",
        **facts,
        "versions": versions(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": device.title,
        "device": device.name,
        "threads": device.threads,
        "device_reason": device.reason,
    }
