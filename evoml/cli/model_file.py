"""The saved model: a skops file that is data only. Loading one builds known types and runs no code of the file's.

Trusted are the types skops trusts itself, classes of scikit-learn and of evoml's own learners, and a short list of
functions and types that fitted pipelines hold. Types of a boosting library are trusted when the caller names the
library. Trust is in types, not in their content: a file made up by hand may still hold a model that predicts nonsense.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from evoml.core.errors import ModelFileError

FORMAT = 1
LIBRARIES = ("catboost", "lightgbm", "xgboost")

_REQUEST = "_metadata_request"
_TRUSTED_HOMES = (
    "sklearn.",
    "skrub.",
    "evoml.learners.",
    "evoml.core.clean_table.",
    "evoml.estimators.learned_algorithm.",
    "evoml.evaluation.program_model.",
)
# Places in scikit-learn whose classes write files, download, or exist for its own tests.
_UNTRUSTED_HOMES = ("sklearn.datasets.", "sklearn.externals.", "sklearn.utils._testing.", "sklearn.conftest.")
_TRUSTED_NAMES = frozenset(
    (
        "collections.OrderedDict",
        "evoml.learners.mutual_information.mutual_info_classif",
        "evoml.learners.mutual_information.mutual_info_regression",
        "numpy.dtype",
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.feature_selection._univariate_selection.r_regression",
    )
)


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A fitted model and what is needed to use it on another table.

    Attributes
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted; takes raw columns, in the order of ``names``, or numbers if it saw nothing else.
    task : str
        What it does.
    target : str or list of str
        The column it learnt, or several.
    names, kinds : list of str
        The columns it needs, and the kind of each.
    unused : list of str
        Columns of the table that were there but are not features: group and weight.
    classes : array, list of arrays, or None
        The labels, for classification; of several columns those of each.
    metric : str
        What the pipeline was selected by.
    versions : dict
        Version of each package that matters.
    """

    pipeline: Any
    task: str
    target: Any
    names: list[str]
    kinds: list[str]
    unused: list[str]
    classes: Any
    metric: str
    versions: dict[str, str]


def save_model(model: SavedModel, path: Path) -> None:
    """Write a model, whole or not at all. Raises ModelFileError if it holds something that skops cannot write."""
    import skops.io

    content = {"format": FORMAT, **{field.name: getattr(model, field.name) for field in fields(model)}}
    part = path.with_name(path.name + ".part")
    try:
        with _without_requests(model.pipeline):
            skops.io.dump(content, part, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    except Exception as error:  # whatever a foreign estimator raises when its state is asked for
        part.unlink(missing_ok=True)
        raise ModelFileError(f"the model cannot be saved as {path}: {error}; pipeline.py can be fitted anew") from error
    part.replace(path)


def load_model(path: Path, trust: Collection[str] = ()) -> SavedModel:
    """Load a model.

    Parameters
    ----------
    path : Path
        File that `save_model` wrote.
    trust : collection of str
        Boosting libraries whose types to trust.

    Raises
    ------
    ModelFileError
        If the file is missing or damaged, or holds types that are not trusted; the message names them.
    """
    import skops.io

    for library in trust:
        if library not in LIBRARIES:
            raise ModelFileError(f"--trust takes the name of a library, {' or '.join(LIBRARIES)}; got {library!r}")
    if not path.is_file():
        raise ModelFileError(
            f"there is no model at {path}; `evoml resume {path.parent}` finishes a run that was killed"
        )
    try:
        wanted = skops.io.get_untrusted_types(file=path)
        _check_trusted(wanted, trust, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's word on versions; `predict` says it once, in short
            content = skops.io.load(path, trusted=wanted)
        return _model(content, path)
    except ModelFileError:
        raise
    except Exception as error:  # a damaged file may fail in any way
        raise ModelFileError(
            f"the model {path} cannot be read ({type(error).__name__}: {error}); it is damaged, or from other versions"
            " of the packages"
        ) from error


def libraries_needed(model: Any) -> list[str]:
    """Return the boosting libraries whose types must be trusted to load ``model``."""
    found = {type(one).__module__.partition(".")[0] for one in _estimators(model)}
    return sorted(found & set(LIBRARIES))


@contextmanager
def _without_requests(model: Any) -> Iterator[None]:
    """Take the wishes for sample weights off a fitted model while it is written.

    They concern fitting only, and each refers to its owner: a cycle, which skops cannot write.
    """
    taken = [(one, vars(one).pop(_REQUEST)) for one in _estimators(model) if _REQUEST in vars(one)]
    try:
        yield
    finally:
        for one, request in taken:
            vars(one)[_REQUEST] = request


def _estimators(model: Any) -> list[Any]:
    """Return each estimator within a fitted model once, however deep in its attributes."""
    import numpy as np
    from sklearn.base import BaseEstimator

    found: dict[int, Any] = {}
    todo = [model]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseEstimator) and id(one) not in found:
            found[id(one)] = one
            todo.extend(vars(one).values())
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, (list, tuple)) or (isinstance(one, np.ndarray) and one.dtype == object):
            todo.extend(np.ravel(one) if isinstance(one, np.ndarray) else one)
    return list(found.values())


def _model(content: Any, path: Path) -> SavedModel:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFileError(f"{path} is not a model of this evoml; give the folder of an `evoml fit` of this version")
    return SavedModel(**{field.name: content[field.name] for field in fields(SavedModel)})


def _check_trusted(names: list[str], trust: Collection[str], path: Path) -> None:
    refused = [name for name in names if not _is_trusted(name, trust)]
    if not refused:
        return
    libraries = {name.partition(".")[0] for name in refused}
    mend = "use it only if you know who wrote it, from Python with skops.io.load"
    if libraries <= set(LIBRARIES):
        mend = f"if you trust the file, add {' '.join(f'--trust {library}' for library in sorted(libraries))}"
    raise ModelFileError(f"the model {path} holds types that are not trusted: {', '.join(refused)}; {mend}")


def _is_trusted(name: str, trust: Collection[str]) -> bool:
    if name in _TRUSTED_NAMES:
        return True
    homes = _TRUSTED_HOMES + tuple(f"{library}." for library in trust)
    if not name.startswith(homes) or name.startswith(_UNTRUSTED_HOMES) or ".tests." in name:
        return False
    module, _, last = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), last)
    except (ImportError, AttributeError):
        return False
    # A class under the name of the module that defines it; functions, and classes imported from elsewhere, are not.
    return inspect.isclass(found) and found.__module__ == module
