"""What holds the house together: files and functions that can be read at once, imports that run one way."""

import ast
import re
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).parent.parent / "kamsim"
FILES = sorted(PACKAGE.rglob("*.py"))
COMPILED = {"rule", "compiled", "kernel"}  # decorators: such code takes no records of its own choosing
MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_POSITIONAL, MOST_ANY = 700, 60, 8, 105

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def is_kernel(function: Function) -> bool:
    names = {ast.unparse(decorator).partition("(")[0].rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & COMPILED)


def lines(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def positional(function: Function) -> int:
    arguments = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in arguments if name not in ("self", "cls")])


def place(path: Path, name: str = "") -> str:
    return f"{path.relative_to(PACKAGE.parent)} {name}".strip()


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    long = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {name: number for name, number in long.items() if number > MOST_LINES}


@pytest.mark.parametrize(("size", "most"), [(lines, MOST_LINES_OF_A_FUNCTION), (positional, MOST_POSITIONAL)])
def test_functions_outside_of_kernels_are_short_and_take_few_arguments(size, most: int) -> None:
    found = {
        place(path, function.name): size(function)
        for path in FILES
        for function in functions(path)
        if not is_kernel(function)
    }
    assert len(found) > 500
    assert not {name: number for name, number in found.items() if number > most}


def test_imports_go_round_in_no_circle() -> None:
    """Not even where a function imports when it is called; imports for types alone do not count."""
    graph = grimp.build_graph("kamsim", exclude_type_checking_imports=True, cache_dir=None)
    waiting = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := {module for module, needed in waiting.items() if not needed & waiting.keys()}:
        waiting = {module: needed for module, needed in waiting.items() if module not in free}
    assert not waiting


def test_few_types_are_left_open() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert len(re.findall(r"\bAny\b", text)) < MOST_ANY
