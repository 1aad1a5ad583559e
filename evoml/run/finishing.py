"""The last touch on a final classifier: a cut, weights of classes or a calibration, where its own predictions call for it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.components.calls import Call, render, resolve
from evoml.core.errors import EvomlError
from evoml.evaluation import quiet
from evoml.evaluation.conformal import Calibration
from evoml.evaluation.decisions import Decision, asks_for, decide, is_quick
from evoml.evaluation.surroundings import error_text
from evoml.learners.adjusted import adjusted
from evoml.run.refit import LIKELY, FinalModel

if TYPE_CHECKING:
    from evoml.core.candidate import Outcome
    from evoml.evaluation import Problem
    from evoml.run.ensemble import Makers
    from evoml.run.pace import Pace

DIGITS = 4  # significant ones, of what is written down
RIVALS, SLOW_RIVALS = 8, 3  # candidates that are tried with a cut of their own; fewer for a metric that takes long


def out_of_fold(model: FinalModel, scored: Sequence[Outcome], kept: Mapping[int, np.ndarray]) -> np.ndarray | None:
    """Return the (n_rows, columns) out-of-fold predictions of a model, averaged as it averages; None if they are not kept.

    Of candidates whose predictions are equal, one's are kept.
    """
    known = {one.evaluation.semantics: kept[one.candidate.id] for one in scored if one.candidate.id in kept}
    if model.members:
        shares = [(one.weight, known.get(one.outcome.evaluation.semantics)) for one in model.members]
    else:
        shares = [
            (1.0, known.get(one.evaluation.semantics)) for one in scored if str(one.candidate.genome) == model.text
        ][:1]
    if not shares or any(predictions is None for _, predictions in shares):
        return None
    total = sum(weight for weight, _ in shares)
    return np.sum([weight / total * one for weight, one in shares if one is not None], axis=0)  # type: ignore[no-any-return]


def calibration(
    problem: Problem, model: FinalModel, scored: Sequence[Outcome], kept: Mapping[int, np.ndarray]
) -> Calibration | None:
    """Return what tells how sure a final model is; None where nothing is known of it on rows it was not fitted on."""
    predictions = out_of_fold(model, scored, kept) if model.text else None
    classes = problem.dataset.classes
    if predictions is None or (classes is not None and not hasattr(model.pipeline, "predict_proba")):
        return None
    if classes is not None and len(classes) == 2:
        predictions = np.column_stack([1.0 - predictions[:, 0], predictions[:, 0]])
    if model.around is not None and "sharpness" in model.around.arguments:
        predictions = adjusted(predictions, **model.around.arguments)
    return Calibration(predictions, problem.dataset.y)


def with_decision(
    make: Makers,
    model: FinalModel,
    scored: Sequence[Outcome],
    kept: Mapping[int, np.ndarray],
    timed: bool = False,
) -> FinalModel:
    """Return a model with what its out-of-fold predictions call for put around it; mostly it is the model itself.

    It may be around another one: candidates were scored without a cut of their own, and the one that is best with it is often
    not the best without.

    Parameters
    ----------
    make : Makers
    model : FinalModel
    scored : sequence of Outcome
        The best first.
    kept : mapping of candidate to (n_rows, columns) array
        Out-of-fold predictions.
    timed : bool
        Whether it must come to an end by the clock.
    """
    late = _deadline(make.pace) if timed else lambda: False
    classes = make.problem.dataset.classes
    if not isinstance(classes, np.ndarray) or asks_for(make.problem) is None or not model.text:
        return model
    try:
        with quiet(make.problem.seed):
            predictions = out_of_fold(model, scored, kept)
            able = predictions is not None and hasattr(model.pipeline, "predict_proba")
            decision = decide(make.problem, predictions, late) if able else None  # type: ignore[arg-type]
            rival = _rival(make, model, scored, kept, late)
    except Exception as error:  # a metric of the user's own may do anything; there is a model already
        return replace(model, notes=(*model.notes, f"no cut was learned from its predictions ({error_text(error)})"))
    score = _score(model, scored) if decision is None else decision.score
    if rival is not None and rival[1].score > score and (other := _fit(make, model, rival[0])) is not None:
        model, decision = other, rival[1]
    if decision is None or len(model.pipeline.classes_) < len(classes):
        return model  # some classes have no row of any weight
    around = call_of(decision, classes)
    return replace(model, pipeline=_fitted(around, model.pipeline), score=decision.score, around=around)


def _deadline(pace: Pace) -> Callable[[], bool]:
    """Return what tells that the time for this is over."""
    left = pace.time_to_fit()
    until = time.monotonic() + min(pace.time_to_choose(), math.inf if left is None else left)
    return lambda: time.monotonic() > until


def _rival(
    make: Makers, model: FinalModel, scored: Sequence[Outcome], kept: Mapping[int, np.ndarray], late: Callable[[], bool]
) -> tuple[Outcome, Decision] | None:
    """Return the candidate, but for the model itself, that is best once it is decided by what it calls for."""
    found: list[tuple[Outcome, Decision | None]] = []
    most = RIVALS if is_quick(make.problem) else SLOW_RIVALS
    for outcome in scored:
        if outcome.candidate.id not in kept or late() or len(found) == most:
            continue
        plan = make.space.plan(outcome.candidate.genome)
        itself = not model.members and str(outcome.candidate.genome) == model.text
        if plan.gives_probabilities(plan.root) and not itself:
            found.append((outcome, decide(make.problem, kept[outcome.candidate.id], late)))
    decided = [(outcome, decision) for outcome, decision in found if decision is not None]
    return max(decided, key=lambda pair: pair[1].score, default=None)


def _score(model: FinalModel, scored: Sequence[Outcome]) -> float:
    """Return the selection score of a model without anything around it."""
    if not math.isnan(model.score):
        return model.score
    return next((one.scores[0] for one in scored if str(one.candidate.genome) == model.text), -math.inf)


def _fit(make: Makers, instead_of: FinalModel, outcome: Outcome) -> FinalModel | None:
    """Return a candidate fitted on the whole table; None where there is no time, or it cannot be."""
    left = make.pace.time_to_fit()
    if left is not None:
        left -= make.pace.start
        if make.pace.refit(outcome).at(LIKELY) > left:
            return None
    text = str(outcome.candidate.genome)
    try:
        return replace(instead_of, pipeline=make.fit(text, left), text=text, members=(), score=math.nan)
    except EvomlError:
        return None


def call_of(decision: Decision, classes: np.ndarray) -> Call:
    """Return the call that makes what goes around the model, but for its ``estimator``."""
    factors = None if decision.factors is None else [_short(one) for one in decision.factors]
    if not decision.labels:
        return Call(
            "evoml.learners.adjusted.AdjustedProbabilities",
            {"sharpness": _short(decision.sharpness), "factors": factors},
        )
    assert factors is not None
    if len(factors) > 2:
        return Call("evoml.learners.adjusted.WeightedDecision", {"weights": factors})
    cut = _short(factors[0] / (factors[0] + factors[1]))
    settings = {"threshold": cut, "pos_label": classes.tolist()[1], "response_method": "predict_proba"}
    return Call("sklearn.model_selection.FixedThresholdClassifier", settings)


def as_recorded(model: FinalModel) -> dict[str, Any] | None:
    """Return what was put around a model as the record of a run holds it; None for nothing."""
    if model.around is None:
        return None
    given, cut = model.around.arguments, model.around.arguments.get("threshold")
    weights = given.get("weights") if cut is None else [cut, 1.0 - cut]
    call = Call("evoml.learners.adjusted.WeightedDecision", {"weights": weights}) if weights else model.around
    return {
        "score": model.score,
        "written": render(model.around)[0],
        "path": call.path,
        "arguments": dict(call.arguments),
    }


def again_around(recorded: Mapping[str, Any] | None, model: Any) -> Any:
    """Return a fitted model with what a run has recorded around its own; of a model that knows fewer classes, as it is."""
    if not recorded:
        return model
    sizes = {len(values) for values in recorded["arguments"].values() if isinstance(values, list)}
    return _fitted(Call(recorded["path"], recorded["arguments"]), model) if sizes <= {len(model.classes_)} else model


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _fitted(around: Call, model: Any) -> Any:
    """Return what goes around a fitted model, as if ``fit`` had fitted both."""
    from sklearn.base import clone

    made = resolve(Call(around.path, {"estimator": clone(model), **around.arguments}))
    made.estimator_ = model
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(made, name, getattr(model, name))
    return made
