"""Kernels: the constants of formulas fitted to a target by Levenberg-Marquardt (Marquardt 1963), many formulas a call.

Nocedal and Wright 2006 ("Numerical optimization", section 10.3), with the damping rule of Nielsen 1999 ("Damping parameter
in Marquardt's method", section 3) on scaled columns. With linear scaling, intercept and slope are no parameters
but solved for at each step, the constants see what the two leave over: variable projection (Golub and Pereyra 1973) in the
approximation of Kaufman 1975. With log loss the steps are those of iteratively reweighted least squares.

The normal equations are summed block by block, no derivatives are kept but those of one block.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from evoml.kernels import expression_math as functions
from evoml.kernels.compiling import kernel
from evoml.kernels.expression_derivatives import (
    MOST_CONSTANTS,
    Program,
    find_values,
    make_program,
    make_rows,
    read_program,
    stride_of,
    width_of,
)
from evoml.kernels.expression_lanes import of_numbers
from evoml.kernels.expression_normal_equations import N_EXTRA, WEIGHT, project, solve, sum_products, summing_kernel
from evoml.kernels.histogram import inner_kernel
from evoml.kernels.random import mix, uniform

_FIRST_DAMPING, _LATER_DAMPING = 1e-1, 1e-3  # the second after steps on a sample
_LEAST_DAMPING, _MOST_DAMPING = 1e-12, 1e16
_SHRINKING = 0.1  # of the damping, after a step as good as promised
_LEAST_GAIN = 1e-6  # of the error, relative: steps that promise less are not made,
_LEAST_GAIN_DAMPED = 1e-12  # but with much damping, where any step promises little
_EXACT = 1e-29  # of the target's mean square: an error that is only rounding
_POLISH = 2  # steps on all rows after those on a sample
_SAME_OUTPUT = 1e-24  # of its mean's square: the variance of an output that is one value and rounding
# In the text of the one kernel that is called: each level of calls would compile all that is below once more.
_written_out = partial(inner_kernel, inline="always")
_exp, _log = of_numbers(functions.exp), of_numbers(functions.log)


class Table(NamedTuple):
    """What formulas are fitted to: float64 features (n_features, n_rows), target and weights (m,).

    picked: intp (m,), the rows of features in question, or (0,) for all. output: float64 (m,), of the formula in hand.
    """

    features: np.ndarray
    target: np.ndarray
    weights: np.ndarray
    picked: np.ndarray
    output: np.ndarray
    total_weight: float
    target_mean: float
    target_square: float


class Scratch(NamedTuple):
    """Room for one formula at a time: rows of numbers (see evoml.kernels.expression_derivatives) and the normal equations.

    extra: where the columns begin that are no derivatives; place: intp (p + 3,), where all columns begin; block, sums: (p, p +
    3) products of the columns of a block, and of all; matrix (p, p), root, gradient, length, step (p,);
    trial, came (L,): constants that are tried, and those at first. held: intp (1,), number of rows of the table of which
    ``rows`` hold the values of the formula in hand, if they have room for them, or 0.
    """

    program: Program
    rows: np.ndarray
    width: int
    stride: int
    extra: int
    place: np.ndarray
    block: np.ndarray
    sums: np.ndarray
    matrix: np.ndarray
    root: np.ndarray
    gradient: np.ndarray
    length: np.ndarray
    step: np.ndarray
    trial: np.ndarray
    came: np.ndarray
    held: np.ndarray


class Fit(NamedTuple):
    """How good the constants are: the error to minimise, the line that scales the output, its mean and sum of squares."""

    error: float
    intercept: float
    slope: float
    mean: float
    spread: float


@kernel
def fit_constants(  # type: ignore[no-untyped-def]
    codes, constants, lengths, features, target, weights, iterations, logistic, scaled, sample_rows, first, last,
    errors, scales, information,
):  # fmt: skip
    """Fit the constants of formulas first..last in place; none is left worse than it came.

    codes: int32 (n, L); constants: float64 (n, L); lengths: int32 (n,); features: float64 (n_features, n_rows); target,
    weights: float64 (n_rows,), a row of no weight counts nothing; iterations: int32 (n,), most steps tried, 0 for
    a formula that is left alone, below 0 for one that is only measured. logistic: the target is 0 or 1 and the formula the
    logit, which is not scaled. sample_rows: above 0 for steps on that many rows before the last few on all.

    Sets errors, (n,), the weighted mean squared error or log loss, inf where an output is not finite; scales, (n, 2),
    intercept and slope; information, float64 (n, L) or (0, L) for none: the sum over rows of weight times the square of
    the scaled output's derivative by a constant. For log loss that is Fisher's information, for squared errors it
    is that times the variance of the noise.
    """
    everything = _make_table(features, target, weights, np.empty(0, np.intp))
    picked = _pick(len(target), sample_rows)
    sample = _make_table(features, target[picked], weights[picked], picked)
    scratch = _make_scratch(codes.shape[1], width_of(len(target)))
    for i in range(first, last):
        if iterations[i] == 0:
            continue
        steps = max(iterations[i], 0)
        n_constants = read_program(
            codes[i], lengths[i], scratch.stride, scratch.extra + WEIGHT * scratch.stride, scratch.program
        )
        scratch.held[0] = 0
        fit = _fit(constants[i], lengths[i], n_constants, everything, sample, steps, logistic, scaled, scratch)
        errors[i], scales[i, 0], scales[i, 1] = fit.error, fit.intercept, fit.slope
        if len(information) > 0:
            information[i] = 0.0
            _inform(information[i], constants[i], n_constants, everything, fit, logistic, scaled, scratch)


@kernel
def _make_table(features, target, weights, picked):  # type: ignore[no-untyped-def]
    total, mean = _mean(target, weights)
    square = _mean_square(target, weights, mean)
    return Table(features, target, weights, picked, np.empty(len(target)), total, mean, square)


@summing_kernel
def _mean(values, weights):  # type: ignore[no-untyped-def]
    total = mean = 0.0
    for i in range(np.uintp(len(values))):
        total += weights[i]
        mean += weights[i] * values[i]
    return total, mean / total if total > 0.0 else 0.0


@summing_kernel
def _mean_square(values, weights, mean):  # type: ignore[no-untyped-def]
    total = square = 0.0
    for i in range(np.uintp(len(values))):
        total += weights[i]
        square += weights[i] * (values[i] - mean) ** 2
    return square / total if total > 0.0 else 0.0


@kernel
def _make_scratch(room, width):  # type: ignore[no-untyped-def]
    p = MOST_CONSTANTS
    return Scratch(
        make_program(room),
        make_rows(2 * room + N_EXTRA + p, stride_of(width)),
        width,
        stride_of(width),
        2 * room * stride_of(width),
        np.empty(p + N_EXTRA, np.intp),
        np.empty((p, p + N_EXTRA)),
        np.empty((p, p + N_EXTRA)),
        np.empty((p, p)),
        np.empty(p),
        np.empty(p),
        np.empty(p),
        np.empty(p),
        np.empty(room),
        np.empty(room),
        np.zeros(1, np.intp),
    )


@kernel
def _pick(n, sample_rows):  # type: ignore[no-untyped-def]
    """Return one row from each of ``sample_rows`` stretches: evenly spaced, but in step with no period of the rows."""
    m = sample_rows if 0 < sample_rows < n else 0
    picked = np.empty(m, np.intp)
    for i in range(m):
        picked[i] = np.intp((i + uniform(mix(np.uint64(0), i))) * n / m)
    return picked


@_written_out
def _fit(constants, length, n_constants, everything, sample, steps, logistic, scaled, scratch):  # type: ignore[no-untyped-def]
    """Fit on the sample where there is one, then on all rows, from the better of the two."""
    _copy(constants, length, scratch.came)
    fit = _evaluate(constants, everything, logistic, scaled, scratch)
    damping = _FIRST_DAMPING
    if n_constants > 0 and steps > 0 and fit.error < np.inf:
        if sample.total_weight > 0.0:
            start = _evaluate(constants, sample, logistic, scaled, scratch)
            _descend(constants, length, n_constants, sample, start, damping, steps, logistic, scaled, scratch)
            after = _evaluate(constants, everything, logistic, scaled, scratch)
            steps, damping = min(steps, _POLISH), _LATER_DAMPING
            if after.error > fit.error:
                _copy(scratch.came, length, constants)
                after = _evaluate(constants, everything, logistic, scaled, scratch)
            fit = after
        fit = _descend(constants, length, n_constants, everything, fit, damping, steps, logistic, scaled, scratch)
    return fit


@_written_out
def _descend(constants, length, n_constants, table, fit, damping, steps, logistic, scaled, scratch):  # type: ignore[no-untyped-def]
    """Levenberg-Marquardt from constants that were evaluated just now; returns the fit of those it leaves."""
    growth, moved = 2.0, True
    for k in range(n_constants):
        scratch.length[k] = 0.0
    for _ in range(steps):
        if fit.error <= _EXACT * table.target_square or not damping < _MOST_DAMPING:
            break
        if moved:
            sum_products(constants, n_constants, table, fit, logistic, scaled, scratch)
            if not project(n_constants, table, fit, scaled, scratch):
                break
        promised = solve(n_constants, damping, scratch) / table.total_weight
        if logistic:
            promised *= 0.5
        if not promised > (_LEAST_GAIN if damping <= 1.0 else _LEAST_GAIN_DAMPED) * fit.error:
            break
        _take_step(constants, length, n_constants, scratch)
        after = _evaluate(scratch.trial, table, logistic, scaled, scratch)
        moved = after.error < fit.error
        if moved:
            gain = (fit.error - after.error) / promised
            damping = max(damping * max(_SHRINKING, 1.0 - (2.0 * gain - 1.0) ** 3), _LEAST_DAMPING)
            growth = 2.0
            _copy(scratch.trial, length, constants)
            fit = after
        else:
            damping *= growth
            growth *= 2.0
    return fit


@inner_kernel
def _copy(source, n, target):  # type: ignore[no-untyped-def]
    for i in range(n):
        target[i] = source[i]


@inner_kernel
def _take_step(constants, length, n_constants, scratch):  # type: ignore[no-untyped-def]
    _copy(constants, length, scratch.trial)
    for k in range(n_constants):
        scratch.trial[scratch.program.constant[k]] += scratch.step[k]


@_written_out
def _inform(information, constants, n_constants, table, fit, logistic, scaled, scratch):  # type: ignore[no-untyped-def]
    """Set the information on the constants of one formula, (L,)."""
    if n_constants > 0 and fit.error < np.inf:
        _evaluate(constants, table, logistic, scaled, scratch)
        sum_products(constants, n_constants, table, fit, logistic, scaled, scratch)
        for k in range(n_constants):
            information[scratch.program.constant[k]] = fit.slope * fit.slope * scratch.sums[k, k]


# -- error ----------------------------------------------------------------------------------------------------------------


@inner_kernel
def _evaluate(constants, table, logistic, scaled, scratch):  # type: ignore[no-untyped-def]
    """Fit of these constants; sets the table's output."""
    n_rows, width = len(table.target), scratch.width
    anew = scratch.held[0] != n_rows or n_rows > width
    scratch.held[0] = n_rows
    for start in range(0, n_rows, width):
        n = min(width, n_rows - start)
        find_values(scratch.program, constants, table.features, table.picked, start, n, anew, start == 0, scratch.rows)
        if not _keep_output(table, scratch.program.value[0], start, n, scratch.rows):
            return Fit(np.inf, 0.0, 1.0, 0.0, 0.0)
    if logistic:
        return _finite(_log_loss(table) / table.total_weight, 0.0, 1.0, 0.0, 0.0)
    if not scaled:
        return _finite(_squares(table, 0.0, 0.0, 1.0, 0.0) / table.total_weight, 0.0, 1.0, 0.0, 0.0)
    mean = _weighted_sum(table) / table.total_weight
    spread, product = _moments(table, mean)
    slope = product / spread if spread > _SAME_OUTPUT * mean * mean * table.total_weight else 0.0
    error = _squares(table, table.target_mean, mean, slope, 0.0) / table.total_weight
    return _finite(error, table.target_mean - slope * mean, slope, mean, spread)


