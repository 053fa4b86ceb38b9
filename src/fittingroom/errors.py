"""The one exception family: libraries raise it, the command line prints it.

::

    FittingRoomError            exit code 2
    ├── UsageError              a wrong argument, an unknown name
    ├── DataError               a file that is not what it should be
    │   └── DataNotFoundError   no place we looked at has the data
    ├── RunError                a run folder that is missing, taken or incomplete
    ├── ModelError              a model that does not fit the data or cannot be read
    └── TrainingError           training stopped: loss not finite, out of memory
        └── Interrupted         stopped by the user and saved, exit code 130

Every message says what was expected, what came, where, and what to do.
"""

from __future__ import annotations


class FittingRoomError(Exception):
    """Something the user can mend; the message says how.

    Attributes:
        exit_code: what the command line exits with when it meets this error.
    """

    exit_code: int = 2


class UsageError(FittingRoomError):
    """A wrong argument or an unknown name."""


class DataError(FittingRoomError):
    """A file or array that is not what it should be."""


class DataNotFoundError(DataError):
    """No place that was looked at has the data."""


class RunError(FittingRoomError):
    """A run folder that is missing, taken or incomplete."""


class ModelError(FittingRoomError):
    """A model that does not fit the data, or cannot be built or read."""


class TrainingError(FittingRoomError):
    """Training stopped before its end for a reason that the message names."""


class Interrupted(TrainingError):  # noqa: N818  (the field's word, and not a fault)
    """The user stopped the training; the state is saved and the message says how to go on."""

    exit_code = 130
