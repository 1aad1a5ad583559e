"""What symbolic estimators promise beyond scikit-learn's checks: formulas, choice, source, clear errors."""

import importlib.util
import logging
import pickle
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from evoml import SymbolicClassifier, SymbolicRegressor, SymbolicTransformer
from evoml.run.formulas.search import formula_space

SMALL = {"generations": 15, "population_size": 150, "random_state": 0}


def numbers(rows=150, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 3, (rows, 2))
    return X, 2 * X[:, 0] / X[:, 1] + 1 + noise * rng.normal(size=rows)


def labels(rows=200):
    X, y = numbers(rows, noise=0.2)
    return X, np.where(y > np.median(y), "yes", "no")


@pytest.fixture(scope="module")
def regressor():
    X, y = numbers(noise=0.05)
    return SymbolicRegressor(**SMALL).fit(X, y)


@pytest.fixture(scope="module")
def three():
    X, y = numbers(300, noise=0.2)
    return SymbolicClassifier(**SMALL).fit(X, np.digitize(y, [2.5, 3.5]))


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_formula_is_recovered_with_its_names():
    X, y = numbers()
    model = SymbolicRegressor(**{**SMALL, "generations": 40}).fit(pd.DataFrame(X, columns=["mass", "area"]), y)
    assert "mass" in model.formula_
    assert "area" in model.formula_
    assert model.stopped_by_ == "solved"
    assert (
        model.score(
            pd.DataFrame(X + 0.1, columns=["mass", "area"]),
            numbers()[1] * 0 + 2 * (X[:, 0] + 0.1) / (X[:, 1] + 0.1) + 1,
        )
        > 1 - 1e-9
    )


def test_names_may_be_given():
    X, y = numbers()
    assert "speed" in SymbolicRegressor(**SMALL, feature_names=["speed", "time"]).fit(X, y).formula_


def test_the_front_is_a_table_of_ever_better_formulas(regressor):
    front = regressor.front_
    assert list(front.columns) == ["complexity", "loss", "score", "description", "text", "latex", "chosen"]
    assert front["complexity"].is_monotonic_increasing
    assert front["loss"].is_monotonic_decreasing
    assert front["chosen"].sum() == 1
    assert regressor.formula_ == front["text"][front["chosen"]].iloc[0]


def test_each_formula_of_the_front_predicts(regressor):
    X, y = numbers(noise=0.05)
    for at, row in regressor.front_.iterrows():
        assert np.mean((regressor.predict(X, formula=at) - y) ** 2) == pytest.approx(row["loss"])
    with pytest.raises(ValueError, match=r"formula must be one row of front_, from 0 to \d+, got 99"):
        regressor.predict(X, formula=99)


def test_another_formula_of_the_front_may_be_chosen(regressor, three):
    X, _ = numbers()
    other = regressor.with_formula(1)
    assert (other.predict(X) == regressor.predict(X, formula=1)).all()
    assert other.formula_ == regressor.front_["text"][1] != regressor.formula_
    assert other.front_["chosen"].tolist().index(True) == 1
    rows = [int(three.front_.index[three.front_["class"] == label][0]) for label in "012"]
    assert (three.with_formula(rows).predict_proba(X) == three.predict_proba(X, formula=rows)).all()


@pytest.mark.parametrize("formula", [1.7, True, "1", [0.5]])
def test_rows_of_the_front_are_whole_numbers(regressor, formula):
    for wrong in (regressor.predict, lambda _, formula: regressor.with_formula(formula)):
        with pytest.raises(ValueError, match="formula must be the number of a row of front_"):
            wrong(numbers()[0], formula=formula)


@pytest.mark.parametrize("kind", ["numpy", "python"])
def test_exported_source_predicts_the_same(regressor, tmp_path, kind):
    X, _ = numbers()
    module = loaded(regressor.export(tmp_path / "formula.py", kind))
    found = module.predict(X) if kind == "numpy" else [module.predict(row) for row in X.tolist()]
    assert np.allclose(found, regressor.predict(X), rtol=1e-12)


