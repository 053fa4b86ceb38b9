from __future__ import annotations

import io

import pytest
from report_samples import history_of, make_fitting
from rich.console import Console

from fittingroom.reporting.report import Epoch
from fittingroom.reporting.terminal import Narrator, counts_table, epoch_line, final_line, fit_table, make_console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def train(narrator: Narrator) -> None:
    with narrator.training(epochs=5, images=60_000) as progress:
        for epoch in history_of():
            progress.advance(epoch.epoch, 30_000, epoch.loss, epoch.accuracy)
            progress.finish_epoch(epoch)


def test_a_log_file_gets_one_plain_line_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    train(Narrator(make_console(out)))
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0].strip() == "epoch 1/5  loss 0.4021  accuracy 0.7979  120,000 images/s  0.5 s"
    assert out.getvalue().isprintable() or set(c for c in out.getvalue() if not c.isprintable()) == {"\n"}


def test_a_terminal_gets_a_bar_that_moves_and_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    train(Narrator(Console(file=out, width=120, force_terminal=True, force_interactive=True, markup=False)))
    assert "━" in out.getvalue()
    assert out.getvalue().count("images/s  0.5 s") == 5


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    train(Narrator(make_console(out)))
    assert "\x1b[9" not in out.getvalue()
    assert "\x1b[3" not in out.getvalue()


def test_quiet_says_nothing() -> None:
    out = io.StringIO()
    narrator = Narrator(make_console(out), quiet=True)
    narrator.step(1, "Load", "words")
    narrator.block("a\nb")
    train(narrator)
    assert out.getvalue() == ""


def test_steps_are_numbered_and_long_lines_and_brackets_stay_whole() -> None:
    out = io.StringIO()
    narrator = Narrator(make_console(out))
    narrator.step(1, "Load", "[bold] " + "x" * 200)
    narrator.block("one\n\ntwo")
    assert out.getvalue() == f"\n1  Load\n   [bold] {'x' * 200}\n   one\n\n   two\n"


def test_the_default_console_writes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Narrator().say("words")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "words\n")


def test_an_epoch_without_time_has_no_rate_and_validation_is_told() -> None:
    line = epoch_line(Epoch(2, 0.0, 10, None, 0.5, 0.8, 0.61, 0.81), 3)
    assert line == "epoch 2/3  loss 0.5000  accuracy 0.8000  validation loss 0.6100  validation accuracy 0.8100  0.0 s"


def test_the_fit_table_has_the_references_two_figures_only_when_compared() -> None:
    lines = fit_table(history_of(), compare=True).splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "reference"]
    assert [lines[1].split()[-1], lines[2].split()[-1], lines[5].split()[-1]] == ["0.7989", "0.8526", "0.8842"]
    assert "0.7989" not in fit_table(history_of())


def test_the_fit_table_has_validation_where_there_is_one() -> None:
    assert "0.8123" in fit_table(history_of(validated=True))


def test_counts_name_every_class() -> None:
    assert (
        counts_table(["Bag", "Ankle boot"], [6000, 1], [1000, 2]).splitlines()[2] == "    1  Ankle boot      1      2"
    )


def test_the_last_line_has_the_accuracy_its_interval_and_the_page() -> None:
    line = final_line(make_fitting().score, "runs/x/report.html")
    assert line == "Test accuracy 0.8700 (95 % 0.8498 to 0.8879, n = 1,200). Page: runs/x/report.html"
