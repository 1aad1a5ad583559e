"""Every check that scikit-learn has for an estimator, none skipped or expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from evoml import SymbolicClassifier, SymbolicRegressor, SymbolicTransformer

BUDGET = {"generations": 4, "population_size": 100, "random_state": 0}


@parametrize_with_checks([SymbolicRegressor(**BUDGET), SymbolicClassifier(**BUDGET), SymbolicTransformer(**BUDGET)])
def test_scikit_learn_check(estimator, check):
    check(estimator)
