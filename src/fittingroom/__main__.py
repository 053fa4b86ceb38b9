"""`python -m fittingroom` and the `fittingroom` command."""

from __future__ import annotations

import gc
import os
import sys

NEW_OBJECTS = 100_000


def main() -> int:
    """Run the command line; return the exit code.

    Python looks for garbage in cycles after every 700 new objects, and through all that is there when it ends. Keras
    and torch make a million that stay: looking less often, and not at the end, takes `fittingroom train` of the
    walk-through from 4.9 to 3.5 s (measured on two cores).

    A notebook's cell hands down the backend of its own plots, which matplotlib looks for as soon as it is imported and
    may not find; the command line opens no window, so it sets one that is always there.
    """
    os.environ["MPLBACKEND"] = "agg"
    from fittingroom.cli.app import main as run

    gc.set_threshold(NEW_OBJECTS, 20, 100)
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:  # `fittingroom runs list | head`: the reader has gone, which is no error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())
