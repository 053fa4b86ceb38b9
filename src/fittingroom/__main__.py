"""`python -m fittingroom` and the `fittingroom` command."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line; return the exit code."""
    from fittingroom.cli.app import main as run

    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:  # `fittingroom runs list | head`: the reader has gone, which is no error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
