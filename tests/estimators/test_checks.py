"""Every check that scikit-learn has for an estimator, none skipped or expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml import EvoClassifier, EvoRegressor

BUDGET = {"max_evaluations": 3, "executor": "serial"}


@parametrize_with_checks([EvoClassifier(**BUDGET), EvoRegressor(**BUDGET)])
def test_scikit_learn_check(estimator, check):
    check(estimator)
