"""A recorded run comes out again to the last bit, in whatever order its outcomes were told; and what does not is found."""

import random
import shutil
import sqlite3
import sys
from contextlib import closing
from itertools import count

import pytest
from failing_parts import Hungry
from killed import killed_at_write
from small_search import CHEAP, failing_part, run, small_search, small_table

from evoml.core.budget import Budget
from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.core.errors import JournalError
from evoml.evaluation import executor
from evoml.journal import Journal
from evoml.run import replay

PACE = sys.modules["evoml.run.pace"].Pace
ALGORITHMS = pytest.mark.parametrize("algorithm", ["nsga2", "regularised"])


FIXED = {"parts": failing_part("Fixed"), "initial_pipelines": ["Fixed(features)"]}  # a space of a few pipelines


class Shuffled:
    """A serial executor whose evaluations end in any order."""

    capacity = 5

    def __init__(self, inner, seed):
        self.inner, self.tasks, self.random = inner, [], random.Random(seed)
        self.fit_all, self.close = inner.fit_all, inner.close

    def submit(self, *task):
        self.tasks.append(task)

    def completed(self, timeout=None):
        if not self.tasks:
            return []
        self.inner.submit(*self.tasks.pop(self.random.randrange(len(self.tasks))))
        return self.inner.completed(timeout)


@pytest.fixture
def shuffled(monkeypatch):
    """Let evaluations end in any order, in another one each time."""
    seeds = count()
    monkeypatch.setattr("evoml.run.parts.executor", lambda *arguments: Shuffled(executor(*arguments), next(seeds)))


def interrupt_after(outcomes):
    def callback(progress, outcome):
        if progress.evaluations == outcomes:
            raise KeyboardInterrupt

    return callback


def recorded(path, evaluations=20, **changes):
    """Run as a run bounded by time does, but for so many evaluations; return its settings and its journal."""
    run(budget=Budget(seconds=600), callbacks=[interrupt_after(evaluations)], journal=path, **changes)
    return changes, path


def replayed(record, **more):
    changes, path = record
    keywords = {name: more.pop(name) for name in ("limit", "out") if name in more}
    return replay(small_search(**{**changes, **more}), path, **keywords)


def told(path):
    """Return the ids of the candidates in the order in which their outcomes were told."""
    with Journal.read(path) as journal:
        return [ids[0] for kind, ids in journal.steps() if kind == "told"]


