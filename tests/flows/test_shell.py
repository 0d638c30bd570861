"""The shell: going places, help, palette, themes, leaving, crashing, and the second wall."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.app import ComposeResult
from textual.color import Color
from textual.command import CommandPalette
from textual.content import Content
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.events import Click
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList, Static

from mm_tui import app as app_module
from mm_tui import keymap, launch
from mm_tui.screens.audit.dialogs import ExportScreen
from mm_tui.screens.audit.history import HistoryScreen
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.help import HelpScreen
from mm_tui.screens.dialogs.palette import HIDDEN, commands
from mm_tui.screens.inbox.mail_list import MailList
from mm_tui.screens.inbox.screen import InboxScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.events import SyncChanged, SyncPhase, SyncState
from mm_tui.terminal.control_filter import ControlFilter
from mm_tui.theme import THEMES
from mm_tui.widgets import keys_line
from tests.support.app import running_app, shown, until
from tests.support.seat import NOW, idle_session, mailbox, summary, waiting


async def test_number_keys_go_to_the_main_screens_each_is_styled_once_and_keeps_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    styled_again: list[DOMNode] = []
    monkeypatch.setattr(app_module.MmTui, "update_styles", lambda app, node, **_: styled_again.append(node))
    monkeypatch.setattr(Stylesheet, "reparse", lambda _: pytest.fail("all styles are parsed again"))
    session = idle_session(mails=[summary(number) for number in range(30)])
    async with running_app(session) as (app, pilot):
        assert app.screen not in styled_again, "the first screen"
        await pilot.press("j", "j", "j")
        for key, mode in (("2", "pending"), ("3", "audit"), ("4", "mailboxes"), ("1", "inbox")):
            await pilot.press(key)
            assert app.current_mode == mode
            # Coming back styles a screen again, and so does finding that it is empty.
            assert mode != "audit" or app.screen not in styled_again
            if mode == "pending":
                titles = [command.title for command in commands(app, app.screen)]
                assert "Show all waiting emails: not loaded yet" in titles
        assert app.screen.query_one("#mails").cursor == 3  # type: ignore[attr-defined] # the list


async def test_what_the_queue_needs_is_loaded_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "mm_tui.screens.pending.screen"
    monkeypatch.delitem(sys.modules, name, raising=False)
    session = idle_session(boxes=[mailbox()])
    session.pending.replace([waiting(1, "Dear Anna,")], NOW)
    async with running_app(session) as (_, pilot):
        await until(pilot, lambda: name in sys.modules, "the pending screen's modules")


async def test_help_names_every_key_of_the_screen() -> None:
    session = idle_session(boxes=[mailbox()], mails=[summary(1)])
    async with running_app(session, size=(100, 60)) as (app, pilot):
        await pilot.press("m", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = " ".join(" ".join(str(one.render()) for one in app.screen.query(Static)).split())
        for action in keymap.KEY_ACTIONS:
            # A screen this narrow has no preview, and no mail was imported.
            works = action.id not in ("inbox.preview", "inbox.import_report")
            if action.context in keymap.TOGETHER["inbox"]:
                assert (action.help in text) is works, action.id
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


def a_click(widget: Widget, x: int, y: int) -> Click:
    return Click(widget, x, y, 0, 0, 1, False, False, False, x, y)


async def test_a_dialog_answered_behind_the_palette_closes_itself_and_not_the_palette() -> None:
    async with running_app(idle_session()) as (app, pilot):
        answers: list[bool | None] = []
        dialog = ChoiceScreen("Really?", Content("It is a question."), [DialogChoice("y", "yes", True)])
        await app.push_screen(dialog, answers.append)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        dialog.dismiss(True)
        dialog.dismiss(True)
        assert isinstance(app.screen, CommandPalette)
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count > 0)
        await pilot.resize_terminal(1, 1)
        await pilot.press("pagedown", "pageup")  # the list has no room for one line
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert answers == [True]


async def test_palette_reaches_every_act_of_the_inbox() -> None:
    session = idle_session(boxes=[mailbox()], mails=[summary(1)])
    async with running_app(session) as (app, pilot):
        await pilot.press("m")
        helps = {command.help for command in commands(app, app.screen)}
        wanted = {
            action.help
            for action in keymap.KEY_ACTIONS
            if action.context in keymap.TOGETHER["inbox"] and action.id not in (*HIDDEN, "inbox.import_report")
        }
        assert wanted <= helps
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        palette = app.screen
        for _ in range(2):
            palette.post_message(a_click(palette, 500, 500))  # the terminal has become smaller since the click
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        await until(pilot, lambda: not palette.is_running)
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"mailboxes")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count > 0)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "mailboxes")


@pytest.mark.parametrize("is_below", [False, True])
async def test_palette_finds_what_another_screen_does_and_goes_there(is_below: bool) -> None:
    async with running_app(idle_session()) as (app, pilot):
        if is_below:
            await pilot.press("3")
            await until(pilot, lambda: app.current_mode == "audit")
            await app.push_screen(HistoryScreen("M1"))
        await pilot.press("2", "colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"export")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count > 0)
        assert "Export  (3 w)" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "audit" and isinstance(app.screen, ExportScreen))


@pytest.mark.parametrize("theme", [*(one.name for one in THEMES), "nord", "solarized-light", "ansi-light"])
async def test_every_theme_can_be_shown(theme: str) -> None:
    session = idle_session(ui={"theme": theme}, mails=[summary(1)])
    async with running_app(session, size=(80, 24)) as (app, _pilot):
        assert app.theme == theme
        assert app.screen.styles.background == Color.parse(app.theme_variables["background"])
        assert app.theme_variables["accent"] == app.current_theme.to_color_system().generate()["accent"]
        assert "Question 1" in shown(app)


async def test_unknown_theme_falls_back() -> None:
    async with running_app(idle_session(ui={"theme": "no-such-theme"})) as (app, _pilot):
        assert app.theme == "mm-dark"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 50)])
async def test_chrome_fits_every_size(size: tuple[int, int]) -> None:
    session = idle_session(boxes=[mailbox()], mails=[summary(number) for number in range(5)])
    async with running_app(session, size=size) as (app, _pilot):
        lines = shown(app).split("\n")
    assert "1 Inbox" in lines[0]
    assert "4 Mailboxes" in lines[0]
    assert "TEST" in lines[0]
    assert "help" in lines[-1]


async def test_users_keys_are_used_and_faulty_ones_are_reported() -> None:
    session = idle_session(keys={"inbox.filter": "F", "inbox.serch": "x"})
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: "did you mean inbox.search?" in shown(app))
        await pilot.press("F")
        await until(pilot, lambda: "Show only" in shown(app))


async def test_mouse_reaches_the_screens_and_the_footers_keys() -> None:
    async with running_app(idle_session(), size=(100, 30)) as (app, pilot):
        top = shown(app).split("\n")[0]
        await pilot.click(offset=(top.index("Audit"), 0))
        await until(pilot, lambda: app.current_mode == "audit")
        await pilot.click(offset=(top.index("Inbox"), 0))
        await until(pilot, lambda: app.current_mode == "inbox")
        keys = shown(app).split("\n")[29]
        await pilot.click(offset=(keys.index("filter"), 29))
        await until(pilot, lambda: "Show only" in shown(app))


async def test_keys_without_an_action_say_what_works_and_ctrl_c_how_to_leave() -> None:
    async with running_app(idle_session()) as (app, pilot):
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "^q quits" in shown(app))
        assert not app._exit
        await pilot.press("z")
        await until(pilot, lambda: "z does nothing here: ? shows the keys" in shown(app), "where to look")
        await pilot.press("space")
        await until(pilot, lambda: "space does nothing here" in shown(app), "the same of a key with a name")


async def test_resize_storm_leaves_inbox_and_thread_whole() -> None:
    session = idle_session(mails=[summary(number) for number in range(200)])
    async with running_app(session) as (app, pilot):
        await pilot.press(*["j"] * 20)
        for keys in ((), ("enter",)):
            await pilot.press(*keys)
            for size in ((60, 20), (200, 50), (61, 21), (80, 24), (160, 45), (120, 40)):
                await pilot.resize_terminal(*size)
            await until(pilot, lambda: "Question 20" in shown(app))
            await until(pilot, lambda: all(len(line) <= 120 for line in shown(app).split("\n")))


async def test_no_colour_leaves_the_state_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    session = idle_session(mails=[summary(1, status="unread")])
    async with running_app(session) as (app, _pilot):
        text = shown(app)
    assert "●" in text
    assert "▌" in text


async def test_a_message_is_shown_whole_and_ctrl_q_leaves_at_once_when_nothing_is_held() -> None:
    async with running_app(idle_session(), size=(80, 24)) as (app, pilot):
        for start in (100, 200):
            # 152 cells: two lines of the status line's 78, with a little that is left of the second.
            said = [str(number) for number in range(start, start + 38)]
            app.say(" ".join(said))
            await until(pilot, lambda: all(word in shown(app) for word in said), "a message in full")  # noqa: B023
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert app._exit


async def test_crash_leaves_one_line_and_a_report_without_values(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "mm_live_made_up_secret"
    app = app_module.MmTui(idle_session())

    async def crash() -> None:
        kept = secret
        raise RuntimeError(f"broke on {kept}")

    with pytest.raises(RuntimeError):
        async with running_app(app) as (_, pilot):
            app.call_later(crash)
            await pilot.pause()
    assert app.return_code == 1
    assert "RuntimeError" in app.leaving.crash_line
    printed = capfd.readouterr()
    assert secret not in printed.out + printed.err + app.leaving.crash_line
    (report,) = (tmp_path / "data" / "reports").iterdir()
    assert secret not in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


def test_control_filter_cleans_what_was_forgotten_and_keeps_the_width() -> None:
    cleaned = ControlFilter().apply([Segment("a\x1b]52;c;eA==\x07b\x9b1m‮c"), Segment("plain é 東")], Color(0, 0, 0))
    assert not any(sign in cleaned[0].text for sign in "\x1b\x07\x9b‮")
    assert cleaned[1].text == "plain é 東"


def test_app_refuses_what_is_not_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.run(idle_session().settings) == 2
    assert "not a terminal" in capsys.readouterr().err
    assert not Path(os.environ["MM_TUI_DATA"]).exists()


async def test_an_idle_app_wakes_up_for_one_timer_and_looks_for_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    session = idle_session(mails=[summary(number) for number in range(30)])
    async with running_app(session) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "pending")
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "inbox")
        nodes = [app, *app.screen.walk_children(with_self=True)]
        running = [
            timer for node in nodes for timer in node._timers if timer._active.is_set() and timer._repeat is None
        ]
        assert len(running) <= 2, "what changes with time, and notices"
        looked: list[object] = []
        monkeypatch.setattr(keys_line, "awake_keys", looked.append)
        drawn: list[int] = []
        monkeypatch.setattr(MailList, "redraw_ages", lambda _: drawn.append(1))
        app._look_around()
        assert (looked, drawn) == ([], [1])


async def test_an_app_that_ends_draws_no_ages_on_screens_without_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_app(idle_session()) as (app, _pilot):
        close = app._prune

        async def close_late(*screens: Screen[Any]) -> None:
            await close(*screens)
            app._look_around()

        monkeypatch.setattr(app, "_prune", close_late)


async def test_an_app_that_ends_while_a_screen_is_built_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = PendingScreen.compose_body
    async with running_app(idle_session()) as (app, _):

        def ended_meanwhile(screen: PendingScreen) -> ComposeResult:
            app.leaving.leave(143)
            yield from compose(screen)

        monkeypatch.setattr(PendingScreen, "compose_body", ended_meanwhile)
        app.switch_mode("pending")
    assert app.return_code == 143 and not app.leaving.crash_line


async def test_the_lines_are_drawn_after_a_poll_if_they_show_a_state_that_the_screen_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[object] = []
    monkeypatch.setattr(InboxScreen, "_update_chrome", lambda screen: drawn.append(screen))
    async with running_app(idle_session()) as (app, pilot):
        synced = SyncChanged(SyncState(SyncPhase.LIVE, NOW))
        app.take_event(synced)
        await until(pilot, lambda: drawn)
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "pending")
        app.take_event(SyncChanged(SyncState(SyncPhase.OFFLINE, NOW)))
        await pilot.press("1")
        await until(pilot, lambda: app.current_mode == "inbox")
        drawn.clear()
        app.take_event(synced)
        await until(pilot, lambda: drawn)
