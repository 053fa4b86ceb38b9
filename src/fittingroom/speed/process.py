"""Run a command and print how long it took and how much memory it had at its peak, as JSON.

Usage: python -m fittingroom.speed.process COMMAND ...

It is a process of its own and a small one, since the system counts a parent's memory in its child's peak.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in


def main() -> int:
    """Run what the command line names; its output goes to stderr."""
    start = time.perf_counter()
    code = subprocess.run(sys.argv[1:], stdout=sys.stderr, check=False).returncode
    seconds = time.perf_counter() - start
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * RSS_UNIT_BYTES
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes}) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
