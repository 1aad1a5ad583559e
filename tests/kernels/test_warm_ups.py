"""A warm-up must leave nothing to be compiled: whatever the learners are then used for, all is there."""

import json
import subprocess
import sys
import textwrap

import pytest

from evoml.kernels.warmup import GROUPS

COUNT = """
    import sys
    import numpy as np
    import pandas as pd

    def signatures():
        found = {}
        for name, module in list(sys.modules.items()):
            if name.startswith("evoml."):
                for value in vars(module).values():
                    if hasattr(value, "signatures") and hasattr(value, "py_func"):
                        found[f"{value.py_func.__module__}.{value.py_func.__qualname__}"] = len(value.signatures)
        return found

    def finish(before):
        import json
        after = signatures()
        print(json.dumps({"kernels": len(after), "new": [name for name in after if after[name] > before.get(name, 0)]}))

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    X[::7, 0] = np.nan
    fixed = X.copy()
    fixed.setflags(write=False)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(kind=pd.Categorical(rng.integers(0, 4, 60).astype(str)))
    y, many, numbers = rng.integers(0, 2, 60), rng.integers(0, 4, 60), rng.normal(size=60)
    fixed_target = numbers.copy()
    fixed_target.setflags(write=False)
    weights = rng.uniform(size=60)
    tables = (X, fixed, np.asfortranarray(X), X.astype(np.float32), frame, fixed[::2].repeat(2, axis=0))
"""
USES = {
    "boosting": """
        from evoml.learners.warm_ups import boosting
        boosting()
        before = signatures()
        from evoml.learners.boosting import BoostingClassifier, BoostingRegressor, fit_folds
        from evoml.learners.binned_table import bin_table
        for table in tables:
            BoostingClassifier(max_iter=3).fit(table, y).predict_proba(table)
        BoostingClassifier(max_iter=3).fit(fixed, many, sample_weight=weights).predict(fixed)
        BoostingClassifier(max_iter=3, subsample=0.5, max_features=0.5, colsample_bytree=0.5, n_jobs=2).fit(X, y).predict(X)
        BoostingClassifier(max_iter=3, early_stopping=True, growth="depth", max_depth=2).fit(frame, many).predict(frame)
        BoostingRegressor(max_iter=3, monotonic_cst=[1, 0, 0, -1, 0]).fit(X, numbers).predict(X)
        for loss in ("squared_error", "absolute_error", "quantile", "poisson"):
            BoostingRegressor(max_iter=3, loss=loss, quantile=0.3).fit(fixed, np.abs(fixed_target)).predict(fixed)
        model = BoostingRegressor(max_iter=2, warm_start=True).fit(X, fixed_target, sample_weight=weights)
        model.set_params(max_iter=4).fit(X, fixed_target, sample_weight=weights)
        folds = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
        for estimator, target in ((BoostingClassifier(max_iter=3), many), (BoostingRegressor(max_iter=3), fixed_target)):
            for n_threads in (1, 2):
                fit_folds(estimator, bin_table(fixed), target, folds, weights, n_threads)
    """,
    "expression": """
        from evoml.learners.warm_ups import expression
        expression()
        before = signatures()
        from evoml import SymbolicClassifier, SymbolicRegressor
        whole = np.nan_to_num(fixed)
        few = {"population_size": 50, "generations": 2}
        for algorithm in ("nsga2", "generational", "mu_plus_lambda"):
            SymbolicRegressor(**few, algorithm=algorithm).fit(whole, fixed_target, sample_weight=weights).predict(whole)
        SymbolicRegressor(**few, metric="mae", islands=2, n_jobs=2).fit(whole.astype(np.float32), numbers)
        SymbolicClassifier(**few).fit(whole, many).predict(whole)
    """,
    "formula_features": """
        from evoml.learners.warm_ups import formula_features
        formula_features()
        before = signatures()
        from evoml.learners import FormulaFeatures
        whole = np.nan_to_num(fixed)
        for table in (whole, np.asfortranarray(whole), whole.astype(np.float32)):
            FormulaFeatures(2, population_size=30, task="classification").fit(table, many).transform(table)
        FormulaFeatures(2, population_size=30, task="regression").fit(whole, whole[:, 1] * whole[:, 2]).transform(whole)
        FormulaFeatures(2, population_size=30, task="classification").fit(whole, numbers > 0).transform(whole)
    """,
    "program": """
        from evoml.learners.warm_ups import program
        program()
        before = signatures()
        from evoml import LearnedAlgorithm, ProgramClassifier, ProgramRegressor
        whole = np.nan_to_num(fixed)
        small = {"population_size": 20, "generations": 2, "examples": 100, "n_tasks": 3}
        for table in (whole, np.asfortranarray(whole), whole.astype(np.float32)):
            ProgramClassifier(**small, islands=2).fit(table, many).predict_proba(table)
        ProgramRegressor(**small, algorithm="random").fit(whole, fixed_target).predict(whole)
        LearnedAlgorithm("network").fit(whole[:, :1], numbers).predict(whole[:, :1])
    """,
    "forest": """
        from evoml.learners.warm_ups import forest
        forest()
        before = signatures()
        from evoml.learners.forest import ForestClassifier, ForestRegressor
        for table in tables:
            ForestClassifier(3).fit(table, y).predict_proba(table)
        ForestClassifier(3).fit(fixed, many, sample_weight=weights).predict(fixed)
        ForestClassifier(3, bootstrap=False, max_features=1.0, n_jobs=2, class_weight="balanced").fit(X, y).predict(X)
        ForestClassifier(3, splitter="random", max_depth=2, min_samples_leaf=3).fit(frame, many).predict(frame)
        for splitter in ("best", "random"):
            ForestRegressor(3, splitter=splitter).fit(fixed, fixed_target).predict(fixed)
            ForestRegressor(3, splitter=splitter, max_features=0.5).fit(frame, numbers, sample_weight=weights).predict(frame)
        model = ForestRegressor(2, warm_start=True).fit(X, fixed_target)
        model.set_params(n_estimators=4).fit(X, fixed_target)
    """,
}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_warm_up_leaves_nothing_to_be_compiled(group):
    code = textwrap.dedent(COUNT) + textwrap.dedent(USES[group]) + "finish(before)\n"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kernels"] > 0
    assert found["new"] == []
