"""Searches with a part whose kernels are compiled before, beside, or not at all: the same bits, in time."""

import logging
import threading
import time

import pytest
from kernels.compiled_parts import GROUP, PART, compiled_parts
from run.small_search import CHEAP, run, small_search, story

from evoml.core.budget import Budget
from evoml.kernels.warmup import compile_group, is_ready
from evoml.run import search

PARTS = {"NearestCentre": PART, "only": ["NearestCentre", *CHEAP]}


@pytest.fixture
def parts(tmp_path, monkeypatch):
    with compiled_parts(tmp_path, monkeypatch) as made:
        yield made


class Arrivals:
    """A callback that notes when each outcome was told."""

    def __init__(self):
        self.began, self.found = time.monotonic(), []

    def __call__(self, progress, outcome):
        compiled = "NearestCentre" in str(outcome.candidate.genome)
        self.found.append((time.monotonic() - self.began, compiled, outcome.status, outcome.candidate.id))

    def seconds(self, compiled):
        return next((seconds for seconds, kind, status, _ in self.found if kind is compiled and status == "OK"), None)


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_an_ordered_run_is_the_same_whether_kernels_were_ready_come_late_or_never(parts, executor, caplog):
    settings = {"parts": PARTS, "executor": executor, "n_jobs": 2}
    parts.mode("wait")
    opened = threading.Timer(3.0, parts.mode, ["go"])
    opened.start()
    late = run(24, **settings)
    opened.join()
    assert is_ready(GROUP)
    ready = run(24, **settings)
    assert "NearestCentre" in " ".join(ready.individuals["text"])
    assert story(ready) == story(late)
    (parts.folder / "compiled_parts_there.py").open("a").write("\n# another text\n")
    parts.mode("fail")
    with caplog.at_level(logging.WARNING, "evoml"):
        never = run(24, **{**settings, "parts": PARTS})
    assert story(never) == story(ready)


def test_a_run_bounded_by_time_goes_on_without_what_is_not_compiled(parts):
    parts.mode("wait")
    arrivals = Arrivals()
    began = time.monotonic()
    result = search(small_search(budget=Budget(seconds=6.0), executor="process", parts=PARTS, callbacks=(arrivals,)))
    assert time.monotonic() - began < 7.5
    assert result.best is not None
    assert arrivals.seconds(compiled=True) is None
    assert arrivals.seconds(compiled=False) < 5.0  # 3 on a machine that does nothing else
    statuses = {status for _, compiled, status, _ in arrivals.found if compiled}
    assert statuses == {"VETOED"}


def test_a_run_of_compiled_parts_alone_ends_in_time_with_a_model(parts):
    parts.mode("wait")
    began = time.monotonic()
    only = {"NearestCentre": PART, "only": ["NearestCentre"]}
    with pytest.warns(UserWarning, match="no pipeline could be scored|constant guess"):
        result = search(small_search(budget=Budget(seconds=3.0), executor="process", parts=only))
    assert time.monotonic() - began < 5
    assert len(result.model.pipeline.predict([[0.0] * 4])) == 1


def test_later_runs_evaluate_compiled_parts_at_once(parts):
    compile_group(GROUP)
    arrivals = Arrivals()
    search(small_search(12, executor="process", parts=PARTS, callbacks=(arrivals,)))
    assert arrivals.seconds(compiled=True) is not None
    assert len({record["pid"] for record in parts.loaded()}) == 2  # this process beforehand, and the host
