"""Races in whole searches: what was stopped early never counts, and nothing depends on how many workers there are."""

import sys
from functools import partial

import numpy as np
import pytest
from killed import killed_at_write
from small_search import run, small_table, story

from evoml.core.candidate import Status
from evoml.core.dataset import read_dataset
from evoml.evaluation.predictions import Kept
from evoml.journal import Journal

EVALUATIONS = 90
ALGORITHMS = ("nsga2", "regularised")


def raced(algorithm="nsga2", evaluations=EVALUATIONS, **changes):
    return run(evaluations, cv=3, algorithm=algorithm, **changes)


def with_rungs(evaluations=40, **changes):
    """A table just large enough for one rung."""
    table = read_dataset(*small_table(rows=6000), "classification")
    return raced(
        evaluations=evaluations, dataset=table, parts={"only": ["GaussianNB", "StandardScaler", "PCA"]}, **changes
    )


@pytest.fixture(scope="module", params=ALGORITHMS)
def result(request):
    return raced(request.param)


def test_some_candidates_are_pruned_and_count_as_evaluations(result):
    told = result.individuals.dropna(subset=["sequence"])
    fresh = told[told["duplicate_of"].isna()]
    assert len(fresh) == result.finished.progress.evaluations == EVALUATIONS
    assert (fresh["status"] == Status.PRUNED).sum() >= 5


def test_a_pruned_candidate_has_neither_scores_nor_a_meaning_nor_children(result):
    individuals = result.individuals
    pruned = individuals[individuals["status"] == Status.PRUNED]
    assert set(pruned["scores"]) == {()}
    assert set(pruned["semantics"]) == {""}
    assert set(pruned["error"]) == {""}
    assert all(1 <= len(folds["accuracy"]) <= 2 for folds in pruned["fold_scores"])
    parents = {parent for parents in individuals["parents"] for parent in parents}
    assert parents
    assert not parents & set(pruned.index)


def test_a_pruned_candidate_is_neither_best_nor_in_front(result):
    ids = [outcome.candidate.id for outcome in (result.best, *result.front)]
    assert set(result.individuals.loc[ids, "status"]) == {Status.OK}
    told = result.individuals
    assert result.best.scores[0] == max(scores[0] for scores in told["scores"] if scores)


def test_without_racing_all_are_evaluated_to_their_end():
    result = raced(evaluations=50, racing=False)
    assert Status.PRUNED not in set(result.individuals["status"])


def assert_pruned_where_the_record_says(record):
    """Each candidate reached all its bars but, if it was pruned, the last one that it came to."""
    with Journal.from_bytes(record) as journal:
        _, outcomes = journal.asked_and_told(str)
    pruned = 0
    for outcome in outcomes:
        if outcome.duplicate_of is not None or not outcome.candidate.bars:
            continue
        folds = outcome.evaluation.fold_scores.get("accuracy", ())
        so_far = [float(np.mean(folds[: seen + 1])) for seen in range(len(folds))]
        reached = [*outcome.evaluation.rungs, *so_far]
        if outcome.status is Status.PRUNED:
            pruned += 1
            assert reached[-1] < outcome.candidate.bars[len(reached) - 1]
            reached = reached[:-1]
        assert all(value >= bar for value, bar in zip(reached, outcome.candidate.bars, strict=False))
    return pruned


def test_the_record_says_which_bar_was_not_reached(result):
    assert assert_pruned_where_the_record_says(result.record) >= 5


def test_rungs_are_recorded_too():
    result = with_rungs()
    assert assert_pruned_where_the_record_says(result.record) >= 5
    pruned = result.individuals[result.individuals["status"] == Status.PRUNED]
    assert {len(rungs) for rungs in pruned["rungs"]} == {1}
    assert any(not folds for folds in pruned["fold_scores"])
    assert result.best is not None


# -- the same whatever runs it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_bits_for_any_number_of_workers(algorithm):
    ran = [
        story(raced(algorithm, 50, executor=executor, n_jobs=n_jobs, cache_bytes=cache))
        for executor, n_jobs, cache in (("serial", 1, 0), ("process", 1, 2**24), ("process", 2, 2**20))
    ]
    assert ran[0] == ran[1] == ran[2]
    assert any(one["status"] == Status.PRUNED for one in ran[0]["individuals"])


