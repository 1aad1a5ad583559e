"""New columns by symbolic regression."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from evoml.core.budget import Moment, check_positive
from evoml.core.errors import SettingError
from evoml.estimators.symbolic import ATTRIBUTES, PARAMETERS, SymbolicEstimator, with_shared_parameters

if TYPE_CHECKING:
    from evoml.evaluation.formula_table import FormulaTable
    from evoml.genomes.expression.population import Formula


ALIKE = 0.98  # correlation from which of two columns only the better one is of use


class SymbolicTransformer(TransformerMixin, SymbolicEstimator):
    __doc__ = f"""Evolve formulas that go with the target, and are not alike: columns for another model.
{PARAMETERS}    metric : {{"pearson"}} or None, default=None
        What is maximised: the correlation with the target, whatever its sign.
    n_components : int, default=10
        Columns to make, at most.
    hall_of_fame : int, default=100
        Formulas to choose them from: the best of the last population that are not alike. Those least correlated with
        each other are kept.
{ATTRIBUTES}    components_ : list of str
        The formulas of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from evoml import SymbolicTransformer
    >>> X = np.random.default_rng(0).uniform(1, 3, (100, 2))
    >>> model = SymbolicTransformer(n_components=2, generations=5, random_state=0).fit(X, X[:, 0] / X[:, 1])
    >>> model.transform(X).shape
    (100, 2)
    """

    _metrics = ("pearson",)
    _begins_anew = False

    @with_shared_parameters
    def __init__(self, *, n_components: int = 10, hall_of_fame: int = 100, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.n_components = n_components
        self.hall_of_fame = hall_of_fame

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SymbolicTransformer:
        """Search for formulas.

        Parameters
        ----------
        X : (n_rows, n_columns) array or data frame of numbers
            Without missing values.
        y : (n_rows,) array of numbers, or of two labels
        sample_weight : (n_rows,) array or None
            Small whole weights count as that many rows.

        Returns
        -------
        self
        """
        from evoml.evaluation.formula_table import FormulaTable  # brings Numba

        began = Moment()
        for name in ("n_components", "hall_of_fame"):
            check_positive(getattr(self, name), name, whole=True)
        if self.hall_of_fame < self.n_components:
            raise SettingError(
                f"hall_of_fame ({self.hall_of_fame}) must not be less than n_components ({self.n_components}); raise the"
                " one, or lower the other"
            )
        X, y = self._checked(X, y, y_numeric=False)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        target = _numbers(y)
        result = self._run(X, [target], [""], weights, began)
        self._choose(result.members(0, self.population_size), FormulaTable.of(X, target, weights))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the new columns: (n_rows, n_columns), where a formula is not defined its mean in ``fit``."""
        features = self._seen(X)
        values = np.column_stack([one.evaluate(features) for one in self._components])
        defined = np.isfinite(values)
        if not defined.all():
            warnings.warn(
                f"formulas are not defined in {int((~defined).any(axis=1).sum())} of {len(values)} rows; their means in fit"
                " stand there",
                RuntimeWarning,
                stacklevel=2,
            )
        return np.where(defined, values, self._means)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the new columns: their formulas."""
        from sklearn.utils.validation import _check_feature_names_in

        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.asarray(self.components_, dtype=object)

    def _choose(self, best: Sequence[Formula], table: FormulaTable) -> None:
        """Keep the best formulas that are not alike; while those are too many, drop the worse of the most related two."""
        from evoml.genomes.expression.population import variable
        from evoml.genomes.expression.text import show

        pool = list(best) or [variable(column) for column in range(len(table.features))]
        values = np.column_stack([one.evaluate(table.features) for one in pool])
        usable = np.isfinite(values).all(axis=0)
        pool, values = [one for one, fits in zip(pool, usable, strict=True) if fits], values[:, usable]
        kept = _unlike(values, table.weights / table.weights.sum(), self.hall_of_fame, self.n_components)
        self._components = [pool[at] for at in kept]
        self._means = np.average(values[:, kept], axis=0, weights=table.weights)
        self.components_ = [show(one, self._columns) for one in self._components]

    def _exported(self, formula: int | Sequence[int] | None) -> list[Formula]:
        return self._components if formula is None else self._chosen(formula)


def _unlike(values: np.ndarray, shares: np.ndarray, pool: int, count: int) -> list[int]:
    """Return the numbers of at most ``count`` columns, least correlated with each other; the first ones are the best.

    They are of the first ``pool`` columns that are not ``ALIKE`` with one before them.
    """
    spread = (values - shares @ values) * np.sqrt(shares)[:, None]
    scale = np.sqrt((spread**2).sum(axis=0))
    alike = np.abs(spread.T @ spread) / np.maximum(np.outer(scale, scale), 1e-300)
    np.fill_diagonal(alike, 0.0)
    kept: list[int] = []
    for at in range(values.shape[1]):
        if len(kept) < pool and scale[at] > 0 and (not kept or alike[at, kept].max() < ALIKE):
            kept.append(at)
    kept = kept or [0]
    while len(kept) > count:
        among = alike[np.ix_(kept, kept)]
        one, other = np.unravel_index(np.argmax(among), among.shape)
        del kept[max(one, other)]
    return kept


def _numbers(y: np.ndarray) -> np.ndarray:
    """Return the target as numbers. Raises SettingError for more than two labels that are no numbers."""
    try:
        return np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    labels, codes = np.unique(y, return_inverse=True)
    if len(labels) > 2:
        raise SettingError(
            f"Unknown label type: a SymbolicTransformer needs numbers or two labels, got {len(labels)} such as {labels[0]!r};"
            " give one of 0 and 1 for the class that matters"
        )
    return codes.astype(np.float64)
