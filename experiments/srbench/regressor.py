"""evoml's entry to SRBench (https://github.com/cavalab/srbench): the names that its scripts look for in a method's file."""

from __future__ import annotations

from typing import Any

from evoml import SymbolicRegressor

#: Bounded by time; SRBench gives an hour of one core, of which a few minutes are left for what it does itself.
est = SymbolicRegressor(seconds=3300, n_jobs=1, selection="mdl")

#: Settings that SRBench's tuning may try: it has none to choose from, as the defaults are meant to do.
hyper_params: list[dict[str, Any]] = [{}]

eval_kwargs: dict[str, Any] = {"scale_x": False, "scale_y": False}


def model(est: SymbolicRegressor, X: Any = None) -> str:
    """Return the formula in sympy's language, with the columns named as in ``fit``, or as in ``X`` where they had no names."""
    import sympy

    expression = est.to_sympy()
    named = hasattr(est, "feature_names_in_") or est.feature_names is not None
    if named or not hasattr(X, "columns"):
        return str(expression)
    names = {sympy.Symbol(f"x{at}", real=True): sympy.Symbol(str(name)) for at, name in enumerate(X.columns)}
    return str(expression.xreplace(names))


def complexity(est: SymbolicRegressor) -> int:
    """Return the number of nodes of the formula."""
    return int(est.front_["complexity"][est.front_["chosen"]].iloc[0])


def models(est: SymbolicRegressor) -> list[str]:
    """Return all formulas of the front in sympy's language, the simplest first."""
    return [str(est.to_sympy(at)) for at in range(len(est.front_))]


def get_population(est: SymbolicRegressor) -> list[SymbolicRegressor]:
    """Return an estimator for each formula of the front, which predicts with that formula."""
    return [est.with_formula(at) for at in range(len(est.front_))]


def get_best_solution(est: SymbolicRegressor) -> SymbolicRegressor:
    """Return the estimator that predicts with the chosen formula."""
    return est
