"""How much a screen or dialog that nobody touches writes to the terminal."""

from __future__ import annotations

import time
from typing import NamedTuple

import httpx

from bench.sandbox import BenchSandbox
from bench.terminal import Program

DRAFTS = 6
MAILS = 300
"""In a sandbox of their own: the drafts would be in the way of other figures."""


class Scene(NamedTuple):
    """A screen or dialog: the keys that open it, and those that close it."""

    name: str
    opening: tuple[str, ...]
    closing: tuple[str, ...] = ("\x1b",)


SCENES = (
    Scene("inbox", (), ()),
    Scene("search", ("/", "re"), ("\x1b", "\x1b")),
    Scene("filter", ("f",)),
    Scene("palette", ("\x10",)),
    Scene("help", ("?",)),
    Scene("thread", ("\r",)),
    Scene("reply", ("\r", "r"), ("\x1b", "\x1b", "\x1b")),
    Scene("queue", ("2",), ()),
    Scene("draft", ("2", "\r")),
    Scene("reject", ("2", "x")),
    Scene("draft editor", ("2", "e")),
    Scene("queue search", ("2", "/"), ("\x1b", "\x1b")),
    Scene("saved texts", ("2", "K")),
    Scene("audit", ("3",), ()),
    Scene("audit filter", ("3", "f")),
    Scene("export", ("3", "w")),
    Scene("mailboxes", ("4",), ()),
    Scene("webhooks", ("4", "h")),
    Scene("profiles", ("P",)),
)


def fill_queue(sandbox: BenchSandbox) -> None:
    """Puts some drafts into the queue, so that its screens have something to show."""
    box = sandbox.mailboxes[0]
    for number in range(DRAFTS):
        httpx.post(
            f"{sandbox.url}/v1/mailboxes/{box}/send",
            headers={"Authorization": f"Bearer {sandbox.keys['send']}"},
            json={
                "to": [f"anna{number}@customer.example"],
                "subject": f"Draft {number}",
                "markdown": "Dear Anna\n" * 40,
            },
        ).raise_for_status()


def written(program: Program, scene: Scene, seconds: float) -> int:
    """Bytes that the program writes in so many seconds with this scene in front."""
    for key in scene.opening:
        program.press(key, quiet=0.5)
    program.settle(1.5, timeout=10)
    size = 0
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        size += len(program.read(left))
    for key in (*scene.closing, "1"):
        program.press(key, quiet=0.5)
    return size