def alter(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def assert_equal(replay, record):
    assert replay.difference is None
    assert replay.equal
    assert replay.outcomes == len(told(record[1]))


# -- equal ------------------------------------------------------------------------------------------------------------


@ALGORITHMS
def test_a_run_on_two_workers_comes_out_again_on_one_and_on_two(tmp_path, algorithm):
    record = recorded(tmp_path / "run.db", algorithm=algorithm, executor="process", n_jobs=2)
    for workers in ({"n_jobs": 2}, {"executor": "serial"}):
        again = replayed(record, **workers)
        assert_equal(again, record)
        assert again.candidates >= again.outcomes >= 20


@ALGORITHMS
def test_outcomes_told_in_any_order_come_out_again(tmp_path, shuffled, algorithm):
    record = recorded(tmp_path / "run.db", algorithm=algorithm)
    assert told(record[1]) != sorted(told(record[1]))
    assert_equal(replayed(record), record)


def test_races_come_out_again(tmp_path, shuffled):
    record = recorded(tmp_path / "run.db", evaluations=40, cv=4)
    with Journal.read(record[1]) as journal:
        assert (journal.individuals()["status"] == Status.PRUNED).sum() > 3
    assert_equal(replayed(record), record)


@ALGORITHMS
def test_a_run_bounded_by_evaluations_comes_out_again(tmp_path, algorithm):
    run(30, algorithm=algorithm, journal=tmp_path / "run.db")
    record = {"algorithm": algorithm}, tmp_path / "run.db"
    assert_equal(replayed(record), record)


@ALGORITHMS
@pytest.mark.parametrize("moment", [2, 9, 24])
def test_a_killed_run_comes_out_as_far_as_it_got_and_after_it_was_resumed(tmp_path, shuffled, algorithm, moment):
    with killed_at_write(moment, written=False):
        recorded(tmp_path / "run.db", algorithm=algorithm)
    record = {"algorithm": algorithm}, tmp_path / "run.db"
    assert_equal(replayed(record), record)
    recorded(tmp_path / "run.db", algorithm=algorithm, resume=True)
    assert len(told(record[1])) >= 20
    assert_equal(replayed(record), record)


def test_a_run_finished_and_resumed_with_a_larger_budget_comes_out_again(tmp_path):
    for evaluations in (10, 25):
        run(evaluations, journal=tmp_path / "run.db", resume=True)
    record = {}, tmp_path / "run.db"
    assert_equal(replayed(record), record)


def test_a_run_that_had_only_begun_comes_out_again(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run(10, journal=tmp_path / "run.db", callbacks=[lambda progress, outcome: 1 / 0])
    record = {}, tmp_path / "run.db"
    assert_equal(replayed(record), record)


def test_duplicates_come_out_again(tmp_path, shuffled):
    record = recorded(tmp_path / "run.db", evaluations=999, population_size=2, **FIXED)
    with Journal.read(record[1]) as journal:
        assert journal.individuals()["duplicate_of"].notna().sum() > 20
    assert_equal(replayed(record), record)


def test_the_first_candidates_alone_come_out_again(tmp_path, shuffled):
    record = recorded(tmp_path / "run.db")
    again = replayed(record, limit=12)
    assert again.equal
    assert again.candidates == again.outcomes == 12


# -- taken from the record ---------------------------------------------------------------------------------------------


def test_measured_costs_are_taken_from_the_record(tmp_path, shuffled):
    record = recorded(tmp_path / "run.db", objectives=("score", "fit_time"))
    assert_equal(replayed(record), record)


def test_timeouts_are_taken_from_the_record(tmp_path, shuffled):
    parts = {**failing_part("Slow"), "only": ["Slow", *CHEAP]}
    record = recorded(tmp_path / "run.db", evaluations=12, parts=parts, eval_seconds=0.25)
    with Journal.read(record[1]) as journal:
        table = journal.individuals()
    again = replayed(record)
    assert_equal(again, record)
    assert again.taken == (table["status"] == Status.TIMEOUT).sum() > 0


def test_refusals_are_taken_from_the_record_also_where_a_resumed_run_had_time_for_the_same(
    tmp_path, shuffled, monkeypatch
):
    monkeypatch.setattr(PACE, "refuse", lambda self, candidate: "too dear" if candidate.id % 3 == 0 else "")
    recorded(tmp_path / "run.db", evaluations=1, population_size=2, **FIXED)
    monkeypatch.setattr(PACE, "refuse", lambda self, candidate: "")
    record = recorded(tmp_path / "run.db", evaluations=999, population_size=2, resume=True, **FIXED)
    with Journal.read(record[1]) as journal:
        table = journal.individuals()
    again = replayed(record)
    assert_equal(again, record)
    assert again.taken == (table["status"] == Status.VETOED).sum() > 0
    refused = table[table["status"] == Status.VETOED]["key"]
    assert table[table["key"].isin(refused)]["status"].nunique() > 1


def test_a_lack_of_memory_is_taken_from_the_record(tmp_path, shuffled, monkeypatch):
    parts = {**failing_part(Hungry.__name__), "only": ["Hungry", *CHEAP]}
    monkeypatch.setenv("HUNGRY", "yes")
    record = recorded(tmp_path / "run.db", parts=parts)
    monkeypatch.delenv("HUNGRY")
    again = replayed(record)
    assert_equal(again, record)
    assert again.taken > 0


# -- different ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "run.db"
    run(30, journal=path)
    return path


@pytest.fixture
def finished(original, tmp_path):
    """A record of a finished run, to be altered."""
    return {}, shutil.copy(original, tmp_path / "run.db")


def test_one_altered_bit_of_a_fold_score_is_found(finished):
    with Journal.read(finished[1]) as journal:
        scores = journal.individuals()["fold_scores"].loc[11]["accuracy"]
    altered = f'{{"accuracy":[{scores[0]!r},{scores[1] + 2**-50!r}]}}'
    alter(finished[1], "UPDATE outcomes SET fold_scores = ? WHERE candidate = 11", altered)
    again = replayed(finished)
    assert not again.equal
    assert (again.difference.candidate, again.difference.what) == (11, "fold_scores")
    assert again.difference.now == {"accuracy": scores}
    assert str(again.difference).startswith("candidate 11 differs: fold_scores was {'accuracy': (")
    assert again.outcomes == 12


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("text", "GaussianNB(features)", "text"),
        ("operator", "dreamt", "operator"),
        ("parents", "[0,1]", "parents"),
        ("bars", "[0.5]", "bars"),
    ],
)
def test_another_candidate_is_found(finished, column, value, what):
    alter(finished[1], f"UPDATE candidates SET {column} = ? WHERE id = 20", value)
    difference = replayed(finished).difference
    assert (difference.candidate, difference.what) == (20, what)


