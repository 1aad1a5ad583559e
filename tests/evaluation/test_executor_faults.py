"""Real faults in worker processes: each becomes the outcome of its own candidate and costs nobody else anything."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from faulty_builder import BrokenBuilder, faulty_problem
from processes import alive, descendants, wait_until

from evoml.core.candidate import Status
from evoml.core.errors import EvomlError
from evoml.evaluation.executors.process import ProcessExecutor
from evoml.evaluation.executors.serial import SerialExecutor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

INVALID, CRASHED, TIMEOUT, OK = Status.INVALID, Status.CRASHED, Status.TIMEOUT, Status.OK
FAULTS = {
    "sleep": (TIMEOUT, "took longer than its limit of 1 s and was stopped"),
    "sum in C": (TIMEOUT, "took longer than its limit of 1 s and was stopped"),
    "regex": (TIMEOUT, "took longer than its limit of 1 s and was stopped"),
    "segfault": (CRASHED, "its worker process ended with code -11"),
    "leave": (CRASHED, "its worker process ended with code 3"),
    "SIGKILL": (CRASHED, "its worker process ended with code -9"),
    "eat memory": (INVALID, "MemoryError"),
    "hoard memory": (INVALID, "MemoryError"),
    "print": (OK, ""),
    "ValueError": (INVALID, "ValueError: not today"),
    "SystemExit": (INVALID, "SystemExit: 7"),
    "KeyboardInterrupt": (CRASHED, "its worker process ended with code 0"),
    "Uncaught": (INVALID, "Uncaught: odd"),
    "Unspeakable": (INVALID, "Unspeakable"),
    "Unpicklable": (INVALID, "Unpicklable: holds a lambda"),
    "surrogate": (INVALID, "ValueError: half a character: "),
    "long": (INVALID, "ValueError: xxx"),
    "recursion": (INVALID, "RecursionError: too deep"),
    "fork and sleep": (TIMEOUT, "took longer than its limit of 1 s and was stopped"),
    "fork and leave": (CRASHED, "its worker process ended with code 3"),
    "fork and go on": (OK, ""),
    "garble": (CRASHED, "its worker process gave an answer that cannot be read"),
    "plain text": (CRASHED, "its worker process gave an answer that cannot be read"),
    "half an answer": (CRASHED, "its worker process ended with code 0"),
    "leave quietly": (CRASHED, "its worker process ended with code 0"),
    "hang up": (CRASHED, "its worker process hung up"),
}


def collect(executor, count, seconds=30.0):
    """Return ``count`` evaluations by task; fail if they do not come in time."""
    found, ends = {}, time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < ends, f"only {sorted(found)} of {count} came back"
        for task, evaluation in executor.completed(1.0):
            assert task not in found
            found[task] = evaluation
    return found


@pytest.fixture
def executor():
    made = ProcessExecutor(faulty_problem(), n_workers=2, memory_limit=2**28)
    yield made
    made.close()


def run(executor, texts):
    for task, text in enumerate(texts):
        executor.submit(task, text)
    return [evaluation for _, evaluation in sorted(collect(executor, len(texts)).items())]


def test_every_fault_is_one_outcome_between_two_good_ones(executor):
    texts = [text for fault in FAULTS for text in (fault, "well")]
    found = run(executor, texts)
    told = {text: (e.status, e.error) for text, e in zip(texts, found, strict=True) if text in FAULTS}
    assert {text: status for text, (status, _) in told.items()} == {
        text: status for text, (status, _) in FAULTS.items()
    }
    for fault, (_, error) in FAULTS.items():
        assert told[fault][1].startswith(error)
        assert len(told[fault][1]) <= 2000
    assert all(e.status is OK and e.fold_scores == {"rows": (1.5, 1.5)} for e in found[1::2])


def test_nothing_survives_close(executor):
    run(executor, ["well", "fork and go on", "fork and sleep"])
    executor.submit(3, "sleep")
    executor.submit(4, "fork and sleep")
    assert wait_until(lambda: len(descendants(executor._host.pid)) >= 3)  # two workers and a child of one
    started = {executor._host.pid, *descendants(executor._host.pid)}
    executor.close()
    assert wait_until(lambda: not alive(started))


def test_children_of_a_part_that_hangs_are_killed_with_it(executor):
    (found,) = run(executor, ["fork and sleep"])
    assert found.status is TIMEOUT
    assert wait_until(lambda: len(descendants(executor._host.pid)) == 2)  # the workers


def test_a_worker_killed_from_outside_is_replaced():
    executor = ProcessExecutor(faulty_problem(time_limit=60), n_workers=2)
    try:
        run(executor, ["well"])
        executor.submit(0, "sleep")
        while not (found := executor.completed(0.5)):  # until the one that has the task is hit
            workers = descendants(executor._host.pid)
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
        assert found[0][1].error == "its worker process ended with code -9"
        assert wait_until(lambda: not alive(workers))
        assert [e.status for e in run(executor, ["well"] * 5)] == [OK] * 5
    finally:
        executor.close()


def test_without_a_time_limit_a_crash_is_still_found_although_a_child_lives_on():
    executor = ProcessExecutor(faulty_problem(time_limit=None), n_workers=1)
    try:
        assert [e.status for e in run(executor, ["fork and leave", "well"])] == [CRASHED, OK]
    finally:
        executor.close()


def test_a_killed_host_is_replaced_and_nothing_is_lost(executor):
    run(executor, ["fork and go on"])
    for index in range(1, 5):
        executor.submit(index, "well" if index > 1 else "sleep")
    started = descendants(executor._host.pid)
    assert len(started) >= 4  # two workers and two children, one a fold
    os.kill(executor._host.pid, signal.SIGKILL)
    found = collect(executor, 4, seconds=30)
    assert [found[index].status for index in range(1, 5)] == [TIMEOUT, OK, OK, OK]
    assert wait_until(lambda: not alive(started))


def test_a_killed_host_is_replaced_for_the_last_fit_too(executor):
    run(executor, ["well"])
    os.kill(executor._host.pid, signal.SIGKILL)
    assert executor.fit_all(["well"])[0].text == "well"


def test_a_host_that_is_killed_before_it_said_a_word_is_one_clear_error(executor):
    executor.submit(0, "sleep")
    os.kill(executor._host.pid, signal.SIGKILL)
    with pytest.raises(EvomlError, match=r"ended with code -9: it said nothing\. Use executor='serial'"):
        collect(executor, 1, seconds=5)


def test_closing_after_the_host_was_killed_leaves_no_process_either(executor):
    run(executor, ["fork and go on"])
    started = descendants(executor._host.pid)
    os.kill(executor._host.pid, signal.SIGKILL)
    executor.close()
    assert wait_until(lambda: not alive(started))


def test_a_host_that_cannot_start_says_why():
    executor = ProcessExecutor(faulty_problem(builder=BrokenBuilder()), n_workers=1)
    try:
        with pytest.raises(EvomlError, match="ImportError: no such library"):
            executor.completed(20)
    finally:
        executor.close()


def test_what_cannot_be_sent_is_one_clear_error_and_leaves_no_process():
    before = descendants()
    problem = faulty_problem()
    problem.builder.lock = __import__("threading").Lock()
    with pytest.raises(
        EvomlError, match=r"cannot be sent to worker processes .*make it picklable, or use executor='serial'"
    ):
        ProcessExecutor(problem, n_workers=1)
    assert descendants() <= before


def test_no_process_survives_the_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        from faulty_builder import faulty_problem
        from evoml.evaluation.executors.process import ProcessExecutor
        executor = ProcessExecutor(faulty_problem(time_limit=None), n_workers=2)
        executor.submit(0, "well")
        executor.completed(60)
        executor.submit(1, "fork and sleep")
        executor.submit(2, "sum in C")
        print("ready", flush=True)
        executor.completed(None)
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout.readline() == b"ready\n"
        assert wait_until(lambda: len(descendants(parent.pid)) >= 4)  # host, two workers, a child of one
        started = descendants(parent.pid)
        parent.kill()
        parent.wait()
    assert wait_until(lambda: not alive(started), 5)


@pytest.mark.parametrize("text", ["SystemExit", "Uncaught", "Unspeakable", "Unpicklable", "surrogate", "long"])
def test_odd_exceptions_stay_with_their_candidate_in_this_process_too(text):
    executor = SerialExecutor(faulty_problem())
    first, second = run(executor, [text, "well"])
    assert first.status is INVALID
    assert first.error.startswith(FAULTS[text][1])
    first.error.encode()
    assert second.status is OK


def test_an_interrupt_in_this_process_is_the_users():
    executor = SerialExecutor(faulty_problem())
    executor.submit(0, "KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        executor.completed()
