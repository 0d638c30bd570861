"""Which bodies are rendered at once, and which in a thread."""

from __future__ import annotations

from mm_tui.review.render_pass import KEPT_CHARACTERS, QUICK_CHARACTERS, RenderPass, is_source, render_all
from mm_tui.text import ManyLine


def test_a_short_body_is_rendered_at_once() -> None:
    one = RenderPass()
    assert one.of("short **one**").text == "short one" and one.left == []
    assert not is_source("short **one**")


def test_a_long_body_is_shown_as_its_source_until_a_thread_has_rendered_it() -> None:
    source = ManyLine("long *one* " * QUICK_CHARACTERS)
    first = RenderPass()
    assert first.of(source).text == source and first.left == [source] and is_source(source)
    render_all(first.left)
    again = RenderPass()
    assert "*" not in again.of(source).text and again.left == [] and not is_source(source)


def test_many_short_bodies_are_rendered_in_a_thread_too() -> None:
    bodies = [f"mail **{number}** " + "word " * 100 for number in range(1_000)]
    one = RenderPass()
    shown = [one.of(body).text for body in bodies]
    assert "*" not in shown[0] and shown[-1] == bodies[-1]
    assert sum(len(body) for body in bodies if body not in one.left) <= QUICK_CHARACTERS


def test_the_source_is_shown_where_it_is_asked_for() -> None:
    one = RenderPass(as_source=True)
    assert one.of("an **asked** one").is_source and one.left == []


def test_a_plain_body_is_never_left_to_a_thread() -> None:
    one = RenderPass()
    assert one.of("plain words " * QUICK_CHARACTERS).is_source and one.left == []


def test_old_renderings_make_room() -> None:
    first = "the *first* of many"
    render_all([first, *(f"*{number}* " + "x" * 100_000 for number in range(KEPT_CHARACTERS // 100_000 + 1))])
    assert is_source(first)
