"""What the source says of its own names, for `markup_lint`: which functions, attributes and classes make or hold what
is safe to draw."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SAFE_TYPES = frozenset({"Content", "Text", "Strip", "Visual", "Segment", "ComposeResult", "Option", "Selection"})
CONSTRUCTORS = frozenset(
    {
        "Static",
        "Label",
        "Button",
        "Checkbox",
        "RadioButton",
        "ToggleButton",
        "Option",
        "OptionList",
        "Selection",
        "SelectionList",
        "Select",
        "Tab",
        "Tabs",
        "TabPane",
        "TabbedContent",
        "Collapsible",
        "CollapsibleTitle",
        "Link",
        "Tooltip",
        "Toast",
        "Tree",
        "RadioSet",
        "Hit",
        "DiscoveryHit",
        "Digits",
        "Welcome",
    }
)


@dataclass
class Known:
    """What is known of names: functions that return safe objects, attributes and classes."""

    functions: set[str] = field(default_factory=set)
    """Functions of modules, called by their bare name."""
    methods: set[str] = field(default_factory=set)
    """Methods, called on anything."""
    attributes: set[str] = field(default_factory=set)
    plain_attributes: set[str] = field(default_factory=set)
    """Attributes known to be collections, whose `update` draws nothing."""
    drawn_classes: set[str] = field(default_factory=set)
    """Classes of the project that draw what their constructor is given to the base class."""


def annotation_is(node: ast.expr | None, names: Iterable[str]) -> bool:
    """True when every alternative of the annotation is one of `names`, or None."""
    if node is None:
        return False
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return annotation_is(ast.parse(node.value, mode="eval").body, names)
    if isinstance(node, ast.Constant) and node.value is None:
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return annotation_is(node.left, names) and annotation_is(node.right, names)
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr in names
    if isinstance(node, ast.Subscript):
        outer = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer in names:
            return True
        kept = [part for part in inner if not (isinstance(part, ast.Constant) and part.value is Ellipsis)]
        if outer in (
            "list",
            "tuple",
            "Sequence",
            "Iterable",
            "Iterator",
            "set",
            "frozenset",
            "Callable",
            "reactive",
            "var",
        ):
            last = kept[-1:] if outer == "Callable" else kept
            return all(annotation_is(part, names) for part in last)
    return False


COLLECTIONS = frozenset(
    {"dict", "set", "Counter", "defaultdict", "OrderedDict", "Mapping", "MutableMapping", "frozenset"}
)


def learn(trees: Iterable[ast.Module]) -> Known:
    """What the modules say about their own functions, attributes and classes.

    A name that stands for something safe in one place and for something else in another is not trusted.
    """
    known = Known()
    unsafe_attributes: set[str] = set()
    unsafe_functions: set[str] = set()
    unsafe_methods: set[str] = set()
    for tree in trees:
        for name, safe in _functions(tree):
            (known.functions if safe else unsafe_functions).add(name)
        for name, safe in methods_of(tree):
            (known.methods if safe else unsafe_methods).add(name)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given, unsafe = _given_attributes(node)
                known.attributes |= given
                unsafe_attributes |= unsafe
            elif isinstance(node, ast.AnnAssign):
                target = node.target
                name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
                if annotation_is(node.annotation, SAFE_TYPES):
                    known.attributes.add(name)
                else:
                    unsafe_attributes.add(name)
                    if annotation_is(node.annotation, COLLECTIONS):
                        known.plain_attributes.add(name)
            elif isinstance(node, ast.Assign) and isinstance(
                node.value, ast.Dict | ast.Set | ast.DictComp | ast.SetComp
            ):
                known.plain_attributes |= {target.attr for target in node.targets if isinstance(target, ast.Attribute)}
            elif isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if bases & CONSTRUCTORS:
                    known.drawn_classes.add(node.name)
    known.functions -= unsafe_functions
    known.methods -= unsafe_methods
    known.attributes -= unsafe_attributes
    return known


def _functions(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, annotation_is(node.returns, SAFE_TYPES)


def methods_of(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef):
            for node in owner.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name, annotation_is(node.returns, SAFE_TYPES)


def _given_attributes(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[set[str], set[str]]:
    """Attributes that a function gives a parameter of a safe type, and those that it gives anything else."""
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    parameters = {argument.arg for argument in arguments if annotation_is(argument.annotation, SAFE_TYPES)}
    safe: set[str] = set()
    unsafe: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Assign):
            for target, value in (pair for each in part.targets for pair in _sides(each, part.value)):
                if isinstance(target, ast.Attribute):
                    made = value.func if isinstance(value, ast.Call) else None
                    is_parameter = isinstance(value, ast.Name) and value.id in parameters
                    is_made = isinstance(made, ast.Name) and made.id in SAFE_TYPES
                    (safe if is_parameter or is_made else unsafe).add(target.attr)
    return safe, unsafe


def _sides(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The pairs of an assignment that unpacks as many as it is given."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value