def test_latex_and_sympy_are_written(regressor, tmp_path):
    assert "x_{0}" in regressor.export(tmp_path / "f.tex", "latex").read_text()
    sympy = pytest.importorskip("sympy")
    value = regressor.to_sympy().subs({"x0": 2.0, "x1": 1.5})
    x0, x1 = sympy.Symbol("x0", real=True), sympy.Symbol("x1", real=True)
    value = regressor.to_sympy().subs({x0: 2.0, x1: 1.5})
    assert float(value) == pytest.approx(regressor.predict([[2.0, 1.5]])[0])
    with pytest.raises(ValueError, match="unknown kind 'lates'; did you mean 'latex'"):
        regressor.export(tmp_path / "f", "lates")


def test_pictures_are_drawn(regressor, three):
    assert regressor.plot("front").axes
    assert regressor.plot("formula").axes
    assert three.plot("front", target=2).axes
    with pytest.raises(ValueError, match="unknown picture"):
        regressor.plot("tree")


def test_the_same_seed_gives_the_same_formulas_for_any_number_of_threads():
    X, y = numbers(noise=0.1)
    fronts = [
        SymbolicRegressor(**{**SMALL, **jobs}).fit(X, y).front_ for jobs in ({}, {"n_jobs": 3}, {"random_state": 1})
    ]
    pd.testing.assert_frame_equal(fronts[0], fronts[1], check_exact=True)
    assert not fronts[0].equals(fronts[2])


def test_a_pickled_model_predicts_the_same(regressor, three):
    X, _ = numbers()
    for model in (regressor, three):
        again = pickle.loads(pickle.dumps(model))
        assert (again.predict(X) == model.predict(X)).all()
        pd.testing.assert_frame_equal(again.front_, model.front_)


def test_it_can_be_cloned_and_cross_validated():
    X, y = numbers(noise=0.05)
    model = SymbolicClassifier(class_weight="balanced", **SMALL)
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(SymbolicRegressor(**SMALL), X, y, cv=3).mean() > 0.9


def test_a_constant_target_is_the_constant():
    X, _ = numbers()
    model = SymbolicRegressor(**SMALL).fit(X, np.full(len(X), 3.5))
    assert model.formula_ == "3.5"
    assert (model.predict(X) == 3.5).all()
    assert model.stopped_by_ == "exhausted"


def test_weights_count():
    X, y = numbers()
    other = np.where(np.arange(len(y)) % 2 == 0, y, 10 - y)
    weights = np.where(np.arange(len(y)) % 2 == 0, 1.5, 1e-9)
    model = SymbolicRegressor(**SMALL).fit(X, other, sample_weight=weights)
    assert model.score(X, y) > 0.999


def test_mean_absolute_error_does_not_mind_outliers():
    X, y = numbers()
    y[::10] += 100
    model = SymbolicRegressor(metric="mae", selection="best", **{**SMALL, "generations": 30}).fit(X, y)
    assert np.median(np.abs(model.predict(X) - y)) < 0.2


def test_where_a_formula_is_not_defined_the_mean_is_predicted_and_that_is_said():
    X = np.random.default_rng(0).uniform(1, 3, (100, 1))
    model = SymbolicRegressor(**SMALL, function_set=["log"]).fit(X, np.log(X[:, 0]))
    with pytest.warns(RuntimeWarning, match="not defined in 1 of 2 rows"):
        found = model.predict([[-1.0], [2.0]])
    assert found == pytest.approx([np.log(X).mean(), np.log(2)])


# -- classes ----------------------------------------------------------------------------------------------------------------


def test_two_classes_have_one_formula():
    X, y = labels()
    model = SymbolicClassifier(**SMALL).fit(X, y)
    assert isinstance(model.formula_, str)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.score(X, y) > 0.85
    probabilities = model.predict_proba(X)
    assert np.allclose(probabilities[:, 1], 1 / (1 + np.exp(-model.decision_function(X))))
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_several_classes_have_one_each(three):
    X, _ = numbers(300, noise=0.2)
    assert list(three.formula_) == [0, 1, 2]
    assert set(three.front_["class"]) == {"0", "1", "2"}
    assert np.allclose(three.predict_proba(X).sum(axis=1), 1)
    assert three.decision_function(X).shape == (300, 3)