@pytest.fixture
def few_kept(monkeypatch):
    """Let only ten predictions be kept, so that some are dropped."""
    monkeypatch.setattr(sys.modules["evoml.evaluation.evaluator"], "Kept", partial(Kept, max_count=10))


def kept_in(path):
    with Journal.read(path) as journal:
        return {id_: array.tobytes() for id_, array in journal.predictions().items()}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("moment", [60, 121])
def test_stopped_and_resumed_it_ends_like_the_uninterrupted_run(tmp_path, few_kept, algorithm, moment):
    whole = story(raced(algorithm, journal=tmp_path / "whole.db"))
    with killed_at_write(moment):
        raced(algorithm, journal=tmp_path / "run.db")
    assert story(raced(algorithm, journal=tmp_path / "run.db", resume=True)) == whole
    assert kept_in(tmp_path / "run.db") == kept_in(tmp_path / "whole.db")


def test_with_rungs_too(tmp_path):
    def interrupt(progress, outcome):
        if progress.evaluations == 25:
            raise KeyboardInterrupt

    with_rungs(journal=tmp_path / "run.db", callbacks=[interrupt])
    resumed = with_rungs(journal=tmp_path / "run.db", resume=True)
    assert story(resumed) == story(with_rungs(executor="process", n_jobs=2))


# -- predictions and meanings --------------------------------------------------------------------------------------------


def test_what_the_journal_holds_is_what_the_evaluator_kept(tmp_path, monkeypatch, few_kept):
    module, made = sys.modules["evoml.run.search"], []
    assemble = module._evaluator
    monkeypatch.setattr(module, "_evaluator", lambda *parts: made.append(assemble(*parts)) or made[-1])
    result = raced(journal=tmp_path / "run.db")
    kept = made[0].kept.best_first()
    assert 5 <= len(kept) <= 10
    assert kept_in(tmp_path / "run.db") == {id_: array.tobytes() for id_, array in kept.items()}
    best = max(result.individuals["scores"], key=lambda scores: scores[:1])[0]
    assert result.individuals.loc[next(iter(kept)), "scores"][0] == best
    assert result.individuals.loc[list(kept), "semantics"].is_unique


def test_in_a_population_no_two_mean_the_same_and_the_simplest_stands_for_all():
    result = raced(evaluations=60, racing=False)
    individuals = result.individuals
    with Journal.from_bytes(result.record) as journal:
        population = individuals.loc[journal.get("state")["population"]]
    assert population["semantics"].is_unique
    assert individuals["equivalent_to"].notna().sum() >= 3
    last = individuals[individuals["generation"] == individuals["generation"].max() - 1]
    for id_, member in population.iterrows():
        equals = last[(last["semantics"] == member["semantics"]) & last["duplicate_of"].isna()]
        assert all(member["scores"] >= scores for scores in equals["scores"]), id_


# -- objectives that are measured ----------------------------------------------------------------------------------------

MEASURED = {
    "fit_time": "fit_seconds",
    "predict_time": "predict_seconds",
    "memory": "memory_bytes",
    "size": "size_bytes",
}


@pytest.mark.parametrize(("objective", "column"), MEASURED.items())
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_what_was_measured_can_be_an_objective(objective, column, executor):
    result = raced(evaluations=20, objectives=["score", objective], executor=executor)
    individuals = result.individuals
    fine = individuals[individuals["status"] == Status.OK]
    fresh = fine[fine["duplicate_of"].isna()]
    unit = 1000 / 60 if objective == "predict_time" else 1.0
    for scores, cost in zip(fresh["scores"], fresh[column], strict=True):
        assert scores[1] == pytest.approx(-cost * unit)
    for _, duplicate in fine[fine["duplicate_of"].notna()].iterrows():
        assert duplicate["scores"] == individuals.loc[duplicate["duplicate_of"], "scores"]
    for name in ("wall_seconds", "cpu_seconds", "fit_seconds", "predict_seconds", "score_seconds", "size_bytes"):
        assert (fresh[name] > 0).all(), name
    assert (fresh["memory_bytes"] >= 0).all()
    if sys.platform == "linux" and executor == "process":  # a process that was busy before finds room for little things
        assert fresh["memory_bytes"].max() > 0
    scores = [outcome.scores for outcome in result.front]
    assert all(not (a[0] >= b[0] and a[1] >= b[1]) for a in scores for b in scores if a is not b)
    assert Status.PRUNED not in set(individuals["status"])  # who survives cannot be known in advance
