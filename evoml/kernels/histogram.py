"""Sums of gradients, hessians and rows by column and bin, for all columns of a node at once: exact, in integers.

A row's gradient, hessian and its count of one share one int64 (see `Packing`), so a histogram takes one addition for
each row, column and output, and the sums of a sibling are exactly its parent's less its own. Histograms of several
outputs hold the outputs of a bin side by side, a multiple of four of them, so that additions run on vectors.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from evoml.kernels.compiling import kernel

_FOUR = np.uintp(4)
_MOST_PLACES = 1 << 25  # of two bytes each, beside the codes' one
_NUMBERS_IN_LINE = 8  # of eight bytes in a line of 64

# Arrays of the arguments are borrowed from the caller, none is made or returned: counting references to the dozens of
# arrays in the tuples below at every call took two thirds of the time on small tables.
borrowing_kernel = kernel(_nrt=False)
# Called by kernels only, so that nothing is compiled for calls from Python, which would take half of the time. The second kind
# is inlined: a call copies all arrays of a tuple.
inner_kernel = kernel(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inlined_kernel = kernel(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


class Packing(NamedTuple):
    """Places and units of the three numbers in an int64: gradient (signed) above hessian above row count.

    gradient = (packed >> gradient_shift) * gradient_unit; rows = packed & row_mask, where there is room for them, else
    estimated as rows_per_hessian times the hessian over all outputs; hessian = ((packed >> hessian_shift) & hessian_mask) *
    hessian_unit + rows * hessian_per_row: a constant hessian takes no room.
    """

    gradient_shift: int
    hessian_shift: int
    hessian_mask: int
    row_mask: int
    gradient_unit: float
    hessian_unit: float
    hessian_per_row: float
    rows_per_hessian: float


@intrinsic
def _add_four(typing_context, target, at, source, start):  # type: ignore[no-untyped-def]
    """target[at : at + 4] += source[start : start + 4] on a vector, which the compiler does not find by itself."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = ir.VectorType(ir.IntType(64), 4)

        def place(array_type, array, index):  # type: ignore[no-untyped-def]
            data = context.make_array(array_type)(context, builder, array).data
            return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())

        to = place(signature.args[0], arguments[0], arguments[1])
        here = builder.load(to, align=8)
        there = builder.load(place(signature.args[2], arguments[2], arguments[3]), align=8)
        builder.store(builder.add(here, there), to, align=8)
        return context.get_dummy_value()

    return types.void(target, at, source, start), generate


def aligned_rows(n_rows: int, n_numbers: int) -> np.ndarray:
    """(n_rows, n_numbers) int64, the first of which begins a line of the cache: a vector across two lines takes longer.

    What is read of a line behind the last number is there too.
    """
    room = np.empty(n_rows * n_numbers + 2 * _NUMBERS_IN_LINE, np.int64)
    first = -room.ctypes.data // 8 % _NUMBERS_IN_LINE
    return room[first : first + n_rows * n_numbers].reshape(n_rows, n_numbers)


@borrowing_kernel
def unpack(packed, packing):  # type: ignore[no-untyped-def]
    """Gradient, hessian and rows of one packed sum."""
    field = np.float64((packed >> packing.hessian_shift) & packing.hessian_mask)
    rows = np.float64(packed & packing.row_mask)
    gradient = np.float64(packed >> packing.gradient_shift) * packing.gradient_unit
    hessian = field * packing.hessian_unit + rows * packing.hessian_per_row
    return gradient, hessian, rows + hessian * packing.rows_per_hessian


@borrowing_kernel
def add_rows(codes, rows, packed, columns, offsets, histogram):  # type: ignore[no-untyped-def]
    """Add the rows' (n,) packed numbers to a zeroed histogram of one output; ``columns`` are those to be filled."""
    n_columns = np.uintp(codes.shape[1])
    flat = codes.reshape(codes.size)
    if len(columns) == codes.shape[1]:
        for i in range(len(rows)):
            row = np.uintp(rows[i])
            number = packed[row]
            first = row * n_columns
            for column in range(n_columns):
                histogram[offsets[column] + np.uintp(flat[first + column])] += number
    else:
        for i in range(len(rows)):
            row = np.uintp(rows[i])
            number = packed[row]
            first = row * n_columns
            for column in columns:
                histogram[offsets[column] + np.uintp(flat[first + np.uintp(column)])] += number