def test_exported_classifiers_predict_labels(three, tmp_path):
    X, _ = numbers()
    module = loaded(three.export(tmp_path / "formula.py"))
    assert (np.asarray(module.predict(X)) == three.predict(X)).all()
    two = SymbolicClassifier(**SMALL).fit(*labels())
    module = loaded(two.export(tmp_path / "two.py"))
    assert (np.asarray(module.predict(X)) == two.predict(X)).all()


@pytest.mark.parametrize("several", [False, True])
def test_exported_classifiers_give_the_same_probabilities_also_where_formulas_are_not_defined(several, tmp_path):
    rng = np.random.default_rng(0)
    X = np.exp(rng.uniform(-4, 1, (150, 1)))
    y = np.digitize(np.log(X[:, 0]) + rng.normal(size=150), [-2.5, -0.5] if several else [-1.5])
    model = SymbolicClassifier(**{**SMALL, "generations": 3}, function_set=["log", "add"], selection="best").fit(X, y)
    rows = np.array([[1.5], [-1.0], [0.0], [1e300]])
    with pytest.warns(RuntimeWarning, match="not defined"):
        wanted = model.predict_proba(rows)
    assert loaded(model.export(tmp_path / "numpy.py")).predict_proba(rows) == pytest.approx(wanted)
    plain = loaded(model.export(tmp_path / "plain.py", "python"))
    assert np.array([plain.predict_proba(row) for row in rows.tolist()]) == pytest.approx(wanted)


def test_rare_classes_can_be_balanced():
    X, y = numbers(400, noise=0.3)
    rare = (y > np.quantile(y, 0.95)).astype(int)
    plain, balanced = (SymbolicClassifier(**SMALL, class_weight=how).fit(X, rare) for how in (None, "balanced"))
    assert balanced.predict(X).mean() > plain.predict(X).mean()
    assert SymbolicClassifier(**SMALL, class_weight={0: 1.0, 1: 100.0}).fit(X, rare).predict(X)[rare == 1].all()


@pytest.mark.parametrize("rare", [0, 1])
def test_a_class_of_a_single_row_is_in_what_the_search_looks_at(rare):
    X, _ = numbers(300)
    y = np.where(np.arange(300) == 7, rare, 1 - rare)
    model = SymbolicClassifier(max_samples=50, generations=2, population_size=50, random_state=0).fit(X, y)
    assert model.history_["best_score"].iloc[-1] < 1
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.05)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"yes": 2, "yse": 3}, "class_weight names the class 'yse', which y does not hold; it holds 'no', 'yes'"),
        ({"no": 0}, "numbers above 0, got 0 for the class 'no'"),
        ("balance", "class_weight must be 'balanced', a mapping"),
    ],
)
def test_class_weights_that_cannot_be_meant_are_refused(class_weight, message):
    with pytest.raises(ValueError, match=message):
        SymbolicClassifier(**SMALL, class_weight=class_weight).fit(*labels())


def test_a_class_may_weigh_next_to_nothing():
    X, y = labels()
    model = SymbolicClassifier(generations=1, population_size=50, random_state=0, class_weight={"no": 1e-20}).fit(X, y)
    assert (model.predict(X) == "yes").all()


def test_one_class_is_refused():
    with pytest.raises(ValueError, match=r"at least two classes, got one class only: \['a'\]"):
        SymbolicClassifier(**SMALL).fit(numbers()[0], ["a"] * 150)


# -- columns for another model ------------------------------------------------------------------------------------------------


def test_new_columns_go_with_the_target_and_not_with_each_other():
    X, y = numbers(noise=0.1)
    model = SymbolicTransformer(n_components=4, **SMALL).fit(X, y)
    columns = model.transform(X)
    assert columns.shape[1] >= 2
    assert list(model.get_feature_names_out()) == model.components_
    related = np.abs(np.corrcoef(columns.T))[np.triu_indices(columns.shape[1], 1)]
    assert related.max() < 0.98
    assert np.abs(np.corrcoef(columns[:, 0], y)[0, 1]) > 0.95


