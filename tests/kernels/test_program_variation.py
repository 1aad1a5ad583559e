"""Random programs and their mutants: valid, within limits, and each mutation does what it says."""

import numpy as np
import pytest
from kernels.program_cases import ALL, DEMO, keys_of, language_of, programs_of

from evoml.genomes.program import Programs
from evoml.kernels.program_codes import LITERALS, MUTATIONS, PLACE, SPREAD
from evoml.kernels.program_variation import (
    ALTER,
    INSERT,
    RANDOMISE_COMPONENT,
    RANDOMISE_INSTRUCTION,
    RANDOMISE_PROGRAM,
    REMOVE,
    TRADE,
    make_child,
    vary,
)

ROOM = 8


def mutants(programs, language, mutation, rng):
    """Mutants of all programs, and which were told to change."""
    made = Programs(programs.instructions.copy(), programs.literals.copy(), programs.lengths.copy())
    child = make_child(programs.room)
    vary(
        mutation, keys_of(rng, len(made)), language, child, made.instructions, made.literals, made.lengths, 0, len(made)
    )
    return made


def pairs(mutation, language=None, n=400, seed=0):
    """Programs and mutants, as values, with the numbers of components that differ."""
    rng, language = np.random.default_rng(seed), language or language_of()
    programs = programs_of(language, rng, n, ROOM)
    found = []
    for before, after in zip(programs, mutants(programs, language, mutation, rng), strict=True):
        changed = [k for k in range(3) if before.components[k] != after.components[k]]
        found.append((before, after, changed))
    return found


def without(component, position):
    return component[:position] + component[position + 1 :]


def test_random_programs_hold_what_the_language_allows():
    rng, language = np.random.default_rng(0), language_of(DEMO, (4, 3, 0), (8, 2, 5))
    programs = programs_of(language, rng, 500, ROOM)
    seen = set()
    for program in programs:  # an instruction that is none raises an error
        assert [len(component) for component in program.components] == [8, 2, 5]
        assert all(np.array(program.addresses) <= (4, 3, 0))
        for one in (one for component in program.components for one in component):
            seen |= {(one.name, one.writes), *((one.name, address) for address in one.reads)}
            assert all(-1 <= number <= 1 for number in one.literals)
    # constant 3 outputs; inner product 3 + 3; difference, product 3 + 4 (s1 to s3 are read too); scaled 2 + 7 - v1, v2; sum
    assert len(seen) == 3 + (3 + 3) + 2 * 4 + (2 + 4 + 1) + 3


def test_operations_without_memory_are_left_out():
    language = language_of(ALL, (2, 1, 0))
    names = {one.name for program in programs_of(language, np.random.default_rng(0), 300) for one in program.setup}
    assert "vector_norm" in names
    assert not any("matrix" in name for name in names)
    assert not any(name in names for name in ("vector_sum", "scalar_broadcast", "vector_outer_product"))


def test_literals_are_drawn_from_the_papers_ranges():
    programs = programs_of(language_of(), np.random.default_rng(0), 2000)
    kinds = LITERALS[programs.instructions[..., 0]]
    for kind in range(1, 6):
        values = programs.literals[kinds == kind]
        low = 0 if kind in (PLACE, SPREAD) else -1
        assert low <= values.min() < low + 0.01
        assert 0.99 < values.max() <= 1
    assert not programs.literals[kinds == 0].any()


@pytest.mark.parametrize("mutation", range(len(MUTATIONS)))
def test_mutants_stay_within_limits(mutation):
    language = language_of(sizes=(8, 1, 4), least=(7, 1, 3), most=(8, 2, 5))
    lengths = set()
    for _, after, _ in pairs(mutation, language):
        lengths.add(tuple(len(component) for component in after.components))
    assert all(7 <= a <= 8 and 1 <= b <= 2 and 3 <= c <= 5 for a, b, c in lengths)
    expected = {INSERT: {(8, 1, 4), (8, 2, 4), (8, 1, 5)}, REMOVE: {(8, 1, 4), (7, 1, 4), (8, 1, 3)}}
    assert lengths == expected.get(mutation, {(8, 1, 4)})


