"""A program that learns put to use: it is trained on examples, and predicts rows from the memory that training leaves.

As in a search, several copies learn side by side, one a lane: of several classes, one for each.
"""

import numpy as np

from evoml.kernels.compiling import kernel
from evoml.kernels.histogram import inlined_kernel
from evoml.kernels.program_evaluate import find_live, write_steps
from evoml.kernels.program_run import OF_VALIDATION, look_at_errors, run_steps

_START = np.int64(0)


@inlined_kernel
def _planned(program, memory, sizes, rules, space):  # type: ignore[no-untyped-def]
    instructions, literals, lengths = program
    before_predict = find_live(instructions, lengths, memory, space)
    plan = write_steps(instructions, literals, lengths, memory, before_predict, sizes, space)
    look_at_errors(plan, rules, space, False)
    return plan


@kernel(_nrt=False)
def learn(begins, stage, features, labels, program, memory, seeds, sizes, rules, space):  # type: ignore[no-untyped-def]
    """Train on examples, in their order, after setting up if training ``begins``; memory is left in ``space.work``.

    stage: number of the first of them. features (n, entries, lanes), labels (n, lanes) float64, seeds (lanes,) uint64. program:
    instructions (3 * room, 4) int32, literals (3 * room, 3) float64, lengths (3,) int32. A lane whose prediction was too far
    off once has losses of inf in the space.
    """
    plan = _planned(program, memory, sizes, rules, space)
    code = (program[0], program[1])
    if begins:
        space.work[:] = 0.0
        space.losses[:] = 0.0
        space.cursor[0] = 0
        run_steps(_START, _START, features, labels, code, seeds, sizes, rules, space)
    space.cursor[0], space.cursor[1] = -1, len(labels)
    run_steps(plan.train, stage, features, labels, code, seeds, sizes, rules, space)


@kernel(_nrt=False)
def predict(rows, work, program, memory, seeds, sizes, rules, space, features, labels, predictions):  # type: ignore[no-untyped-def]
    """Set predictions (n, lanes) float64 of rows (n, entries), each from the memory that training left in ``work``.

    features (1, entries, lanes) and labels (1, lanes) are to work in.
    """
    plan = _planned(program, memory, sizes, rules, space)
    code = (program[0], program[1])
    for row in range(len(rows)):
        for k in range(np.uintp(len(work))):
            space.work[k] = work[k]
        for entry in range(rows.shape[1]):
            features[0, entry, :] = rows[row, entry]
        space.losses[:] = 0.0
        space.cursor[0], space.cursor[1] = -1, 1
        run_steps(plan.validate, OF_VALIDATION, features, labels, code, seeds, sizes, rules, space)
        for lane in range(sizes.lanes):
            predictions[row, lane] = space.work[sizes.lanes + lane]
