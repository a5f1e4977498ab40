"""All mutants of a module: mutmut's operators, applied to module level and decorated functions too."""

import ast
import hashlib
import itertools
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple


class Mutant(NamedTuple):
    """``place``: file and function, as ``proxy/routing.py Router.route``; ``code``: the whole module, changed."""

    path: Path
    place: str
    was: str
    becomes: str
    code: str

    def describe(self) -> str:
        """The change, as a diff without line numbers."""
        lines = [f"    - {line}" for line in self.was.splitlines()]
        lines += [f"    + {line}" for line in self.becomes.splitlines()]
        return "\n".join([self.place, *lines])


def make_mutants(root: Path, path: Path) -> list[Mutant]:
    """The mutants of ``root / path``, each another program, in the file's order."""
    source = (root / path).read_text()
    functions = _functions(ast.parse(source))
    mutants: dict[str, Mutant] = {}
    for code in _mutated(source):
        try:
            ast.parse(code)
        except SyntaxError:
            continue
        mutant = _describe(path, functions, source, code)
        if mutant.was != mutant.becomes:
            mutants.setdefault(code, mutant)
    return list(mutants.values())


def sample(mutants: list[Mutant], size: int, seed: str) -> list[Mutant]:
    """``size`` of them, at random, yet each by its own identity: an edit elsewhere does not change what is taken."""

    def lot(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed}\n{mutant.describe()}".encode()).digest()

    chosen = set(sorted(map(lot, mutants))[:size])
    return [mutant for mutant in mutants if lot(mutant) in chosen]


def _mutated(source: str) -> Iterator[str]:
    operators: Any = import_module("mutmut.mutation.file_mutation")
    cst: Any = import_module("libcst")

    exported, cast = cst.Name("__all__"), cst.Name("cast")

    class Visitor(operators.MutationVisitor):
        """Looks into decorated functions too: here a mutant is a module of its own, nothing is wrapped.

        Passes over ``__all__``, which nobody asks, and ``cast``, which does nothing.
        """

        def _skip_node_and_children(self, node: Any) -> bool:
            if isinstance(node, cst.Assign) and node.targets[0].target.deep_equals(exported):
                return True
            if isinstance(node, cst.Call) and node.func.deep_equals(cast):
                return True
            return not isinstance(node, cst.FunctionDef) and bool(super()._skip_node_and_children(node))

    wrapper = cst.metadata.MetadataWrapper(cst.parse_module(source))
    visitor = Visitor(operators.mutation_operators, operators.IgnoredCode(set(), set(), set()))
    module = wrapper.visit(visitor)
    places = wrapper.resolve(cst.metadata.WhitespaceInclusivePositionProvider)
    lines = source.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, lines))]
    for mutation in visitor.mutations:
        place = places[mutation.original_node]
        start = starts[place.start.line - 1] + place.start.column
        end = starts[place.end.line - 1] + place.end.column
        yield source[:start] + module.code_for_node(mutation.mutated_node) + source[end:]


def _describe(path: Path, functions: dict[int, str], source: str, code: str) -> Mutant:
    old, new = _tidied(source), _tidied(code)
    first = _common(old, new)
    last = min(_common(old[::-1], new[::-1]), len(old) - first, len(new) - first)
    was = "\n".join(old[first : len(old) - last])
    becomes = "\n".join(new[first : len(new) - last])
    place = f"{'/'.join(path.parts[2:])} {functions.get(first + 1, '')}"
    return Mutant(path, place.strip(), was, becomes, code)


def _common(old: list[str], new: list[str]) -> int:
    """How many lines are the same at the beginning."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _tidied(source: str) -> list[str]:
    """The lines without what indents or aligns them."""
    return [" ".join(line.split()) for line in source.splitlines()]


def _functions(scope: ast.AST, prefix: str = "") -> dict[int, str]:
    """For each line within a function or class its qualified name."""
    names: dict[int, str] = {}
    for node in ast.iter_child_nodes(scope):
        inner = prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{prefix}.{node.name}".strip(".")
            names |= dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), inner)
        names |= _functions(node, inner)
    return names


def reach_mutmut(folder: Path) -> None:
    """Let ``mutmut`` and what it brings be imported, after all that is installed here."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
