"""Programs that learn: what AutoML-Zero evolves (Real et al. 2020), as values one by one and as arrays by the thousand.

Nothing here imports Numba before programs are sampled, varied or pruned.
"""

from evoml.genomes.program.program import Instruction, Program, Programs
from evoml.genomes.program.space import ProgramSpace

__all__ = ["Instruction", "Program", "ProgramSpace", "Programs"]
