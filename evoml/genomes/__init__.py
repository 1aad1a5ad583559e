"""What evolves. Each kind of genome is one folder, and no other floor knows which kind it drives."""

from evoml.genomes.functions import FunctionSpace

__all__ = ["FunctionSpace"]
