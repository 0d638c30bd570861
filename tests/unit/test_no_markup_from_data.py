"""No string that came from outside can be parsed as markup, anywhere on a screen."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.markup_lint import problems
from tests.support.markup_names import learn

PACKAGE = Path(__file__).parents[2] / "mm_tui"


def screen_modules() -> list[Path]:
    folders = [PACKAGE / name for name in ("screens", "widgets", "app_parts", "keyboard")]
    single = [PACKAGE / name for name in ("app.py", "keymap.py", "messages.py", "theme.py")]
    return [*single, *(file for folder in folders for file in sorted(folder.rglob("*.py")))]


def test_no_widget_can_parse_data() -> None:
    sources = {path: path.read_text("utf-8") for path in screen_modules()}
    assert len(sources) > 10
    known = learn(ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py"))
    found = [
        f"{path.relative_to(PACKAGE.parent)}:{problem.line}: {problem.words}"
        for path, source in sources.items()
        for problem in problems(source, known)
    ]
    assert not found, "\n".join(found)


UNSAFE = {
    "a name": "Static(subject)",
    "an attribute": "Static(mail.subject)",
    "a format": "Label(f'from {sender}')",
    "a sum": "Label('from ' + sender)",
    "a call": "Button(str(count))",
    "a percent format": "Static('%s' % name)",
    "a keyword": "Collapsible(title=subject)",
    "one of two": "Static('none' if empty else subject)",
    "an or": "Static(subject or 'none')",
    "an option": "OptionList(Option(subject))",
    "options by comprehension": "OptionList(*[Option(mail.subject) for mail in mails])",
    "pairs of a select": "Select([(box.name, box.id) for box in boxes])",
    "a tab": "Tab(box.name)",
    "an update": "self.query_one('#x', Static).update(subject)",
    "an update of a name": "line.update(words)",
    "a notice": "self.notify(error.message)",
    "a title": "self.border_title = subject",
    "a subtitle": "panel.border_subtitle = f'{count}'",
    "a tooltip": "button.tooltip = name",
    "a markup template": "Static(Content.from_markup(subject))",
    "a markup template made up": "x = Content.from_markup(f'[b]{subject}[/b]')",
    "rich's markup": "x = Text.from_markup(subject)",
    "text with markup on": "Static(Content.from_text(subject))",
    "assigned before": "words = subject\nStatic(words)",
    "assigned once badly": "words = 'x'\nif late:\n    words = subject\nStatic(words)",
    "joined": "Static(', '.join(names))",
    "an unknown function": "Static(describe(mail))",
    "a table": "DataTable()",
    "markdown": "Markdown(body)",
    "its own class": "class Line(Static):\n    pass\nLine(subject)",
    "a base class": "class Line(Static):\n    def __init__(self, text: str) -> None:\n        super().__init__(text)",
    "a plain render": "class Line(Widget):\n    def render(self) -> str:\n        return self.subject",
    "a render without annotation": "class Line(Widget):\n    def render(self):\n        return self.subject",
    "a row": "table.add_row(subject)",
    "a separator of ours": "sep = ', '\nStatic(sep.join(names))",
    "an error": "try:\n    pass\nexcept OSError as error:\n    Static(error)",
    "kept in two ways": "def f(self, x: Content, y: str):\n    self.b = x\n    self.b = y\n    Static(self.b)",
    "markup left on": "Static(subject, markup=True)",
}

SAFE = {
    "a literal": "Static('Nothing here yet.')",
    "nothing": "Static(id='heading')",
    "content": "Static(Content(subject))",
    "assembled": "Static(Content.assemble(('from ', 'dim'), sender))",
    "styled": "Static(Content.styled(subject, 'bold'))",
    "a literal template": "Static(Content.from_markup('[b]$who[/b]', who=sender))",
    "text without markup": "Static(Content.from_text(subject, markup=False))",
    "rich text": "Label(Text(subject))",
    "markup off": "Static(subject, markup=False)",
    "joined content": "Static(Content(' ').join(parts))",
    "a notice of ours": "self.notify('Saved.')",
    "a notice without markup": "self.notify(error.message, markup=False)",
    "assigned": "words = Content(subject)\nStatic(words)",
    "one of two": "Static('none' if empty else Content(subject))",
    "annotated": "def show(words: Content | None) -> None:\n    line.update(words)",
    "our own function": "def head(mail: Mail) -> Content:\n    return Content(mail.subject)\nStatic(head(mail))",
    "an attribute of ours": "class A:\n    words: Content\nStatic(a.words)",
    "a dict": "seen: dict[str, int] = {}\ndef f() -> None:\n    seen = {}\n    seen.update(other)",
    "a generator": "def f(self) -> None:\n    self.unknown.update(part.id for part in parts)",
    "in another order": "def f():\n    if late:\n        part = Content(subject)\n    whole = part\n    Static(whole)",
    "kept": "def f(self, words: Content) -> None:\n    self.body = words\n    Static(self.body)",
    "a set of ours": "class A:\n    def f(self) -> None:\n        self.seen = {1}\n        self.seen.update(more)",
    "options": "OptionList(*[Option(Content(mail.subject), id=mail.id) for mail in mails])",
    "a render": "class Line(Widget):\n    def render(self) -> Content:\n        return Content(self.subject)",
    "a list of content": "def show(lines: list[Content]) -> None:\n    Static(lines[0])",
}


@pytest.mark.parametrize("source", UNSAFE.values(), ids=UNSAFE.keys())
def test_what_could_be_parsed_is_found(source: str) -> None:
    assert problems(dedent(source))


@pytest.mark.parametrize("source", SAFE.values(), ids=SAFE.keys())
def test_what_cannot_be_parsed_is_left_alone(source: str) -> None:
    assert problems(dedent(source)) == []


def test_a_name_used_for_both_is_not_trusted() -> None:
    one = "def words(mail: Mail) -> Content:\n    return Content(mail.subject)"
    other = "def words(mail: Mail) -> str:\n    return mail.subject\nStatic(words(mail))"
    assert problems(other, learn([ast.parse(one), ast.parse(other)]))
