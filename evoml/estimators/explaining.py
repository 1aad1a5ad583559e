"""What a fitted estimator tells of its model: an explanation on the folds of the search, and the page of the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from evoml.core.errors import SettingError
from evoml.journal import Journal

if TYPE_CHECKING:
    import pandas as pd

    from evoml.run import Search


class Explaining:
    """The part of an estimator that explains; it needs ``as_search``, ``journal`` and the record of the run."""

    journal: str | Path | None
    as_search: Callable[..., Search]
    _record: bytes

    def explain(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, seconds: float | None = None
    ) -> dict[str, pd.DataFrame]:
        """Find out what the model does with the table that it was fitted on, asking only about rows held out of each fold.

        The pipeline is fitted once more for each fold of the search. ``report`` and ``plot`` show what was found, and the
        journal keeps it.

        Parameters
        ----------
        X, y, sample_weight, groups
            Those of ``fit``.
        seconds : float or None, default=None
            About how long it may take; None is as long as ``fit`` took, but at most 30 seconds, or a tenth
            of it where that is more.

        Returns
        -------
        dict of DataFrame
            ``"measures"`` (means over folds), ``"importance"`` (by permutation, of each column of ``X``) and ``"slices"``
            (parts of the table with significantly greater errors).
        """
        from evoml.core.budget import check_positive
        from evoml.report import explanation_tables
        from evoml.run.explanation import explain

        check_is_fitted(self)
        check_positive(seconds, "number of seconds")
        wanted = self.as_search(X, y, sample_weight, groups)
        with Journal.from_bytes(self._record) as record:
            found = explain(wanted, record, seconds)
            self._record = record.to_bytes()
            tables = explanation_tables(record)
        if self.journal is not None and Journal.has_begun(self.journal):
            with Journal.resume(self.journal) as journal:
                journal.put("explanation", found)
        return tables

    def report(
        self, path: str | Path, X: Any = None, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> Path:
        """Write a page about the run to ``path`` (HTML); with the table of ``fit`` it also explains the model.

        Without ``X`` and ``y`` the page shows what the last ``explain`` found out, if there was one.
        """
        from evoml.report import write_report

        check_is_fitted(self)
        if (X is None) != (y is None):
            raise SettingError("report needs both X and y to explain the model, or neither of them")
        if X is not None:
            self.explain(X, y, sample_weight, groups)
        with Journal.from_bytes(self._record) as journal:
            return write_report(journal, path)