def test_altering_changes_one_part_of_one_instruction():
    parts = set()
    for before, after, changed in pairs(ALTER):
        assert len(changed) <= 1
        for k in changed:
            ((one, other),) = [(a, b) for a, b in zip(before.components[k], after.components[k], strict=True) if a != b]
            assert one.name == other.name
            different = [
                ("output", one.output != other.output),
                *(("input", a != b) for a, b in zip(one.inputs, other.inputs, strict=True)),
                *(("literal", a != b) for a, b in zip(one.literals, other.literals, strict=True)),
            ]
            (part,) = [name for name, differs in different if differs]
            parts.add((k, part))
    assert parts == {(k, part) for k in range(3) for part in ("output", "input", "literal")}


def test_an_altered_literal_keeps_its_size_or_its_sign():
    flipped = scaled = 0
    for before, after, changed in pairs(ALTER, language_of((56,)), 3000):  # scalar_constant
        for k in changed:
            for one, other in zip(before.components[k], after.components[k], strict=True):
                if one.literals != other.literals:
                    flipped += other.literals[0] == -one.literals[0]
                    scaled += other.literals[0] * one.literals[0] > 0
    assert 0.07 < flipped / (flipped + scaled) < 0.13
    assert flipped + scaled > 1000


def test_randomising_an_instruction_changes_that_one():
    positions, names = set(), set()
    for before, after, changed in pairs(RANDOMISE_INSTRUCTION, n=1500):
        assert len(changed) <= 1
        for k in changed:
            different = [
                i for i, (a, b) in enumerate(zip(before.components[k], after.components[k], strict=True)) if a != b
            ]
            assert len(different) == 1
            positions.add((k, different[0]))
            names.add(after.components[k][different[0]].name)
    assert len(positions) == 8 + 5 + 7
    assert len(names) > 60


def test_randomising_a_component_or_a_program():
    for mutation, n_changed in ((RANDOMISE_COMPONENT, 1), (RANDOMISE_PROGRAM, 3)):
        for before, after, changed in pairs(mutation):
            assert len(changed) == n_changed
            for k in changed:
                different = [a != b for a, b in zip(before.components[k], after.components[k], strict=True)]
                assert np.mean(different) > 0.5


def test_inserting_and_removing_undo_each_other():
    language = language_of(sizes=(6, 4, 5))
    for mutation, longer in ((INSERT, 1), (REMOVE, 0)):
        places = set()
        for before, after, changed in pairs(mutation, language):
            (k,) = changed
            pair = (before.components[k], after.components[k])
            long, short = pair[longer], pair[1 - longer]
            assert len(long) == len(short) + 1
            found = [i for i in range(len(long)) if without(long, i) == short]
            assert found
            places.add((k, found[0]))
        assert places >= {(0, 0), (0, 5), (1, 0), (1, 3), (2, 0), (2, 4)}


def test_trading_puts_a_new_instruction_in_and_takes_an_old_one_out():
    moved = 0
    for before, after, changed in pairs(TRADE):
        assert len(changed) <= 1
        for k in changed:
            old, new = before.components[k], after.components[k]
            assert len(old) == len(new)
            found = [(i, j) for i in range(len(old)) for j in range(len(new)) if without(old, i) == without(new, j)]
            assert found
            moved += all(i != j for i, j in found)
    assert moved > 100


def test_components_without_operations_stay_as_they_are():
    language = language_of(DEMO)
    language.counts[0] = 0
    for mutation in range(len(MUTATIONS)):
        assert all(0 not in changed for _, _, changed in pairs(mutation, language, 100))


def test_mutants_follow_from_their_keys():
    rng, language = np.random.default_rng(0), language_of()
    programs, keys = programs_of(language, rng, 100), keys_of(rng, 100)
    made = []
    for first in (0, 40):
        copy = Programs(programs.instructions.copy(), programs.literals.copy(), programs.lengths.copy())
        vary(-1, keys, language, make_child(ROOM), copy.instructions, copy.literals, copy.lengths, first, 100)
        made.append(list(copy)[40:])
    assert made[0] == made[1]
