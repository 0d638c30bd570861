"""Changing to another profile: what is asked, what keeps the reader where they are, and what is left behind."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, TextArea

from mm_tui.app import MmTui
from mm_tui.screens.dialogs.dialog import ConfirmScreen
from mm_tui.screens.dialogs.profiles import ProfilesScreen
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.session import Session
from mm_tui.settings.profiles import Profiles, overriding
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.seal import StoreError
from mm_tui.widgets.pager import Pager
from tests.support.app import running_app, shown, until
from tests.support.sandbox import Sandbox

SEND = "mm_test_made_up_send"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in overriding():
        monkeypatch.delenv(name)
    monkeypatch.delenv("MM_TUI_PROFILE", raising=False)
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path / "data"))


def profile_text(name: str, url: str, **fields: str) -> str:
    return f'[profiles.{name}]\nurl = "{url}"\n' + "".join(f"{key} = {value}\n" for key, value in fields.items())


def keys_of(sandbox: Sandbox) -> dict[str, str]:
    return {f"{scope}_key": f'"{key}"' for scope, key in sandbox.keys.items()}


@asynccontextmanager
async def seated_on_first(
    folder: Path, sandbox: Sandbox, others: str, *, hold: int = 0
) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """The app on the profile `first`, in a file that holds `others` too."""
    path = folder / "config.toml"
    general = f"[review]\nhold_seconds = {hold}\n[sync]\nactive_seconds = 1\n[assist]\nautomatic = false\n"
    path.write_text(general + profile_text("first", sandbox.url, **keys_of(sandbox)) + others, "utf-8")
    profiles = Profiles(path)
    session = Session.open(profiles.settings("first"))
    async with running_app(MmTui(session, profiles)) as (app, pilot):
        await until(pilot, lambda: session.sync is not None and session.sync.state.last_ok_at is not None)
        yield app, pilot
    if app.leaving.next_session is not None:
        app.leaving.next_session.database.close()


async def choose(app: MmTui, pilot: Pilot[None], *keys: str) -> None:
    await pilot.press("P")
    await until(pilot, lambda: isinstance(app.screen, ProfilesScreen) and isinstance(app.focused, OptionList))
    await pilot.press(*keys, "enter")


async def test_the_other_profile_is_opened_and_this_one_closed_in_order(tmp_path: Path, sandbox: Sandbox) -> None:
    other = profile_text("second", "http://127.0.0.1:9", oversight_key=f'"{SEND}"')
    async with seated_on_first(tmp_path, sandbox, other) as (app, pilot):
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        text = shown(app)
        assert "first  TEST: nothing is delivered  you are here" in text
        assert "second  TEST: nothing is delivered" in text
        await pilot.press("j", "enter")
        await until(pilot, lambda: app.leaving.next_session is not None)
    assert app.leaving.next_session is not None
    assert app.leaving.next_session.settings.profile.name == "second"
    # The first store is closed, and whole; each profile has a file of its own.
    with pytest.raises(StoreError, match="closed"):
        app.session.mail.counts()
    assert {path.name for path in (tmp_path / "data").glob("*.sqlite3")} == {
        "store-first.sqlite3",
        "store-second.sqlite3",
    }
    with closing(sqlite3.connect(tmp_path / "data" / "store-first.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"url": '"http://far.example"'}, "plain http is allowed only"),
        ({"oversight_key_command": '"false"'}, "failed with exit status 1"),
        ({"oversight_key_command": '"no-such-program-here"'}, "there is no such program"),
        ({"mailbox": '"support@acme.example"'}, "has no gateway key"),
        ({"hold": "3"}, "is not a setting"),
    ],
)
async def test_a_profile_that_cannot_be_used_leaves_the_reader_where_they_are(
    tmp_path: Path, sandbox: Sandbox, other: dict[str, str], words: str
) -> None:
    text = "[profiles.second]\n" + "".join(f"{name} = {value}\n" for name, value in other.items())
    async with seated_on_first(tmp_path, sandbox, text) as (app, pilot):
        await choose(app, pilot, "j")
        await until(pilot, lambda: "still on first" in shown(app))
        assert words in " ".join(shown(app).split())
        await at_work(app, pilot)


async def test_a_store_that_cannot_be_opened_leaves_the_reader_where_they_are(tmp_path: Path, sandbox: Sandbox) -> None:
    other = profile_text("second", sandbox.url, **keys_of(sandbox))
    async with seated_on_first(tmp_path, sandbox, other) as (app, pilot):
        with closing(sqlite3.connect(tmp_path / "data" / "store-second.sqlite3")) as connection:
            connection.executescript("CREATE TABLE later (x); PRAGMA user_version = 9999")
        await choose(app, pilot, "j")
        await until(pilot, lambda: "still on first" in shown(app))
        assert "newer" in " ".join(shown(app).split())
        await at_work(app, pilot)


async def test_a_settings_file_that_broke_meanwhile_is_reported(tmp_path: Path, sandbox: Sandbox) -> None:
    async with seated_on_first(tmp_path, sandbox, "") as (app, pilot):
        (tmp_path / "config.toml").write_text("[profiles")
        await pilot.press("P")
        await until(pilot, lambda: "is not TOML" in shown(app))
        await at_work(app, pilot)


async def at_work(app: MmTui, pilot: Pilot[None]) -> None:
    """The app goes on: it can be used, and its store is open."""
    assert app.leaving.next_session is None and not app._exit
    await pilot.press("2")
    await until(pilot, lambda: app.current_mode == "pending")
    assert app.session.mail.counts() is not None
    assert app.session.settings.profile.name == "first"


async def test_held_decisions_are_asked_about_and_fall_back_to_undecided(tmp_path: Path, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    other = profile_text("second", "http://127.0.0.1:9", oversight_key=f'"{SEND}"')
    async with seated_on_first(tmp_path, sandbox, other, hold=60) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "on its way" in shown(app))
        await until(pilot, lambda: (item := app.session.pending.get(draft_id)) is not None and item.complete)
        decisions = app.session.decisions
        assert decisions is not None
        screen = app.screen
        assert isinstance(screen, PendingScreen)
        await until(pilot, lambda: screen.current is not None and screen.gate.has_seen(screen.current))
        await pilot.press("a")
        await until(pilot, lambda: decisions.overview.undoable(None) is not None)
        await choose(app, pilot, "j")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "One decision is still held" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        assert decisions.overview.undoable(None) is not None and app.leaving.next_session is None
        await choose(app, pilot, "j")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: app.leaving.next_session is not None)
    assert sandbox.status(draft_id) == "pending_send_approval"
    assert sandbox.outbox() == []


def is_read(app: MmTui, email_id: str) -> bool:
    """The queue shows this mail, with all that the gateway tells of it."""
    screen = app.screen
    entry = screen.current if isinstance(screen, PendingScreen) else None
    return entry is not None and entry.item.id == email_id and entry.item.complete


async def test_text_that_cannot_be_saved_keeps_the_reader_where_they_are(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft_id = sandbox.draft()
    other = profile_text("second", "http://127.0.0.1:9", oversight_key=f'"{SEND}"')
    async with seated_on_first(tmp_path, sandbox, other) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: is_read(app, draft_id))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and isinstance(app.focused, TextArea))

        def full(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(EditStore, "save", full)
            await pilot.press("P", "s", "ctrl+l")
            await until(pilot, lambda: isinstance(app.focused, Pager))
            await choose(app, pilot, "j")
            await until(pilot, lambda: "not saved: database or disk is full" in shown(app))
            assert app.leaving.next_session is None and not app._exit
        await choose(app, pilot, "j")
        await until(pilot, lambda: app.leaving.next_session is not None)
    with closing(sqlite3.connect(tmp_path / "data" / "store-first.sqlite3")) as connection:
        ((body,),) = connection.execute("SELECT body FROM edits").fetchall()
    assert "Ps" in body


@pytest.mark.parametrize("answer", ["y", "escape"])
async def test_keys_of_another_kind_are_asked_about(tmp_path: Path, sandbox: Sandbox, answer: str) -> None:
    other = profile_text("prod", "http://127.0.0.1:9", live="true", oversight_key_command=f'"echo {SEND}"')
    async with seated_on_first(tmp_path, sandbox, other) as (app, pilot):
        await choose(app, pilot, "j")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        text = " ".join(shown(app).split())
        assert "The keys do not match the profile prod" in text
        assert "meant for live mail, but its keys are test keys" in text
        await pilot.press(answer)
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        if answer == "y":
            await until(pilot, lambda: app.leaving.next_session is not None)
        else:
            await at_work(app, pilot)


async def test_what_the_environment_sets_for_every_profile_is_reported(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with seated_on_first(tmp_path, sandbox, "[profiles.prod]\nlive = true\n") as (app, pilot):
        monkeypatch.setenv("MULTIMAIL_API_KEY", "mm_test_a")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
        text = " ".join(shown(app).split())
        assert "environment variables override every profile's own settings: MULTIMAIL_API_KEY" in text
        assert "this profile is meant for live mail" in text
        await pilot.press("escape")
        await at_work(app, pilot)


async def test_the_profile_that_is_open_is_not_opened_again(tmp_path: Path, sandbox: Sandbox) -> None:
    async with seated_on_first(tmp_path, sandbox, "") as (app, pilot):
        assert app.leaving._profiles is not None
        file = app.leaving._profiles.file
        file.write_text(file.read_text().replace(sandbox.url, "http://127.0.0.1:9"))
        await pilot.press("P")
        await until(pilot, lambda: "its settings have changed since it was opened" in shown(app))
        assert sandbox.url.removeprefix("http://") in shown(app) and "127.0.0.1:9 " not in shown(app)
        await pilot.press("escape")
        await at_work(app, pilot)
        await choose(app, pilot)
        await until(pilot, lambda: "the profile first is already open" in shown(app))
        await at_work(app, pilot)


async def test_the_demo_says_that_there_is_no_choice(tmp_path: Path, sandbox: Sandbox) -> None:
    async with seated_on_first(tmp_path, sandbox, "") as (app, pilot):
        app.leaving._profiles = None
        await pilot.press("P")
        await until(pilot, lambda: "only one profile" in shown(app))


async def test_the_profile_on_the_top_line_can_be_clicked(tmp_path: Path, sandbox: Sandbox) -> None:
    async with seated_on_first(tmp_path, sandbox, "") as (app, pilot):
        await pilot.click(offset=(shown(app).split("\n")[0].index("first ·"), 0))
        await until(pilot, lambda: isinstance(app.screen, ProfilesScreen))
