"""Facts that a department derives with a few lines of its own: `hooks.py` in its folder on disk, pure functions and nothing else.

A hook is a function whose arguments are facts, named so, with types and a docstring. `criteria.yaml` names it under `derived` with its
arguments, and both must agree. The source is looked through before it runs: it imports only what is listed here, defines functions and
constants, and reaches for nothing that is hidden. Code comes from the disk of the installation only; a bundle that is uploaded
or imported names hooks, it never brings them. What a hook found is stored among the facts, so old files need no code.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from types import ModuleType
from typing import Annotated, Any, Literal

from pydantic import Field

from rules.documents import MAX_BYTES, Path, Problem, Problems, meant
from rules.evaluation import plain, read_fact
from rules.fact_types import FactType
from rules.parts import Id, Part, Words

FILE = "hooks.py"
# module → the names a hook may import; none listed: every public one. What makes code out of text is not among them.
MODULES: Mapping[str, frozenset[str]] = {
    "__future__": frozenset({"annotations"}), "collections": frozenset({"Counter", "defaultdict", "deque"}),
    "collections.abc": frozenset({"Iterable", "Mapping", "Sequence"}), "datetime": frozenset({"date", "datetime", "timedelta"}),
    "decimal": frozenset({"Decimal", "ROUND_DOWN", "ROUND_HALF_EVEN", "ROUND_HALF_UP", "ROUND_UP"}), "fractions": frozenset({"Fraction"}),
    "functools": frozenset({"reduce"}), "itertools": frozenset(), "math": frozenset(),
    "typing": frozenset({"Any"}), "rules.ages": frozenset(), "rules.numbers": frozenset(), "rules.working_days": frozenset(),
}
_HIDDEN = frozenset({"now", "today", "utcnow", "fromtimestamp", "utcfromtimestamp", "format", "format_map"})     # a clock, and ways to reach an attribute by text
_BUILTINS = ("abs", "all", "any", "bool", "dict", "divmod", "enumerate", "filter", "float", "frozenset", "int", "isinstance", "len", "list", "map", "max", "min",
             "range", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip", "ValueError", "TypeError", "KeyError", "IndexError", "ArithmeticError", "ZeroDivisionError")
_STATEMENTS = (ast.FunctionDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)
_REFUSED = (ast.ClassDef, ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Global, ast.Nonlocal, ast.Delete, ast.With, ast.Yield, ast.YieldFrom, ast.Lambda,
            ast.Match)


class DerivedPart(Part):
    """One derived fact as `criteria.yaml` declares it."""

    kind: Literal["text", "number", "date", "boolean"]
    label: Words
    hook: Id
    args: Annotated[tuple[Id, ...], Field(min_length=1, max_length=20)]


@dataclass(frozen=True)
class Hook:
    """A function of `hooks.py`, found fit to be called."""

    name: str
    args: tuple[str, ...]
    run: Callable[..., Any]
    doc: str


@dataclass(frozen=True)
class Derived:
    """A derived fact of a release; without `hook` the installation at hand does not have the function."""

    name: str
    type: FactType
    function: str
    args: tuple[str, ...]
    hook: Hook | None


class HookMissing(LookupError):
    """A release names a function that this installation does not have."""

    def __init__(self, derived: Derived, department: str):
        self.derived, self.department = derived, department
        super().__init__(f"“{derived.name}”要用函数“{derived.function}”推导，而本系统没有 plugins/{department}/{FILE}，或其中没有这个函数；请由运维人员安装后再办。 / "
                         f"The fact '{derived.name}' is derived by '{derived.function}', which this installation does not have in plugins/{department}/{FILE}.")


_installed: dict[str, Mapping[str, Hook]] = {}


def install(plugins: Folder) -> None:
    """Read the hooks of every department on disk, once, when a process starts. Raises Problems with everything that is wrong."""
    found: dict[str, Mapping[str, Hook]] = {}
    problems: list[Problem] = []
    for file in sorted(plugins.glob(f"*/{FILE}")):
        try:
            found[file.parent.name] = load(file.parent)
        except Problems as error:
            problems += [replace(one, file=f"{file.parent.name}/{one.file}") for one in error.problems]
    if problems:
        raise Problems(problems)
    _installed.clear()
    _installed.update(found)


def installed(department: str) -> Mapping[str, Hook]:
    return _installed.get(department, {})


def load(folder: Folder) -> dict[str, Hook]:
    """The hooks of one folder on disk; none when it has no `hooks.py`. Raises Problems."""
    file = folder / FILE
    if not file.is_file():
        return {}
    if file.stat().st_size > MAX_BYTES:
        raise Problems([Problem(FILE, 1, "", f"文件超过 {MAX_BYTES} 字节。", f"The file has more than {MAX_BYTES} bytes.")])
    return read(file.read_text(encoding="utf-8"))


def read(source: str) -> dict[str, Hook]:
    """Look through the source, run it, and answer its public functions. Raises Problems."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 1) or 1
        raise Problems([Problem(FILE, line, "", f"不是合法的 Python（{error}）。", f"This is not valid Python ({error}).")]) from None
    problems = [problem for node in ast.walk(tree) for problem in _look(node)] + [problem for node in tree.body for problem in _statement(node)]
    if problems:
        raise Problems(problems)
    space: dict[str, Any] = {"__builtins__": {**{name: getattr(builtins, name) for name in _BUILTINS}, "True": True, "False": False, "None": None, "__import__": _import},
                             "__name__": "hooks"}
    try:
        exec(compile(tree, FILE, "exec"), space)          # noqa: S102 - looked through above; from the disk of the installation only
    except Exception as error:
        raise Problems([Problem(FILE, 1, "", f"运行时出错：{error}。", f"It cannot be run: {error}.")]) from None
    return {node.name: Hook(node.name, tuple(inspect.signature(space[node.name]).parameters), space[node.name], ast.get_docstring(node) or "")
            for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}


