"""Renders bodies in a thread if they would keep the reader waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from textual.content import Content
from textual.dom import DOMNode
from textual.message import Message

from mm_tui.review.render_pass import RenderPass, render_all
from mm_tui.widgets.marks import Mark, MarkIndex
from mm_tui.widgets.words import joined

STYLES = {
    "strong": "bold", "emphasis": "italic", "struck": "$mm-dim strike", "code": "on $panel", "dim": "$mm-dim",
    "link": "underline", "hidden": "$mm-risk",
}  # fmt: skip
"""How the styles of a rendered body are drawn."""


@dataclass(eq=False, repr=False)
class BodiesRendered(Message):
    """Says that bodies shown as their source can now be shown rendered."""

    bodies: frozenset[str]


def render_later(node: DOMNode, bodies: RenderPass) -> None:
    """Renders the bodies that `node` showed as their source, and then sends it `BodiesRendered`."""
    if not bodies.left:
        return
    left = list(bodies.left)

    async def render() -> None:
        await asyncio.to_thread(render_all, left)
        node.post_message(BodiesRendered(frozenset(left)))

    # Not exclusive: each renders other bodies, and all are needed.
    node.run_worker(render(), group="render", exit_on_error=False)


MOST_SHOWN = 16_384
"""The most characters of a body that are shown where the rest is cut off: more than any terminal has room for."""


def body_lines(source: str, most: int) -> tuple[list[Content], int]:
    """The first `most` lines of a body as its recipient reads them, and the number of all; as their source if they have
    not been rendered. Of very long lines there are fewer, and the last one may be cut off."""
    made = RenderPass().of(source)
    marks = MarkIndex(Mark(*one) for one in made.styles)
    lines: list[Content] = []
    start = 0
    every = made.text.split("\n")
    for line in every[:most]:
        plain = "dim" if made.is_source and line.startswith(">") else ""
        end = min(start + len(line), MOST_SHOWN)
        pieces = marks.pieces(start, end, plain)
        parts = [Content.styled(made.text[a:b], STYLES.get(style, "")) for a, b, style in pieces if b > a]
        parts += [Content("…")] if end < start + len(line) else []
        lines.append(joined(parts, "") if parts else Content(""))
        start += len(line) + 1
        if start > MOST_SHOWN:
            break
    return lines, len(every)
