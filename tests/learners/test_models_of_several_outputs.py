"""Models of several outputs: what does not vary, chains, averages, and stacking on them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.ensemble import RandomForestClassifier, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from evoml.learners import OutOfFoldPredictions
from evoml.learners.out_of_fold import prediction_columns
from evoml.learners.several_outputs import AveragedClassifier, AveragedRegressor, EachOutputClassifier, LabelChain

X, Y = make_multilabel_classification(80, n_features=5, n_classes=3, random_state=0)
WITH_CONSTANTS = np.column_stack([np.zeros(80, int), Y, np.ones(80, int)])
NAMED = np.column_stack(
    [np.array(["a", "b", "c"])[Y[:, 0] + Y[:, 1]], np.full(80, "only"), np.where(Y[:, 2], "u", "v")]
)
NUMBERS = make_regression(80, 5, n_targets=3, random_state=0)[1]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(EachOutputClassifier, MultiOutputClassifier), (LabelChain, ClassifierChain)]
)
def test_where_every_output_varies_it_is_scikit_learns(ours, theirs):
    mine, its = ours(LogisticRegression()).fit(X, Y), theirs(LogisticRegression()).fit(X, Y)
    assert np.array_equal(mine.predict(X), its.predict(X))
    expected = its.predict_proba(X)
    for at, one in enumerate(mine.predict_proba(X)):
        assert one[:, 1] == pytest.approx(expected[:, at] if theirs is ClassifierChain else expected[at][:, 1])


@pytest.mark.parametrize("wrapper", [EachOutputClassifier, LabelChain])
def test_labels_that_do_not_vary_are_predicted_as_they_are(wrapper):
    model = wrapper(LogisticRegression()).fit(X, WITH_CONSTANTS)
    said, probabilities = model.predict(X), model.predict_proba(X)
    assert said.dtype == WITH_CONSTANTS.dtype
    assert set(said[:, 0]) == {0}
    assert set(said[:, -1]) == {1}
    assert [one.shape for one in probabilities] == [(80, 2)] * 5
    assert probabilities[-1].tolist() == [[0.0, 1.0]] * 80
    assert np.array_equal(said[:, 1:-1], wrapper(LogisticRegression()).fit(X, Y).predict(X))


@pytest.mark.parametrize("wrapper", [EachOutputClassifier, LabelChain])
def test_a_target_without_any_variation_can_be_learned(wrapper):
    model = wrapper(LogisticRegression()).fit(X, WITH_CONSTANTS[:, [0, -1]])
    assert model.predict(X).tolist() == [[0, 1]] * 80
    assert model.predict_proba(X)[0].tolist() == [[1.0, 0.0]] * 80


def test_classes_of_any_name_that_do_not_vary():
    model = EachOutputClassifier(LogisticRegression()).fit(X, NAMED)
    assert set(model.predict(X)[:, 1]) == {"only"}
    assert [one.shape[1] for one in model.predict_proba(X)] == [3, 1, 2]
    assert not hasattr(EachOutputClassifier(LinearSVC()).fit(X, NAMED), "predict_proba")


def test_sample_weights_reach_the_model_within():
    weight = np.arange(80) % 3
    weighted = EachOutputClassifier(LogisticRegression()).fit(X, WITH_CONSTANTS, weight)
    written_out = EachOutputClassifier(LogisticRegression()).fit(
        *(np.repeat(one, weight, axis=0) for one in (X, WITH_CONSTANTS))
    )
    assert weighted.predict_proba(X)[1] == pytest.approx(written_out.predict_proba(X)[1], abs=1e-4)


def test_an_average_of_classifiers_is_scikit_learns_for_each_output():
    members = [("tree", DecisionTreeClassifier(max_depth=3)), ("near", KNeighborsClassifier())]
    model = AveragedClassifier(members, voting="soft", weights=[0.3, 0.7]).fit(X, Y)
    fitted = [one.predict_proba(X) for one in model.estimators_]
    for at, probabilities in enumerate(model.predict_proba(X)):
        assert probabilities == pytest.approx(0.3 * fitted[0][at] + 0.7 * fitted[1][at])
        assert np.array_equal(model.predict(X)[:, at], np.argmax(probabilities, axis=1))
    alone = VotingClassifier([("near", KNeighborsClassifier())], voting="soft").fit(X, Y[:, 0])
    assert np.array_equal(AveragedClassifier(members[1:], voting="soft").fit(X, Y).predict(X)[:, 0], alone.predict(X))


def test_an_average_takes_models_that_name_outputs_instead_of_classes():
    members = [("net", MLPClassifier(5, max_iter=20, random_state=0)), ("chain", LabelChain(LogisticRegression()))]
    model = AveragedClassifier(members, voting="soft").fit(X, Y)
    net, chain = (one.predict_proba(X) for one in model.estimators_)
    assert model.predict_proba(X)[2][:, 1] == pytest.approx((net[:, 2] + chain[2][:, 1]) / 2)


def test_an_average_of_regressors_is_scikit_learns_for_each_output():
    members = [("tree", DecisionTreeRegressor(max_depth=3, random_state=0)), ("line", Ridge())]
    model = AveragedRegressor([members[1]], weights=[1.0]).fit(X, NUMBERS)
    assert model.predict(X) == pytest.approx(Ridge().fit(X, NUMBERS).predict(X))
    both = AveragedRegressor(members, weights=[0.2, 0.8]).fit(X, NUMBERS)
    assert both.predict(X) == pytest.approx(
        np.average([m.predict(X) for m in both.estimators_], axis=0, weights=[0.2, 0.8])
    )
    single = VotingRegressor([("line", Ridge())]).fit(X, NUMBERS[:, 1])
    assert model.predict(X)[:, 1] == pytest.approx(single.predict(X))
    assert clone(both).get_params()["weights"] == [0.2, 0.8]


@pytest.mark.parametrize(
    ("model", "target", "width", "names"),
    [
        (Ridge(), NUMBERS, 3, ["ridge_y0", "ridge_y1", "ridge_y2"]),
        (EachOutputClassifier(LogisticRegression()), Y, 3, None),
        (RandomForestClassifier(10, random_state=0), NAMED, 5, None),
        (EachOutputClassifier(LinearSVC()), Y, 3, None),
    ],
)
def test_stacking_on_several_outputs_never_sees_a_row_it_predicts(model, target, width, names):
    stack = OutOfFoldPredictions(model)
    columns = stack.fit_transform(X, target)
    assert columns.shape == stack.transform(X).shape == (80, width)
    assert len(stack.get_feature_names_out()) == width
    assert names is None or list(stack.get_feature_names_out()) == names
    changed = target.copy()
    changed[0] = target[np.flatnonzero((target != target[0]).any(axis=1))[0]]
    assert OutOfFoldPredictions(model).fit_transform(X, changed)[0] == pytest.approx(columns[0])


def test_columns_hold_what_models_say_whatever_their_convention():
    classes = [np.array([0, 1])] * 3
    forest = RandomForestClassifier(10, random_state=0).fit(X, Y)
    net = MLPClassifier(5, max_iter=20, random_state=0).fit(X, Y)
    labels = EachOutputClassifier(LinearSVC()).fit(X, Y)
    assert prediction_columns(forest, X, classes) == pytest.approx(
        np.column_stack([p[:, 1] for p in forest.predict_proba(X)])
    )
    assert prediction_columns(net, X, classes) == pytest.approx(net.predict_proba(X))
    assert prediction_columns(labels, X, classes).tolist() == labels.predict(X).tolist()
