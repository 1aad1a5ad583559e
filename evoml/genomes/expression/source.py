"""Formulas as programs that run without evoml: over NumPy arrays, over rows in plain Python, and as sympy expressions.

A part that reads no column is written as its value, so nothing is computed that NumPy would not compute the same way.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from evoml.core.errors import SettingError
from evoml.genomes.expression import plain
from evoml.genomes.expression.operations import ATOM, NUMBER, SIGN
from evoml.genomes.expression.population import Formula, folded
from evoml.genomes.expression.text import column_name, show
from evoml.genomes.expression.writing import written

Link = Literal["identity", "sigmoid", "softmax", "one_vs_rest"]
_SYMPY_CBRT = '''def cbrt(x):
    """Return the real cube root."""
    return sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3)


'''
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # characters that a name may hold, and a source may not
_NUMPY_LINKS = {
    "sigmoid": (
        '    with np.errstate(over="ignore"):\n        second = 1 / (1 + np.exp(-values[:, 0]))\n'
        "    return np.stack([1 - second, second], axis=1)"
    ),
    "softmax": (
        "    powers = np.exp(values - values.max(axis=1, keepdims=True))\n"
        "    return powers / powers.sum(axis=1, keepdims=True)"
    ),
    "one_vs_rest": (
        '    with np.errstate(over="ignore"):\n        shares = 1 / (1 + np.exp(-values))\n'
        "    total = shares.sum(axis=1, keepdims=True)\n"
        "    return np.where(total == 0, 1 / len(CLASSES), shares / np.where(total == 0, 1, total))"
    ),
}
_PLAIN_LINKS = {
    "sigmoid": "    second = sigmoid(values[0])\n    return [1 - second, second]",
    "softmax": (
        "    powers = [exp(value - max(values)) for value in values]\n    return [power / sum(powers) for power in powers]"
    ),
    "one_vs_rest": (
        "    shares = [sigmoid(value) for value in values]\n    total = sum(shares)\n"
        "    return [share / total if total else 1 / len(CLASSES) for share in shares]"
    ),
}
_NUMPY_DEFINED = "    values = np.where(np.isfinite(values), values, UNDEFINED)\n"
_PLAIN_DEFINED = "    values = [value if math.isfinite(value) else other for value, other in zip(values, UNDEFINED)]\n"


def numpy_source(
    formulas: Formula | Sequence[Formula],
    names: Sequence[str],
    link: Link = "identity",
    classes: Sequence[Any] | None = None,
    comment: str = "",
    undefined: Sequence[float] | None = None,
) -> str:
    """Return a module with ``predict(X)`` over an array of shape (n_rows, n_columns), columns in the order of ``names``.

    formulas: one, or several: outputs of a regression, or a score for each class. link: what makes probabilities of them:
    "sigmoid" of one formula, the second class's; "softmax"; "one_vs_rest" (sigmoids, divided by their sum; all alike
    where that is 0). With a link there is ``predict_proba(X)`` too, and ``predict(X)`` gives ``classes``; undefined: the score
    of each formula for the probabilities of rows in which it is not defined. Raises SettingError where these do not fit.
    """
    formulas, labels = _checked(formulas, link, classes)
    expressions = [_expression(formula, "numpy", "np.") for formula in formulas]
    filled = [
        text if one.columns else f"np.full(len(X), {text})" for one, text in zip(formulas, expressions, strict=True)
    ]
    body = filled[0] if link == "identity" and len(filled) == 1 else f"np.stack([{', '.join(filled)}], axis=1)"
    lines = [f"x{at} = X[:, {at}]{_remark(at, names)}" for at in _read_by(formulas)]
    shape = "(n_rows,)" if link == "identity" and len(filled) == 1 else f"(n_rows, {len(filled)})"
    head = "    X = np.asarray(X, dtype=float)\n" + "".join(f"    {line}\n" for line in lines)
    evaluation = (
        f'    """Return {shape} of X (n_rows, {len(names)}); what is not defined is nan or infinite."""\n'
        f'{head}    with np.errstate(all="ignore"):\n        return {body}\n'
    )
    defined = _NUMPY_DEFINED if undefined is not None else ""
    probabilities = f"    values = scores(X)\n{defined}{_NUMPY_LINKS[link]}" if link != "identity" else ""
    choice = "np.asarray(CLASSES)[predict_proba(X).argmax(axis=1)]"
    told = _constants(labels, undefined)
    return _module("import numpy as np\n\n\n", "X", evaluation, probabilities, choice, told, formulas, names, comment)


def plain_source(
    formulas: Formula | Sequence[Formula],
    names: Sequence[str],
    link: Link = "identity",
    classes: Sequence[Any] | None = None,
    comment: str = "",
    undefined: Sequence[float] | None = None,
) -> str:
    """Return the same in plain Python: ``predict(row)`` of one row, a sequence of numbers in the order of ``names``."""
    formulas, labels = _checked(formulas, link, classes)
    expressions = [_expression(formula, "plain", "math.") for formula in formulas]
    alone = link == "identity" and len(formulas) == 1
    lines = [f"x{at} = float(row[{at}]){_remark(at, names)}" for at in _read_by(formulas)]
    evaluation = (
        f'    """Return {"the value" if alone else "the values"} for a row of {len(names)} numbers;'
        ' what is not defined is nan or infinite."""\n'
        + "".join(f"    {line}\n" for line in lines)
        + f"    return {expressions[0] if alone else '[' + ', '.join(expressions) + ']'}\n"
    )
    defined = _PLAIN_DEFINED if undefined is not None else ""
    probabilities = f"    values = scores(row)\n{defined}{_PLAIN_LINKS[link]}" if link != "identity" else ""
    helpers = _helpers(evaluation + probabilities)
    head = ("import math\n\n\n" if "math." in helpers + evaluation + probabilities else "") + helpers
    choice = "max(zip(predict_proba(row), CLASSES), key=lambda pair: pair[0])[1]"
    told = _constants(labels, undefined)
    return _module(head, "row", evaluation, probabilities, choice, told, formulas, names, comment)