def bin_places(codes: np.ndarray, n_bins: np.ndarray) -> np.ndarray:
    """(n, c) uint16: where in a histogram of one output each value's bin lies; (0, c) if that does not fit, or needs too much.

    With them the innermost loop has one load less, and takes three quarters of the time.
    """
    offsets = np.cumsum(n_bins) - n_bins
    if n_bins.sum() > 1 << 16 or codes.size > _MOST_PLACES:
        return np.empty((0, codes.shape[1]), np.uint16)
    return np.add(codes, offsets.astype(np.uint16), dtype=np.uint16)


@inner_kernel
def add_at_places(places, rows, packed, columns, histogram):  # type: ignore[no-untyped-def]
    """As `add_rows`, by the places of bins."""
    n_columns = np.uintp(places.shape[1])
    flat = places.reshape(places.size)
    if len(columns) == places.shape[1]:
        for i in range(len(rows)):
            row = np.uintp(rows[i])
            number = packed[row]
            first = row * n_columns
            for at in range(first, first + n_columns):
                histogram[np.uintp(flat[at])] += number
    else:
        for i in range(len(rows)):
            row = np.uintp(rows[i])
            number = packed[row]
            first = row * n_columns
            for column in columns:
                histogram[np.uintp(flat[first + np.uintp(column)])] += number


@borrowing_kernel
def add_rows_outputs(codes, rows, packed, columns, offsets, n_outputs, histogram):  # type: ignore[no-untyped-def]
    """The same for packed numbers of several outputs, (n * n_outputs,): a multiple of four of them.

    Where their number is a constant, the innermost loop becomes a row of additions, which takes half of the time.
    """
    if len(columns) < codes.shape[1] or n_outputs > 12:
        _add_some_columns(codes, rows, packed, columns, offsets, np.uintp(n_outputs), histogram)
    elif n_outputs == 4:
        _add_all_columns(codes, rows, packed, offsets, np.uintp(4), histogram)
    elif n_outputs == 8:
        _add_all_columns(codes, rows, packed, offsets, np.uintp(8), histogram)
    else:
        _add_all_columns(codes, rows, packed, offsets, np.uintp(12), histogram)


@inlined_kernel
def _add_all_columns(codes, rows, packed, offsets, outputs, histogram):  # type: ignore[no-untyped-def]
    n_columns = np.uintp(codes.shape[1])
    flat = codes.reshape(codes.size)
    for i in range(len(rows)):
        row = np.uintp(rows[i])
        source, first = row * outputs, row * n_columns
        for column in range(n_columns):
            target = (offsets[column] + np.uintp(flat[first + column])) * outputs
            for output in range(np.uintp(0), outputs, _FOUR):
                _add_four(histogram, target + output, packed, source + output)  # type: ignore[call-arg]


@inner_kernel
def _add_some_columns(codes, rows, packed, columns, offsets, outputs, histogram):  # type: ignore[no-untyped-def]
    n_columns = np.uintp(codes.shape[1])
    flat = codes.reshape(codes.size)
    for i in range(len(rows)):
        row = np.uintp(rows[i])
        source, first = row * outputs, row * n_columns
        for column in columns:
            target = (offsets[column] + np.uintp(flat[first + np.uintp(column)])) * outputs
            for output in range(np.uintp(0), outputs, _FOUR):
                _add_four(histogram, target + output, packed, source + output)  # type: ignore[call-arg]


@inner_kernel
def accumulate(histogram, columns, offsets, categorical):  # type: ignore[no-untyped-def]
    """Turn the sums of the values' bins of numerical columns, of one output, into running sums.

    These can be subtracted too, so that the larger of two children has them without another pass. Bin 0 stays apart.
    """
    for column in columns:
        if categorical[column]:
            continue
        running = np.int64(0)
        for i in range(offsets[column] + np.uintp(1), offsets[column + 1]):
            running += histogram[i]
            histogram[i] = running


@borrowing_kernel
def subtract(histogram, part):  # type: ignore[no-untyped-def]
    """Leave the sibling's histogram in place of the parent's."""
    for i in range(np.uintp(len(histogram))):
        histogram[i] -= part[i]
