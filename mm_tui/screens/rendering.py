"""Renders in a thread what would keep the reader waiting."""

from __future__ import annotations

import asyncio

from textual.dom import DOMNode
from textual.message import Message

from mm_tui.review.render_pass import RenderPass, render_all


class BodiesRendered(Message):
    """Bodies that were shown as their source can be shown as their recipient reads them.

    Args:
        bodies: their sources.
    """

    def __init__(self, bodies: frozenset[str]) -> None:
        super().__init__()
        self.bodies = bodies


def render_later(node: DOMNode, bodies: RenderPass) -> None:
    """Has the bodies rendered that a drawing of `node` left out, which gets `BodiesRendered` then."""
    if not bodies.left:
        return
    left = list(bodies.left)

    async def render() -> None:
        await asyncio.to_thread(render_all, left)
        node.post_message(BodiesRendered(frozenset(left)))

    # Not exclusive: each renders other bodies, and all of them are wanted.
    node.run_worker(render(), group="render", exit_on_error=False)
