"""Run a command and print how long it took and how much memory it had at its peak, as JSON.

Usage: python -m fittingroom.speed.process COMMAND ...

It is a process of its own and a small one, since the system counts a parent's memory in its child's peak.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from fittingroom.processes import peak_bytes_of_child


def main() -> int:
    """Run what the command line names; its output goes to stderr."""
    start = time.perf_counter()
    with subprocess.Popen(sys.argv[1:], stdout=sys.stderr) as child:
        code = child.wait()
    seconds = time.perf_counter() - start
    peak_bytes = peak_bytes_of_child(child.pid)
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes}) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
