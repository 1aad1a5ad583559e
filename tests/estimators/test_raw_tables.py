"""Tables as they come, from fit to prediction: whatever their cells hold, there is a model, and a word on what was odd."""

import datetime
import pickle
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline
from small_fits import CLASSIFIERS, classifier, numbers, regressor

from evoml.core.errors import SettingError

ENCODERS = ["HashingEncoder", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "TextEncoder", "SimpleImputer"]
SPACE = {"only": [*CLASSIFIERS["only"], *ENCODERS]}
ROWS = 120
WORDS = ["late", "item", "delivery", "again", "please", "order", "parcel", "shop", "money", "week", "box", "door"]


def raw(rows=ROWS, seed=0):
    """Return a table with a bit of everything, and labels that only its amounts and texts tell of."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=rows)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in rng.permutation(rows)],
            "amount": [f"${np.exp(8 + value):,.2f}" for value in signal],
            "share": [f"{value:.1f} %" for value in rng.uniform(0, 100, rows)],
            "age": rng.choice(["23", "41", "?", "n/a", "-", "68"], rows),
            "mixed": rng.choice(np.array([1, 2.5, "n/a", None, "3"], dtype=object), rows),
            "member": rng.choice(["Yes", "no"], rows),
            "seen": rng.choice([True, False], rows),
            "zip": [f"0{value}" for value in rng.integers(1000, 1010, rows)],
            "joined": rng.permutation(pd.date_range("2020-01-01", periods=rows).strftime("%d.%m.%Y")),
            "at": pd.to_datetime(rng.integers(1.5e9, 1.6e9, rows), unit="s"),
            "open": rng.choice([datetime.time(8, 30), datetime.time(9, 15)], rows),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], rows)),
            "note": [" ".join([*rng.choice(WORDS, 6), "awful" if value > 0 else "lovely"]) for value in signal],
            "constant": "x",
            "void": None,
            "infinite": np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
        }
    )
    return table.assign(colour2=table["colour"]), np.where(signal > 0, "bad", "good"), signal


@pytest.fixture(scope="module")
def fitted():
    table, labels, _ = raw()
    with pytest.warns(UserWarning, match="4 of 17 columns are left out: customer_id "):
        model = classifier(search_space=SPACE, max_evaluations=10).fit(table, labels)
    return model, table, labels


def test_a_table_with_everything_in_it_is_learned_from(fitted):
    model, table, labels = fitted
    assert model.score(table, labels) > 0.9
    assert model.n_features_in_ == 17
    assert not model.evaluated_individuals_["status"].isin(["INVALID", "CRASHED"]).any()


def test_what_was_inferred_is_shown(fitted):
    kinds = fitted[0].columns_.set_index("column")["kind"].to_dict()
    assert kinds == {
        **dict.fromkeys(("amount", "share", "age", "mixed", "infinite"), "number"),
        **dict.fromkeys(("customer_id", "constant", "void", "colour2"), "drop"),
        **dict.fromkeys(("member", "seen"), "boolean"),
        **dict.fromkeys(("zip", "colour"), "category"),
        **dict.fromkeys(("joined", "at"), "datetime"),
        "open": "duration",
        "note": "text",
    }


def test_raw_rows_of_any_kind_are_predicted(fitted):
    model, table, _ = fitted
    odd = table.head(20).assign(
        amount="priceless",
        zip=7,
        joined="tomorrow",
        colour="violet",
        note=None,
        member="perhaps",
        at="2020-01-01",
        age=np.inf,
    )
    assert len(model.predict(odd)) == 20
    empty = table.head(3).assign(**dict.fromkeys(table.columns, None))
    assert np.isfinite(model.predict_proba(empty)).all()
    assert (model.fitted_pipeline_.predict(table) == model.predict(table)).all()
    assert (pickle.loads(pickle.dumps(model)).predict(table) == model.predict(table)).all()


def test_the_exported_source_reads_the_raw_table(fitted, tmp_path):
    model, table, labels = fitted
    source = model.export(tmp_path / "pipeline.py").read_text()
    namespace = {}
    exec(source, namespace)
    assert "from evoml" not in source
    assert (namespace["pipeline"].fit(table, labels).predict(table) == model.predict(table)).all()


@pytest.mark.parametrize("encoder", ["HashingEncoder", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder"])
def test_each_encoder_works_after_one_of_text(encoder):
    table, labels, _ = raw()
    text = f"LogisticRegression(StandardScaler(SimpleImputer({encoder}(TextEncoder(features, analyser='word')))))"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = classifier(search_space=SPACE, initial_pipelines=[text], max_evaluations=1).fit(table, labels)
    assert model.best_score_ > 0.85
    assert f"{encoder}(TextEncoder(features" in model.evaluated_individuals_["text"].iloc[0]


def test_a_quantity_is_predicted_from_texts_alone():
    table, _, signal = raw()
    space = {"only": ["Ridge", "StandardScaler", "TextEncoder", "SimpleImputer"]}
    model = regressor(search_space=space, max_evaluations=4).fit(table[["note"]], np.sign(signal) + 0.01 * signal)
    assert model.best_score_ > 0.5
    assert len(model.predict(pd.DataFrame({"note": ["", None, "something new"]}))) == 3


def test_corrections_of_the_user_reach_the_model():
    table, labels, _ = raw()
    kinds = {"note": "drop", "amount": "category", "zip": "number", "customer_id": "category"}
    with pytest.warns(UserWarning, match="left out"):
        model = classifier(search_space=SPACE, max_evaluations=2, column_kinds=kinds).fit(table, labels)
    found = model.columns_.set_index("column")
    assert found.loc[list(kinds), "kind"].to_dict() == kinds
    assert (found.loc[list(kinds), "why"] == "as asked").all()
    with pytest.raises(
        SettingError, match=r"column_kinds names 'zipp', which is no column of the table; did you mean 'zip'"
    ):
        classifier(column_kinds={"zipp": "category"}).fit(table, labels)


def test_columns_of_an_array_can_be_corrected_too():
    X, y = numbers()
    X = np.column_stack([X, np.arange(80) % 3])
    model = classifier(column_kinds={"x4": "category"}, search_space=SPACE).fit(X, y)
    assert model.columns_["kind"].tolist() == ["number"] * 4 + ["category"]
    assert (model.predict(X.tolist()) == model.predict(X)).all()


def test_plain_numbers_are_not_touched():
    X, y = numbers()
    model = classifier().fit(X, y)
    assert "cleantable" not in model.fitted_pipeline_.named_steps
    assert model.columns_["kind"].tolist() == ["number"] * 4
    assert model.columns_["n_unique"].tolist() == [80] * 4


def test_a_table_without_a_usable_column_ends_in_a_constant_guess():
    table = pd.DataFrame({"id": [f"u{i}" for i in range(80)], "same": 1.0, "void": None})
    _, y = numbers()
    with pytest.warns(UserWarning, match=r"no column is of any use: id \(identifier.*the model is a constant guess"):
        model = classifier(max_evaluations=50).fit(table, y)
    assert isinstance(model.fitted_pipeline_, Pipeline)
    assert isinstance(model.fitted_pipeline_[-1], DummyClassifier)
    assert len(set(model.predict(table))) == 1
    assert (len(model.evaluated_individuals_), model.stopped_by_) == (0, "exhausted")
    with pytest.warns(UserWarning, match="constant guess"):
        assert isinstance(regressor().fit(table, np.arange(80.0)).fitted_pipeline_[-1], DummyRegressor)


def test_ten_thousand_levels_do_not_explode():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 10_000, 3000)
    table = pd.DataFrame({"level": [f"level {value}" for value in level], "size": rng.normal(size=3000)})
    model = classifier(search_space=SPACE, max_evaluations=8).fit(table, (table["size"] > 0) ^ (level % 50 == 0))
    assert model.best_score_ > 0.9
    assert set(model.evaluated_individuals_["status"]) <= {"OK", "PRUNED"}


def test_frames_of_other_libraries_give_the_same_model():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    table, labels, _ = raw()
    table = table[["amount", "member", "note", "zip", "at"]]
    models = [
        classifier(search_space=SPACE, max_evaluations=3).fit(other, labels)
        for other in (table, pl.from_pandas(table), pa.Table.from_pandas(table, preserve_index=False))
    ]
    expected = models[0].predict_proba(table)
    assert (models[1].predict_proba(pl.from_pandas(table)) == expected).all()
    assert (models[2].predict_proba(pa.Table.from_pandas(table, preserve_index=False)) == expected).all()


def test_suspicions_are_told_and_recorded():
    from evoml.journal import Journal

    table, labels, _ = raw()
    told = pd.DataFrame(
        {"outcome": np.where(labels == "bad", 1.0, 0.0), "age": table["age"], "at": sorted(table["at"])}
    )
    with pytest.warns(UserWarning, match="column 'outcome' alone predicts the target almost perfectly") as caught:
        model = classifier(max_evaluations=2).fit(told, labels)
    assert any("cv='time' (evoml fit --time-split at)" in str(one.message) for one in caught)
    with Journal.from_bytes(model._record) as journal:
        said = [detail["message"] for _, kind, detail in journal.events() if kind == "warning"]
    assert any("outcome" in message for message in said)
    assert any("cv='time'" in message for message in said)


def test_folds_in_time_train_on_the_past():
    table, labels, _ = raw()
    held = []

    def metric(estimator, X, y):
        held.append((X["at days"].min(), X["at days"].max()))
        return 1.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier(cv="time:at", scoring=metric, search_space=SPACE, max_evaluations=1).fit(table, labels)
    periods = held[:5]
    assert all(before[1] <= after[0] for before, after in pairwise(periods))
