"""Errors of formulas from sums over blocks of rows, and the hash of what they compute.

All sums are float64 and taken on eight lanes in a fixed order. Targets are less their mean, and outputs, where they are fitted
by a line, less about their mean in the first block: a share of variance that is left of 1e-12 is then told from one of 1e-10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from evoml.kernels.expression_lanes import Lanes, load, splat
from evoml.kernels.expression_math import exp, log, roughly_exp, roughly_log
from evoml.kernels.histogram import inner_kernel
from evoml.kernels.random import mix, uniform

MSE, MAE, R2, LOG_LOSS, CORRELATION = range(5)

# What is summed up over a block.
SQUARES, SIZES, LOG_LOSSES, MOMENTS = range(4)
SAMPLED_ROWS = 64  # for the hash
PROJECTIONS = 3
LANES_OF_SUMS = 8
_LONG, _DOUBLE = ir.IntType(64), ir.DoubleType()


# -- sums over rows, on vectors -------------------------------------------------------------------------------------------


@intrinsic
def add_block(typing_context, what, weighted, work, row, target, weights, rows, intercept, slope, sums, place):  # type: ignore[no-untyped-def]
    """Add what ``rows`` rows of a formula contribute to its sums[place], (3,) of float64.

    The outputs begin at work[row]; target and weights (block,) are float64, weights are read where ``weighted``. With the value
    v = slope * output + intercept: SQUARES of v - target, SIZES of it; LOG_LOSSES of v for targets 0 and 1; or MOMENTS: the sum
    of v, of its squares, and of its products with the target.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(index: int) -> Any:
            return context.make_array(signature.args[index])(context, builder, arguments[index]).data

        element = ir.DoubleType() if work.dtype == types.float64 else ir.FloatType()
        function = _sums_function(builder.module, element)
        given = [
            arguments[0],
            arguments[1],
            data(2),
            arguments[3],
            data(4),
            data(5),
            *arguments[6:9],
            data(9),
            arguments[10],
        ]
        builder.call(function, given)
        return context.get_dummy_value()

    numbers = [
        types.int64,
        types.boolean,
        work,
        types.int64,
        target,
        weights,
        types.int64,
        types.float64,
        types.float64,
    ]
    return types.void(*numbers, sums, types.int64), generate


def _sums_function(module: Any, element: Any) -> Any:
    name = f"evoml_formula_sums_{element}"
    if name in module.globals:
        return module.globals[name]
    double = _DOUBLE.as_pointer()
    kinds = [_LONG, ir.IntType(1), element.as_pointer(), _LONG, double, double, _LONG, _DOUBLE, _DOUBLE, double, _LONG]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "internal"
    what, weighted, *_ = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    end = function.append_basic_block("end")
    switch = builder.switch(builder.add(builder.shl(what, _LONG(1)), builder.zext(weighted, _LONG)), end)
    log_losses = _log_losses if isinstance(element, ir.DoubleType) else _log_losses_single
    for kind, (n_terms, terms) in enumerate(((1, _squares), (1, _sizes), (1, log_losses), (3, _moments))):
        for with_weights in (0, 1):
            case = function.append_basic_block()
            switch.add_case(_LONG(2 * kind + with_weights), case)
            builder.position_at_end(case)
            _sum_up(builder, function, terms, n_terms, bool(with_weights))
            builder.branch(end)
    builder.position_at_end(end)
    builder.ret_void()
    return function


def _squares(value: Lanes, target: Lanes) -> list[Lanes]:
    difference = value - target
    return [difference * difference]


def _sizes(value: Lanes, target: Lanes) -> list[Lanes]:
    return [(value - target).absolute()]


def _log_losses(value: Lanes, target: Lanes) -> list[Lanes]:
    """log(1 + exp(v)) - target * v."""
    softened = log(exp(-value.absolute()) + 1.0)
    return [(value > 0.0).where(value, 0.0) - target * value + softened]


def _log_losses_single(value: Lanes, target: Lanes) -> list[Lanes]:
    """The same to 1e-8, in half of the time."""
    softened = roughly_log(roughly_exp(-value.absolute()) + 1.0)
    return [(value > 0.0).where(value, 0.0) - target * value + softened]


def _moments(value: Lanes, target: Lanes) -> list[Lanes]:
    return [value, value * value, value * target]