def test_a_transformer_works_in_a_pipeline():
    from sklearn.linear_model import LinearRegression

    X, y = numbers(noise=0.1)
    assert make_pipeline(SymbolicTransformer(n_components=3, **SMALL), LinearRegression()).fit(X, y).score(X, y) > 0.9


def test_two_labels_are_a_target_for_columns_and_more_are_not():
    X, y = labels()
    assert SymbolicTransformer(n_components=2, **SMALL).fit(X, y).transform(X).shape == (200, 2)
    with pytest.raises(ValueError, match="needs numbers or two labels, got 3 such as"):
        SymbolicTransformer(**SMALL).fit(X, np.resize(["a", "b", "c"], 200))


def test_transformers_export_all_their_columns(tmp_path):
    X, y = numbers(noise=0.1)
    model = SymbolicTransformer(n_components=3, **SMALL).fit(X, y)
    assert np.allclose(loaded(model.export(tmp_path / "columns.py")).predict(X), model.transform(X))


# -- settings -----------------------------------------------------------------------------------------------------------------


def test_it_takes_a_minute_unless_told_otherwise():
    X, y = numbers()
    model = SymbolicRegressor()
    wanted = model._search(X, [y], [""], None, None)
    assert wanted.budget.seconds == 60
    assert SymbolicRegressor(generations=3)._search(X, [y], [""], None, None).budget.seconds is None


def test_warm_starts_go_on_from_the_last_front():
    X, y = numbers(noise=0.1)
    model = SymbolicRegressor(**{**SMALL, "generations": 12}, warm_start=True).fit(X, y)
    before = model.front_["loss"].min()
    again = model.set_params(generations=1, random_state=7).fit(X, y)
    assert again.front_["loss"].min() <= before * 1.02


@pytest.mark.parametrize(
    "limits", [{"max_length": 5}, {"max_depth": 3}, {"function_set": ["add", "mul"]}, {"const_range": None}]
)
def test_warm_starts_keep_narrow_limits(limits):
    """What is shown of a formula, with what scales it, may be more than the limits allow."""
    X, y = numbers(noise=0.1)
    model = SymbolicRegressor(**{**SMALL, "generations": 3}, **limits, warm_start=True).fit(X, y)
    before = model.front_["loss"].min()
    assert model.set_params(generations=1).fit(X, y).front_["loss"].min() <= before * 1.02
    model.set_params(max_length=2).fit(X[:, :1], y)


def test_single_things_need_no_list_and_columns_may_be_numbers():
    X, y = numbers()
    settings = {"generations": 1, "population_size": 50, "random_state": 0, "initial_formulas": "x0 / x1"}
    model = SymbolicRegressor(**settings, units={0: "m", 1: "s"}, callbacks=[].append).fit(X, y)
    assert model.front_["loss"].min() < 1e-12
    wanted = model._search(X, [y], [""], None, None)
    named = formula_space(replace(wanted, units={"x0": "m", "x1": "s"}))
    assert formula_space(wanted).units.columns.tolist() == named.units.columns.tolist()


def test_single_precision_is_there_for_the_asking():
    X, y = numbers(noise=0.1)
    seen = []
    settings = {"generations": 2, "population_size": 50, "random_state": 0}
    for precision in ("float32", "float64"):
        told = [lambda sight: seen.append(sight.lineages[0].fitness.precision)]
        SymbolicRegressor(**settings, precision=precision, callbacks=told).fit(X, y)
    assert seen == ["float32"] * 2 + ["float64"] * 2


def test_a_journal_is_resumed_by_a_warm_start(tmp_path):
    X, y = numbers(noise=0.1)
    settings = {**SMALL, "journal": tmp_path / "run.db"}
    SymbolicRegressor(**{**settings, "generations": 6}).fit(X, y)
    resumed = SymbolicRegressor(**settings, warm_start=True).fit(X, y)
    pd.testing.assert_frame_equal(resumed.front_, SymbolicRegressor(**SMALL).fit(X, y).front_)


