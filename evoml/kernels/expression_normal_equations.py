"""Kernels: the normal equations of a formula's constants, summed block by block, and the step they give.

Their scratch and tables are those of `expression_least_squares`. With linear scaling they are those of what intercept and
slope leave over of each derivative.
"""

from functools import partial

import numpy as np

from evoml.kernels import expression_math as functions
from evoml.kernels.expression_derivatives import filled_up, find_derivatives, find_values
from evoml.kernels.expression_lanes import of_numbers
from evoml.kernels.histogram import inner_kernel

RESIDUAL, WEIGHT, CENTRED, N_EXTRA = range(4)  # columns after the derivatives
_EXPLAINED = 1e-13  # of a column's square: what intercept, slope or other columns leave over is only rounding
_LEAST_VARIANCE = 1e-12  # of a class's probability, in the weights of reweighted least squares
_sigmoid = of_numbers(functions.sigmoid)
summing_kernel = partial(inner_kernel, fastmath={"reassoc", "nsz", "contract"})


@inner_kernel
def sum_products(constants, n_constants, table, fit, logistic, scaled, scratch):  # type: ignore[no-untyped-def]
    """Set sums of products of the derivatives with each other and with residual, weight and centred output.

    All columns are times the root of the weight. The table's output is that of these constants.
    """
    n_rows, width, rows, program = len(table.target), scratch.width, scratch.rows, scratch.program
    wide = n_constants + (N_EXTRA if scaled and not logistic else 1)
    for a in range(n_constants):
        for b in range(a, wide):
            scratch.sums[a, b] = 0.0
    for start in range(0, n_rows, width):
        n = min(width, n_rows - start)
        if n_rows > width:
            find_values(program, constants, table.features, table.picked, start, n, n_rows > width, start == 0, rows)
        _fill_extra_columns(table, fit, logistic, start, n, scratch.extra, scratch.stride, rows)
        find_derivatives(program, n, rows)
        for k in range(wide):
            scratch.place[k] = (
                program.derivative[k] if k < n_constants else scratch.extra + (k - n_constants) * scratch.stride
            )
        if not _multiply_columns(n_constants, wide, np.uintp(filled_up(n)), scratch):
            _drop_undefined(n_constants, n, scratch.extra + N_EXTRA * scratch.stride, scratch)
            _multiply_columns(n_constants, wide, np.uintp(filled_up(n)), scratch)
        for a in range(n_constants):
            for b in range(a, wide):
                scratch.sums[a, b] += scratch.block[a, b]


@inner_kernel
def _fill_extra_columns(table, fit, logistic, start, n, base, stride, rows):  # type: ignore[no-untyped-def]
    residual, weight, centred = np.uintp(base), np.uintp(base + stride), np.uintp(base + 2 * stride)
    begin = np.uintp(start)
    if logistic:
        for i in range(np.uintp(n)):
            chance = _sigmoid(table.output[begin + i])
            variance = max(chance * (1.0 - chance), _LEAST_VARIANCE)
            rows[weight + i] = np.sqrt(table.weights[begin + i] * variance)
            rows[residual + i] = np.sqrt(table.weights[begin + i] / variance) * (table.target[begin + i] - chance)
    else:
        for i in range(np.uintp(n)):
            root = np.sqrt(table.weights[begin + i])
            output = table.output[begin + i]
            rows[weight + i] = root
            rows[residual + i] = root * (table.target[begin + i] - fit.intercept - fit.slope * output)
            rows[centred + i] = root * (output - fit.mean)
    for i in range(np.uintp(n), np.uintp(filled_up(n))):
        rows[residual + i] = rows[weight + i] = rows[centred + i] = 0.0


@inner_kernel
def _multiply_columns(n_constants, wide, n, scratch):  # type: ignore[no-untyped-def]
    """Set the block's products, the upper half; returns whether all are finite."""
    place, sign, gap = scratch.place, scratch.program.derivative_sign, 0.0
    for a in range(n_constants):
        for b in range(a, wide, 4):
            second, third, fourth = min(b + 1, wide - 1), min(b + 2, wide - 1), min(b + 3, wide - 1)
            found = _four_products(
                np.uintp(place[a]), np.uintp(place[b]), np.uintp(place[second]), np.uintp(place[third]),
                np.uintp(place[fourth]), n, scratch.rows,
            )  # fmt: skip
            scratch.block[a, fourth] = sign[a] * sign[fourth] * found[3]
            scratch.block[a, third] = sign[a] * sign[third] * found[2]
            scratch.block[a, second] = sign[a] * sign[second] * found[1]
            scratch.block[a, b] = sign[a] * sign[b] * found[0]
        for b in range(a, wide):
            gap += scratch.block[a, b] - scratch.block[a, b]
    return gap == 0.0


