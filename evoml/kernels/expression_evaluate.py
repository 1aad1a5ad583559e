"""Formulas on a table, thousands at once: blocks of rows outside, formulas inside, so that a block stays in the cache.

The workspace has a row for each register and for each column of the table; a block of the table's rows is copied there. Outputs
and errors come from one kernel, as the machine is long to compile.
"""

from __future__ import annotations

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.expression_codes import VARIABLE
from evoml.kernels.expression_compile import compile_formula, fold_constants, registers_needed
from evoml.kernels.expression_losses import (
    CORRELATION,
    LANES_OF_SUMS,
    LOG_LOSS,
    LOG_LOSSES,
    MAE,
    MOMENTS,
    MSE,
    PROJECTIONS,
    SAMPLED_ROWS,
    SIZES,
    SQUARES,
    add_block,
    fill_projections,
    finish,
    hash_of_outputs,
)
from evoml.kernels.expression_machine import BYTES_OF_VECTOR, STEP_SIZE, STRIP, run_steps
from evoml.kernels.histogram import inner_kernel

OUTPUTS = -1  # in place of a loss: outputs are written, and nothing else
BYTES_OF_BLOCK = 2048  # of a row of the workspace: 512 float32 or 256 float64
_LINE = 64  # bytes
# Called by kernels only, and it returns arrays: see `inner_kernel`.
making_kernel = kernel(no_cpython_wrapper=True, no_cfunc_wrapper=True)
# Reassociated, so that sums run on vectors.
inner_sum = kernel(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, fastmath={"reassoc", "nsz"})


def evaluate(
    codes: np.ndarray,
    constants: np.ndarray,
    lengths: np.ndarray,
    features: np.ndarray,
    first: int,
    last: int,
    out: np.ndarray,
) -> None:
    """Write the outputs of formulas ``first`` to ``last`` (not included) to out[first:last], (n, n_rows).

    codes (n, L) int32, constants (n, L) float64, lengths (n,) int32; features (n_features, n_rows) float32 or float64 like
    out. What is not finite is written as it comes.
    """
    nothing = np.zeros(0, out.dtype)
    formulas_on_table(
        codes, constants, lengths, features, nothing, nothing, OUTPUTS, False, first, last, BYTES_OF_BLOCK // out.itemsize,
        out, np.zeros(0), np.zeros((0, 2)), np.zeros(0, np.uint64),
    )  # fmt: skip


@kernel
def formulas_on_table(  # type: ignore[no-untyped-def]
    codes, constants, lengths, features, target, weights, loss, scaled, first, last, block, out, errors, scales, hashes
):
    """Run formulas on blocks of ``block`` rows: write outputs, or errors, scales and hashes (`expression_fitness.score`)."""
    n, resolution = last - first, _resolution(features)
    work, start = _workspace(features, codes.shape[1], block)
    steps, values, begins, results = _compile(codes, constants, lengths, first, last, block, work)
    used = np.zeros(features.shape[0], np.bool_)
    _mark_columns(codes, lengths, first, last, used)
    rows = _rows_that_count(weights, features.shape[1], loss)
    centred, positive, total_weight, mean, spread, weighted = _prepare(target, weights, rows, loss)
    gathered = len(rows) < features.shape[1]
    fitted = loss == CORRELATION or (scaled and loss != LOG_LOSS)
    sums, lines = np.zeros((n, 3)), np.zeros((n, 2))
    sampled_rows = _sampled_rows(len(rows))
    samples = np.zeros((n, len(sampled_rows)))
    alive, n_alive = np.empty(n, np.int64), n
    for p in range(n):
        alive[p] = p
    block_target, block_weights = np.zeros(block), np.zeros(block)
    for sweep in range(2 if fitted and loss == MAE else 1):
        what = _what_to_sum(loss, fitted, sweep)
        _set_lines(what, sweep, sums, total_weight, mean, spread, resolution, lines)
        n_sampled = 0
        for row in range(0, len(rows), block):
            count = min(block, len(rows) - row)
            _load_rows(features, used, rows, gathered, row, count, block, start, work)
            _load_target(loss, centred, positive, row, count, block_target, block_weights)
            before = n_sampled
            while n_sampled < len(sampled_rows) and sampled_rows[n_sampled] < row + count:
                n_sampled += 1
            left = 0
            for k in range(n_alive):
                p = alive[k]
                run_steps(steps, values, begins[p], begins[p + 1] - begins[p], work, count)
                result = results[p]
                if loss == OUTPUTS:
                    _copy(work[result : result + count], out[first + p, row : row + count])
                    left += 1
                    continue
                if row == 0 and what == MOMENTS:
                    lines[p, 0] = -_middle(work, result, count)
                with_weights = weighted or count % LANES_OF_SUMS > 0  # what fills up the last lanes has no weight
                add_block(  # type: ignore[call-arg]
                    what, with_weights, work, result, block_target, block_weights, count, lines[p, 0], lines[p, 1], sums, p
                )  # fmt: skip
                for j in range(before, n_sampled):
                    samples[p, j] = work[result + sampled_rows[j] - row]
                if np.isfinite(sums[p, 0] + sums[p, 1] + sums[p, 2]):  # what has failed once is left at once
                    alive[left] = p
                    left += 1
            n_alive = left
    if loss != OUTPUTS:
        _write_errors(
            loss, scaled, fitted, alive, n_alive, sums, lines, samples, total_weight, mean, spread, resolution,
            np.empty((PROJECTIONS, SAMPLED_ROWS)), errors[first:last], scales[first:last], hashes[first:last],
        )  # fmt: skip


