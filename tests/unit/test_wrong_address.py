"""Addresses at which no MultiMail gateway answers, and what stands before one: what doctor, sync and the client say."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from mm_tui.commands.output.exits import Exit
from mm_tui.gateway import errors
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.screens.status import gateway_words
from mm_tui.services.events import SyncPart, SyncPhase
from mm_tui.services.sync.health import SyncHealth
from mm_tui.settings.checks import FieldError, gateway_address
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile
from mm_tui.store.belongs import Gateway, OtherGateway, bind
from mm_tui.store.database import Database
from mm_tui.store.seal import fault_of_journal
from tests.support.agents import environment
from tests.support.cli import Home
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW
from tests.support.web_server import Page, web_server

KEYS = {"oversight": "mm_test_oversight0", "send": "mm_test_send000000", "admin": "mm_test_admin00000"}
NOT_FOUND = Page(404, body=b"<html><h1>Not Found</h1></html>")
HEALTHY = Page(200, "application/json", b'{"status":"ok"}')
DOES_NOT_SPEAK = "this address does not speak the MultiMail v1 API"

NO_GATEWAYS = {
    "a folder of files": (NOT_FOUND, {}, "/health and /v1/mailboxes are not found"),
    "another API": (
        Page(404, "application/json", b'{"detail":"Not Found"}'),
        {},
        "/health and /v1/mailboxes are not found",
    ),
    "an API that says error": (
        Page(404, "application/json", b'{"error":"not found"}'),
        {},
        "/health and /v1/mailboxes are not found",
    ),
    "an empty 404": (Page(404, "text/plain", b""), {}, "/health and /v1/mailboxes are not found"),
    "a page for every path": (Page(200), {}, "/health and /v1/mailboxes answer with a web page"),
    "a login page": (
        Page(302, body=b"", headers=(("Location", "/login"),)),
        {},
        "/health and /v1/mailboxes redirects to another address (302)",
    ),
    "another service with a health": (NOT_FOUND, {"/health": HEALTHY}, "/v1/mailboxes is not found"),
    "a page and no more": (NOT_FOUND, {"/health": Page(200)}, "/health answers with a web page, /v1/mailboxes is not"),
    "JSON of another kind": (Page(200, "application/json", b"[1,2]"), {}, "/health and /v1/mailboxes answer with some"),
}


@pytest.mark.parametrize("name", NO_GATEWAYS)
def test_doctor_and_sync_say_that_it_is_no_gateway(tmp_path: Path, name: str) -> None:
    other, pages, words = NO_GATEWAYS[name]
    home = Home(tmp_path)
    with web_server(other, pages) as url:
        home.write_profile(url, KEYS)
        doctor = home.run("doctor")
        (line,) = [line for line in doctor.out.splitlines() if " gateway:" in line]
        assert doctor.status == Exit.GATEWAY
        assert f"{DOES_NOT_SPEAK}: {words}" in line
        assert "before /v1" in doctor.out
        sync = home.run("sync", status=Exit.GATEWAY)
        assert sync.out == "", "no counts of what was not read"
        reported = home.run("sync", "--json").json
        assert (reported["ok"], reported["mailboxes"], reported["pending"]) == (False, None, None)
    for said in (doctor.out, sync.err):
        assert "deleted" not in said and "offline" not in said and "scope" not in said


BLOCKS = {
    "the text of 1020": (Page(403, "text/plain; charset=UTF-8", b"error code: 1020"), "error code 1020"),
    "a page of 1006": (
        Page(403, body=b"<html><title>Access denied | Cloudflare</title>Error code 1006</html>"),
        "error code 1006",
    ),
    "a page without a number": (
        Page(403, body=b"<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title></html>"),
        "a page of Cloudflare",
    ),
    "a challenge": (Page(403, "text/plain", b"", headers=(("cf-mitigated", "challenge"),)), "a page of Cloudflare"),
    "a page that names nobody": (
        Page(403, body=b"<!DOCTYPE html><html>Sorry, you have been blocked</html>", headers=(("CF-RAY", "8f00-FRA"),)),
        "a page of Cloudflare",
    ),
    "a server that names itself": (
        Page(403, body=b"<html><h1>Forbidden</h1></html>", headers=(("server", "cloudflare"),)),
        "a page of Cloudflare",
    ),
    "text of a server that names itself": (
        Page(403, "text/plain", b"Forbidden", headers=(("server", "cloudflare"),)),
        "a page of Cloudflare",
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_by_address_is_no_lacking_scope(tmp_path: Path, name: str) -> None:
    page, words = BLOCKS[name]
    home = Home(tmp_path)
    with web_server(page) as url:
        home.write_profile(url, KEYS)
        for command in (["doctor"], ["sync"], ["pending", "list"]):
            done = home.run(*command)
            said = done.out + done.err
            assert done.status == Exit.GATEWAY, said
            assert f"blocked before it reached the gateway (403, {words})" in said
            assert "address is blocked" in said
            assert "scope" not in said


@pytest.mark.parametrize(
    ("status", "words", "cure"),
    [
        (403, "blocked before it reached the gateway (403, a web page)", "a proxy or a firewall answered"),
        (401, "401 with a web page", "Check the profile's url"),
    ],
)
def test_a_page_that_refuses_says_nothing_of_the_key(tmp_path: Path, status: int, words: str, cure: str) -> None:
    home = Home(tmp_path)
    with web_server(Page(status, body=b"\n<!DOCTYPE html><html><h1>No</h1></html>")) as url:
        home.write_profile(url, KEYS)
        for command in (["doctor"], ["sync"], ["pending", "list"]):
            done = home.run(*command)
            said = done.out + done.err
            assert done.status == Exit.GATEWAY, said
            assert words in said and cure in said
            assert "scope" not in said and "revoked" not in said


def test_the_gateways_own_403_behind_cloudflare_is_about_the_key(tmp_path: Path) -> None:
    home = Home(tmp_path)
    headers = (("server", "cloudflare"), ("cf-ray", "8f00-FRA"))
    page = Page(403, "application/json", b'{"error":"requires scope oversight"}', headers)
    with web_server(page, {"/health": HEALTHY}) as url:
        home.write_profile(url, KEYS)
        assert "requires scope oversight" in home.run("pending", "list").err


def test_the_gateways_own_403_is_still_about_the_key(tmp_path: Path) -> None:
    home = Home(tmp_path)
    page = Page(403, "application/json", b'{"error":"error code: 1020 is no reason; requires scope read"}')
    with web_server(page, {"/health": HEALTHY}) as url:
        home.write_profile(url, KEYS)
        assert "lacks the scope" in home.run("doctor").out


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://api.multimail.dev/v1", "https://api.multimail.dev"),
        ("https://api.multimail.dev/v1/", "https://api.multimail.dev"),
        ("https://api.multimail.dev/V1", "https://api.multimail.dev"),
        ("https://proxy.example/multimail/v1", "https://proxy.example/multimail"),
        ("https://proxy.example/v11", "https://proxy.example/v11"),
        ("https://v1.example", "https://v1.example"),
    ],
)
def test_v1_at_the_end_of_the_address_is_understood(written: str, meant: str) -> None:
    assert gateway_address(written) == meant
    assert Profile(url=written, ai21_host="https://api.ai21.example/studio/v1").url == meant


def test_the_other_addresses_keep_their_v1() -> None:
    assert Profile(ai21_host="https://api.ai21.example/studio/v1").ai21_host == "https://api.ai21.example/studio/v1"


@pytest.mark.parametrize("memory", [False, True])
def test_an_empty_store_belongs_to_the_gateway_that_is_named_once_the_address_is_right(
    sandbox: Sandbox, tmp_path: Path, memory: bool
) -> None:
    home = Home(tmp_path)
    more = "[sync]\nmemory = true\n" if memory else ""

    def named(url: str, keys: Mapping[str, str]) -> int:
        home.write_profile(url, keys)
        home.write_config(home.config.read_text() + more)
        return home.run("pending", "list").status

    made_up = {name: key.replace("mm_test_", "mm_live_") for name, key in sandbox.keys.items()}
    assert named("http://127.0.0.1:9", sandbox.keys) == Exit.GATEWAY
    assert named(sandbox.url, made_up) == Exit.AUTH
    draft = sandbox.draft()
    assert named(sandbox.url, sandbox.keys) == Exit.OK
    digest = str(home.run("pending", "show", draft, "--json").json["digest"])
    home.run("pending", "reject", draft, "--digest", digest, "--reason", "No", status=0)
    assert named("http://127.0.0.1:9", sandbox.keys) == Exit.CONFIG, "it has a journal now"
    assert named(sandbox.url, sandbox.keys) == Exit.OK


def test_no_command_reads_or_answers_with_the_keys_of_another_account(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_profile(sandbox.url, sandbox.keys)
    draft = sandbox.draft()
    digest = str(home.run("pending", "show", draft, "--json").json["digest"])
    sandbox.fault(method="POST", path="decide$", kind="close", when="before")
    assert home.run("pending", "approve", draft, "--digest", digest).status == Exit.GATEWAY
    sandbox.fault(method="GET", path="/v1/account$", kind="malformed", body='{"id": "01JOTHER"}', count=0)
    sandbox.forget_calls()
    for command in (
        ("pending", "answer", draft, "again"),
        ("audit", "list"),
        ("audit", "export"),
        ("spam", "report", draft),
        ("pending", "list"),
    ):
        refused = home.run(*command)
        assert refused.status == Exit.CONFIG and "01JOTHER" in refused.err, command
    assert {call["path"] for call in sandbox.calls()} == {"/v1/account"}


@pytest.mark.parametrize("name", ["gateway", "keys", "account"])
def test_a_store_whose_gateway_or_account_is_damaged_is_accepted_by_a_human_and_keeps_no_mail(
    home: Home, sandbox: Sandbox, name: str
) -> None:
    sandbox.draft()
    home.run("pending", "list", status=0)
    path = home.data / "store-default.sqlite3"
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE belongs SET value = 'x' || substr(value, 2) WHERE name = ?", (name,))
        store.execute("INSERT INTO edits VALUES ('one', 'box', 'd', '{}', '[]', 's', 'my words', 1, 'now')")
    refused = home.run("pending", "list", status=10)
    assert "mm-tui audit accept --gateway URL" in refused.err
    home.run("audit", "accept", "--gateway", "https://other.example", status=Exit.USAGE)
    home.run("pending", "list", status=10)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("CREATE TRIGGER fails BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'it fails'); END")
    assert home.run("audit", "accept", "--gateway", sandbox.url).status
    home.run("pending", "list", status=10)
    with closing(sqlite3.connect(path)) as store, store:
        assert store.execute("SELECT count(*) FROM pending").fetchone() == (1,), "nothing is accepted without its entry"
        store.execute("DROP TRIGGER fails")
    home.run("audit", "accept", "--gateway", sandbox.url, status=0)
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("SELECT count(*) FROM pending").fetchone() == (0,)
        assert store.execute("SELECT body FROM edits").fetchone() == ("my words",)
        (entry,) = store.execute("SELECT entry FROM journal ORDER BY number DESC LIMIT 1").fetchone()
        assert f"{name} x" in json.loads(entry)["details"]["belonged_to"]
    assert home.run("pending", "list", status=0).out.count("anna@customer.example") == 1
    assert home.run("audit", "verify").status == 0


def test_another_store_such_as_the_agents_is_accepted_by_its_file(home: Home, sandbox: Sandbox) -> None:
    env, path = environment(sandbox, home.folder), home.data / "agent-store-default.sqlite3"
    sandbox.inbound(subject="The app fails")
    home.run("agent", "run", "--once", env=env, status=0)
    for ending in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
    refused = home.run("agent", "run", "--once", env=env, status=10)
    assert f"mm-tui audit accept --store {path}" in refused.err
    home.run("audit", "accept", "--store", str(path), status=0)
    home.run("agent", "run", "--once", env=env, status=0)
    home.run("audit", "accept", "--store", str(path.with_name("none")), status=Exit.NOT_FOUND)


@pytest.mark.parametrize("content", [None, b"", b"notes", b"SQLite format 3\0, and what follows is none"])
def test_what_is_no_store_is_neither_made_one_nor_called_unbroken(home: Home, content: bytes | None) -> None:
    path = home.folder / "notes"
    if content is None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE recipes (name)")
    else:
        path.write_bytes(content)
    path.chmod(0o644)
    before = path.read_bytes()
    for command in ("accept", "verify"):
        done = home.run("audit", command, "--store", str(path), status=Exit.CONFIG)
        assert f"{path} is not a store" in done.err and not done.out
        home.run("audit", command, "--store", os.devnull, status=Exit.NOT_FOUND)
    assert path.read_bytes() == before and path.stat().st_mode & 0o777 == 0o644


def test_an_accepted_gateway_is_named_in_any_form_and_what_is_no_address_is_refused(
    home: Home, sandbox: Sandbox
) -> None:
    home.run("pending", "list", status=0)
    for url in ("http://[", "http://127.0.0.1:99999", "http://127.0.0.1:9\x1b[31m", "nimbus", ""):
        assert "address" in home.run("audit", "accept", "--gateway", url, status=Exit.USAGE).err
    home.run("audit", "accept", "--gateway", f"{sandbox.url}/v1", status=0)


def test_everything_works_at_an_address_with_v1(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path)
    sandbox.draft()
    home.write_profile(f"{sandbox.url}/v1", sandbox.keys)
    assert "0 problem" in home.run("doctor").out
    assert "1 waiting for a decision" in home.run("sync").out
    home.write_profile(sandbox.url, sandbox.keys)
    assert home.run("sync").status == 0, "it is the same gateway, so it is the same store"


def test_a_store_that_noted_the_address_with_v1_goes_on(database: Database) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO belongs (name, value) VALUES ('gateway', 'https://api.multimail.dev/v1')")
    bind(database, Gateway("p", "https://api.multimail.dev", None))
    with pytest.raises(OtherGateway):
        bind(database, Gateway("p", "https://api.other.dev", None))


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (errors.NotMultiMail(), SyncPhase.WRONG_ADDRESS),
        (errors.Blocked(), SyncPhase.BLOCKED),
        (errors.Unauthorized(), SyncPhase.KEY_REFUSED),
        (errors.MissingScope(scope="read"), SyncPhase.KEY_REFUSED),
        (errors.Unreachable(), SyncPhase.OFFLINE),
    ],
)
def test_the_status_line_says_which(error: errors.GatewayError, phase: SyncPhase) -> None:
    health = SyncHealth(FakeClock(NOW), Random(1), None)
    health.failed(SyncPart.MAILBOXES, error, interval=5, again=True)
    state = health.summed_up(running=True, in_initial_sync=False, places=())
    assert state.phase is phase
    words = gateway_words(state, NOW + timedelta(seconds=1)).plain
    assert words.startswith(f"✕ {phase}")
    assert str(error.message) in words


def test_a_store_that_another_program_holds_is_not_reported_as_offline(tmp_path: Path) -> None:
    health = SyncHealth(FakeClock(NOW), Random(1), None)
    connections = [sqlite3.connect(tmp_path / "store", isolation_level=None, timeout=0) for _ in range(2)]
    with closing(connections[0]), closing(connections[1]), pytest.raises(sqlite3.OperationalError) as held:
        for connection in connections:
            connection.execute("BEGIN IMMEDIATE")
    assert fault_of_journal(held.value) == "the journal cannot be written: another program is writing to the store"
    health.failed(SyncPart.MAIL, held.value, interval=5, again=True)
    health.failed(SyncPart.PENDING, errors.Unreachable(), interval=5, again=True)
    state = health.summed_up(running=True, in_initial_sync=False, places=())
    words = gateway_words(state, NOW).plain
    assert words.startswith("✕ store unusable · mail: the store on this machine is busy")
    health.failed(SyncPart.MAIL, errors.Unreachable(), interval=5, again=True)
    assert health.summed_up(running=True, in_initial_sync=False, places=()).phase is SyncPhase.OFFLINE


async def test_a_web_page_says_nothing_of_a_single_mail() -> None:
    with web_server(NOT_FOUND) as url:
        async with GatewayClient(url, Keys(oversight=Secret(KEYS["oversight"]))) as gateway:
            with pytest.raises(errors.NotMultiMail) as caught:
                await gateway.email("01M", "01E")
            assert not isinstance(caught.value, errors.NotFound)
            with pytest.raises(errors.NotMultiMail) as refused:
                await gateway.decide("01E", "approve")
            assert refused.value.may_have_happened is False


async def test_a_call_that_a_gateway_lacks_is_distinguished_from_a_thing_that_is_gone() -> None:
    missing = Page(404, "application/json", b'{"error":"Not found"}')
    boxes = Page(200, "application/json", b'{"mailboxes":[]}')
    with web_server(missing, {"/v1/mailboxes": boxes}) as url:
        async with GatewayClient(url, Keys(oversight=Secret(KEYS["oversight"]))) as gateway:
            with pytest.raises(errors.NoSuchCall, match="does not know /v1/usage"):
                await gateway.account.usage()
            with pytest.raises(errors.NotFound) as caught:
                await gateway.email("01M", "01E")
            assert type(caught.value) is errors.NotFound


def test_an_address_that_is_none_is_refused_as_before() -> None:
    with pytest.raises(FieldError):
        Profile(url="http://elsewhere.example/v1")