def derive(derived: tuple[Derived, ...], facts: Mapping[str, Any], *, department: str) -> dict[str, Any]:
    """The facts with those added that hooks find; a fact that is there wins. Missing arguments are None, and what a hook cannot say, or says in
    another kind, or fails to say, stays unknown. Raises HookMissing."""
    found = dict(facts)
    for one in derived:
        if found.get(one.name) is not None:
            continue
        if one.hook is None:
            raise HookMissing(one, department)
        try:
            value = one.hook.run(**{name: facts.get(name) for name in one.args})
        except Exception:                                 # noqa: S112 - facts are of any shape; what cannot be said is unknown
            continue
        if read_fact(one.type.kind, value) is not None:
            found[one.name] = plain(read_fact(one.type.kind, value))
    return found


def declared(parts: Mapping[str, DerivedPart], facts: Mapping[str, FactType], hooks: Mapping[str, Hook], report: Callable[..., None], *, check: bool) -> tuple[Derived, ...]:
    """The derived facts of a document; with `check`, every one must have its function here, with these arguments."""
    found = []
    for name, part in parts.items():
        path: Path = ("derived", name)
        if name in facts:
            report(path, f"“{name}”已是一个事实或字段，请改名。", f"'{name}' is a fact or field already; rename it.")
        for at, argument in enumerate(part.args):
            if argument not in facts:
                zh, en = meant(argument, facts)
                report((*path, "args", at), f"没有名为“{argument}”的事实或字段。{zh}", f"There is no fact or field '{argument}'. {en}")
        hook = hooks.get(part.hook)
        if check and hook is None:
            zh, en = meant(part.hook, hooks)
            report((*path, "hook"), f"本系统的 {FILE} 中没有函数“{part.hook}”。{zh}", f"The {FILE} of this installation has no function '{part.hook}'. {en}")
        elif check and hook is not None and hook.args != part.args:
            report((*path, "args"), f"函数“{part.hook}”的参数是（{'、'.join(hook.args)}），与这里写的不同。", f"'{part.hook}' takes ({', '.join(hook.args)}); these arguments differ.")
        found.append(Derived(name, FactType(part.kind, part.label), part.hook, part.args, hook if hook is not None and hook.args == part.args else None))
    return tuple(found)