def sympy_source(formulas: Formula | Sequence[Formula], names: Sequence[str], comment: str = "") -> str:
    """Return a module with ``expression``, or ``expressions`` of several formulas, over real symbols named as the columns."""
    alone = isinstance(formulas, Formula)
    formulas, _ = _checked(formulas, "identity", None)
    texts = [_expression(formula, "sympy", "sympy.") for formula in formulas]
    texts = [text if one.columns else f"sympy.sympify({text})" for one, text in zip(formulas, texts, strict=True)]
    symbols = [f"x{at} = sympy.Symbol({column_name(at, names)!r}, real=True)\n" for at in _read_by(formulas)]
    body = f"expression = {texts[0]}\n" if alone else f"expressions = [\n    {f',{chr(10)}    '.join(texts)},\n]\n"
    helper = _SYMPY_CBRT if any("cbrt(" in text for text in texts) else ""
    head = "import sympy\n\n" + ("\n" + helper if helper else "")
    return f"{_docstring(formulas, names, comment)}\n{head}{''.join(symbols)}\n{body}"


def to_sympy(formula: Formula, names: Sequence[str] | None = None) -> Any:
    """Return a formula as a sympy expression over real symbols named as the columns. Needs sympy."""
    names = names if names is not None else [f"x{at}" for at in range(1 + max(formula.columns, default=0))]
    try:
        import sympy  # noqa: F401
    except ImportError:
        raise SettingError("sympy expressions need sympy, which is not installed: pip install 'evoml[sympy]'") from None
    scope: dict[str, Any] = {}
    # It was written just now from our own forms; names stand in it only as quoted texts.
    exec(sympy_source(formula, names), scope)
    return scope["expression"]


