"""What `evoml predict` does: a saved model, a table with the same columns, and predictions as CSV."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from evoml.cli.columns import TEXTS, check_columns, prepared
from evoml.cli.errors import say, short_warnings
from evoml.cli.folder import PIPELINES, RunFolder, write_whole
from evoml.cli.model_file import SavedModel, load_model
from evoml.cli.tables import read_table
from evoml.core.errors import DataError, SettingError

if TYPE_CHECKING:
    import pandas as pd


def predict(path: str, source: str, out: str | None, proba: bool, trust: Collection[str]) -> None:
    """Predict the rows of a table with the model in a run's folder; CSV to a file, or to stdout."""
    folder = RunFolder.existing(path)
    folder.check_kind(PIPELINES)
    model = load_model(folder.model, trust)
    _check_request(model, out, proba)
    _note_versions(model)
    kinds = dict(zip(model.names, model.kinds, strict=True))
    texts = [name for name, kind in kinds.items() if kind in TEXTS]
    table = read_table(source, texts)
    extra = check_columns(table, model.names, [*_targets(model), *model.unused])
    if extra:
        say(f"note: {len(extra)} columns the model does not know are ignored: {', '.join(extra[:10])}")
    with short_warnings():
        X = table[model.names] if _cleans(model) else prepared(table, kinds)
        try:
            predictions = _predictions(model, X, proba)
        except ValueError as error:
            raise DataError(f"the model cannot predict these rows: {_cause(X, error)}") from error
    text = predictions.to_csv(index=False)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_whole(Path(out), text)
        say(f"{len(predictions)} predictions written to {out}")


def _cleans(model: SavedModel) -> bool:
    """Tell whether a model takes raw tables: one that saw plain numbers only does not."""
    return "cleantable" in getattr(model.pipeline, "named_steps", {})


def _check_request(model: SavedModel, out: str | None, proba: bool) -> None:
    if out is not None and not Path(out).parent.is_dir():
        raise SettingError(f"there is no folder {Path(out).parent} to write {Path(out).name} in; make it first")
    if proba and model.task != "classification":
        raise SettingError("--proba needs a classifier; this model was fitted for regression")
    if proba and not hasattr(model.pipeline, "predict_proba"):
        raise SettingError("--proba: this pipeline gives labels only; fit one with --metric neg_log_loss or roc_auc")


def _predictions(model: SavedModel, X: pd.DataFrame, proba: bool) -> pd.DataFrame:
    """Return a column ``prediction`` and, if asked, ``probability_<class>`` for each class, one row a row of X.

    For several columns these are ``prediction_<column>`` and ``probability_<column>_<class>``.
    """
    import pandas as pd

    if not isinstance(model.target, str):
        return _of_each(model, X, proba)
    columns = {"prediction": model.pipeline.predict(X)}
    if proba:
        probabilities = model.pipeline.predict_proba(X)
        labels = model.pipeline.classes_
        columns |= {f"probability_{label}": probabilities[:, at] for at, label in enumerate(labels)}
    return pd.DataFrame(columns)


def _of_each(model: SavedModel, X: pd.DataFrame, proba: bool) -> pd.DataFrame:
    import pandas as pd

    from evoml.learners.out_of_fold import of_each_output

    said = model.pipeline.predict(X)
    columns = {f"prediction_{name}": said[:, at] for at, name in enumerate(model.target)}
    if proba:
        parts = of_each_output(model.pipeline.predict_proba(X))
        columns |= {
            f"probability_{name}_{label}": part[:, at]
            for name, part, labels in zip(model.target, parts, model.classes, strict=True)
            for at, label in enumerate(labels)
        }
    return pd.DataFrame(columns)


def _targets(model: SavedModel) -> list[str]:
    return [model.target] if isinstance(model.target, str) else list(model.target)


def _cause(X: pd.DataFrame, error: ValueError) -> str:
    """Say what is wrong with rows that a pipeline refused; a gap where the model never saw one is the usual cause."""
    gaps = [name for name in X if X[name].isna().any()]
    if "NaN" in str(error) and gaps:
        shown = ", ".join(gaps[:10])
        return f"values are missing or infinite in {shown}, and none were when the model was fitted; fill them in"
    return str(error)


def _note_versions(model: SavedModel) -> None:
    import sklearn

    saved = model.versions.get("scikit-learn", sklearn.__version__)
    if saved != sklearn.__version__:
        say(f"note: the model was saved with scikit-learn {saved}, this is {sklearn.__version__}; results may differ")
