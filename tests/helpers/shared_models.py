"""One process in which the studios of many tests open models: each of its own would take seconds to start."""

from fittingroom.studio.model_process import ModelProcess
from fittingroom.web.limits import LIMITS


class SharedModels:
    """A process that several studios ask, each within its own limits and hiding its own folders."""

    def __init__(self):
        self.process = ModelProcess(LIMITS.model_bytes)

    def lend_to(self, studio):
        """Let a studio ask this process in the place of the one that it would start; it is returned."""
        vars(studio)["models"] = _Lent(self.process, studio.new_model_process())
        return studio


class _Lent:
    def __init__(self, process, own):
        self.process, self.own = process, own

    def ask(self, name, arguments, content=b"", *, seconds):
        self.process.most_bytes, self.process.hide = self.own.most_bytes, self.own.hide
        return self.process.ask(name, arguments, content, seconds=seconds)

    def close(self):
        """The process goes on: other tests want it."""
