"""What fitted symbolic estimators tell of their formulas: tables, values, exported code, pictures."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from evoml.core.errors import SettingError, nearest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from evoml.genomes.expression.population import Formula, Population
    from evoml.run.formulas import FormulaResult, Front

DIGITS = 6
KINDS = ("numpy", "python", "sympy", "latex")


class SymbolicResults:
    """The part of a symbolic estimator that knows what was found."""

    _link: ClassVar[str] = "identity"
    front_: pd.DataFrame
    formula_: Any
    classes_: np.ndarray
    _fronts: tuple[Front, ...]
    _halls: list[Population]
    _columns: list[str]
    _logits: list[float]

    def _keep(self, result: FormulaResult, names: Sequence[str]) -> None:
        """Keep what was found as attributes."""
        self._fronts, self._columns = result.fronts, list(names)
        self._halls = [one.hall.genomes for one in result.lineages if one.hall.genomes is not None]
        self.front_ = _table(result.fronts, self._columns)
        self.formula_ = self._formula_text(self.front_)
        self.history_ = result.history
        self.evaluations_ = result.evaluations
        self.node_evaluations_ = result.node_evaluations
        self.stopped_by_ = result.finished.stopped_by
        self._record = result.record

    def _chosen(self, formula: int | Sequence[int] | None = None) -> list[Formula]:
        """Return one formula for each target: the chosen ones, or those at the given rows of ``front_``."""
        if formula is None:
            return [front.formulas[front.chosen].formula for front in self._fronts]
        wanted = _rows(formula)
        every = [(number, shown.formula) for number, front in enumerate(self._fronts) for shown in front.formulas]
        if len(wanted) != len(self._fronts) or not all(0 <= at < len(every) for at in wanted):
            raise SettingError(
                f"formula must be {'one row' if len(self._fronts) == 1 else f'{len(self._fronts)} rows, one a class,'}"
                f" of front_, from 0 to {len(every) - 1}, got {formula!r}"
            )
        found = [every[at] for at in wanted]
        if [number for number, _ in found] != list(range(len(self._fronts))):
            raise SettingError(f"formula must name one row of front_ for each class, in their order, got {formula!r}")
        return [one for _, one in found]

    def with_formula(self, formula: int | Sequence[int]) -> Any:
        """Return a copy that predicts with another row of ``front_``, or with other rows, one for each of several classes."""
        check_is_fitted(self)
        self._chosen(formula)
        rows = _rows(formula)
        other, fronts, start = copy.copy(self), [], 0
        for row, front in zip(rows, self._fronts, strict=True):
            fronts.append(replace(front, chosen=row - start))
            start += len(front.formulas)
        other._fronts = tuple(fronts)
        other.front_ = self.front_.assign(chosen=self.front_.index.isin(rows))
        other.formula_ = self._formula_text(other.front_)
        return other

    def _formula_text(self, front: pd.DataFrame) -> Any:
        """Return what ``formula_`` is: a text, or one for each class."""
        texts = front["text"][front["chosen"]]
        return texts.iloc[0] if len(texts) == 1 else dict(zip(self.classes_.tolist(), texts, strict=True))

    def _seen(self, X: Any) -> np.ndarray:
        """Return new rows as (n_features, n_rows)."""
        check_is_fitted(self)
        return np.ascontiguousarray(validate_data(self, X, dtype=np.float64, reset=False).T) + 0.0

    def _values(self, X: Any, formula: int | Sequence[int] | None, fallbacks: Sequence[float]) -> np.ndarray:
        """Return the values of one formula for each target: (n_rows, n_targets); fallbacks where they are not defined."""
        features = self._seen(X)
        values = np.column_stack([one.evaluate(features) for one in self._chosen(formula)])
        defined = np.isfinite(values)
        if not defined.all():
            warnings.warn(
                f"the formula is not defined in {int((~defined).any(axis=1).sum())} of {len(values)} rows; what is predicted"
                " there is the mean of the target in fit",
                RuntimeWarning,
                stacklevel=3,
            )
        return np.where(defined, values, np.asarray(fallbacks))

    def export(self, path: str | Path, kind: str = "numpy", formula: int | Sequence[int] | None = None) -> Path:
        """Write the formula as source that needs no evoml.

        Parameters
        ----------
        path : path
            File to write.
        kind : {"numpy", "python", "sympy", "latex"}
            A module with ``predict`` over arrays; one over single rows that needs nothing but Python; a module with the
            sympy expression; or LaTeX.
        formula : int or None
            Row of ``front_``; None is the chosen one.
        """
        check_is_fitted(self)
        target = Path(path)
        target.write_text(self.source(kind, formula), encoding="utf-8")
        return target

    def source(self, kind: str = "numpy", formula: int | Sequence[int] | None = None) -> str:
        """Return what :meth:`export` writes."""
        from evoml.genomes.expression.latex import latex
        from evoml.genomes.expression.source import numpy_source, plain_source, sympy_source

        check_is_fitted(self)
        if kind not in KINDS:
            raise SettingError(f"unknown kind {kind!r}{nearest(kind, KINDS)}; there are: {', '.join(KINDS)}")
        formulas = self._exported(formula)
        if kind == "latex":
            return "\n".join(latex(one, self._columns, DIGITS) for one in formulas) + "\n"
        if kind == "sympy":
            return sympy_source(formulas[0] if len(formulas) == 1 else formulas, self._columns)
        classes = getattr(self, "classes_", None) if self._link != "identity" else None
        link = "sigmoid" if self._link != "identity" and len(formulas) == 1 else self._link
        write = numpy_source if kind == "numpy" else plain_source
        undefined = None if link == "identity" else self._logits
        return write(formulas, self._columns, link, classes, undefined=undefined)  # type: ignore[arg-type]

    def _exported(self, formula: int | Sequence[int] | None) -> list[Formula]:
        return self._chosen(formula)

    def to_sympy(self, formula: int | Sequence[int] | None = None) -> Any:
        """Return the formula as a sympy expression (a list of them for several classes); needs the package sympy."""
        from evoml.genomes.expression.source import to_sympy

        check_is_fitted(self)
        found = [to_sympy(one, self._columns) for one in self._exported(formula)]
        return found[0] if len(found) == 1 else found

    def plot(self, what: str = "front", target: int = 0) -> Figure:
        """Draw ``"front"`` (losses over complexities) or ``"formula"`` (the chosen one) as a matplotlib figure.

        target : number of the class, where there are several formulas.
        """
        from evoml.report.formulas import draw_formula, draw_front

        check_is_fitted(self)
        front = self._fronts[target]
        if what == "formula":
            return draw_formula(front.formulas[front.chosen].formula, self._columns, front.label or "y")
        if what != "front":
            raise SettingError(
                f"unknown picture {what!r}{nearest(what, ('front', 'formula'))}; there are: front, formula"
            )
        return draw_front(
            [shown.formula for shown in front.formulas],
            [shown.complexity for shown in front.formulas],
            [shown.loss for shown in front.formulas],
            front.chosen,
            self._columns,
        )


def _rows(formula: Any) -> list[int]:
    """Return rows of a front as whole numbers, also a single one. Raises SettingError for what is none."""
    given = list(formula) if isinstance(formula, (Sequence, np.ndarray)) else [formula]
    if any(isinstance(row, (bool, np.bool_)) or not hasattr(row, "__index__") for row in given):
        raise SettingError(f"formula must be the number of a row of front_, or one for each class, got {formula!r}")
    return [int(row) for row in given]


def _table(fronts: Sequence[Front], names: Sequence[str]) -> pd.DataFrame:
    """Return one row a formula."""
    import pandas as pd

    from evoml.genomes.expression.latex import latex
    from evoml.genomes.expression.text import show

    rows = [
        {
            "class": front.label,
            "complexity": shown.complexity,
            "loss": shown.loss,
            "score": 1.0 - shown.error,
            "description": shown.description,
            "text": show(shown.formula, names, DIGITS),
            "latex": latex(shown.formula, names, DIGITS),
            "chosen": at == front.chosen,
        }
        for front in fronts
        for at, shown in enumerate(front.formulas)
    ]
    table = pd.DataFrame(rows)
    return table if len(fronts) > 1 else table.drop(columns="class")
