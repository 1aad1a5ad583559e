"""Targets of several columns evaluated: metrics as scikit-learn has them, even folds, and rows without a class."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from evoml.core.dataset import read_dataset
from evoml.core.errors import SettingError
from evoml.evaluation.ensemble_selection import answers, said
from evoml.evaluation.folds import Folds
from evoml.evaluation.holdout import set_aside
from evoml.evaluation.leaks import target_shares
from evoml.evaluation.scoring import scorers
from evoml.evaluation.splitting import splits
from evoml.learners.out_of_fold import prediction_columns

X, Y = make_multilabel_classification(120, n_features=6, n_classes=4, random_state=0)
BOTH = (np.array([0, 1]),) * 4
CLASSES = np.column_stack([Y[:, 0] + Y[:, 1], Y[:, 2]])
OF_CLASSES = (np.arange(3), np.arange(2))
TARGETS = make_regression(120, 6, n_targets=3, noise=30.0, random_state=0)[1] + 500.0
WEIGHT = np.random.default_rng(0).random(120)


def score(name, model, target, classes, **more):
    task = "regression" if classes is None else "classification"
    scorer = scorers(name, task, classes, target.shape[1])
    return next(iter(scorer.values()))(model, X, target, **more)


@pytest.mark.parametrize(
    "name",
    ["r2", "explained_variance", "neg_mean_absolute_error", "neg_mean_squared_error", "neg_root_mean_squared_error",
     "neg_median_absolute_error", "neg_mean_absolute_percentage_error", "neg_mean_squared_log_error"],
)  # fmt: skip
def test_of_numbers_it_is_scikit_learns_uniform_average(name):
    model = Ridge().fit(X, TARGETS)
    assert score(name, model, TARGETS, None) == pytest.approx(metrics.get_scorer(name)(model, X, TARGETS))
    if name != "neg_median_absolute_error":
        expected = metrics.get_scorer(name)(model, X, TARGETS, sample_weight=WEIGHT)
        assert score(name, model, TARGETS, None, sample_weight=WEIGHT) == pytest.approx(expected)


@pytest.mark.parametrize("model", [DecisionTreeClassifier(max_depth=3), MultiOutputClassifier(LogisticRegression()),
                                   MLPClassifier(5, max_iter=50, random_state=0)])  # fmt: skip
@pytest.mark.parametrize(
    "name",
    ["accuracy", "f1_macro", "f1_micro", "f1_samples", "f1_weighted", "precision_macro", "recall_samples", "jaccard_macro",
     "jaccard_weighted", "roc_auc", "average_precision"],
)  # fmt: skip
def test_of_labels_it_is_scikit_learns(name, model):
    model = model.fit(X, Y)
    theirs = metrics.get_scorer(name)
    assert score(name, model, Y, BOTH) == pytest.approx(theirs(model, X, Y))
    assert score(name, model, Y, BOTH, sample_weight=WEIGHT) == pytest.approx(theirs(model, X, Y, sample_weight=WEIGHT))


def test_the_log_loss_is_that_of_all_labels_of_a_row_together():
    model = MultiOutputClassifier(LogisticRegression()).fit(X, Y)
    true = np.column_stack([np.where(y, p[:, 1], p[:, 0]) for p, y in zip(model.predict_proba(X), Y.T, strict=True)])
    assert score("neg_log_loss", model, Y, BOTH) == pytest.approx(np.log(true.prod(axis=1)).mean())


@pytest.mark.parametrize(
    "name", ["balanced_accuracy", "f1_macro", "f1_weighted", "matthews_corrcoef", "quadratic_weighted_kappa"]
)
def test_of_classes_it_is_the_mean_over_columns(name):
    model = DecisionTreeClassifier(max_depth=2).fit(X, CLASSES)
    alone = [
        next(iter(scorers(name, "classification", classes).values()))(_Said(column), X, true)
        for column, true, classes in zip(model.predict(X).T, CLASSES.T, OF_CLASSES, strict=True)
    ]
    assert score(name, model, CLASSES, OF_CLASSES) == pytest.approx(np.mean(alone))


class _Said(DecisionTreeClassifier):
    def __init__(self, said=None):
        super().__init__()
        self.said = said

    def predict(self, X):
        return self.said


def test_the_accuracy_of_classes_is_the_share_of_rows_right_in_all_columns():
    model = DecisionTreeClassifier(max_depth=2).fit(X, CLASSES)
    assert score("accuracy", model, CLASSES, OF_CLASSES) == np.mean((model.predict(X) == CLASSES).all(axis=1))
    assert 0.0 < score("accuracy", model, CLASSES, OF_CLASSES) < 1.0


def test_without_a_name_it_is_macro_f1_of_labels_and_accuracy_of_classes():
    assert list(scorers(None, "classification", BOTH, 4)) == ["f1_macro"]
    assert list(scorers(None, "classification", OF_CLASSES, 2)) == ["accuracy"]
    assert list(scorers(None, "regression", None, 3)) == ["r2"]


def test_a_column_of_one_class_is_passed_over_where_it_has_no_value():
    model = DecisionTreeClassifier(max_depth=3).fit(X, Y)
    target = Y.copy()
    target[:, 1] = 0
    others = [0, 2, 3]
    areas = [metrics.roc_auc_score(Y[:, at], model.predict_proba(X)[at][:, 1]) for at in others]
    assert score("roc_auc", model, target, BOTH) == pytest.approx(np.mean(areas))
    assert np.isfinite(score("neg_log_loss", model, target, BOTH))


def test_models_that_never_saw_a_class_are_scored():
    target = Y.copy()
    target[:, 1] = 0
    model = DecisionTreeClassifier(max_depth=3).fit(X, target)  # it knows one class of the second label
    assert np.isfinite(score("neg_log_loss", model, Y, BOTH))


def test_metrics_of_label_sets_are_refused_for_classes():
    with pytest.raises(SettingError, match="'f1_samples' is of labels that are 0 or 1"):
        scorers("f1_samples", "classification", OF_CLASSES, 2)


@pytest.mark.parametrize("target", [Y, CLASSES])
def test_what_is_kept_of_predictions_says_all_that_metrics_need(target):
    model = DecisionTreeClassifier(max_depth=3).fit(X, target)
    classes = BOTH if target is Y else OF_CLASSES
    kept = prediction_columns(model, X, classes).astype(np.float32)
    again = said(answers(kept, classes), classes)
    for name in ("neg_log_loss", "accuracy", "f1_macro"):
        assert score(name, again, target, classes) == pytest.approx(score(name, model, target, classes), abs=1e-5)


# -- folds ------------------------------------------------------------------------------------------------------------


def rare_labels(n_rows=200, counts=(5, 10, 40, 150), seed=0):
    rng = np.random.default_rng(seed)
    target = np.zeros((n_rows, len(counts)), dtype=int)
    for at, count in enumerate(counts):
        target[rng.permutation(n_rows)[:count], at] = 1
    return target


@pytest.mark.parametrize("seed", range(5))
def test_rare_labels_are_spread_evenly(seed):
    target = rare_labels(seed=seed)
    found = splits(read_dataset(np.arange(200.0)[:, None], target, "classification"), 5, seed)
    tested = np.array([target[test].sum(axis=0) for _, test in found])
    assert tested[:, 0].tolist() == [1] * 5  # the rarest one exactly
    assert np.ptp(tested[:, 1]) <= 2
    assert (target[np.concatenate([train for train, _ in found])].sum(axis=0) > 0).all()


def test_the_only_row_of_a_label_is_always_trained_on():
    target = rare_labels(counts=(1, 60))
    data = read_dataset(np.arange(200.0)[:, None], target, "classification")
    with pytest.warns(UserWarning, match="y0=1 have one row each"):
        found = splits(data, 5, 0)
    assert all(target[train, 0].sum() == 1 for train, _ in found)


def test_groups_stay_whole():
    groups = np.arange(200) // 8
    found = splits(read_dataset(np.arange(200.0)[:, None], rare_labels(), "classification", groups=groups), 5, 0)
    assert all(not set(groups[train]) & set(groups[test]) for train, test in found)


def test_a_table_too_small_to_stratify_is_divided_all_the_same():
    target = np.eye(6, dtype=int)[:, :4]
    with pytest.warns(UserWarning, match="one row each"):
        found = splits(read_dataset(np.arange(6.0)[:, None], target, "classification"), 3, 0)
    assert all(len(train) and len(test) for train, test in found)


def test_parts_of_the_rows_hold_rare_labels_too():
    n_rows = 8000
    target = rare_labels(n_rows, (20, 400))
    data = read_dataset(np.random.default_rng(0).normal(size=(n_rows, 2)), target, "classification")
    rung = Folds(data, data.y, splits(data, 3, 0), 0, (0.25,)).rungs[0]
    assert len(rung.training.y) < n_rows / 4
    assert 2 <= rung.training.y[:, 0].sum() <= 7


def test_rows_set_aside_have_their_share_of_rare_labels():
    target = rare_labels()
    _, held = set_aside(target, 0.2, 0)
    assert target[held, 0].sum() == 1
    assert target[held, 1].sum() in (1, 2, 3)


def test_a_column_that_gives_one_of_the_outputs_away_is_found():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(500, 3))
    target = np.column_stack([rng.normal(size=500), 3.0 * table[:, 1] + 1.0])
    shares = target_shares(read_dataset(table, target, "regression"))
    assert shares[1] > 0.99
    assert shares[[0, 2]].max() < 0.5
