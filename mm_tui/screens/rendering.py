"""Renders bodies in a thread if they would keep the reader waiting."""

from __future__ import annotations

import asyncio

from textual.dom import DOMNode
from textual.message import Message

from mm_tui.review.render_pass import RenderPass, render_all


class BodiesRendered(Message):
    """Says that bodies shown as their source can now be shown rendered.

    Args:
        bodies: their sources.
    """

    def __init__(self, bodies: frozenset[str]) -> None:
        super().__init__()
        self.bodies = bodies


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
