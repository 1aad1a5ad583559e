"""What a fitted estimator offers: attributes, source, lineage, a warm start."""

import networkx as nx
import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from small_fits import classifier, mixed, numbers, regressor

from evoml import Journal
from evoml.core.errors import JournalError
from evoml.run import replay

X, Y = numbers()
LONG = {"max_evaluations": 30}


@pytest.fixture(scope="module")
def fitted():
    return classifier(**LONG).fit(X, Y)


def test_individuals_have_one_row_a_candidate(fitted):
    table = fitted.evaluated_individuals_
    assert table.index.tolist() == list(range(len(table)))
    assert table.index.name == "id"
    columns = ["text", "key", "parents", "operator", "generation", "status", "scores", "fold_scores", "error"]
    assert set(columns) <= set(table.columns)
    ok = table[table["status"] == "OK"]
    assert all(
        scores[0] == np.mean(folds["accuracy"]) for scores, folds in zip(ok["scores"], ok["fold_scores"], strict=True)
    )
    assert (table.loc[table["operator"] == "initial", "parents"].map(len) == 0).all()


def test_the_front_holds_what_no_other_dominates_best_first(fitted):
    scores = [s for s in fitted.evaluated_individuals_["scores"] if s]
    front = fitted.pareto_front_["scores"].tolist()
    assert front == sorted(front, reverse=True)
    for mine in front:
        assert not any(other != mine and all(o >= m for o, m in zip(other, mine, strict=True)) for other in scores)
    assert set(front) == {s for s in scores if not any(o != s and o[0] >= s[0] and o[1] >= s[1] for o in scores)}


def test_the_best_is_the_first_of_the_front_and_is_fitted(fitted):
    assert isinstance(fitted.fitted_pipeline_, Pipeline)
    best = fitted.pareto_front_.iloc[0]
    assert fitted.best_score_ == best["scores"][0] == max(s[0] for s in fitted.evaluated_individuals_["scores"] if s)
    assert type(fitted.fitted_pipeline_[-1]).__name__.endswith(best["text"].partition("(")[0])


def test_history_has_one_row_a_generation(fitted):
    assert fitted.history_["generation"].tolist() == [*range(1, len(fitted.history_) + 1)]
    assert fitted.history_["best_score"].is_monotonic_increasing
    assert fitted.history_["elapsed"].is_monotonic_increasing
    assert fitted.stopped_by_ == "budget"


def test_lineage_leads_from_parents_to_children(fitted):
    graph, table = fitted.lineage(), fitted.evaluated_individuals_
    assert nx.is_directed_acyclic_graph(graph)
    assert sorted(graph) == table.index.tolist()
    assert {child: set(graph.predecessors(child)) for child in graph} == {
        i: set(p) for i, p in table["parents"].items()
    }
    assert graph.nodes[0]["text"] == table["text"][0]


@pytest.mark.parametrize("make", [classifier, regressor])
def test_the_exported_source_makes_a_pipeline_that_predicts_the_same(tmp_path, make):
    model = make().fit(X, Y)
    path = model.export(tmp_path / "pipeline.py")
    namespace = {}
    exec(path.read_text(), namespace)
    np.testing.assert_array_equal(namespace["make_pipeline"]().fit(X, Y).predict(X), model.predict(X))
    assert "Selection score (" in namespace["__doc__"]


def test_the_exported_source_reads_text_and_missing_values_too(tmp_path):
    table, y = mixed()
    model = classifier().fit(table, y)
    namespace = {}
    exec(model.export(str(tmp_path / "pipeline.py")).read_text(), namespace)
    assert (namespace["pipeline"].fit(table, y).predict(table) == model.predict(table)).all()


@pytest.mark.parametrize("method", ["export", "lineage", "plot", "score", "predict"])
def test_before_a_fit_there_is_nothing_to_show(method, tmp_path):
    from sklearn.exceptions import NotFittedError

    arguments = {"export": [tmp_path / "x.py"], "score": [X, Y], "predict": [X]}.get(method, [])
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(classifier(), method)(*arguments)
    assert not list(tmp_path.iterdir())


# -- warm start -------------------------------------------------------------------------------------------------------------


def test_a_warm_start_begins_with_the_last_front():
    model = classifier(warm_start=True, **LONG).fit(X, Y)
    front, best = model.pareto_front_["text"].tolist(), model.best_score_
    model.set_params(random_state=5, max_evaluations=10).fit(X, Y)
    assert model.evaluated_individuals_["text"].tolist()[: len(front)] == front
    assert model.best_score_ >= best


def test_a_warm_start_goes_on_with_its_journal(tmp_path):
    settings = {"warm_start": True, "journal": tmp_path / "run.db", "max_evaluations": None}
    model = classifier(generations=2, **settings).fit(X, Y)
    model.set_params(generations=5).fit(X, Y)
    whole = classifier(generations=5, max_evaluations=None).fit(X, Y)
    assert model.evaluated_individuals_["text"].tolist() == whole.evaluated_individuals_["text"].tolist()
    assert (model.predict(X) == whole.predict(X)).all()
    with Journal.read(tmp_path / "run.db") as journal:
        assert [kind for _, kind, _ in journal.events()] == ["resumed"]


def test_a_warm_start_on_another_table_begins_with_what_suits_it():
    model = classifier(warm_start=True).fit(X, Y)
    assert model.fit(*mixed()).score(*mixed()) > 0.7


def test_a_journal_of_another_table_is_refused(tmp_path):
    settings = {"warm_start": True, "journal": tmp_path / "run.db"}
    classifier(**settings).fit(X, Y)
    with pytest.raises(JournalError, match="records another run"):
        classifier(**settings).fit(X, 1 - Y)
    with pytest.raises(JournalError, match="exists already and holds another run"):
        classifier(journal=tmp_path / "run.db").fit(X, Y)


def test_a_recorded_fit_comes_out_again(tmp_path):
    table, labels = mixed()
    made = classifier(journal=tmp_path / "run.db").fit(table, labels)
    again = replay(made.as_search(table, labels), tmp_path / "run.db")
    assert again.equal
    assert again.outcomes == made.evaluated_individuals_["sequence"].notna().sum() >= 8
