"""`mm-tui export`: the account as the gateway holds it, in a file."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from tests.support.cli import Home
from tests.support.sandbox import Sandbox
from tests.support.web_server import Page, web_server


def test_the_export_is_written_once_an_hour_to_a_new_private_file(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text("mine")
    refused = home.run("export", str(path))
    assert refused.status == Exit.USAGE and "File exists" in refused.err and path.read_text() == "mine"
    path.unlink()
    done = home.run("export", str(path), "--json")
    assert done.status == 0 and done.json == {"file": str(path), "bytes": path.stat().st_size}
    assert {"account", "mailboxes"} <= json.loads(path.read_text()).keys()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = home.run("export", str(tmp_path / "again.json"))
    assert again.status == Exit.RATE_LIMITED and not (tmp_path / "again.json").exists()


def test_an_export_needs_the_admin_key(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_profile(sandbox.url, {name: key for name, key in sandbox.keys.items() if name != "admin"})
    refused = home.run("export", str(tmp_path / "account.json"))
    assert refused.status == Exit.AUTH and "admin" in refused.err
    assert not (tmp_path / "account.json").exists()


@pytest.mark.parametrize("page", [Page(200, "text/html", b"<html>Sign in"), Page(200, "application/json", b"\n")])
def test_a_page_that_is_no_export_is_not_taken_for_one(tmp_path: Path, page: Page) -> None:
    home, path = Home(tmp_path), tmp_path / "account.json"
    with web_server(page) as url:
        home.write_profile(url, {"admin": "mm_test_a"})
        done = home.run("export", str(path))
    assert done.status == Exit.GATEWAY and "/v1/export" in done.err and not path.exists()
