"""What is loaded when the list is first on the screen. Looked at in a process of its own, since imports may be late."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mm_tui
from mm_tui.screens.inbox.column import FIRST_KEYS
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from tests.support.fake_gateway import make_mail

HEAVY = (
    "_bz2",
    "_lzma",
    "_ssl",
    "ai21",
    "argparse",
    "click",
    "email.mime",
    "fastapi",
    "h11",
    "httpcore",
    "httpx",
    "markdown_it",
    "markdownify",
    "mm_tui.agent",
    "mm_tui.assist",
    "mm_tui.commands.parser",
    "mm_tui.gateway.http",
    "mm_tui.gateway.wire",
    "mm_tui.models",
    "mm_tui.sandbox",
    "mm_tui.screens.dialogs.dialog",
    "mm_tui.screens.thread.screen",
    "mm_tui.services.decisions.service",
    "mm_tui.services.sync.service",
    "mm_tui.store.mail.writing",
    "mm_tui.store.audit.journal",
    "mm_tui.store.recovery",
    "pydantic",
    "pygments.lexers",
    "textual.types",
    "textual.widgets._markdown",
    "textual.widgets._select",
    "textual.widgets._text_area",
    "textual.widgets._tree",
    "tree_sitter",
    "uvicorn",
)
PROGRAM = """
from mm_tui import cli, startup
startup.before_drawing()
import asyncio, json, os, sys
from mm_tui.commands import app as command
from mm_tui import app
from mm_tui.settings.file import load
from mm_tui.session import Session

def stop(self):
    # Textual has put its own stream in the place of standard output.
    print(json.dumps({"modules": sorted(sys.modules), "keys": len(self.screen.mails.keys)}),
          file=sys.__stdout__, flush=True)
    os._exit(0)

app.MmTui._run_services = stop

async def main():
    async with app.MmTui(Session.open(load())).run_test(size=(120, 40)) as pilot:
        await pilot.pause(30)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def first_frame(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("data")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "LANG": "C.UTF-8",
        "MM_TUI_DATA": str(folder),
        "MM_TUI_CONFIG": str(folder / "config.toml"),
        "MULTIMAIL_API_URL": "http://127.0.0.1:9",
        "MULTIMAIL_API_KEY": "mm_test_made_up",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }
    from mm_tui.settings.paths import store_path

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MM_TUI_DATA", str(folder))
        store = store_path("default")
    with Database.open(store) as database:
        MailStore(database).upsert(make_mail(number) for number in range(3 * FIRST_KEYS + 300))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    reported: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return reported


def test_mail_is_on_the_screen_before_any_service_is_built(first_frame: dict[str, object]) -> None:
    keys = first_frame["keys"]
    assert isinstance(keys, int)
    assert keys >= FIRST_KEYS


@pytest.mark.parametrize("name", HEAVY)
def test_nothing_heavy_is_loaded_before_the_first_frame(first_frame: dict[str, object], name: str) -> None:
    modules = first_frame["modules"]
    assert isinstance(modules, list)
    assert [module for module in modules if module == name or module.startswith(f"{name}.")] == []


def test_what_is_loaded_late_can_be_used() -> None:
    """Connections are encrypted, and errors shown, by what stood aside while the program started."""
    program = """
from mm_tui import startup
startup.before_drawing()
import asyncio, msgspec, ssl, traceback

async def main():
    server = await asyncio.start_server(lambda _, writer: writer.write(b"plain text"), "127.0.0.1", 0)
    try:
        await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=True)
    except ssl.SSLError:
        print(traceback.format_exc())

asyncio.run(main())
print(msgspec.inspect.type_info(int))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "WRONG_VERSION_NUMBER" in done.stdout
    assert "IntType" in done.stdout


def test_packages_import_none_of_their_own_modules() -> None:
    """Threads load modules side by side. One that loads a package, which loads its module, and one that loads the
    module, which needs its package, wait for each other; Python then fails both."""
    root = Path(mm_tui.__file__).parent
    wrong = []
    for path in root.rglob("__init__.py"):
        package = ".".join(path.parent.relative_to(root.parent).parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            wrong += [f"{package}: {name}" for name in names if name.startswith(f"{package}.")]
    assert wrong == []
