"""Makes the pictures of the README from the demo's sandbox: `make screenshots`.

Each picture is the real app on a real sandbox with the sample mail, exported by Textual as SVG.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mm_tui.app import MmTui
from mm_tui.sandbox.run.child import SandboxChild
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from mm_tui.store.mail.search import MailView

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDE, NARROW = (120, 36), (80, 24)
LONGEST_WAIT = 30.0
"""Seconds until a picture's words must be on the screen."""

PICTURES: tuple[tuple[str, tuple[int, int], Sequence[str], str], ...] = (
    ("inbox", WIDE, ("j", "j"), "all mailboxes"),
    ("thread", WIDE, ("2", "wait:waiting", "1", "slash", *"refund", "enter", "wait:4471", "enter"), "messages"),
    ("pending", WIDE, ("2", "wait:waiting", "o", "wait:riskiest", "j"), "Draft"),
    ("beside", WIDE, ("2", "wait:waiting", "o", "wait:riskiest", "enter", "t"), "beside it"),
    ("edit", WIDE, ("2", "wait:waiting", "o", "wait:riskiest", "pause", "e", "wait:redraft"), "redraft"),
    ("audit", WIDE, ("3",), "lines"),
    ("mailboxes", WIDE, ("4",), "trust ladder"),
    ("narrow", NARROW, ("2", "wait:waiting", "o", "wait:riskiest", "enter"), "Draft"),
)
"""Name, size, keys to press (`wait:WORDS` waits for words), and words that must be on the screen."""


LABELLED = 24
"""So many mails must be labelled before the first picture is taken."""


async def warm_up(settings: Settings) -> None:
    """Runs the app until the assistant has been through the newest mail."""
    app = MmTui(Session.open(settings, demo=()))
    async with app.run_test(size=WIDE) as pilot, asyncio.timeout(LONGEST_WAIT * 6):
        view = MailView(query="has:summary")
        while len(app.session.mail.keys(view)) < LABELLED:
            await pilot.pause(0.5)


def text_of(app: MmTui) -> str:
    """The screen as text."""
    return "\n".join("".join(segment.text for segment in row) for row in app.screen._compositor.render_strips())


async def take(settings: Settings, name: str, size: tuple[int, int], keys: Sequence[str], words: str) -> None:
    """Takes one picture."""
    app = MmTui(Session.open(settings, demo=()))
    async with app.run_test(size=size) as pilot:

        async def wait(wanted: str) -> None:
            async with asyncio.timeout(LONGEST_WAIT):
                while wanted not in text_of(app):
                    await pilot.pause(0.05)

        await wait("in sync")
        for key in keys:
            if key.startswith("wait:"):
                await wait(key.removeprefix("wait:"))
            elif key == "pause":
                await pilot.pause(1.0)
            else:
                await pilot.press(key)
        await wait(words)
        await pilot.pause(1.5)
        picture = app.export_screenshot(title="mm-tui")
    # The reader's own monospace font will do; nothing is fetched to show the picture.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / f"{name}.svg").write_text(picture, "utf-8")
    print(f"docs/images/{name}.svg")


def main() -> None:
    """Takes all pictures."""
    with tempfile.TemporaryDirectory() as folder, SandboxChild("--data", f"{folder}/sandbox", "--no-agent") as child:
        os.environ["MM_TUI_DATA"] = f"{folder}/data"
        ready = child.ready
        keys = {f"{name}_key": Secret(key) for name, key in ready.keys.items()}
        profile = Profile.of(
            {
                "name": "acme",
                "url": ready.url,
                "ai21_host": ready.ai21_url,
                "ai21_key": Secret(ready.ai21_key),
                **keys,
            }
        )
        settings = Settings(profile=profile)
        asyncio.run(warm_up(settings))
        for picture in PICTURES:
            asyncio.run(take(settings, *picture))


if __name__ == "__main__":
    main()