@inner_kernel
def _finite(error, intercept, slope, mean, spread):  # type: ignore[no-untyped-def]
    if np.isfinite(error) and np.isfinite(intercept) and np.isfinite(slope):
        return Fit(error, intercept, slope, mean, spread)
    return Fit(np.inf, 0.0, 1.0, 0.0, 0.0)


@summing_kernel
def _keep_output(table, root, start, n, rows):  # type: ignore[no-untyped-def]
    """Write n rows of the output, 0 where there is no weight; returns whether all that count are finite."""
    gap, begin = 0.0, np.uintp(start)
    for i in range(np.uintp(n)):
        value = rows[root + i] if table.weights[begin + i] > 0.0 else 0.0
        table.output[begin + i] = value
        gap += value - value
    return gap == 0.0


@summing_kernel
def _weighted_sum(table):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(np.uintp(len(table.target))):
        total += table.weights[i] * table.output[i]
    return total


@summing_kernel
def _moments(table, mean):  # type: ignore[no-untyped-def]
    """Sums of squares of the output about its mean, and of its products with the target about its own."""
    spread = product = 0.0
    for i in range(np.uintp(len(table.target))):
        centred = table.output[i] - mean
        spread += table.weights[i] * centred * centred
        product += table.weights[i] * centred * (table.target[i] - table.target_mean)
    return spread, product


@summing_kernel
def _squares(table, target_mean, mean, slope, total):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(len(table.target))):
        residual = (table.target[i] - target_mean) - slope * (table.output[i] - mean)
        total += table.weights[i] * residual * residual
    return total


@summing_kernel
def _log_loss(table):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(np.uintp(len(table.target))):
        logit = table.output[i]
        total += table.weights[i] * (max(logit, 0.0) - table.target[i] * logit + _log(1.0 + _exp(-abs(logit))))
    return total
