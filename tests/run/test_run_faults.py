"""A search in which a fifth of the candidates go wrong ends in time, as if only they had not been there."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from failing_parts import WHOLE_TABLE
from odd_parts import FAULTS, HARMLESS, OddBuilder, fault_of
from small_search import failing_part, run, small_table
from test_run_ends import easy_for_the_first

from evoml.core.budget import Budget
from evoml.core.candidate import Status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

EVALUATIONS, LIMIT = 80, 2.0
CRASHES = {"segfault", "leave", "fork_and_leave", "write_junk", "hang_up_and_sleep"}
HANGS = {"sleep_for_ever", "spin_in_c"}


def hosts_of(parent):
    """Return the hosts that a process has started, and the folder that each shares with it."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            its_parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            said = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if int(its_parent) == parent and any("executors.host" in word for word in said):
            found[int(entry.name)] = next(Path(word) for word in said if "/evoml-shared-" in word)
    return found


def session(leaders):
    """Return the living processes of the sessions of hosts: workers, and what parts have started."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, leader = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(leader) in leaders and state not in "ZX":
            found.add(int(entry.name))
    return found


def gone(found, seconds=5.0):
    ends = time.monotonic() + seconds
    while found() and time.monotonic() < ends:
        time.sleep(0.05)
    return not found()


def ran(monkeypatch=None, spared=(), **changes):
    changes |= {"algorithm": "random", "executor": "process", "n_jobs": 2, "eval_seconds": LIMIT, "memory_limit": 2**29}
    if monkeypatch is not None:
        module = sys.modules["evoml.run.search"]
        whole = module.put_together

        def put_together(wanted):
            parts = whole(wanted)
            return replace(parts, problem=replace(parts.problem, builder=OddBuilder(parts.space, spared)))

        monkeypatch.setattr(module, "put_together", put_together)
    return run(EVALUATIONS, **changes)


def test_a_search_with_faults_of_all_kinds_finds_what_it_finds_without_them(monkeypatch):
    before = ran()
    started = time.monotonic()
    hosts = {}
    after = ran(
        monkeypatch, spared={before.best.candidate.key}, callbacks=[lambda *_: hosts.update(hosts_of(os.getpid()))]
    )
    individuals, healthy = after.individuals, before.individuals
    fresh = individuals[individuals["duplicate_of"].isna()]
    faults = {
        id_: fault for id_, key in fresh["key"].items() if (fault := fault_of(key)) and key != before.best.candidate.key
    }
    names = {id_: fault if isinstance(fault, str) else fault.__name__ for id_, fault in faults.items()}
    assert len(faults) >= 8
    hangs = sum(name in HANGS for name in names.values())
    assert time.monotonic() - started < 40 + hangs * (LIMIT + 1.5)

    assert after.finished.stopped_by == "budget"
    assert after.model.text == before.model.text
    assert (after.best.candidate.id, after.best.scores) == (before.best.candidate.id, before.best.scores)
    rows = small_table(seed=9)[0]
    assert after.model.pipeline.predict_proba(rows).tolist() == before.model.pipeline.predict_proba(rows).tolist()
    assert individuals["text"].tolist() == healthy["text"].tolist()
    for id_, row in fresh.iterrows():
        name = names.get(id_)
        if name is None or name in {fault.__name__ for fault in HARMLESS}:
            assert (row["status"], row["scores"]) == (healthy.loc[id_, "status"], healthy.loc[id_, "scores"]), name
        elif name in HANGS:
            assert row["status"] == Status.TIMEOUT, name
            assert row["wall_seconds"] > LIMIT
        elif name in CRASHES:
            assert row["status"] == Status.CRASHED, name
        else:
            assert row["status"] == Status.INVALID, name
        assert row["wall_seconds"] > 0
    spun = [id_ for id_, name in names.items() if name == "spin_in_c"]
    assert (fresh.loc[spun, "cpu_seconds"] > 0.1 * LIMIT).all()
    assert hosts
    assert gone(lambda: session(hosts))
    assert not any(folder.exists() for folder in hosts.values())


def test_each_fault_can_happen():
    drawn = {fault_of(str(number)) for number in range(2000)}
    assert set(FAULTS) < drawn


# -- parts that leak -----------------------------------------------------------------------------------------------------


def held(processes):
    """Return the bytes that processes hold together, shared ones counted once."""
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total


def test_workers_whose_parts_leak_are_replaced_before_they_hold_much():
    """Lost: 60 MiB in each of two folds of thirty candidates, 3.5 GiB in all."""
    most, started = [0], time.monotonic()
    smoothing = {"type": "float", "low": 1e-9, "high": 1.0, "default": 1e-9, "scale": "log"}
    parts = failing_part("Leaking")
    parts["Leaking"]["hyperparameters"] = {"var_smoothing": smoothing}

    def measure(*_):
        most[0] = max(most[0], held(session(hosts_of(os.getpid()))))

    result = run(30, parts=parts, executor="process", n_jobs=1, callbacks=[measure], racing=False)
    assert (result.individuals["status"] == Status.OK).sum() >= 30
    assert 2**26 < most[0] < 2**31
    assert time.monotonic() - started < 40


# -- the last fit --------------------------------------------------------------------------------------------------------

NAMES = ("SegfaultingOnTheWholeTable", "EndlessOnTheWholeTable", "LeavingOnTheWholeTable")


@pytest.mark.parametrize("name", NAMES)
def test_where_the_last_fit_takes_its_process_down_or_hangs_another_pipeline_is_taken(name):
    parts = {**failing_part(name), "only": [name, "DecisionTreeClassifier"]}
    texts = [f"{name}(features)", "DecisionTreeClassifier(features, max_depth=1)"]
    budget = Budget(seconds=8.0) if name.startswith("Endless") else Budget(evaluations=2)
    with pytest.warns(UserWarning, match=rf"{name}\(.*could not be fitted on the whole table"):
        result = run(
            parts=parts, budget=budget, initial_pipelines=texts, objectives=("score",), dataset=easy_for_the_first(),
            executor="process", early_stop=1 if name.startswith("Endless") else None,
        )  # fmt: skip
    assert result.model.text.startswith("DecisionTree")
    assert len(result.model.pipeline.predict(easy_for_the_first().features.data)) == WHOLE_TABLE


# -- the parent is killed ------------------------------------------------------------------------------------------------

SCRIPT = """
    from small_search import failing_part, run
    from evoml.core.budget import Budget
    said = lambda progress, outcome: print("told", flush=True)
    run(parts={**failing_part("Slow"), "only": ["Slow", "GaussianNB", "StandardScaler"]},
        budget=Budget(evaluations=10_000), executor="process", n_jobs=2, callbacks=[said])
"""


def test_a_killed_parent_leaves_neither_process_nor_folder():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        for _ in range(5):
            assert parent.stdout.readline() == "told\n"
        hosts = hosts_of(parent.pid)
        assert len(session(hosts)) == 3  # a host and two workers
        assert all(folder.exists() for folder in hosts.values())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert gone(lambda: session(hosts))
        assert not any(folder.exists() for folder in hosts.values())
