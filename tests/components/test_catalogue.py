"""Extending and narrowing the catalogue, fitting it to the data, and one clear message for each mistake."""

import pickle

import numpy as np
import pytest

from evoml.components import load_catalogue
from evoml.components.entries import entry_of, part_from
from evoml.core.errors import SearchSpaceError

RIDGE = {"path": "sklearn.linear_model.Ridge", "kind": "regressor", "input": "dense"}


def test_three_lines_of_python():
    catalogue = load_catalogue()
    smaller = catalogue.without("SVC").narrowed("RidgeClassifier", "alpha", low=0.1)
    assert "SVC" not in smaller
    assert smaller["RidgeClassifier"].hyperparameter("alpha").low == 0.1
    assert "SVC" in catalogue
    assert catalogue["RidgeClassifier"].hyperparameter("alpha").low == 1e-3


def test_with_part_adds_and_replaces():
    catalogue = load_catalogue().with_part("MyRidge", **RIDGE, fixed={"alpha": 3.0})
    assert catalogue["MyRidge"].build({}, 0).alpha == 3.0
    assert catalogue["MyRidge"].task == "regression"
    assert catalogue.with_part("MyRidge", **RIDGE)["MyRidge"].build({}, 0).alpha == 1.0


def test_toml_adds_removes_narrows_and_keeps(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'only = ["MyRidge", "Ridge", "SVC", "StandardScaler"]\n'
        "[SVR]\nremove = true\n"
        "[Ridge.hyperparameters.alpha]\nlow = 2.0\n"
        '[SVC.hyperparameters]\nkernel = {choices = ["poly", "rbf"]}\n'
        '[MyRidge]\npath = "sklearn.linear_model.Ridge"\nkind = "regressor"\ninput = "dense"\n'
        '[MyRidge.hyperparameters]\nsolver = {type = "choice", choices = ["auto", "svd"], default = "auto"}\n'
    )
    catalogue = load_catalogue(file)
    assert set(catalogue) == {"MyRidge", "Ridge", "SVC", "StandardScaler"}
    alpha = catalogue["Ridge"].hyperparameter("alpha")
    assert (alpha.low, alpha.high, alpha.default, alpha.scale) == (2.0, 1e3, 2.0, "log")
    assert catalogue["SVC"].hyperparameter("kernel").choices == ("poly", "rbf")
    assert load_catalogue(str(file)) == catalogue
    assert load_catalogue(catalogue) is catalogue


def test_a_mapping_means_the_same_as_a_file():
    catalogue = load_catalogue({"SVR": {"remove": True}, "Ridge": {"cost": "heavy"}, "only": ["Ridge", "Lasso"]})
    assert set(catalogue) == {"Ridge", "Lasso"}
    assert catalogue["Ridge"].cost == "heavy"


def test_none_is_written_as_a_text():
    entry = RIDGE | {
        "fixed": {"random_state": "None"},
        "hyperparameters": {"max_iter": {"type": "choice", "choices": ["None", 5], "default": "None"}},
    }
    part = part_from("R", entry, "test")
    assert part.fixed == {"random_state": None}
    assert part.hyperparameter("max_iter").choices == (None, 5)


def test_entries_make_the_round_trip():
    for name, part in load_catalogue().items():
        assert part_from(name, entry_of(part), "round trip") == part


def test_picklable():
    catalogue = load_catalogue()
    assert pickle.loads(pickle.dumps(catalogue)) == catalogue


def test_a_missing_library_leaves_its_parts_out():
    catalogue = load_catalogue().with_part("Ghost", **RIDGE | {"path": "ghost.Ghost", "requires": "no_such_package"})
    assert "Ghost" not in catalogue
    assert "Ghost" not in catalogue.without("Ghost")
    with pytest.raises(SearchSpaceError, match=r"\[Ghost\] needs the package 'no_such_package'.*install it"):
        catalogue.narrowed("Ghost", "alpha", low=1.0)


