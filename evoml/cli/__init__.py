"""The command line: evoml fit | predict | report | show | resume | replay. Nothing here is imported by the rest of evoml."""
