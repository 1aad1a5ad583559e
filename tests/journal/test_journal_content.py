"""What a journal holds: candidates, outcomes, progress, events and descent come back as they went in."""

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoml.core import Candidate, Cost, Evaluation, Outcome, Status
from evoml.journal import Journal
from evoml.journal.lineage import ancestry

texts = st.text(max_size=20).filter(lambda text: "\x00" not in text)
utf8 = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
scores = st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False))
seconds = st.floats(0, 1e6)


@st.composite
def outcomes(draw):
    ids = range(draw(st.integers(1, 5)))
    candidates = [
        Candidate(
            id=index,
            genome=draw(utf8),
            key=draw(utf8),
            parents=tuple(draw(st.lists(st.integers(0, index - 1), max_size=2))) if index else (),
            operator=draw(utf8),
            generation=draw(st.integers(0, 9)),
            parent_scores=draw(st.one_of(st.just(()), scores)),
            bars=draw(st.one_of(st.just(()), scores)),
        )
        for index in ids
    ]
    told = draw(st.permutations(candidates))[: draw(st.integers(0, len(candidates)))]
    return candidates, [
        Outcome(
            candidate,
            Evaluation(
                draw(st.sampled_from(list(Status))),
                draw(st.dictionaries(utf8, scores, max_size=2)),
                Cost(*(draw(seconds) for _ in fields(Cost))),
                draw(utf8),
                draw(scores),
                draw(utf8),
            ),
            draw(st.one_of(st.just(()), scores)),
            draw(st.one_of(st.none(), st.integers(0, 9))),
        )
        for candidate in told
    ]


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_predictions_are_kept_until_they_are_dropped(tmp_path, precision):
    first, second = np.arange(6.0).reshape(3, 2).astype(precision), np.array([[np.nan], [0.1], [1.7e9]], precision)
    people = [Candidate(index, "g", str(index)) for index in range(3)]
    with Journal.create(tmp_path / "journal.sqlite", {}) as journal:
        journal.asked(people, {})
        journal.told([Outcome(people[0], Evaluation(Status.OK))], {}, {0: first, 1: second})
        journal.told([Outcome(people[1], Evaluation(Status.OK))], {}, {0: None})
        assert Journal.from_bytes(journal.to_bytes()).predictions() == {}
    with Journal.read(tmp_path / "journal.sqlite") as journal:
        found = journal.predictions()
    assert list(found) == [1]
    assert found[1].dtype == precision
    np.testing.assert_array_equal(found[1], second)


def test_steps_come_back_in_the_order_in_which_they_happened():
    people = [Candidate(index, "g", str(index)) for index in range(6)]
    with Journal.create(None, {}) as journal:
        journal.asked(people[:2], {})
        journal.asked(people[2:3], {})
        for told in (2, 0):
            journal.told([Outcome(people[told], Evaluation(Status.OK))], {})
        journal.asked(people[3:6], {})
        journal.told([Outcome(people[5], Evaluation(Status.TIMEOUT))], {})
        assert journal.steps() == [
            *(("asked", [0, 1]), ("asked", [2]), ("told", [2]), ("told", [0])),
            *(("asked", [3, 4, 5]), ("told", [5])),
        ]


def test_a_candidate_knows_how_many_were_told_before_it(family):
    family.asked([Candidate(5, "e", "ke")], {})
    assert family.individuals()["after"][5] == 4


@settings(deadline=None, max_examples=60)
@given(outcomes())
def test_candidates_and_outcomes_come_back_as_they_were(case):
    candidates, told = case
    with Journal.create(None, {}) as journal:
        journal.asked(candidates, {})
        journal.told(told, {})
        by_id, read = Journal.from_bytes(journal.to_bytes()).asked_and_told(str)
    assert list(by_id.values()) == candidates
    assert read == told