# -- looking through the source ---------------------------------------------------------------------------------------

def _import(name: str, globals_: Any = None, locals_: Any = None, names: Any = (), level: int = 0) -> Any:
    if name not in MODULES or level:
        raise ImportError(f"{name} is not for hooks")
    return importlib.import_module(name)


def _problem(node: ast.AST, zh: str, en: str) -> Problem:
    return Problem(FILE, getattr(node, "lineno", 1), "", zh, en)


def _look(node: ast.AST) -> list[Problem]:
    if isinstance(node, ast.Import):
        return [_problem(node, "请写 from 模块 import 名称。", "Write 'from module import name'.")]
    if isinstance(node, ast.ImportFrom):
        return _imported(node)
    if isinstance(node, _REFUSED):
        return [_problem(node, f"不能使用 {type(node).__name__}；这里只写普通的函数。", f"{type(node).__name__} is not allowed; write plain functions.")]
    if isinstance(node, ast.Attribute) and (node.attr.startswith("_") or node.attr in _HIDDEN):
        return [_problem(node, f"不能使用“.{node.attr}”：推导不看时钟，也不碰内部属性。", f"'.{node.attr}' is not allowed: a derivation reads no clock and nothing hidden.")]
    if isinstance(node, ast.Name) and (node.id.startswith("__") or (hasattr(builtins, node.id) and node.id not in (*_BUILTINS, "True", "False", "None"))):
        return [_problem(node, f"不能使用“{node.id}”。", f"'{node.id}' is not allowed.")]
    return []


def _imported(node: ast.ImportFrom) -> list[Problem]:
    if node.level or node.module is None or node.module not in MODULES:
        listed = ", ".join(sorted(set(MODULES) - {"__future__"}))
        return [_problem(node, f"不能引入“{node.module}”，可用的有：{listed}。", f"'{node.module}' cannot be imported; known: {listed}.")]
    module, allowed = importlib.import_module(node.module), MODULES[node.module]
    return [_problem(node, f"“{node.module}”中没有可用的“{alias.name}”。", f"'{node.module}' has no '{alias.name}' for hooks.") for alias in node.names
            if alias.name.startswith("_") or alias.name == "*" or (allowed and alias.name not in allowed) or not hasattr(module, alias.name) or isinstance(getattr(module, alias.name), ModuleType)]


def _statement(node: ast.stmt) -> list[Problem]:
    """What stands at the top: imports, functions with types and a docstring, constants."""
    if not isinstance(node, _STATEMENTS):
        return [_problem(node, "顶层只写引入、函数和常数。", "Only imports, functions and constants stand at the top.")]
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        return [_problem(node, "顶层不能调用。", "Nothing is called at the top.")]
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        try:
            ast.literal_eval(node.value)
        except (ValueError, TypeError, SyntaxError, RecursionError):
            return [_problem(node, "顶层只能给常数。", "A constant at the top must be a plain value.")]
    if not isinstance(node, ast.FunctionDef):
        return []
    problems = []
    if node.decorator_list:
        problems.append(_problem(node, f"函数“{node.name}”不能有装饰器。", f"'{node.name}' may not be decorated."))
    if node.name.startswith("_"):
        return problems
    given = node.args
    if given.vararg or given.kwarg or given.posonlyargs or given.kwonlyargs or given.defaults or not given.args:
        problems.append(_problem(node, f"函数“{node.name}”的参数应是逐个写出的事实名，没有默认值。", f"'{node.name}' takes facts by name, each written out, without defaults."))
    if any(one.annotation is None for one in given.args) or node.returns is None:
        problems.append(_problem(node, f"函数“{node.name}”的参数和结果要写明类型。", f"'{node.name}' needs types for its arguments and result."))
    if not ast.get_docstring(node):
        problems.append(_problem(node, f"函数“{node.name}”要有说明。", f"'{node.name}' needs a docstring."))
    return problems
