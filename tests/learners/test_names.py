"""Modules of learners are written out side by side in exported scripts, where a name stands for one thing only."""

import ast
import inspect
import pkgutil
from importlib import import_module

import evoml.learners


def names_defined(module):
    found = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found - {"__all__"}


def test_no_two_modules_that_are_written_out_define_the_same_name():
    homes = {}
    for found in pkgutil.iter_modules(evoml.learners.__path__, "evoml.learners."):
        module = import_module(found.name)
        if "from evoml" in inspect.getsource(module):  # scripts import these
            continue
        for name in names_defined(module):
            homes.setdefault(name, []).append(found.name)
    assert len(homes) > 50
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}