@settings(deadline=None)
@given(texts)
def test_any_error_text_can_be_recorded(error):
    candidate = Candidate(0, "g", "k")
    with Journal.create(None, {}) as journal:
        journal.asked([candidate], {})
        journal.told([Outcome(candidate, Evaluation(Status.INVALID, error=error))], {})
        assert isinstance(journal.individuals()["error"][0], str)


def test_half_a_surrogate_pair_in_an_error_costs_nothing():
    candidate = Candidate(0, "g", "k")
    with Journal.create(None, {}) as journal:
        journal.asked([candidate], {})
        journal.told([Outcome(candidate, Evaluation(Status.INVALID, error="bad \ud800 byte"))], {})
        assert journal.individuals()["error"][0] == r"bad \ud800 byte"


def test_infinite_and_missing_scores_are_kept():
    candidate = Candidate(0, "g", "k", parent_scores=(-math.inf,))
    evaluation = Evaluation(Status.OK, {"r2": (math.nan, -math.inf)})
    with Journal.create(None, {}) as journal:
        journal.asked([candidate], {})
        journal.told([Outcome(candidate, evaluation, (math.inf, math.nan))], {})
        by_id, (told,) = journal.asked_and_told(str)
    assert by_id[0].parent_scores == (-math.inf,)
    assert told.scores[0] == math.inf
    assert math.isnan(told.scores[1])
    assert math.isnan(told.evaluation.fold_scores["r2"][0])


def test_numpy_values_and_paths_become_json():
    value = {"a": np.float64(0.5), "b": np.arange(2), "c": Path("x"), "d": {1}, "e": np.bool_(True), "f": (1, 2)}
    with Journal.create(None, value) as journal:
        assert journal.settings == {"a": 0.5, "b": [0, 1], "c": "x", "d": [1], "e": True, "f": [1, 2]}


def test_named_values_are_replaced_and_missing_ones_are_none():
    with Journal.create(None, {}) as journal:
        assert journal.get("summary") is None
        journal.put("summary", 1)
        journal.put("summary", [2])
        assert journal.get("summary") == [2]


@pytest.fixture
def family():
    """0 and 1 are first, 2 is theirs, 3 is a duplicate from 2, 4 is from 1 and yet to be told."""
    people = [
        Candidate(0, "a", "ka"),
        Candidate(1, "b", "kb"),
        Candidate(2, "c", "kc", (0, 1), "crossover", 1, (0.1, -1.0)),
        Candidate(3, "c", "kc", (2,), "perturb", 2, (0.5, -2.0)),
        Candidate(4, "d", "kd", (1,), "delete", 2, (0.2, -1.0)),
    ]
    evaluation = Evaluation(Status.OK, {"accuracy": (0.4, 0.6)}, Cost(4.0, 3.0, 2.0, score=1.0), "", (0.3,), "same")
    told = [
        Outcome(people[0], evaluation, (0.1, -1.0)),
        Outcome(people[1], Evaluation(Status.TIMEOUT, error="too slow")),
        Outcome(people[2], evaluation, (0.5, -2.0)),
        Outcome(people[3], evaluation, (0.5, -2.0), duplicate_of=2),
    ]
    with Journal.create(None, {}) as journal:
        journal.asked(people, {})
        journal.told(told, {})
        yield journal


