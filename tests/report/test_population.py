"""Diversity and growth of populations, from their members or from what was recorded of them."""

import math

import pytest

from evoml.core import Evaluation, Outcome, Status
from evoml.report import diversity, growth


def test_diversity_of_recorded_populations(kin):
    table = diversity(kin).set_index("generation")
    assert table["members"].tolist() == [3, 3, 3]
    assert table["distinct"].tolist() == [3, 3, 3]
    assert table["score_spread"].tolist() == pytest.approx([0.1, 0.1, 0.05])
    # the first: {nb(f), f}, {svc(f), f}, {svc(pca(f)), pca(f), f}; pairs 2/3, 3/4, 3/4
    assert table["distance"][1] == pytest.approx((2 / 3 + 3 / 4 + 3 / 4) / 3)
    # parts of the last: SVC, SVC of PCA, SVC
    assert table["entropy"][3] == pytest.approx(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25))


def test_growth_of_recorded_populations(kin):
    table = growth(kin).set_index("generation")
    assert table["size"].tolist() == [2, 2, 2]
    assert table["size_high"].tolist() == [2, 2.5, 2.5]
    assert table["score"].tolist() == pytest.approx([0.5, 0.6, 0.65])
    assert table["best_score"].tolist() == pytest.approx([0.6, 0.65, 0.7])
    assert table["best_size"].tolist() == [2, 2, 3]


def test_behaviours_are_counted_by_semantics(run):
    for text, semantics in (("A(features)", "s"), ("B(features)", "s"), ("C(features)", "t")):
        candidate = run.ask(text)
        run._tell(Outcome(candidate, Evaluation(Status.OK, semantics=semantics), (0.5, -1.0)))
    run.journal.progressed(1, 3, 0.5, {"population": [0, 1, 2]})
    assert diversity(run.journal)[["distinct", "behaviours"]].to_numpy().tolist() == [[3, 2]]


def test_figures_of_populations_by_the_thousand_are_taken_as_recorded(new_run):
    run = new_run({"kind": "formulas", "names": ["x"]})
    figures = {
        "members": 100,
        "distinct": 50,
        "behaviours": 80,
        "entropy": 2.0,
        "size": [1, 2, 3],
        "score": [0.1, 0.2, 0.4],
    }
    run.journal.progressed(1, 100, 0.5, {"population": figures})
    run.journal.progressed(2, 200, 0.6, {})
    table = diversity(run.journal)
    assert table["generation"].tolist() == [1]
    assert table.loc[0, ["members", "distinct", "behaviours", "entropy"]].tolist() == [100, 50, 80, 2.0]
    assert table.loc[0, "score_spread"] == pytest.approx(0.3)
    assert math.isnan(table.loc[0, "distance"])
    assert growth(run.journal).loc[0, ["size_low", "size", "size_high", "best_score"]].tolist() == [1, 2, 3, 0.5]


def test_nothing_recorded(run):
    assert diversity(run.journal).empty
    assert growth(run.journal).empty


def test_a_run_of_one_objective_is_measured_by_parts(new_run):
    run = new_run({"objectives": ["score"]})
    run.scored("SVC(PCA(features))", 0.5, None)
    assert growth(run.journal)["size"].tolist() == [2]


def test_a_member_whose_outcome_was_lost_does_not_count(run):
    run.scored("A(features)", 0.5)
    run.ask("B(features)")
    run.journal.progressed(1, 2, 0.5, {"population": [0, 1]})
    assert diversity(run.journal)["members"].tolist() == [1]