# -- before the blocks ----------------------------------------------------------------------------------------------------


@inner_kernel
def _resolution(features):  # type: ignore[no-untyped-def]
    """The relative rounding of a number of the table's type."""
    return 1.2e-7 if features.itemsize == 4 else 2.2e-16


@making_kernel
def _workspace(features, max_length, block):  # type: ignore[no-untyped-def]
    """Return room for registers and columns, (rows * block,), beginning with a line of the cache, and where columns begin."""
    n_registers = registers_needed(max_length)
    size = (n_registers + features.shape[0]) * block
    room = np.empty(size + _LINE // features.itemsize, features.dtype)
    shift = (-room.ctypes.data % _LINE) // features.itemsize
    return room[shift : shift + size], n_registers * block


@kernel(inline="always")  # as what it calls is
def _compile(codes, constants, lengths, first, last, block, work):  # type: ignore[no-untyped-def]
    """Return steps and values of formulas, where each begins among them, (n + 1,), and where its result's row begins."""
    max_length, total = codes.shape[1], 3  # three steps more, for constants that are computed
    for p in range(first, last):
        total += lengths[p]
    steps, values = np.empty((total, STEP_SIZE), np.int32), np.empty((total, 2))
    begins, results = np.zeros(last - first + 1, np.int64), np.empty(last - first, np.int64)
    stack, known = np.empty((max_length + 1, 4), np.int64), np.empty(max_length)
    numbers, registers = np.empty(max_length + 1), np.empty(registers_needed(max_length) + 2, np.int64)
    at = np.int64(0)  # not 0 written out, which would be another type to what is called
    for p in range(first, last):
        fold_constants(codes[p], constants[p], lengths[p], work, steps, values, at, stack, known)
        at, results[p - first] = compile_formula(
            codes[p], known, lengths[p], block, steps, values, at, stack, numbers, registers
        )
        begins[p - first + 1] = at
    return steps, values, begins, results


@inner_kernel
def _mark_columns(codes, lengths, first, last, used):  # type: ignore[no-untyped-def]
    """Set used, (n_columns,) bool, where any of the formulas uses a column."""
    for p in range(first, last):
        for i in range(lengths[p]):
            if codes[p, i] >= VARIABLE:
                used[codes[p, i] - VARIABLE] = True


@making_kernel
def _rows_that_count(weights, n_rows, loss):  # type: ignore[no-untyped-def]
    """Rows of positive weight, or all."""
    rows, n = np.empty(n_rows, np.int64), 0
    for i in range(n_rows):
        if loss == OUTPUTS or weights[i] > 0:
            rows[n] = i
            n += 1
    return rows[:n]


@making_kernel
def _prepare(target, weights, rows, loss):  # type: ignore[no-untyped-def]
    """Return target, less its mean but for log loss, and weights of ``rows``, all float64; weight, mean and spread of
    all, and whether weights differ from 1."""
    n = 0 if loss == OUTPUTS else len(rows)
    centred, positive = np.empty(n), np.empty(n)
    total = mean = spread = 0.0
    weighted = False
    for i in range(n):
        centred[i], positive[i] = target[rows[i]], weights[rows[i]]
        total += positive[i]
        weighted |= positive[i] != 1.0
    if loss == LOG_LOSS or n == 0:
        return centred, positive, total, mean, spread, weighted
    for _ in range(2):  # the second time for what rounding has left
        shift = _sum_of_products(positive, centred) / total
        mean += shift
        for i in range(n):
            centred[i] -= shift
    spread = _sum_of_squares(positive, centred)
    if spread <= total * (4.0 * 2.2e-16 * mean) ** 2:  # a constant, but for the rounding of its mean
        spread = 0.0
    return centred, positive, total, mean, spread, weighted


@inner_sum
def _sum_of_products(weights, values):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(values)):
        total += weights[i] * values[i]
    return total