BROKEN = {
    "unknown part removed": ("[SVCC]\nremove = true", r"\[SVCC\]: no such part in the catalogue; did you mean 'SVC'\?"),
    "unknown part changed": (
        "[Rigde.hyperparameters.alpha]\nlow = 1.0",
        r"\[Rigde\]: no such part.*did you mean 'Ridge'",
    ),
    "unknown part kept": ('only = ["Rigde"]', r"only: \[Rigde\]: no such part.*did you mean 'Ridge'"),
    "only is no array": ("only = 3", r"only: must be an array of part names, got 3"),
    "unknown key": ("[Ridge]\ncots = 'light'", r"\[Ridge\] cots: unknown key; did you mean 'cost'\?; known are path"),
    "unknown word": ("[Ridge]\ncost = 'hevy'", r"\[Ridge\] cost: must be one of light, medium, heavy, got 'hevy'; did"),
    "unknown hyperparameter": (
        "[Ridge.hyperparameters.alpa]\nlow = 1.0",
        r"\[Ridge\] hyperparameters.alpa: no such hyperparameter; did you mean 'alpha'\?; correct the name",
    ),
    "unknown range key": (
        "[Ridge.hyperparameters.alpha]\nmin = 1.0",
        r"\[Ridge\] hyperparameters.alpha min: unknown key; .*known are low, high, default, scale, when",
    ),
    "low above high": (
        "[Ridge.hyperparameters.alpha]\nlow = 1e9",
        r"\[Ridge\] hyperparameters.alpha low: must not exceed high, got low=1000000000.0 > high=1000.0; swap",
    ),
    "default outside": (
        "[Ridge.hyperparameters.alpha]\ndefault = 1e9",
        r"\[Ridge\] hyperparameters.alpha default: must lie in \[0.001, 1000.0\], got 1000000000.0; change default",
    ),
    "default no choice": (
        "[SVC.hyperparameters.kernel]\ndefault = 'magic'",
        r"\[SVC\] hyperparameters.kernel default: must be one of the choices .* got 'magic'",
    ),
    "no choices": ("[SVC.hyperparameters.kernel]\nchoices = []", r"kernel choices: must hold at least one value"),
    "bad type": (
        "[Ridge.hyperparameters.x]\ntype = 'flaot'",
        r"hyperparameters.x type: must be one of float, integer, choice, formula, got 'flaot'; did you mean 'float'\?",
    ),
    "log from zero": (
        "[Ridge.hyperparameters.alpha]\nlow = 0.0",
        r"hyperparameters.alpha low: scale 'log' needs low > 0, got 0.0; raise low or use 'linear'",
    ),
    "not a number": (
        "[Ridge.hyperparameters.alpha]\nlow = 'x'",
        r"hyperparameters.alpha low: must be a number, got 'x'",
    ),
    "not whole": (
        "[KMeans.hyperparameters.n_clusters]\nlow = 2.5",
        r"hyperparameters.n_clusters low: must be a whole number, got 2.5",
    ),
    "unknown data fact": (
        "[KMeans.hyperparameters.n_clusters]\nat_most = 'n_row'",
        r"n_clusters at_most: unknown name 'n_row' in 'n_row'; known are n_rows",
    ),
    "no arithmetic": ("[Ridge]\ncolumns = 'a b'", r"\[Ridge\] columns: 'a b' is not an arithmetic expression"),
    "unknown when": (
        "[SVC.hyperparameters.degree]\nwhen = {kernle = ['poly']}",
        r"hyperparameters.degree when: 'kernle' is no other hyperparameter of SVC; did you mean 'kernel'\?; correct it",
    ),
    "circular when": (
        "[SVC.hyperparameters.kernel]\nwhen = {degree = [3]}",
        r"\[SVC\] when: .*depend on each other in a circle; remove one condition",
    ),
    "missing key": (
        "[New]\npath = 'sklearn.linear_model.Ridge'\ninput = 'dense'",
        r"\[New\] kind: required, but missing",
    ),
    "missing output": (
        "[New]\npath = 'sklearn.preprocessing.StandardScaler'\nkind = 'scaler'\ninput = 'dense'",
        r"\[New\] output: required for kind 'scaler'; add output",
    ),
    "output of a model": ("[Ridge]\noutput = 'dense'", r"\[Ridge\] output: a regressor has none, got 'dense'; remove"),
    "class not there": (
        "[Ridge]\npath = 'sklearn.linear_model.Rigde'",
        r"\[Ridge\] path: 'sklearn.linear_model.Rigde' cannot be imported .*check the spelling",
    ),
    "parameter not there": ("[Ridge.fixed]\nfoo = 1", r"\[Ridge\] fixed.foo: Ridge has no parameter 'foo'"),
    "value not allowed": (
        "[Ridge.hyperparameters.alpha]\nlow = -1.0\nscale = 'linear'",
        r"\[Ridge\] hyperparameters.alpha: The 'alpha' parameter of Ridge must be .*correct the value or the range",
    ),
    "nested estimator missing": (
        "[Ridge.hyperparameters.estimator__C]\ntype = 'float'\nlow = 1\nhigh = 2\ndefault = 1",
        r"estimator__C: 'estimator' is no nested estimator; add estimator = \{call = ...\} to fixed",
    ),
    "strange table": ("[Ridge.fixed]\nsolver = {cal = 'x'}", r"fixed.solver: a table must be \{import = path\} or"),
    "remove and more": ("[Ridge]\nremove = true\ncost = 'light'", r"\[Ridge\] remove: must be true and stand alone"),
    "not a table": ("Ridge = 3", r"Ridge: must be a table describing a part, got 3; write \[Ridge\]"),
    "syntax": ("[Ridge]\ncost = \n", r"not valid TOML: .*line 2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_mistake_has_one_clear_message(case, tmp_path):
    content, message = BROKEN[case]
    file = tmp_path / "mine.toml"
    file.write_text(content)
    with pytest.raises(SearchSpaceError, match=message) as raised:
        load_catalogue(file)
    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)


def test_mistakes_in_python_calls(tmp_path):
    catalogue = load_catalogue()
    with pytest.raises(SearchSpaceError, match=r"without: \[SVCC\]: no such part .*did you mean 'SVC'"):
        catalogue.without("SVCC")
    with pytest.raises(SearchSpaceError, match=r"narrowed: \[Ridge\] hyperparameters.alpa: .*did you mean 'alpha'"):
        catalogue.narrowed("Ridge", "alpa", low=1.0)
    with pytest.raises(SearchSpaceError, match=r"with_part: \[R\] knd: unknown key; did you mean 'kind'"):
        catalogue.with_part("R", knd="regressor")
    with pytest.raises(SearchSpaceError, match=r"nowhere.toml: cannot be read .*check the path"):
        load_catalogue(tmp_path / "nowhere.toml")
    with pytest.raises(SearchSpaceError, match="must be a TOML file's path, a mapping or a Catalogue, got 3"):
        load_catalogue(3)


class TestLimited:
    def test_task_target_and_probabilities(self):
        catalogue = load_catalogue()
        classifiers = catalogue.limited(task="classification", n_rows=100, n_features=5, needs_predict_proba=True)
        assert "RandomForestClassifier" in classifiers
        assert "SVC" in classifiers  # within a calibration
        without = catalogue.without("Calibrated")
        assert "SVC" not in without.limited(task="classification", n_rows=100, n_features=5, needs_predict_proba=True)
        assert not any(part.task == "regression" for part in classifiers.values())
        for target, poisson, gamma in [("any", False, False), ("nonnegative", True, False), ("positive", True, True)]:
            regressors = catalogue.limited(task="regression", n_rows=100, n_features=5, target=target)
            assert ("PoissonRegressor" in regressors, "GammaRegressor" in regressors) == (poisson, gamma)

    def test_ranges_are_capped(self):
        limited = load_catalogue().limited(task="classification", n_rows=7, n_features=np.int64(3), n_classes=40)
        neighbours = limited["KNeighborsClassifier"].hyperparameter("n_neighbors")
        assert (neighbours.low, neighbours.high, neighbours.default) == (1, 7, 5)
        rounds = limited["HistGradientBoostingClassifier"].hyperparameter("max_iter")
        assert (rounds.low, rounds.high, rounds.default) == (10, 10, 10)
        assert limited["KMeans"].hyperparameter("n_clusters").high == 7

    def test_a_range_may_shrink_to_one_value(self):
        limited = load_catalogue().limited(task="classification", n_rows=1, n_features=1, class_rows=1)
        clusters = limited["KMeans"].hyperparameter("n_clusters")
        assert (clusters.low, clusters.high, clusters.default) == (1, 1, 1)
        assert limited["TargetEncoder"].hyperparameter("cv").high == 2

    def test_parts_that_need_more_rows_in_a_class_go(self):
        catalogue = load_catalogue({"GaussianNB": {"min_class_rows": 3}})
        limits = {"task": "classification", "n_rows": 100, "n_features": 5}
        assert "GaussianNB" not in catalogue.limited(**limits, class_rows=2)
        assert "GaussianNB" in catalogue.limited(**limits, class_rows=3)
