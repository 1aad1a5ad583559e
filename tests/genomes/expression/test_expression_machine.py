import numpy as np
from expression_cases import rows

from evoml.genomes.expression.operations import BY_CODE
from evoml.genomes.expression.population import Population, constant, joined, variable
from evoml.genomes.expression.text import read
from evoml.kernels.expression_evaluate import evaluate


def machine(formulas, table):
    population = Population.of(formulas)
    found = np.empty((len(formulas), table.shape[1]))
    evaluate(population.codes, population.constants, population.lengths, table, 0, len(formulas), found)
    return found


def test_the_machine_and_the_table_of_operations_mean_the_same():
    table = rows(300)
    with_columns = [joined(one, [variable(0), variable(1)][: one.arity]) for one in BY_CODE.values()]
    with_numbers = [joined(one, [variable(0), constant(1.5)]) for one in BY_CODE.values() if one.arity == 2]
    formulas = [*with_columns, *with_numbers, read("2.5 * sin(x0) - x1 ^ 2 / (1 + x2 ^ 2) + 1 / x1"), read("3.5")]
    for formula, found in zip(formulas, machine(formulas, table), strict=True):
        np.testing.assert_allclose(found, formula.evaluate(table), rtol=1e-12, err_msg=str(formula))