@inner_sum
def _sum_of_squares(weights, values):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(values)):
        total += weights[i] * values[i] * values[i]
    return total


@making_kernel
def _sampled_rows(n_rows):  # type: ignore[no-untyped-def]
    """Rows by which outputs are recognised: spread evenly, as the first ones may be all alike in a sorted table."""
    n = min(n_rows, SAMPLED_ROWS)
    found = np.empty(n, np.int64)
    for i in range(n):
        found[i] = (2 * i + 1) * n_rows // (2 * n)
    return found


# -- in a sweep over the blocks -------------------------------------------------------------------------------------------


@inner_kernel
def _what_to_sum(loss, fitted, sweep):  # type: ignore[no-untyped-def]
    if loss == LOG_LOSS:
        return LOG_LOSSES
    if fitted and sweep == 0:
        return MOMENTS
    return SIZES if loss == MAE else SQUARES


@inner_kernel
def _set_lines(what, sweep, sums, total_weight, mean, spread, resolution, lines):  # type: ignore[no-untyped-def]
    """Set intercept and slope with which outputs are summed up; in a second sweep, those of least squares."""
    for p in range(len(lines)):
        if sweep == 0:
            lines[p, 0], lines[p, 1] = 0.0 if what == LOG_LOSSES else -mean, 1.0
        else:
            _, intercept, slope = finish(MSE, True, sums[p], -lines[p, 0], total_weight, mean, spread, resolution)
            lines[p, 0], lines[p, 1] = intercept - mean, slope
            sums[p, 0] = sums[p, 1] = sums[p, 2] = 0.0


@inner_kernel
def _load_rows(features, used, rows, gathered, row, count, block, start, work):  # type: ignore[no-untyped-def]
    """Copy ``count`` rows of the table; the rest of the last strip repeats the last one, so that it is nothing unusual."""
    strip = STRIP * BYTES_OF_VECTOR // features.itemsize
    end = (count + strip - 1) // strip * strip
    for column in range(features.shape[0]):
        if used[column]:
            begin = start + column * block
            if gathered:
                for i in range(count):
                    work[begin + i] = features[column, rows[row + i]]
            else:
                _copy(features[column, row : row + count], work[begin : begin + count])
            for i in range(begin + count, begin + end):
                work[i] = work[begin + count - 1]


@inner_kernel
def _copy(source, target):  # type: ignore[no-untyped-def]
    for i in range(len(source)):
        target[i] = source[i]


@inner_kernel
def _load_target(loss, centred, positive, row, count, block_target, block_weights):  # type: ignore[no-untyped-def]
    """Copy targets and weights of a block; the rest of it has no weight."""
    if loss != OUTPUTS:
        for i in range(len(block_target)):
            block_target[i] = centred[row + i] if i < count else 0.0
            block_weights[i] = positive[row + i] if i < count else 0.0


@inner_kernel
def _middle(work, result, count):  # type: ignore[no-untyped-def]
    """About the mean of a formula's outputs in a block."""
    n = min(count, 16)
    total = 0.0
    for i in range(n):
        total += work[result + i * count // n]
    return total / n


# -- after the blocks -----------------------------------------------------------------------------------------------------


@inner_kernel
def _write_errors(  # type: ignore[no-untyped-def]
    loss, scaled, fitted, alive, n_alive, sums, lines, samples, total_weight, mean, spread, resolution, projections, errors,
    scales, hashes
):  # fmt: skip
    """Set errors (n,), scales (n, 2) and hashes (n,) of formulas, of which the first ``n_alive`` of alive have finite sums."""
    for p in range(len(errors)):
        errors[p], scales[p, 0], scales[p, 1], hashes[p] = np.inf, 0.0, 1.0, np.uint64(0)
    if total_weight <= 0.0:
        return
    fill_projections(projections)
    cell = 2.0**-14 if resolution > 1e-10 else 2.0**-20
    for k in range(n_alive):
        p = alive[k]
        if fitted and loss == MAE:
            errors[p] = sums[p, 0] / total_weight
            scales[p, 0], scales[p, 1] = lines[p, 0] + mean, lines[p, 1]
        else:
            errors[p], scales[p, 0], scales[p, 1] = finish(
                loss, fitted, sums[p], -lines[p, 0], total_weight, mean, spread, resolution
            )
        hashes[p] = hash_of_outputs(samples[p], scaled and loss != LOG_LOSS, cell, projections)