def test_another_order_is_found(tmp_path, shuffled):
    record = recorded(tmp_path / "run.db", algorithm="regularised")
    with Journal.read(record[1]) as journal:
        table = journal.individuals().reset_index().set_index("sequence")
    for old, new in ((3, -1), (2, 3), (-1, 2)):
        alter(record[1], "UPDATE outcomes SET sequence = ? WHERE sequence = ?", new, old)
    assert table.loc[3, "scores"] != table.loc[2, "scores"]
    assert not replayed(record).equal


def test_another_model_is_found(finished):
    alter(finished[1], "UPDATE meta SET value = json_set(value, '$.model', 'other') WHERE name = 'summary'")
    difference = replayed(finished).difference
    assert (difference.candidate, difference.what, difference.recorded) == (None, "model", "other")
    assert str(difference).startswith("the end of the run differs: model was other, is ")


def test_another_state_at_the_end_is_found(finished):
    alter(finished[1], "UPDATE meta SET value = json_set(value, '$.told', 999) WHERE name = 'state'")
    assert replayed(finished).difference.what == "the algorithm's told"


def test_other_versions_are_told(finished):
    alter(finished[1], "UPDATE meta SET value = json_set(value, '$.versions.numpy', '1.0') WHERE name = 'settings'")
    again = replayed(finished)
    assert again.equal
    assert list(again.changed_versions) == ["numpy"]
    assert again.changed_versions["numpy"][0] == "1.0"


# -- what is read and written -------------------------------------------------------------------------------------------


def test_the_record_is_left_as_it_was_and_the_replay_has_its_own(finished, tmp_path):
    before = finished[1].read_bytes()
    replayed(finished, out=tmp_path / "again.db")
    assert finished[1].read_bytes() == before
    facts = ["text", "parents", "status", "fold_scores", "sequence", "after"]
    with Journal.read(finished[1]) as then, Journal.read(tmp_path / "again.db") as now:
        assert now.individuals()[facts].equals(then.individuals()[facts])
        assert now.progress().drop(columns="elapsed").equals(then.progress().drop(columns="elapsed"))
        assert now.get("state") == then.get("state")
        assert now.get("summary")["front"] == then.get("summary")["front"]


def test_an_existing_file_is_not_overwritten(finished, tmp_path):
    shutil.copy(finished[1], tmp_path / "other.db")
    with pytest.raises(JournalError, match=r"other\.db exists already"):
        replayed(finished, out=tmp_path / "other.db")


def test_another_table_is_refused_and_both_are_told(finished):
    other = read_dataset(*small_table(rows=50), "classification")
    with pytest.raises(
        JournalError,
        match=r"60 rows and 4 columns \(fingerprint \w+\) were recorded, 50 rows and 4 columns \(fingerprint \w+\) are there",
    ):
        replayed(finished, dataset=other)


def test_other_settings_are_refused_and_named(finished):
    with pytest.raises(
        JournalError, match="records another run: algorithm was 'nsga2', is 'random'; population_size was"
    ):
        replayed(finished, algorithm="random", population_size=9)
