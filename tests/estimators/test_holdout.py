"""Rows set aside: never seen by anything that is learned, and scored at the end."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from small_fits import classifier, mixed, numbers, regressor

from evoml.core.errors import DataError, SettingError
from evoml.evaluation.holdout import held_out_score, set_aside
from evoml.journal import Journal


def test_labels_keep_their_shares_groups_stay_whole_and_the_latest_rows_are_kept():
    y = np.repeat([0, 1], [80, 20])
    fit, held = set_aside(y, 0.2, 0)
    assert sorted([*fit, *held]) == list(range(100))
    assert (np.sum(y[held] == 1), len(held)) == (4, 20)
    groups = np.arange(100) // 5
    fit, held = set_aside(y, 0.2, 0, groups)
    assert not set(groups[fit]) & set(groups[held])
    times = np.random.default_rng(0).permutation(100) // 2
    fit, held = set_aside(y, 0.2, 0, None, times)
    assert times[fit].max() < times[held].min()
    assert len(held) == 20
    with pytest.raises(DataError, match="too few distinct times"):
        set_aside(y, 0.2, 0, None, np.zeros(100))


def test_a_class_of_one_row_does_not_keep_rows_from_being_set_aside():
    for seed in range(20):
        fit, held = set_aside(np.array([*[0, 1] * 20, 2]), 0.2, seed)
        assert sorted([*fit, *held]) == list(range(41))
        assert 40 in fit


def test_the_search_never_sees_them_and_the_score_is_that_of_the_model():
    X, y = mixed(100)
    model = classifier(holdout=0.25).fit(X, y)
    wanted = model.as_search(X, y)
    assert wanted.dataset.n_rows == 75
    _, held = set_aside(y, 0.25, 0)
    assert model.holdout_score_ == pytest.approx(model.score(X.iloc[held], y[held]))
    low, high = model.holdout_interval_
    assert low <= model.holdout_score_ <= high
    spoilt = X.copy()
    spoilt.loc[held, "size"] = 1e9
    spoilt.loc[held, "colour"] = "violet"
    again = classifier(holdout=0.25).fit(spoilt, y)
    assert again.best_score_ == model.best_score_
    assert list(again.evaluated_individuals_["text"]) == list(model.evaluated_individuals_["text"])


def test_rows_of_ones_own_are_scored_and_the_record_tells_of_them():
    X, y = numbers(100)
    new = numbers(60, seed=5)
    model, without = classifier(holdout=new).fit(X, y), classifier().fit(X, y)
    assert model.best_score_ == without.best_score_
    assert model.holdout_score_ == pytest.approx(model.score(*new))
    assert math.isnan(without.holdout_score_)
    with Journal.from_bytes(model._record) as journal:
        assert journal.get("summary")["holdout"]["rows"] == 60


def test_with_folds_in_time_the_latest_rows_are_set_aside():
    X, y = numbers(90)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(day=np.random.default_rng(0).permutation(90))
    model = classifier(holdout=0.2, cv="time:day")
    assert np.max(model.as_search(frame, y).dataset.features.times("day")) == 71


def test_a_regressor_has_an_interval_too():
    X, _ = numbers(100)
    model = regressor(holdout=0.3).fit(X, X[:, 0] + 0.1 * X[:, 1])
    assert model.holdout_interval_[0] < model.holdout_score_ < model.holdout_interval_[1] <= 1.0


def test_held_out_rows_that_cannot_be_scored_cost_no_model():
    with pytest.warns(UserWarning, match="could not be scored"):
        model = classifier(holdout=0.2, cv="time:order", max_evaluations=3).fit(
            pd.DataFrame({"a": np.arange(80) % 7, "order": range(80)}), np.array([0, 1] * 39 + [2, 3])
        )
    assert math.isnan(model.holdout_score_)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X.drop(columns="size"), y), r"lack the column\(s\) 'size'"),
        (lambda X, y: (X.assign(more=1), y), "the columns of X and no others, in the same order: size, weight"),
        (lambda X, y: (X.to_numpy()[:, :2], y), r"X has shape \(80, 4\), they have \(80, 2\)"),
        (lambda X, y: (X, np.column_stack([y, y])), r"y has shape \(80,\), their own \(80, 2\)"),
        (lambda X, y: (X, np.where(y == "no", "maybe", y)), "labels that no row to learn from has .*: 'maybe'"),
        (lambda X, y: (X, np.where(np.arange(80) == 3, None, y)), "1 of 80 target values are missing"),
    ],
)
def test_rows_of_ones_own_are_looked_at_before_the_search(spoil, said, monkeypatch):
    monkeypatch.setattr("evoml.run.search", lambda *_: pytest.fail("a search was begun"))
    X, y = mixed(80)
    with pytest.raises(DataError, match=f"the rows of holdout cannot be used: .*{said}"):
        classifier(holdout=spoil(X, y)).fit(X, y)


def test_one_row_and_one_class_are_enough():
    X, y = mixed(80)
    assert classifier(holdout=(X.head(1), y[:1]), max_evaluations=3).fit(X, y).holdout_score_ in (0.0, 1.0)


def test_a_model_says_which_column_new_rows_lack():
    X, y = numbers(60)
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = classifier(max_evaluations=3).fit(frame, y)
    with pytest.raises(ValueError, match=r"(?s)Feature names seen at fit time, yet now missing:.*- d"):
        model.predict(frame[["a", "b", "c"]])


@pytest.mark.parametrize("holdout", [0, 1, 1.5, -0.1, "a", (1,), True])
def test_what_holdout_may_be(holdout):
    with pytest.raises(SettingError, match="holdout must be"):
        classifier(holdout=holdout).fit(*numbers())


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc"])
def test_the_interval_covers_as_often_as_it_says(scoring):
    X, y = numbers(4000, seed=1)
    y = np.where(np.random.default_rng(2).random(4000) < 0.2, 1 - y, y)
    model = LogisticRegression().fit(X[:200], y[:200])
    truth = held_out_score(model, scoring, X[200:], y[200:], 0).value
    covered = []
    for part in np.array_split(np.arange(200, 4000), 20):
        found = held_out_score(model, scoring, X[part], y[part], 0)
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) > 0.8


def test_rows_of_a_group_make_the_interval_wider():
    X, _ = numbers(120)
    groups = np.arange(120) // 12
    noise = np.random.default_rng(0).normal(size=10)[groups]
    model = Ridge().fit(X, X[:, 0])
    alone, together = (
        held_out_score(model, "neg_mean_absolute_error", X, X[:, 0] + noise, 0, None, labels)
        for labels in (None, groups)
    )
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