def test_progress_is_logged(caplog):
    X, y = numbers(noise=0.1)
    with caplog.at_level(logging.INFO, "evoml"):
        SymbolicRegressor(**SMALL, verbose=1).fit(X, y)
    assert "generation" in caplog.text
    assert "score 0.9" in caplog.text


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            pd.DataFrame({"a": [1.0, 2, 3], "colour": ["red", "blue", "red"]}),
            "formulas need columns of numbers; 'colour' hold",
        ),
        (np.array([[1.0], [np.nan], [2.0]]), "NaN"),
        (np.array([[1.0], [np.inf], [2.0]]), "infinity"),
        (np.array([["u"], ["v"], ["u"]]), "formulas need numbers, and there is text in"),
    ],
)
def test_what_is_not_a_number_is_one_clear_error(X, message):
    with pytest.raises(ValueError, match=message):
        SymbolicRegressor(**SMALL).fit(X, [1.0, 2, 3])


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_a_target_whose_squares_are_no_numbers_is_one_clear_error(scale):
    X, y = numbers()
    message = r"squares of such numbers cannot be computed with; multiply the target by \de[-+]\d+"
    with pytest.raises(ValueError, match=message):
        SymbolicRegressor(**SMALL).fit(X, y * scale)


@pytest.mark.parametrize("scale", [1e130, 1e-130])
def test_large_and_small_targets_are_met(scale):
    X, y = numbers()
    model = SymbolicRegressor(generations=3, population_size=100, random_state=0).fit(X, scale * y)
    assert model.score(X / 1.0, scale * y) > 0.9


def test_a_target_of_text_is_one_clear_error():
    with pytest.raises(ValueError, match=r"formulas need numbers, and there is text in .* is for SymbolicClassifier"):
        SymbolicRegressor(**SMALL).fit(*labels())


def test_one_row_is_one_clear_error():
    with pytest.raises(ValueError, match="1 sample"):
        SymbolicRegressor(**SMALL).fit([[1.0, 2.0]], [1.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "mea"}, "unknown metric 'mea'; did you mean"),
        ({"algorithm": "regularized"}, "did you mean 'regularised'"),
        ({"population_size": 0}, "population_size must be greater than zero"),
        ({"population_size": None}, "population_size must be a positive whole number"),
        ({"local_search": -1}, "local_search must be"),
        ({"local_search": (5, 2.0)}, "local_search must be"),
        ({"const_range": (1.0, -1.0)}, "const_range must be two numbers"),
        ({"init_length": (0, 5)}, "init_length must be two numbers"),
        ({"function_set": ["ad"]}, "no operation 'ad'"),
        ({"feature_names": ["a"]}, "feature_names needs 2 different names"),
        ({"max_samples": -3}, "max_samples must be greater than zero"),
        ({"p_crossover": -1.0}, "variations need frequencies"),
        ({"seconds": 0}, "seconds must be greater than zero"),
        ({"random_state": -1}, "random_state must be"),
        ({"early_stop": 0}, "early_stop"),
        ({"stopping_criteria": "a"}, "stopping_criteria must be a finite number, got 'a'"),
        (
            {"parsimony_coefficient": "auto"},
            "parsimony_coefficient must be a finite number, got 'auto'; give the share",
        ),
        ({"callbacks": 3}, "callbacks are functions, or objects with methods of RunCallback"),
        ({"initial_formulas": [3]}, "initial_formulas must be texts, such as 'x0 \\* x1', got 3"),
        ({"units": {2: "m"}}, "units names the column 2"),
        ({"precision": "float16"}, "unknown precision 'float16'"),
        ({"islands": 2, "topology": nx.path_graph(3)}, "the topology has 3 nodes for 2 islands"),
    ],
)
def test_a_mistake_in_the_settings_is_one_clear_error(changes, message):
    with pytest.raises(ValueError, match=message):
        SymbolicRegressor(**{**SMALL, **changes}).fit(*numbers())
