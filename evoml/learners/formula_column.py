"""Columns that formulas make of the others: the text of a formula, and a transformer that adds its values."""

import ast
import re
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

OUTPUT_MARGIN = 1.0  # beyond the values seen, as a share of their range
LARGEST_OUTPUT = 1e15  # of values: their squares and the sums of these can be computed with
_FORMULA_SIGNS: dict[type, Any] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
#: Functions by name, and how many operands each takes.
FORMULA_FUNCTIONS: dict[str, tuple[Any, int]] = {
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
    "inv": (np.reciprocal, 1),
    "square": (np.square, 1),
    "cube": (lambda x: x * x * x, 1),
    "sqrt": (np.sqrt, 1),
    "cbrt": (np.cbrt, 1),
    "abs": (np.abs, 1),
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "sin": (np.sin, 1),
    "cos": (np.cos, 1),
    "tan": (np.tan, 1),
    "asin": (np.arcsin, 1),
    "acos": (np.arccos, 1),
    "atan": (np.arctan, 1),
    "sinh": (np.sinh, 1),
    "cosh": (np.cosh, 1),
    "tanh": (np.tanh, 1),
    "sigmoid": (lambda x: 1.0 / (1.0 + np.exp(-x)), 1),
}
_VARIABLE = re.compile(r"x(0|[1-9]\d{0,6})")


def evaluated(formula: str, X: np.ndarray) -> np.ndarray:
    """Return the values (n_rows,) of a formula of the columns x0, x1 ... of ``X`` (n_rows, n_features), not all of them finite.

    Columns beyond the last are counted from the first on again. Raises ValueError for what is no such formula.
    """
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(_formula_value(_formula_tree(formula), X), np.float64), len(X)).copy()


def renamed(formula: str, names: Any) -> str:
    """Return the formula with the names of columns in place of x0, x1 ..."""

    def name(found: re.Match[str]) -> str:
        return str(names[int(found[1]) % len(names)])

    return re.sub(rf"\b{_VARIABLE.pattern}\b", name, formula)


def _formula_tree(formula: str) -> ast.expr:
    try:
        return ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError, AttributeError, RecursionError, MemoryError) as error:
        raise ValueError(f"a formula must be a text such as 'x0 * x1', got {formula!r}: {error}") from None


def _formula_value(node: ast.expr, X: np.ndarray) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return np.float64(number)
        case ast.Name(id=name) if found := _VARIABLE.fullmatch(name):
            return X[:, int(found[1]) % X.shape[1]]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_formula_value(operand, X)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _FORMULA_SIGNS:
            return _FORMULA_SIGNS[type(op)](_formula_value(left, X), _formula_value(right, X))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FORMULA_FUNCTIONS:
            function, arity = FORMULA_FUNCTIONS[name]
            if len(arguments) == arity:
                return function(*(_formula_value(argument, X) for argument in arguments))
    raise ValueError(
        f"a formula may hold numbers, columns x0, x1 ..., + - * / ** and {', '.join(FORMULA_FUNCTIONS)},"
        f" got {ast.unparse(node)!r}"
    )


class FormulaColumns(TransformerMixin, BaseEstimator):
    """What transformers share that add the values of formulas to the columns.

    Values are kept within the range that they had in ``fit``, widened by itself on both sides: a linear model may set a formula
    against the columns it is made of, and these go on outside. Where a formula is not defined, its mean in ``fit`` stands.

    Attributes
    ----------
    formulas_ : list of str
        The formulas, of the columns x0, x1 ... by position.
    bounds_ : (n_formulas, 3) array
        Of each formula the least value allowed, the mean in ``fit``, and the greatest value allowed.
    """

    passthrough: bool = True
    formulas_: list[str]

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=False)
        return self._joined(values)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns, and the formulas written with them."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        made = [renamed(formula, names) for formula in self.formulas_]
        return np.asarray([*(names if self._keeps_columns() else ()), *made], dtype=object)

    def _keep(self, formulas: list[str], values: np.ndarray) -> None:
        """Keep formulas, and where their values on training rows ``values`` (n_rows, n_features) lie."""
        self.formulas_ = formulas
        self.bounds_ = np.array([_output_bounds(evaluated(formula, values)) for formula in formulas]).reshape(-1, 3)

    def _joined(self, values: np.ndarray) -> np.ndarray:
        columns = [values] if self._keeps_columns() else []
        for formula, (low, mean, high) in zip(self.formulas_, self.bounds_, strict=True):
            found = evaluated(formula, values)
            columns.append(np.clip(np.where(np.isnan(found), mean, found), low, high)[:, None])
        return np.hstack(columns)

    def _keeps_columns(self) -> bool:
        return self.passthrough or not self.formulas_


class FormulaColumn(FormulaColumns):
    """Adds the values of one formula to the columns.

    Parameters
    ----------
    formula : str
        Of the columns x0, x1 ... by position, such as "x0 * x1"; columns beyond the last are counted from the first again.
    """

    def __init__(self, formula: str = "x0 * x1") -> None:
        self.formula = formula

    def fit(self, X: Any, y: Any = None) -> Any:
        self._keep([self.formula], validate_data(self, X, dtype=np.float64))
        return self


def _output_bounds(values: np.ndarray) -> tuple[float, float, float]:
    """Return the least allowed, mean and greatest allowed of those values that are finite; zeros where none is."""
    defined = values[np.abs(values) <= LARGEST_OUTPUT]
    if not len(defined):
        return 0.0, 0.0, 0.0
    low, high = float(defined.min()), float(defined.max())
    return low - OUTPUT_MARGIN * (high - low), float(defined.mean()), high + OUTPUT_MARGIN * (high - low)
