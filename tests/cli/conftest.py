import pytest

from fittingroom.cli.app import main


class Answer:
    """What a command printed and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capsys):
    """Run one command line in this process."""

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def trained(toy_folder, tmp_path_factory):
    """A run of two epochs on the toy dataset, with 100 images held out."""
    folder = tmp_path_factory.mktemp("runs") / "toy-run"
    words = ["train", "--dataset", toy_folder, "--epochs", 2, "--validation", 100, "--out", folder, "--quiet"]
    assert main([str(word) for word in words]) == 0
    return folder
