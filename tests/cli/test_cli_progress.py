"""What is seen while a run goes on, told from outcomes alone."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from evoml.cli.progress import LINE_EVERY, LogLines, Watch, _Renderable, clock, shortened
from evoml.core import Budget, Candidate, Evaluation, Outcome, Progress, Status
from evoml.journal import Journal


def outcome(
    one: int, score: float | None = None, status: Status = Status.OK, duplicate_of: int | None = None
) -> Outcome:
    scores = () if score is None else (score, -1.0)
    return Outcome(Candidate(one, f"model {one}", f"k{one}"), Evaluation(status), scores, duplicate_of)


@pytest.fixture
def watch():
    watch = Watch(Budget(seconds=60, evaluations=10))
    watch(Progress(2.0, 1, 1, 0, 0.5), outcome(0, 0.5))
    watch(Progress(3.0, 2, 2, 0, 0.5), outcome(1, status=Status.TIMEOUT))
    watch(Progress(3.0, 3, 2, 0, 0.5), outcome(2, status=Status.TIMEOUT, duplicate_of=1))
    watch(Progress(3.5, 4, 3, 1, 0.9), outcome(3, 0.9))
    watch(Progress(3.5, 5, 4, 1, 0.9), outcome(4, 0.7))
    return watch


def test_the_best_and_the_failures_are_kept(watch):
    assert (watch.best_score, watch.best_text) == (0.9, "model 3")
    assert watch.failed == "1 timeout"
    assert watch.left == "0:56 or 6 evaluations"
    assert watch.elapsed == pytest.approx(3.5, abs=0.5)


def test_a_budget_of_cpu_seconds_is_shown_by_what_was_used():
    watch = Watch(Budget(seconds=600, cpu_seconds=40))
    watch(Progress(6.5, 1, 1, cpu=10.0), outcome(0, 0.5))
    assert watch.left == "9:53 or 0:30 of CPU time"
    assert watch.used == "25%"


def test_what_was_refused_has_not_failed():
    watch = Watch(Budget(seconds=600))
    watch(Progress(6.0, 1, 1), Outcome(Candidate(0, "g", "k"), Evaluation(Status.VETOED)))
    assert watch.failed == "none"


def test_the_end_of_the_seconds_is_told_as_what_happens_then():
    watch = Watch(Budget(seconds=5))
    watch(Progress(5.1, 1, 1), outcome(0, 0.5))
    assert watch.left.startswith("time is up: fitting")


def test_log_lines_come_on_improvement_and_every_few_seconds(watch, capsys):
    now = [0.0]
    lines = LogLines(lambda: now[0])
    lines(watch, True)
    lines(watch, False)
    now[0] = LINE_EVERY + 0.1
    lines(watch, False)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("0:03 (40%)  generation 1, 4 evaluations (")
    assert first.endswith("/s), pruned: 0, failed: 1 timeout, best 0.9: model 3")
    assert second.endswith("best 0.9")


def test_the_live_table_shows_all_there_is(watch):
    console = Console(file=io.StringIO(), width=80)
    console.print(_Renderable(watch))
    text = console.file.getvalue()
    for part in ("0:56 or 6 evaluations", "1 timeout", "0.9", "model 3"):
        assert part in text


def test_an_earlier_sitting_is_taken_over(here):
    with Journal.create("j.sqlite", {}) as journal:
        for one in (outcome(0, 0.8), outcome(1, status=Status.CRASHED)):
            journal.asked([one.candidate], {})
            journal.told([one], {})
        watch = Watch(Budget(evaluations=5), journal)
    assert (watch.best_score, watch.best_text, watch.failed) == (0.8, "model 0", "1 crashed")
    assert watch.left == "3 evaluations"
    assert watch.rate == 0


def test_a_long_pipeline_loses_its_middle():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abc...hijk"


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (61.9, "1:01"), (3661, "1:01:01")])
def test_seconds_read_as_a_clock(seconds, text):
    assert clock(seconds) == text
