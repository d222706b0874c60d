"""What results and kernels are made of: definitions, wherever they stand, without comments, docstrings and types."""

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
Definition = tuple[str, str]  # module and name

PACKAGE = Path(__file__).parent
MARKS = ("kernel", "makes_results")  # decorators of what the model is known by
GIVEN = ("kamsim.evidence", "kamsim.scenario")  # parameters are what results are made from, not the model
TOOLS = ("kamsim.compiler", "kamsim.source")

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_UNSEEN = {"annotation", "returns", "ctx", "kind", "type_comment"}


class _Module(NamedTuple):
    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, Definition]


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
    texts = sorted({_text(statement) for statement in _reached(roots, skipped)})
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _marked() -> Iterator[Definition]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if any(f"\n@{mark}\n" in path.read_text(encoding="utf-8") for mark in MARKS):
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            for defined, statements in _module(name).definitions.items():
                decorators = [mark for part in statements for mark in getattr(part, "decorator_list", [])]
                if any(isinstance(mark, ast.Name) and mark.id in MARKS for mark in decorators):
                    yield name, defined


def _reached(roots: Iterable[Definition], skipped: tuple[str, ...]) -> Iterator[ast.stmt]:
    waiting = list(roots)
    for module, name in waiting:
        if name not in _module(module).definitions:
            raise LookupError(f"{module} defines no {name}")
    seen = set(waiting)
    while waiting:
        module, name = waiting.pop()
        for statement in _module(module).definitions[name]:
            yield statement
            for used in sorted(_free(statement)):
                found = _home_of(module, used)
                if found is None or found in seen:
                    continue
                if not any(found[0] == room or found[0].startswith(f"{room}.") for room in skipped):
                    seen.add(found)
                    waiting.append(found)


def _home_of(module: str, name: str) -> Definition | None:
    """Where a name is defined that a module uses: ``power`` or ``spend.power``; None outside of the package."""
    first, _, rest = name.partition(".")
    if first in _module(module).definitions:
        return module, first
    if first not in _module(module).imports:
        return None
    home, original = _module(module).imports[first]
    if home.split(".")[0] != PACKAGE.name:
        return None
    inner = f"{home}.{original}" if original else home
    if _path_of(inner) is not None:
        return _home_of(inner, rest) if rest else None
    return _home_of(home, original)


def _path_of(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _module(name: str) -> _Module:
    path = _path_of(name)
    if path is None:
        raise LookupError(f"there is no module {name}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: dict[str, Definition] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imports |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            imports |= {alias.asname: (alias.name, "") for alias in node.names if alias.asname}
    definitions: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for bound in _bound_by(statement):
            definitions.setdefault(bound, []).append(statement)
    return _Module(definitions, imports)


def _bound_by(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module defines or changes."""
    names = _stored(statement)
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
                target: ast.expr = node
                while isinstance(target, ast.Attribute | ast.Subscript):
                    target = target.value
                names |= {target.id} if isinstance(target, ast.Name) else set()
    return names


def _seen(node: ast.AST) -> Iterator[ast.AST]:
    """Children that can change what code does: no annotations, imports or docstrings."""
    for name, value in ast.iter_fields(node):
        if name in _UNSEEN:
            continue
        for child in value if isinstance(value, list) else [value]:
            unseen = isinstance(child, ast.Import | ast.ImportFrom) or _is_docstring(child)
            if isinstance(child, ast.AST) and not unseen:
                yield child


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _free(node: ast.AST) -> set[str]:
    """Names that a piece of code takes from outside of it; names of a module as ``module.name``."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return {f"{node.value.id}.{node.attr}"} if isinstance(node.value.ctx, ast.Load) else set()
    names = set().union(*map(_free, _seen(node)))
    if isinstance(node, _SCOPES):
        outside = set().union(*map(_free, [*getattr(node, "decorator_list", []), *_defaults(node)]))
        bound = _bound_in(node)
    elif isinstance(node, _COMPREHENSIONS):
        outside = set().union(*(_free(generator.iter) for generator in node.generators))
        bound = set().union(*(_stored(generator.target) for generator in node.generators))
    else:
        return names
    return {name for name in names if name.partition(".")[0] not in bound} | outside


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.expr]:
    return [*function.args.defaults, *filter(None, function.args.kw_defaults)]


def _bound_in(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    bound = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    body = function.body if isinstance(function.body, list) else [function.body]
    stored = set().union(*map(_stored, body))
    return bound | stored


def _stored(node: ast.AST) -> set[str]:
    """Names that a piece of code binds in the scope that it stands in."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
        return set()
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    own = {node.name} if isinstance(node, ast.ExceptHandler) and node.name else set()
    return own.union(*map(_stored, _seen(node)))


def _text(node: ast.AST) -> str:
    """A syntax tree as text; unlike ``ast.dump`` the same in every version of Python."""
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} {node.value!r}"
    fields = []
    for name, value in ast.iter_fields(node):
        if name in _UNSEEN or value is None or value == []:
            continue
        children = value if isinstance(value, list) else [value]
        shown = [_text(child) if isinstance(child, ast.AST) else repr(child) for child in children if _counts(child)]
        fields.append(f"{name}=[{', '.join(shown)}]")
    return f"{type(node).__name__}({', '.join(fields)})"


def _counts(child: Any) -> bool:
    return not (isinstance(child, ast.Import | ast.ImportFrom) or _is_docstring(child))