def test_individuals_have_one_row_a_candidate(family):
    table = family.individuals()
    assert table.index.name == "id"
    assert list(table.columns) == [
        *("text", "key", "parents", "operator", "generation", "status", "scores", "fold_scores"),
        *("rungs", "semantics", "wall_seconds", "cpu_seconds", "fit_seconds", "fit_cpu_seconds", "predict_seconds"),
        *("predict_cpu_seconds", "score_seconds", "memory_bytes", "size_bytes", "recalled_steps", "saved_seconds"),
        *("error", "duplicate_of", "asked", "told", "sequence", "after", "equivalent_to"),
    ]
    assert list(table["status"]) == ["OK", "TIMEOUT", "OK", "OK", "PENDING"]
    assert list(table["parents"]) == [(), (), (0, 1), (2,), (1,)]
    assert list(table["scores"]) == [(0.1, -1.0), (), (0.5, -2.0), (0.5, -2.0), ()]
    assert table["fold_scores"][0] == {"accuracy": (0.4, 0.6)}
    assert table["fold_scores"][4] == {}
    assert list(table["rungs"]) == [(0.3,), (), (0.3,), (0.3,), ()]
    assert table["equivalent_to"].fillna(-1).tolist() == [-1, -1, 0, 0, -1]
    assert list(table["after"]) == [0] * 5
    assert table.loc[0, ["wall_seconds", "cpu_seconds", "fit_seconds", "score_seconds"]].tolist() == [4, 3, 2, 1]
    assert table["error"][1] == "too slow"
    assert table["duplicate_of"].isna().tolist() == [True, True, True, False, True]
    assert table["duplicate_of"][3] == 2


def test_an_empty_journal_gives_empty_tables():
    with Journal.create(None, {}) as journal:
        assert len(journal.individuals()) == 0
        assert "status" in journal.individuals()
        assert list(journal.progress().columns) == ["generation", "elapsed", "evaluations", "best_score"]
        assert journal.events() == []
        assert len(journal.lineage()) == 0
        assert journal.asked_and_told(str) == ({}, [])


def test_lineage_leads_from_parents_to_children(family):
    graph = family.lineage()
    assert set(graph.nodes) == {0, 1, 2, 3, 4}
    assert set(graph.edges(data="operator")) == {
        (0, 2, "crossover"),
        (1, 2, "crossover"),
        (2, 3, "perturb"),
        (1, 4, "delete"),
    }
    assert graph.nodes[1] == {"text": "b", "operator": "initial", "generation": 0, "status": "TIMEOUT", "scores": ()}


def test_ancestry_is_all_that_led_to_a_candidate(family):
    assert set(ancestry(family.lineage(), 3)) == {0, 1, 2, 3}
    assert set(ancestry(family.lineage(), 0)) == {0}
    assert ("crossover") in {operator for *_, operator in ancestry(family.lineage(), 2).edges(data="operator")}


def test_progress_has_one_row_a_generation_with_its_detail():
    with Journal.create(None, {}) as journal:
        journal.progressed(0, 10, -math.inf, {"credit": {"swap": 0.5}})
        journal.progressed(1, 20, 0.7, {"credit": {"swap": 0.6}})
        journal.progressed(1, 21, 0.8, {"credit": {"swap": 0.7}})
        table = journal.progress()
    assert list(table["generation"]) == [0, 1]
    assert list(table["evaluations"]) == [10, 21]
    assert math.isnan(table["best_score"][0])
    assert table["best_score"][1] == 0.8
    assert table["credit"][1] == {"swap": 0.7}
    assert (table["elapsed"].diff().dropna() >= 0).all()


def test_events_come_back_in_order():
    with Journal.create(None, {}) as journal:
        journal.event("interrupt")
        journal.event("resume", seed=3, rows=(1, 2))
        events = journal.events()
    assert [(kind, detail) for _, kind, detail in events] == [
        ("interrupt", {}),
        ("resume", {"seed": 3, "rows": [1, 2]}),
    ]
    assert 0 <= events[0][0] <= events[1][0]


def test_the_clock_goes_on_where_the_run_stopped(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("evoml.journal.journal.time.monotonic", lambda: clock[0])
    with Journal.create(tmp_path / "run.db", {}) as journal:
        clock[0] = 107.0
        journal.asked([Candidate(0, "g", "k")], {})
    clock[0] = 5000.0
    with Journal.resume(tmp_path / "run.db") as journal:
        assert journal.elapsed == pytest.approx(7.0)
        clock[0] = 5003.0
        assert journal.elapsed == pytest.approx(10.0)
