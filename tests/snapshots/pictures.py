"""Taking pictures: one run of the app a state, in which it is seen at every size; a main screen in every theme too.

So each picture also shows that another size and another theme lose nothing of the state.
"""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import pytest_textual_snapshot as plugin
from rich.console import Console

from mm_tui.settings.paths import reports_dir

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion
    from textual.pilot import Pilot

    from mm_tui.app import MmTui

SMALL, MIDDLE, LARGE, TINY = (80, 24), (120, 40), (200, 50), (60, 20)
SIZES = (SMALL, MIDDLE, LARGE)
LAYOUT_THEME = "mm-dark"
OTHER_THEMES = ("mm-light", "terminal", "high-contrast")
"""Light, the terminal's own 16 colours, and high contrast: they change colours, never the layout."""
STILL = 2
"""So many looks in a row must see the same."""

STEPS = 400
"""So many looks before it is given up."""

Size = tuple[int, int]
Reach = Callable[["Pilot[None]"], Awaitable[None]]


async def still(pilot: Pilot[None]) -> None:
    """Waits until the workers are done and nothing on the screen moves any more."""
    seen: object = None
    times = 0
    for _ in range(STEPS):
        await pilot.pause(0.01)
        busy = [worker for worker in pilot.app.workers if worker.group != "services" and not worker.is_finished]
        now = [strip._segments for strip in pilot.app.screen._compositor.render_strips()]
        # Each screen learns of a new size by a message of its own.
        sized = all(screen.size == pilot.app.size for screen in pilot.app.screen_stack)
        times = times + 1 if now == seen and sized and not busy else 0
        seen = now
        if times == STILL:
            return
    raise AssertionError("the screen never stood still")


def after(*keys: str) -> Reach:
    """Presses keys one by one and lets each have its effect."""

    async def run(pilot: Pilot[None]) -> None:
        await still(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete(
                [worker for worker in pilot.app.workers if worker.group not in ("services",)]
            )
        await still(pilot)

    return run


class Picture(plugin.SVGImageExtension):  # type: ignore[misc] # the plugin has no types
    """The plugin's SVG at half its size: spaces as they are, no clipping by the line, nothing without
    width, one way to write a shape."""

    def serialize(self, data: str, **given: Any) -> str:
        text: str = super().serialize(data, **given)
        text = text.replace("&#160;", "\u00a0").replace(' shape-rendering="crispEdges"', "")
        text = re.sub(r'<rect [^>]* width="0" [^>]*/>', "", text)
        text = re.sub(r' clip-path="url\(#terminal-line-\d+\)"', "", text)
        text = re.sub(r'<clipPath id="terminal-line-\d+">.*?</clipPath>', "", text, flags=re.DOTALL)
        text = text.replace(
            '<g transform="translate(9, 41)"', '<g shape-rendering="crispEdges" transform="translate(9, 41)"'
        )
        text = re.sub(r"@font-face \{.*?\}", "", text, flags=re.DOTALL)
        return re.sub(r"\n\s*(?=\n)", "", text)


class Gallery:
    """Compares a state with its pictures. A new picture is made, or an old one replaced, by `--snapshot-update`."""

    def __init__(self, snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> None:
        self._snapshot = snapshot.use_extension(Picture)
        self._request = request

    async def shows(
        self,
        app: MmTui,
        reach: Reach,
        *,
        sizes: tuple[Size, ...] = SIZES,
        main: bool = False,
    ) -> None:
        """Runs the app, goes to the state, and compares every picture of it.

        Args:
            app: not yet run.
            reach: goes to the state; at the first of the sizes.
            sizes: (columns, lines).
            main: a main screen: also at 60x20, and at 80x24 in every other theme.
        """
        wanted = [(size, LAYOUT_THEME) for size in sizes]
        if main:
            wanted += [*((SMALL, theme) for theme in OTHER_THEMES), (TINY, LAYOUT_THEME)]
        wrong: list[str] = []
        async with app.run_test(size=sizes[0], notifications=True, tooltips=True) as pilot:
            await reach(pilot)
            for size, theme in wanted:
                if app.theme != theme:
                    app.theme = theme
                if app.size != size:
                    await pilot.resize_terminal(*size)
                await still(pilot)
                name = f"{size[0]}x{size[1]}-{theme}"
                if not self._is_as_before(app, name):
                    wrong.append(name)
        assert not reports_dir().exists(), "something in the program failed"
        assert wrong == [], "these pictures are not as they were: see the snapshot report"

    def _is_as_before(self, app: MmTui, name: str) -> bool:
        picture = app.export_screenshot()
        same = bool(self._snapshot(name=name) == picture)
        if not same:
            self._report(name, picture)
        return same

    def _report(self, name: str, picture: str) -> None:
        """Puts the pair into the plugin's report."""
        node: Any = self._request.node
        done = list(self._snapshot.executions.values())[-1]
        console = Console(legacy_windows=False, force_terminal=True)
        shown = plugin.PseudoApp(plugin.PseudoConsole(console.legacy_windows, console.size))
        path, line, test = node.reportinfo()
        about = inspect.getdoc(node.function) or ""
        entry = (False, str(done.recalled_data or ""), picture, shown, path, line, f"{test} {name}", about, "",
                 done.recalled_data is not None)  # fmt: skip
        place = plugin.node_to_report_path(node)
        place.with_name(f"{place.name}_{name}").write_bytes(pickle.dumps(entry))
