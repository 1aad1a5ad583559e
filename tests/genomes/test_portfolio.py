"""The known pipelines that evolution starts from: right for every kind of table, and as they were learned."""

import pytest
from contracts.pipeline_spaces import TASKS, dataset, space

from evoml.components import known_pipelines, load_catalogue
from evoml.core.candidate import Status
from evoml.evaluation import scorers, splits
from evoml.evaluation.problem import Problem, evaluate
from evoml.genomes.pipeline_tree import DataFacts, PipelineSpace
from evoml.genomes.pipeline_tree.term import read_term

CATALOGUE = load_catalogue()


def facts(task, **changes):
    """Return facts of a large table of numbers."""
    of_classes = {"n_classes": 3, "class_rows": 2000} if task == "classification" else {"n_classes": 0, "class_rows": 0}
    found = {"n_rows": 6000, "n_features": 10, "kind": "dense", "complete_numbers": True, **of_classes}
    return DataFacts(task=task, **{**found, **changes})


def parts(term):
    """Return the parts of the catalogue in a term."""
    here = [CATALOGUE[term.name]] if term.name in CATALOGUE else []
    return here + [part for child in term.inputs for part in parts(child)]


def values(term):
    """Return the hyperparameters that are given anywhere in a term, in order; None may be written as text."""
    here = [(term.name, name, None if value == "None" else value) for name, value in term.values.items()]
    return here + [one for child in term.inputs for one in values(child)]


@pytest.mark.parametrize("task", TASKS)
def test_about_twenty_that_need_no_extra_library(task):
    texts = known_pipelines(task)
    assert 15 <= len(texts) <= 25
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert {part.name for part in parts(read_term(text)) if part.requires} == set(), text


@pytest.mark.parametrize("task", TASKS)
def test_a_large_table_changes_none_of_their_settings(task):
    of = PipelineSpace(CATALOGUE, facts(task))
    for text in known_pipelines(task):
        adapted = values(of.adapted(text).term())
        assert all(one in adapted for one in values(read_term(text))), text


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["dense", "numeric", "table"])
def test_a_tiny_table_can_be_searched_from_them(task, kind):
    rare = {"class_rows": 1} if task == "classification" else {}
    tiny = facts(task, n_rows=3, n_features=1, kind=kind, complete_numbers=kind == "dense", **rare)
    of = PipelineSpace(CATALOGUE, tiny)
    assert len(of.initial) == len(known_pipelines(task))
    for tree in of.initial:
        of.parse(str(tree))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["dense", "numeric", "table"])
def test_none_fails_on_a_small_table(task, kind):
    data, of = dataset(task, kind), space(task, kind)
    problem = Problem(data, of, splits(data, 2, 0), scorers(None, task, data.classes), seed=1)
    for tree in of.initial:
        found = evaluate(problem, str(tree))
        assert found.status is Status.OK, (str(tree), found.error)


def test_without_probabilities_only_what_cannot_give_them_is_left_out():
    of = PipelineSpace(CATALOGUE.without("Calibrated"), facts("classification", needs_predict_proba=True))
    without = {name for name, part in CATALOGUE.items() if part.kind == "classifier" and not part.predict_proba}
    texts = [text for text in known_pipelines("classification") if read_term(text).name not in without]
    assert len(of.initial) == len(texts)
    assert len(texts) >= 12
