"""What results and kernels are made of: definitions, wherever they stand, without comments, docstrings and types."""

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])
Definition = tuple[str, str]  # module and name

PACKAGE = Path(__file__).parent
MARKS = ("kernel", "makes_results")  # decorators of what the model is known by
GIVEN = ("kamsim.evidence", "kamsim.scenario")  # parameters are what results are made from, not the model
TOOLS = ("kamsim.compiler", "kamsim.source")

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_UNSEEN = {"annotation", "returns", "ctx", "kind", "type_comment"}  # what says nothing about what code does


class _Module(NamedTuple):
    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, Definition]


class _Names(NamedTuple):
    taken: set[str]  # from outside of a scope; those of a module as ``module.name``
    bound: set[str]


def makes_results(function: AnyFunction) -> AnyFunction:
    """Mark a function outside of kernels that turns parameters or an account book into results.

    Parameters
    ----------
    function : callable
        It and all that it calls in this package become part of `model_hash`.

    Returns
    -------
    callable
        The same function.
    """
    return function


@cache
def model_hash() -> str:
    """Short hash of the code that makes results of parameters: all kernels, and what is marked `makes_results`.

    Returns
    -------
    str
        The same after a change of comments, docstrings, types, formatting or imports, and after a move of a
        definition to another file.
    """
    return hash_of(_marked(), skipped=(*GIVEN, *TOOLS))


def hash_of(roots: Iterable[Definition], skipped: tuple[str, ...] = TOOLS) -> str:
    """Short hash of some definitions and of all in this package that they refer to.

    Parameters
    ----------
    roots : iterable of (str, str)
        Modules and names.
    skipped : tuple of str
        Modules, or packages of them, that are not followed into.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    waiting = list(roots)
    for module, name in waiting:
        if name not in _module(module).definitions:
            raise LookupError(f"{module} defines no {name}")
    seen, texts = set(waiting), set[str]()
    while waiting:
        module, name = waiting.pop()
        for statement in _module(module).definitions[name]:
            text: list[str] = []
            names = _Names(set(), set())
            _read(statement, text, names)
            texts.add("".join(text))
            homes = (_home_of(module, used, skipped) for used in names.taken)
            found = {home for home in homes if home is not None} - seen
            seen |= found
            waiting += found
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


def _marked() -> Iterator[Definition]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if any(f"\n@{mark}\n" in path.read_text(encoding="utf-8") for mark in MARKS):
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            for defined, statements in _module(name).definitions.items():
                decorators = [mark for part in statements for mark in getattr(part, "decorator_list", [])]
                if any(isinstance(mark, ast.Name) and mark.id in MARKS for mark in decorators):
                    yield name, defined


def _home_of(module: str, name: str, skipped: tuple[str, ...]) -> Definition | None:
    """Where a name is defined that a module uses: ``power`` or ``spend.power``; None outside of what counts."""
    first, _, rest = name.partition(".")
    if any(module == room or module.startswith(f"{room}.") for room in skipped):
        return None
    if first in _module(module).definitions:
        return module, first
    home, original = _module(module).imports.get(first, ("", ""))
    if home.split(".")[0] != PACKAGE.name:
        return None
    inner = f"{home}.{original}" if original else home
    if _path_of(inner) is not None:
        return _home_of(inner, rest, skipped) if rest else None
    return _home_of(home, original, skipped)


@cache
def _path_of(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _module(name: str) -> _Module:
    path = _path_of(name)
    if path is None:
        raise LookupError(f"there is no module {name}")
    definitions: dict[str, list[ast.stmt]] = {}
    imports: dict[str, Definition] = {}
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        _note_imports(statement, imports)
        for bound in _bound_by(statement):
            definitions.setdefault(bound, []).append(statement)
    return _Module(definitions, imports)


def _note_imports(statement: ast.AST, imports: dict[str, Definition]) -> None:
    if isinstance(statement, ast.ImportFrom):
        imports |= {alias.asname or alias.name: (statement.module or "", alias.name) for alias in statement.names}
    elif isinstance(statement, ast.Import):
        imports |= {alias.asname: (alias.name, "") for alias in statement.names if alias.asname}
    elif isinstance(statement, ast.stmt):
        # Imports stand inside of functions too; expressions hold none.
        for block in ("body", "orelse", "handlers", "finalbody"):
            for inner in getattr(statement, block, []):
                _note_imports(inner, imports)


def _bound_by(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module defines or changes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = _Names(set(), set())
    _read(statement, [], names)
    changed = {
        node.value.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute | ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }
    return names.bound | changed


def _read(node: ast.AST, text: list[str], names: _Names) -> None:
    """Note the text of a piece of code, the same in every Python, and the names that it takes and binds."""
    if isinstance(node, ast.Constant):
        text.append(f"{node.value!r} ")
        return
    if isinstance(node, ast.Name):
        (names.taken if isinstance(node.ctx, ast.Load) else names.bound).add(node.id)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        names.taken.add(f"{node.value.id}.{node.attr}")
    elif isinstance(node, ast.arg | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
        names.bound.add(node.arg if isinstance(node, ast.arg) else node.name or "")
    inner = _Names(set(), set()) if isinstance(node, (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)) else names
    text.append(f"{type(node).__name__}(")
    for field in node._fields:
        value = getattr(node, field, None)
        if field in _UNSEEN or value is None or value == []:
            continue
        text.append(f"{field}=")
        # Defaults and decorators are taken from where the function stands.
        where = names if field in ("decorator_list", "bases", "keywords") else inner
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                text.append(f"{child!r} ")
            elif not _says_nothing(child):
                _read(child, text, where)
    text.append(")")
    if inner is not names:
        _leave(node, inner, names)


def _says_nothing(node: ast.AST) -> bool:
    """Whether a statement is an import or a docstring."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Import | ast.ImportFrom)


def _leave(scope: ast.AST, inner: _Names, outer: _Names) -> None:
    """Hand on what a scope takes from outside of it."""
    bound = set() if isinstance(scope, ast.ClassDef) else inner.bound
    outer.taken.update(name for name in inner.taken if name.partition(".")[0] not in bound)
    # What stands in a signature, or is looped over, is read outside of the scope.
    first: list[ast.AST] = []
    if isinstance(scope, _FUNCTIONS):
        first = [*scope.args.defaults, *filter(None, scope.args.kw_defaults)]
    elif isinstance(scope, _COMPREHENSIONS):
        first = [generator.iter for generator in scope.generators]
    for node in first:
        _read(node, [], outer)
