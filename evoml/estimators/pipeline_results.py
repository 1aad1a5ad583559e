"""What fitted estimators of pipelines tell, and do with new rows: predictions, scores, exported code, pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted, validate_data

from evoml.core.errors import SettingError
from evoml.estimators.explaining import Explaining
from evoml.journal import Journal

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.figure import Figure

    from evoml.core.features import Layout
    from evoml.evaluation.conformal import Calibration
    from evoml.run import Result

ATTRIBUTES = """
    Attributes
    ----------
    fitted_pipeline_ : Pipeline, VotingClassifier or VotingRegressor
        scikit-learn's own: the best pipeline, or the weighted average of several, fitted on the whole table; a classifier may
        be the ``estimator_`` of a FixedThresholdClassifier, or of evoml's WeightedDecision or AdjustedProbabilities. Of a
        target of several columns, the average is evoml's AveragedClassifier or AveragedRegressor.
    best_score_ : float
        Its mean score over the folds; that of an ensemble is the score of its members' averaged out-of-fold predictions,
        with what is around it learned on the other folds.
        It was chosen for this score: expect less on new data. nan if nothing was scored.
    estimated_score_ : float
        What to expect of new rows: ``best_score_`` less what the choice among candidates owes to luck, found by choosing
        again on resampled rows (bootstrap bias corrected cross-validation). What the search itself owes to luck, by
        breeding from what was lucky, is in it only in part. nan where a metric of the user's own cannot be computed from
        predictions, or there was no time.
    estimated_score_interval_ : (float, float)
        Its 95 % interval.
    holdout_score_, holdout_interval_ : float, (float, float)
        Score of the model on the rows of ``holdout``, and its 95 % bootstrap interval; nan without any.
    ensemble_ : pandas.DataFrame
        One row a pipeline in ``fitted_pipeline_``, by the number of its candidate: weight, score (its own), text.
    pareto_front_ : pandas.DataFrame
        Candidates that no other surpasses in all objectives, best first.
    evaluated_individuals_ : pandas.DataFrame
        One row a candidate: text, parents, operator, status, scores, costs, error.
    history_ : pandas.DataFrame
        One row a generation: seconds, evaluations, best score, credit of each operator.
    stopped_by_ : str
        ``"budget"``, ``"early_stop"``, ``"interrupt"`` or ``"exhausted"``.
    columns_ : pandas.DataFrame
        What was inferred of each column of the table: kind, why, distinct values, share of missing ones, an example.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : (n_features,) array
        Names of the columns, where they are all strings.
"""


def pipeline_has(method: str) -> Callable[[Any], bool]:
    """Return a check that the fitted pipeline offers ``method``; before a fit only what the metric demands is certain."""

    def check(estimator: Any) -> bool:
        fitted = getattr(estimator, "fitted_pipeline_", None)
        if fitted is not None:
            return hasattr(fitted, method)
        if method == "predict_proba" and demands_probabilities(estimator.scoring):
            return True
        raise AttributeError(f"{method} depends on the pipeline that is found: call fit first")

    return check


def demands_probabilities(scoring: Any) -> bool:
    """Tell whether a metric's name needs ``predict_proba``, so that every pipeline of the search has it."""
    from evoml.evaluation.scoring import needs_probabilities, scorers

    try:
        return any(needs_probabilities(scorer) for scorer in scorers(scoring, "classification").values())
    except SettingError:
        return False


class PipelineResults(Explaining):
    """The part of an estimator that knows what was found."""

    scoring: Any
    conformal: bool
    _layout: Layout

    def _keep(self, result: Result) -> None:
        self.fitted_pipeline_ = result.model.pipeline
        self.best_score_ = result.score
        expected = result.expected
        self.estimated_score_ = math.nan if expected is None else expected.value
        self.estimated_score_interval_ = (math.nan, math.nan) if expected is None else (expected.low, expected.high)
        self.ensemble_ = result.ensemble
        self.evaluated_individuals_ = result.individuals
        self.pareto_front_ = result.individuals.loc[[outcome.candidate.id for outcome in result.front]]
        self.history_ = result.history
        self.stopped_by_ = result.finished.stopped_by
        self._source, self._record = result.source, result.record
        self._calibration = result.calibration

    # -- using the model ----------------------------------------------------------------------------------------------

    def _seen(self, X: Any) -> Any:
        """Return new rows as the pipeline knows them: checked, and with the names and kinds of column of ``fit``."""
        check_is_fitted(self)
        if hasattr(X, "columns"):  # else missing ones would be noticed only as cells that do not fit their names
            validate_data(self, X, reset=False, skip_check_array=True)
        rows = self._layout.read(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return rows

    def predict(self, X: Any) -> Any:
        """Return the prediction for each row of ``X``: (n_rows,), or (n_rows, n_outputs) for several columns."""
        rows = self._seen(X)
        return self.fitted_pipeline_.predict(rows)

    def _sureness(self, method: str) -> Calibration:
        """Return what tells how sure the model is. Raises SettingError where that is not known."""
        check_is_fitted(self)
        if not self.conformal:
            raise SettingError(f"{method} needs an estimator that was fitted with conformal=True")
        if self._calibration is None:
            raise SettingError(
                f"{method} needs probabilities or numbers on rows that the model was not fitted on, and there are none of it;"
                " give more time, or for a classifier a metric on probabilities such as 'neg_log_loss'"
            )
        return self._calibration

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the first metric of ``scoring`` on new rows; greater is better."""
        from evoml.evaluation.scoring import score

        check_is_fitted(self)
        return score(self, self.scoring, X, y, sample_weight)

    def export(self, path: str | Path) -> Path:
        """Write Python source that makes the best pipeline; it runs without evoml where only library parts are used."""
        check_is_fitted(self)
        target = Path(path)
        target.write_text(self._source, encoding="utf-8")
        return target

    def lineage(self) -> nx.DiGraph:
        """Return the graph of descent of all candidates: an edge from each parent to its child."""
        from evoml.journal.lineage import lineage

        check_is_fitted(self)
        return lineage(self.evaluated_individuals_)

    def plot(self, what: str = "pipeline") -> Figure:
        """Draw ``"pipeline"`` (the best one), ``"score"`` (over time), ``"front"`` or ``"lineage"`` as a matplotlib figure.

        Of descent and of populations ``"family"``, ``"gains"``, ``"takeover"``, ``"diversity"`` and ``"growth"``. After
        ``explain`` also ``"importance"``, ``"dependence"``, ``"slices"``, and ``"curves"``, ``"calibration"``, ``"confusion"``
        of a classifier, ``"residuals"`` of a regressor.
        """
        from evoml.report import plot

        check_is_fitted(self)
        with Journal.from_bytes(self._record) as journal:
            return plot(journal, what)
