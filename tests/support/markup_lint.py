"""Finds places where a string that is not our own source text could be parsed as Textual markup.

A string given to most of Textual's widgets is parsed: `[/x]` crashes, `[EXTERNAL]` is eaten, `[@click=app.approve]`
becomes a live click. Safe are literals, `Content` and `Text` objects, and calls with `markup=False`. What an expression
is, is worked out from the source alone: literals, constructors, return annotations of the project's own functions,
annotations of parameters and attributes, and assignments. What cannot be shown to be safe is reported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from tests.support.markup_names import COLLECTIONS, CONSTRUCTORS, SAFE_TYPES, Known, annotation_is, learn, methods_of

SAFE_METHODS = frozenset({"assemble", "styled", "from_text", "blank", "empty"})
BANNED = {
    "Markdown": "turns mail into links and images",
    "MarkdownViewer": "turns mail into links and images",
    "DataTable": "parses strings in every cell",
    "Log": "shows raw text",
    "RichLog": "shows raw text",
}
METHODS = frozenset(
    {
        "update",
        "notify",
        "add_option",
        "add_options",
        "set_options",
        "replace_option_prompt",
        "replace_option_prompt_at_index",
        "add_leaf",
        "add_row",
        "add_column",
        "add_columns",
        "add_tab",
        "mount_option",
    }
)
ATTRIBUTES = frozenset({"border_title", "border_subtitle", "tooltip", "label", "prompt"})
TEXT_KEYWORDS = frozenset(
    {"content", "renderable", "label", "title", "prompt", "tooltip", "message", "placeholder", "subtitle"}
)
# Keywords and positions that are never drawn.
NOT_DRAWN = frozenset({"id", "classes", "name", "variant", "action", "severity", "timeout", "disabled", "key"})


class Problem(NamedTuple):
    """A place where data could be parsed."""

    line: int
    words: str


class Is(IntEnum):
    """What an expression can be, worst first."""

    DATA = 0
    LITERAL = 1
    OBJECT = 2


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _names(target: ast.expr | None) -> Iterator[str]:
    if target is not None:
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr | None, Is | None]]:
    """Name = the expression it is given, through unpacking as far as both sides can be matched."""
    if isinstance(target, ast.Name):
        yield target.id, value, None
    elif isinstance(target, ast.Tuple | ast.List):
        matched = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for at, part in enumerate(target.elts):
            if matched and isinstance(value, ast.Tuple | ast.List):
                yield from _pairs(part, value.elts[at])
            else:
                yield from ((name, value, None) for name in _names(part))


class _Scope(ast.NodeVisitor):
    """Walks one module and reports what it cannot show to be safe."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.problems: list[Problem] = []
        self.names: list[dict[str, Is]] = [{}]
        self.collections: list[set[str]] = [set()]
        self.own_methods: set[str] = set()
        self.classes: list[ast.ClassDef] = []

    # What an expression is

    def safe(self, node: ast.expr | None) -> bool:
        """True when the expression can only be text of our own source, or an object that is not parsed."""
        return self.kind(node) is not Is.DATA

    def kind(self, node: ast.expr | None) -> Is:
        """What the expression can be, at worst."""
        match node:
            case None | ast.Constant():
                return Is.LITERAL
            case ast.JoinedStr():
                return Is.LITERAL if all(isinstance(part, ast.Constant) for part in node.values) else Is.DATA
            case ast.IfExp():
                return min(self.kind(node.body), self.kind(node.orelse))
            case ast.BoolOp():
                return min(map(self.kind, node.values))
            case ast.BinOp():
                left, right = self.kind(node.left), self.kind(node.right)
                return Is.OBJECT if Is.OBJECT in (left, right) and isinstance(node.op, ast.Add) else min(left, right)
            case ast.Starred() | ast.NamedExpr() | ast.Await() | ast.Subscript():
                return self.kind(node.value)
            case ast.List() | ast.Tuple() | ast.Set():
                return min(map(self.kind, node.elts), default=Is.OBJECT)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return self.kind(node.elt)
            case ast.Name():
                return next((scope[node.id] for scope in reversed(self.names) if node.id in scope), Is.DATA)
            case ast.Attribute():
                return Is.OBJECT if node.attr in self.known.attributes else Is.DATA
            case ast.Call():
                return Is.OBJECT if self.makes_object(node) else Is.DATA
        return Is.DATA

    def makes_object(self, node: ast.Call) -> bool:
        """True when the call returns an object that is not parsed."""
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in ("Option", "Selection", "Tab"):
                return not node.args or self.safe(node.args[0])
            if function.id in ("list", "tuple", "sorted", "reversed"):
                return bool(node.args) and self.safe(node.args[0])
            return function.id in SAFE_TYPES or function.id in self.known.functions
        if isinstance(function, ast.Attribute):
            if isinstance(function.value, ast.Name) and function.value.id in SAFE_TYPES:
                if function.attr == "from_text" and not _keyword_false(node, "markup"):
                    return False
                return function.attr in SAFE_METHODS or (function.attr == "from_markup" and self.safe_markup(node))
            if isinstance(function.value, ast.Name) and function.value.id == "self":
                return function.attr in self.own_methods
            return self.kind(function.value) is Is.OBJECT or function.attr in self.known.methods
        return False

    @staticmethod
    def safe_markup(node: ast.Call) -> bool:
        """True when the template is a literal: values go in by name, and are not parsed."""
        return bool(node.args) and isinstance(node.args[0], ast.Constant)

    # Where names get their values

    def _learn_names(self, node: ast.AST, fixed: dict[str, Is]) -> None:
        """Gives each name of a scope the worst of what is assigned to it anywhere in it.

        Begins with the best for all and repeats until nothing gets worse, so that the order of lines does not matter.
        """
        given: list[tuple[str, ast.expr | None, Is | None]] = []
        for part in ast.walk(node):
            if isinstance(part, ast.Assign):
                given += (pair for target in part.targets for pair in _pairs(target, part.value))
            elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                safe = annotation_is(part.annotation, SAFE_TYPES)
                given.append((part.target.id, part.value, Is.OBJECT if safe else None))
                if annotation_is(part.annotation, COLLECTIONS):
                    self.collections[-1].add(part.target.id)
            elif isinstance(part, ast.AugAssign | ast.NamedExpr):
                given += _pairs(part.target, part.value)
            elif isinstance(part, ast.For | ast.AsyncFor | ast.comprehension):
                given += _pairs(part.target, part.iter)
            elif isinstance(part, ast.With | ast.AsyncWith):
                given += ((name, None, Is.DATA) for item in part.items for name in _names(item.optional_vars))
            elif isinstance(part, ast.ExceptHandler) and part.name:
                given.append((part.name, None, Is.DATA))
        scope = self.names[-1]
        scope.update({name: Is.OBJECT for name, _, _ in given})
        scope.update(fixed)
        for name, value, _ in given:
            made = value.func if isinstance(value, ast.Call) else None
            named = made.id if isinstance(made, ast.Name) else getattr(made, "attr", "")
            if isinstance(value, ast.Dict | ast.Set | ast.DictComp | ast.SetComp) or named in {*COLLECTIONS, "sha256"}:
                self.collections[-1].add(name)
        changed = True
        while changed:
            changed = False
            for name, value, said in given:
                now = min(scope[name], said if said is not None else self.kind(value))
                changed = changed or now is not scope[name]
                scope[name] = now

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        fixed: dict[str, Is] = {}
        collections: set[str] = set()
        arguments = node.args
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        ):
            if argument is not None:
                fixed[argument.arg] = Is.OBJECT if annotation_is(argument.annotation, SAFE_TYPES) else Is.DATA
                if annotation_is(argument.annotation, COLLECTIONS):
                    collections.add(argument.arg)
        if self.classes and node.name in ("render", "render_str") and not annotation_is(node.returns, SAFE_TYPES):
            self.problems.append(Problem(node.lineno, f"{node.name}() may return a string, which would be parsed"))
        self.names.append({})
        self.collections.append(collections)
        self._learn_names(node, fixed)
        self.generic_visit(node)
        self.names.pop()
        self.collections.pop()

    def visit_Module(self, node: ast.Module) -> None:
        methods = list(methods_of(node))
        self.own_methods = {name for name, safe in methods if safe} - {name for name, safe in methods if not safe}
        top = ast.Module([part for part in node.body if not isinstance(part, _DEFINITIONS)], [])
        self._learn_names(top, {})
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.classes.append(node)
        self.generic_visit(node)
        self.classes.pop()

    # Where text is drawn

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in ATTRIBUTES and not self.safe(node.value):
                self.problems.append(Problem(node.lineno, f"{target.attr} is given {ast.unparse(node.value)}"))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if isinstance(function, ast.Name) and name in BANNED:
            self.problems.append(Problem(node.lineno, f"{name} {BANNED[name]}"))
        elif name == "from_markup" and not self.safe_markup(node):
            self.problems.append(Problem(node.lineno, f"from_markup is given {ast.unparse(node)}"))
        elif self._draws(node, name) and not _keyword_false(node, "markup"):
            for value in self._drawn(node):
                if name == "update" and isinstance(value, ast.GeneratorExp | ast.DictComp | ast.Dict):
                    continue
                if not self.safe(value):
                    self.problems.append(Problem(node.lineno, f"{name} is given {ast.unparse(value)}"))
        self.generic_visit(node)

    def _draws(self, node: ast.Call, name: str) -> bool:
        function = node.func
        if isinstance(function, ast.Name):
            return name in CONSTRUCTORS or name in self.known.drawn_classes
        if not isinstance(function, ast.Attribute):
            return False
        if name == "__init__" and isinstance(function.value, ast.Call) and ast.unparse(function.value) == "super()":
            bases = (
                {base.id for base in self.classes[-1].bases if isinstance(base, ast.Name)} if self.classes else set()
            )
            return bool(bases & (CONSTRUCTORS | self.known.drawn_classes))
        if name not in METHODS:
            return False
        if name != "update":
            return True
        receiver = function.value
        if isinstance(receiver, ast.Name):
            return not any(receiver.id in names for names in self.collections)
        if isinstance(receiver, ast.Attribute):
            return receiver.attr not in self.known.plain_attributes
        return True

    @staticmethod
    def _drawn(node: ast.Call) -> Iterator[ast.expr]:
        yield from node.args
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in TEXT_KEYWORDS:
                yield keyword.value


def _keyword_false(node: ast.Call, name: str) -> bool:
    return any(
        keyword.arg == name and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in node.keywords
    )


def problems(source: str, known: Known | None = None) -> list[Problem]:
    """All places of one module where data could be parsed as markup.

    Args:
        source: the module's text.
        known: what `learn` found in all modules; None learns from this one alone.
    """
    tree = ast.parse(source)
    scope = _Scope(known or learn([tree]))
    scope.visit(tree)
    return sorted(set(scope.problems))