def _sum_up(builder: Any, function: Any, terms: Any, n_terms: int, with_weights: bool) -> None:
    """Write the loop over rows; every term has its own sum in each lane, which are added up in pairs."""
    _, _, work, row, target, weights, rows, intercept, slope, sums, place = function.args
    vector = ir.VectorType(_DOUBLE, LANES_OF_SUMS)
    begin = builder.gep(work, [row])
    constant, factor = (splat(builder, number, LANES_OF_SUMS) for number in (intercept, slope))
    before, loop, after = builder.block, function.append_basic_block(), function.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    at = builder.phi(_LONG)
    at.add_incoming(_LONG(0), before)
    totals = [builder.phi(vector) for _ in range(n_terms)]
    outputs = load(builder, begin, at, LANES_OF_SUMS).to_double()
    value = factor.multiply_add(outputs, constant)
    found = terms(value, load(builder, target, at, LANES_OF_SUMS))
    if with_weights:
        weight = load(builder, weights, at, LANES_OF_SUMS)
        found = [term * weight for term in found]
    added = [builder.fadd(total, term.value) for total, term in zip(totals, found, strict=True)]
    for total, following in zip(totals, added, strict=True):
        total.add_incoming(ir.Constant(vector, [0.0] * LANES_OF_SUMS), before)
        total.add_incoming(following, loop)
    following = builder.add(at, _LONG(LANES_OF_SUMS))
    at.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, rows), loop, after)
    builder.position_at_end(after)
    for i, total in enumerate(added):
        pointer = builder.gep(sums, [builder.add(builder.mul(place, _LONG(3)), _LONG(i))])
        builder.store(builder.fadd(builder.load(pointer), _in_pairs(builder, total)), pointer)


def _in_pairs(builder: Any, vector: Any) -> Any:
    numbers = [builder.extract_element(vector, _LONG(i)) for i in range(LANES_OF_SUMS)]
    while len(numbers) > 1:
        numbers = [builder.fadd(a, b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    return numbers[0]


# -- from sums to errors --------------------------------------------------------------------------------------------------


@inner_kernel
def finish(loss, scaled, sums, shift, total_weight, mean, spread, resolution):  # type: ignore[no-untyped-def]
    """Return error, intercept and slope from the sums of a formula, (3,), taken with the output less ``shift``.

    mean and spread (the sum of squared differences from it) are the target's, resolution the outputs' relative rounding.
    """
    if loss == LOG_LOSS:
        return sums[0] / total_weight, 0.0, 1.0
    intercept, slope, left, explained = 0.0, 1.0, sums[0], 0.0
    if scaled:
        offset = sums[0] / total_weight
        variance = sums[1] - sums[0] * offset
        middle = offset + shift
        varies = variance > total_weight * (4.0 * resolution * middle) ** 2
        slope = sums[2] / variance if varies else 0.0
        intercept = mean - slope * middle
        explained = slope * sums[2]
        left = max(spread - explained, 0.0)
    if loss in (MSE, MAE):
        return left / total_weight, intercept, slope
    if spread <= 0.0:  # nothing to explain
        return 1.0 if left > 0.0 or loss == CORRELATION else 0.0, intercept, slope
    share = left / spread
    if loss == CORRELATION:  # 1 - r, which is 1 - r**2 over 1 + r, without the difference of two large numbers
        share = share / (1.0 + np.sqrt(explained / spread))
    return share, intercept, slope


# -- the hash -------------------------------------------------------------------------------------------------------------


@inner_kernel
def hash_of_outputs(sample, scaled, cell, projections):  # type: ignore[no-untyped-def]
    """Return a hash of outputs on sampled rows, (k,), which those share that differ by rounding only.

    The sample is brought to length 1 (if ``scaled``: less its mean, and of the sign that makes the first projection positive),
    and projected on random vectors, (PROJECTIONS, SAMPLED_ROWS): few numbers, rounded to multiples of ``cell``, seldom fall
    on different sides of a boundary, as one of 64 rounded outputs would.
    """
    n, middle = len(sample), 0.0
    if scaled:
        for i in range(n):
            middle += sample[i]
        middle /= n
    largest = 0.0
    for i in range(n):
        largest = max(largest, abs(sample[i]))
    length = 0.0
    for i in range(n):
        length += (sample[i] - middle) ** 2
    length = np.sqrt(length)
    key = mix(np.uint64(0), n)
    if not length > 1e-6 * cell * largest * np.sqrt(n):  # nothing but rounding, or nothing at all
        return key
    sign = 1.0
    for j in range(PROJECTIONS):
        total = 0.0
        for i in range(n):
            total += projections[j, i] * ((sample[i] - middle) / length)
        if scaled and j == 0 and total < 0.0:
            sign = -1.0
        key = mix(key, np.int64(np.floor(sign * total / cell + 0.5)))
    return key if scaled else mix(key, np.int64(np.floor(np.log(length) / cell + 0.5)))


@inner_kernel
def fill_projections(projections):  # type: ignore[no-untyped-def]
    """Fill (PROJECTIONS, SAMPLED_ROWS) with numbers of variance 1, uniform in -1.7 to 1.7."""
    for j in range(PROJECTIONS):
        for i in range(SAMPLED_ROWS):
            projections[j, i] = 3.4641016151377544 * (uniform(mix(mix(np.uint64(7), j), i)) - 0.5)