def _checked(
    formulas: Formula | Sequence[Formula], link: str, classes: Sequence[Any] | None
) -> tuple[list[Formula], list[Any] | None]:
    """Return formulas as a list and classes as plain values. Raises SettingError where link and numbers do not fit."""
    found = [folded(one) for one in ([formulas] if isinstance(formulas, Formula) else formulas)]
    if link not in ("identity", *_NUMPY_LINKS):
        raise SettingError(f"link must be one of identity, {', '.join(_NUMPY_LINKS)}; got {link!r}")
    if not found or (link == "sigmoid" and len(found) != 1):
        raise SettingError(
            f"link {link!r} needs {'one formula' if link == 'sigmoid' else 'a formula'}, got {len(found)}"
        )
    if link == "identity":
        return found, None
    n_classes = 2 if link == "sigmoid" else len(found)
    labels = (
        list(range(n_classes)) if classes is None else [getattr(one, "item", lambda one=one: one)() for one in classes]
    )
    if len(labels) != n_classes:
        raise SettingError(
            f"{len(found)} formulas with link {link!r} tell {n_classes} classes apart, got {len(labels)}"
        )
    return found, labels


def _expression(formula: Formula, language: str, prefix: str) -> str:
    infinity = f"{prefix}oo" if language == "sympy" else f"{prefix}inf"

    def constant(value: float) -> tuple[str, int]:
        if math.isnan(value):
            return f"{prefix}nan", ATOM
        text = infinity if math.isinf(value) else repr(abs(value))
        return (f"-{text}", SIGN) if math.copysign(1.0, value) < 0 else (text, NUMBER)

    return written(formula, language, constant, lambda column: (f"x{column}", ATOM))


def _read_by(formulas: Sequence[Formula]) -> list[int]:
    return sorted({column for formula in formulas for column in formula.columns})


def _remark(column: int, names: Sequence[str]) -> str:
    name = column_name(column, names)
    return "" if name == f"x{column}" else f"  # {name!r}"


def _helpers(text: str) -> str:
    """Return the sources of those functions of :mod:`.plain` that a text calls."""
    functions: list[Callable[..., float]] = [
        one for name, one in vars(plain).items() if inspect.isfunction(one) and re.search(rf"\b{name}\(", text)
    ]
    return "".join(inspect.getsource(one).rstrip() + "\n\n\n" for one in functions)


def _constants(labels: list[Any] | None, undefined: Sequence[float] | None) -> str | None:
    """Return what a module of classes begins with, None for one of numbers."""
    if labels is None:
        return None
    scores = (
        f"UNDEFINED = {list(undefined)!r}  # scores where a formula is not defined\n" if undefined is not None else ""
    )
    return f"CLASSES = {labels!r}\n{scores}"


def _module(
    head: str,
    argument: str,
    evaluation: str,
    probabilities: str,
    choice: str,
    constants: str | None,
    formulas: Sequence[Formula],
    names: Sequence[str],
    comment: str,
) -> str:
    text = f"{_docstring(formulas, names, comment)}\n{head}"
    if constants is None:
        return f"{text}def predict({argument}):\n{evaluation}"
    return (
        f"{text}{constants}\n\ndef scores({argument}):\n{evaluation}\n\n"
        f'def predict_proba({argument}):\n    """Return the probabilities of CLASSES."""\n{probabilities}\n\n\n'
        f'def predict({argument}):\n    """Return the most probable of CLASSES."""\n    return {choice}\n'
    )


def _docstring(formulas: Sequence[Formula], names: Sequence[str], comment: str) -> str:
    lines = [f"{'A formula' if len(formulas) == 1 else 'Formulas'}, written by evoml.", ""]
    lines += [show(formula, names) for formula in formulas] + (["", comment] if comment else [])
    escaped = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    escaped = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", escaped)
    return f'"""{escaped}\n"""\n'
