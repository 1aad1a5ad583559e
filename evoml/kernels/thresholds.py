"""The best threshold of a node on any numerical column, for one output: no candidate is written down.

Histograms hold running sums here, which are the sums on the left. Rows on the left only grow along a column, so that the
thresholds with enough rows on both sides, few of all in a small node, are found by halving.
"""

import numpy as np

from evoml.kernels import gains as at_term
from evoml.kernels.gains import LANES, scan_gains
from evoml.kernels.histogram import inlined_kernel, inner_kernel, unpack
from evoml.kernels.splitting import key_of

_ONE = np.uintp(1)
_FEW_CANDIDATES = np.uintp(2 * LANES)  # are looked at faster than those among them that limits allow are found


@inner_kernel
def best_threshold(histogram, columns, total, layout, limits, packing, candidates):  # type: ignore[no-untyped-def]
    """As `splitting.fill_candidates` and `splitting.best_candidate` would find it, without l1.

    The best becomes the first of the candidates; returns its key, -1 if none is allowed and gains anything.
    """
    _set_terms(total, limits, packing, candidates.terms)
    gains, places = candidates.lane_gains, candidates.lane_places
    for lane in range(LANES):
        gains[lane], places[lane] = np.float32(0.0), np.int32(-1)
    mask = packing.row_mask
    least = np.int64(np.ceil(limits.min_rows))
    too_many = (total & mask) - least + 1
    for column in columns:
        if layout.categorical[column]:
            continue
        first, place = layout.histogram_offsets[column], layout.candidate_starts[column]
        n_values = layout.histogram_offsets[column + 1] - first - _ONE
        if n_values < _ONE:
            continue
        missing, more = layout.has_missing[column], np.int64(0)
        length = n_values if missing else n_values - _ONE
        first += _ONE
        for _ in range(1 + missing):
            begin, end = np.uintp(0), length
            if mask > 0 and length > _FEW_CANDIDATES:
                begin, end = _allowed_span(histogram, first, length, more, mask, least, too_many)
            if begin < end:
                scan_gains(
                    histogram, first + begin, end - begin, more, place + begin, packing.gradient_shift,
                    packing.hessian_shift, packing.hessian_mask, mask, candidates.terms, gains, places,
                )  # type: ignore[call-arg] # fmt: skip
            more, place, length = histogram[first - _ONE], place + n_values, n_values - _ONE
    return _first_of_lanes(histogram, layout, candidates)


@inlined_kernel
def _set_terms(total, limits, packing, terms):  # type: ignore[no-untyped-def]
    gradient, hessian, rows = unpack(total, packing)
    step, l2 = gradient / (hessian + limits.l2), limits.l2
    terms[at_term.GRADIENT_UNIT], terms[at_term.HESSIAN_UNIT] = packing.gradient_unit, packing.hessian_unit
    terms[at_term.HESSIAN_PER_ROW], terms[at_term.ROWS_PER_HESSIAN] = packing.hessian_per_row, packing.rows_per_hessian
    terms[at_term.MEAN], terms[at_term.REST], terms[at_term.LESS] = step, -step * l2, step * step * l2
    terms[at_term.L2], terms[at_term.HESSIAN], terms[at_term.ROWS] = l2, hessian, rows
    terms[at_term.LEAST_HESSIAN], terms[at_term.LEAST_ROWS] = limits.min_hessian, limits.min_rows


@inlined_kernel
def _allowed_span(histogram, first, length, more, mask, least, too_many):  # type: ignore[no-untyped-def]
    """How many of the running sums (and ``more`` each) hold less than ``least`` rows, and less than ``too_many``.

    A choice written as a choice would become a branch that cannot be foreseen; the sign of a difference is none.
    """
    low, high = first, first
    while length > _ONE:
        half = length >> _ONE
        low += half & np.uintp((((histogram[low + half - _ONE] + more) & mask) - least) >> 63)
        high += half & np.uintp((((histogram[high + half - _ONE] + more) & mask) - too_many) >> 63)
        length -= half
    low += _ONE & np.uintp((((histogram[low] + more) & mask) - least) >> 63)
    high += _ONE & np.uintp((((histogram[high] + more) & mask) - too_many) >> 63)
    return low - first, high - first


@inlined_kernel
def _first_of_lanes(histogram, layout, candidates):  # type: ignore[no-untyped-def]
    """Put the best, of equals the one whose place comes first, in front of the candidates; returns its key."""
    best, place = np.float32(0.0), np.int32(-1)
    for lane in range(LANES):
        gain, other = candidates.lane_gains[lane], candidates.lane_places[lane]
        if other >= 0 and (gain > best or (gain == best and other < place)):
            best, place = gain, other
    if place < 0:
        return np.int64(-1)
    column = layout.column_of_candidate[place]
    first = layout.histogram_offsets[column]
    nth, n_values = (
        np.uintp(place) - layout.candidate_starts[column],
        layout.histogram_offsets[column + 1] - first - _ONE,
    )
    missing_left = nth >= n_values
    bin_ = first + _ONE + (nth - n_values if missing_left else nth)
    candidates.places[0] = place
    candidates.sums[0, 0] = histogram[bin_] + (histogram[first] if missing_left else np.int64(0))
    return key_of(np.float32(best).view(np.int32), 0)
