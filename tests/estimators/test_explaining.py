"""A fitted estimator explains its model and writes the page of its run."""

import pickle

import pytest
from small_fits import classifier, mixed, numbers, regressor

from evoml import Journal
from evoml.core.errors import BudgetError, DataError, SettingError


@pytest.fixture(scope="module")
def fitted():
    X, y = mixed()
    return classifier().fit(X, y), X, y


def test_explain_returns_tables_and_remembers_them(fitted):
    model, X, y = fitted
    tables = model.explain(X, y)
    assert set(tables["importance"]["column"]) == set(X.columns)
    assert tables["importance"]["column"].iloc[0] == "shape"
    assert len(tables["measures"]) >= 4
    copy = pickle.loads(pickle.dumps(model))
    assert "has not been explained" not in "".join(
        text.get_text() for text in copy.plot("importance").findobj(_is_text)
    )


def _is_text(artist):
    return hasattr(artist, "get_text")


def test_report_explains_where_it_is_given_the_table(tmp_path):
    X, y = numbers()
    model = regressor(cv=3).fit(X, y.astype(float) + X[:, 0])
    plain = model.report(tmp_path / "plain.html").read_text()
    assert "has not been explained yet" in plain
    page = model.report(tmp_path / "page.html", X, y.astype(float) + X[:, 0]).read_text()
    assert "Which columns it needs" in page
    assert "Which columns it needs" in model.report(tmp_path / "again.html").read_text()


def test_a_journal_on_disk_keeps_the_explanation(tmp_path):
    X, y = numbers()
    model = classifier(journal=tmp_path / "run.sqlite").fit(X, y)
    model.explain(X, y)
    with Journal.read(tmp_path / "run.sqlite") as journal:
        assert journal.get("explanation")["rows"] == 80


def test_a_run_with_a_fresh_seed_is_explained_on_its_own_folds():
    X, y = numbers()
    model = classifier(random_state=None).fit(X, y)
    assert not model.explain(X, y)["measures"].empty


def test_what_cannot_be_explained_is_refused(fitted):
    model, X, y = fitted
    with pytest.raises(DataError, match="not what the run saw"):
        model.explain(X.iloc[:-1], y[:-1])
    with pytest.raises(SettingError, match="both X and y"):
        model.report("page.html", X)
    with pytest.raises(BudgetError, match="greater than zero"):
        model.explain(X, y, seconds=0)
    with pytest.raises(Exception, match="not fitted"):
        classifier().explain(X, y)
