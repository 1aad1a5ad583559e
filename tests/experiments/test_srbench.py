"""The entry to SRBench: what it tells of a model is what the model predicts."""

import numpy as np
import pandas as pd
import pytest
from experiments.folders import modules

from evoml import SymbolicRegressor

sympy = pytest.importorskip("sympy")
with modules("srbench", "regressor") as (regressor,):
    pass

X = np.random.default_rng(0).uniform(1, 5, (40, 2))
NAMED = pd.DataFrame(X, columns=["x1", "x2"])


@pytest.fixture(scope="module", params=[X, NAMED], ids=["array", "data frame"])
def fitted(request):
    return SymbolicRegressor(generations=2, population_size=50, random_state=0).fit(request.param, X[:, 0] / X[:, 1])


def test_the_text_of_a_model_computes_what_the_model_predicts(fitted):
    text = regressor.model(fitted, NAMED)
    found = sympy.lambdify(sympy.symbols("x1 x2"), sympy.sympify(text))(*X.T)
    seen = NAMED if hasattr(fitted, "feature_names_in_") else X
    np.testing.assert_allclose(found, fitted.predict(seen), rtol=1e-9)


def test_each_formula_of_the_front_is_a_model(fitted):
    assert len(regressor.models(fitted)) == len(regressor.get_population(fitted)) == len(fitted.front_)
    assert regressor.complexity(fitted) == fitted.front_["complexity"][fitted.front_["chosen"]].iloc[0]
    assert regressor.get_best_solution(fitted) is fitted