@summing_kernel
def _four_products(one, first, second, third, fourth, n, rows):  # type: ignore[no-untyped-def]
    a = b = c = d = 0.0
    for i in range(n):
        value = rows[one + i]
        a += value * rows[first + i]
        b += value * rows[second + i]
        c += value * rows[third + i]
        d += value * rows[fourth + i]
    return a, b, c, d


@inner_kernel
def _drop_undefined(n_constants, n, to, scratch):  # type: ignore[no-untyped-def]
    """Point to copies of the derivatives with 0 for what is not finite: a row without a derivative tells nothing."""
    rows = scratch.rows
    for k in range(n_constants):
        came, here = np.uintp(scratch.place[k]), np.uintp(to + k * scratch.stride)
        for i in range(np.uintp(filled_up(n))):
            value = rows[came + i]
            rows[here + i] = value if value - value == 0.0 else 0.0
        scratch.place[k] = to + k * scratch.stride


@inner_kernel
def project(n_constants, table, fit, scaled, scratch):  # type: ignore[no-untyped-def]
    """Set the matrix of columns less what intercept and slope explain; returns whether it can be used.

    Columns are scaled by the largest length each has had in this descent (More 1978, "The Levenberg-Marquardt algorithm",
    section 6): one that fades away would ask for giant steps. A column of which nothing is left takes no part.
    """
    sums, matrix, slope = scratch.sums, scratch.matrix, fit.slope
    weight, centred = n_constants + WEIGHT, n_constants + CENTRED
    total = 0.0
    for a in range(n_constants):
        for b in range(a, n_constants):
            left = sums[a, b]
            if scaled and fit.spread > 0.0:
                left -= sums[a, weight] * sums[b, weight] / table.total_weight
                left -= sums[a, centred] * sums[b, centred] / fit.spread
            matrix[b, a] = left * slope * slope
        kept = matrix[a, a] > _EXPLAINED * sums[a, a] * slope * slope
        scratch.root[a] = 1.0 if kept else 0.0
        if kept:
            scratch.length[a] = max(scratch.length[a], np.sqrt(matrix[a, a]))
        scratch.gradient[a] = slope * sums[a, n_constants + RESIDUAL] if kept else 0.0
        total += scratch.length[a] + abs(scratch.gradient[a])
    for a in range(n_constants):
        for b in range(a, n_constants):
            both = scratch.root[a] * scratch.root[b]
            matrix[b, a] = matrix[b, a] / (scratch.length[a] * scratch.length[b]) if both > 0.0 else 0.0
        scratch.gradient[a] = scratch.gradient[a] / scratch.length[a] if scratch.root[a] > 0.0 else 0.0
    return total > 0.0 and np.isfinite(total)


@inner_kernel
def solve(n_constants, damping, scratch):  # type: ignore[no-untyped-def]
    """Set the step; returns by how much the sum of squares should fall.

    Cholesky, with the factor's transpose above the diagonal of the matrix. A column that others explain gets no step.
    """
    matrix, root, step = scratch.matrix, scratch.root, scratch.step
    for a in range(n_constants):
        pivot, right = matrix[a, a] + damping, scratch.gradient[a]
        for c in range(a):
            pivot -= matrix[c, a] * matrix[c, a]
            right -= matrix[c, a] * step[c]
        usable = scratch.length[a] > 0.0 and pivot > _EXPLAINED
        root[a] = np.sqrt(pivot) if usable else np.inf
        step[a] = right / root[a]
        for b in range(a + 1, n_constants):
            product = matrix[b, a]
            for c in range(a):
                product -= matrix[c, a] * matrix[c, b]
            matrix[a, b] = product / root[a]
    promised = 0.0
    for a in range(n_constants - 1, -1, -1):
        for b in range(a + 1, n_constants):
            step[a] -= matrix[a, b] * step[b]
        step[a] /= root[a]
        promised += step[a] * (damping * step[a] + scratch.gradient[a])
    for a in range(n_constants):
        step[a] = step[a] / scratch.length[a] if scratch.length[a] > 0.0 else 0.0
    return promised
