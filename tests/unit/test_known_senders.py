"""Look-alikes of people we know: who comes later imitates, and nobody is known by the mail that is looked at."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from mm_tui.clock import SystemClock
from mm_tui.models import Mailbox, Party, PendingItem, RawContent
from mm_tui.review.findings import Finding, Level
from mm_tui.review.known import Acquaintances, Known
from mm_tui.review.lookalike import registrable
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.mail import contacts
from mm_tui.store.mail.contacts import ContactStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.fake_gateway import BOX, START, make_detail, make_mail, make_pending

OWN = "support@acme.multimail.example"


@pytest.fixture
def database(database: Database) -> Database:
    MailStore(database).save_mailboxes([Mailbox(id=BOX, address=OneLine(OWN), oversight_mode=OneLine("gated_all"))])
    return database


def put(database: Database, number: int, sender: str, **changes: Any) -> None:
    """A mail that is in the store and was opened."""
    mail = make_mail(number, sender=Party.parse(sender), to=(Party.parse(OWN),), **changes)
    MailStore(database).upsert([mail])
    MailStore(database).save_detail(make_detail(mail, "Where is my parcel?"), at=START)


def found(database: Database, item: PendingItem) -> dict[str, Finding]:
    pending = PendingStore(database)
    pending.replace([item], START)
    pending.save_detail(item.replaced(complete=True))
    entry = ReviewQueue(database, SystemClock(), Risk()).entry(item.id)
    assert entry is not None
    return {finding.code: finding for finding in entry.assessment.findings}


def gated(number: int, sender: str, thread: str) -> PendingItem:
    raw = RawContent(sender=sender, to=(OWN,), subject="Parcel", body="Where is my parcel?")
    return make_pending(
        number,
        direction=OneLine("inbound"),
        status=OneLine("pending_inbound_approval"),
        sender=Party.parse(sender),
        to=(Party.parse(OWN),),
        thread_id=thread,
        raw=raw,
    )


def answer(number: int, to: str, thread: str) -> PendingItem:
    raw = RawContent(sender=OWN, to=(to,), subject="Re: Parcel", body="Thank you.")
    return make_pending(
        number, sender=Party.parse(OWN), to=(Party.parse(to),), subject=OneLine("Re: Parcel"), thread_id=thread, raw=raw
    )


@pytest.mark.parametrize(
    "sender",
    [
        "boss@acme.mult1mail.example",
        "boss@acrne.multimail.example",
        "boss@mail.acme.multirnail.example",
        "boss@acme.multimail.example.evil.test",
        "Boss <BOSS@Acme.Mult1mail.Example>",
    ],
)
def test_an_email_that_looks_like_one_of_ours_is_flagged_and_so_is_the_reply_to_it(
    database: Database, sender: str
) -> None:
    # As the gateway has it: the waiting mail stands in the list of mail as well.
    put(database, 5, sender, thread_id="t", status=OneLine("pending_inbound_approval"))
    assert found(database, gated(5, sender, "t"))["sender_lookalike"].level is Level.HIGH
    put(database, 5, sender, thread_id="t", status=OneLine("read"))
    address = str(Party.parse(sender).address)
    assert found(database, answer(6, address, "t"))["recipient_lookalike"].level is Level.HIGH
    # A second mail, and one in another thread, do not make it known.
    put(database, 7, sender, thread_id="t", status=OneLine("read"))
    put(database, 8, sender, thread_id="u", status=OneLine("read"))
    assert "recipient_lookalike" in found(database, answer(9, address, "u"))
    assert "sender_lookalike" in found(database, gated(10, sender, "v"))


@pytest.mark.parametrize("thread", ["t1", "t2"])
@pytest.mark.parametrize("days", [1, 90])
def test_an_email_that_looks_like_a_customers_is_flagged(database: Database, thread: str, days: int) -> None:
    put(database, 1, "anna@customer-north.example", thread_id="t1", received_at=START - timedelta(days=days))
    put(database, 5, "anna@custorner-north.example", thread_id=thread, status=OneLine("read"))
    assert "recipient_lookalike" in found(database, answer(6, "anna@custorner-north.example", thread))
    assert "sender_lookalike" in found(database, gated(7, "anna@custorner-north.example", thread))
    # Not so the customer, who was there before.
    assert "recipient_lookalike" not in found(database, answer(8, "anna@customer-north.example", "t1"))
    assert "sender_lookalike" not in found(database, gated(9, "anna@customer-north.example", thread))


def test_whom_we_wrote_to_before_is_known(database: Database) -> None:
    put(database, 1, "anna@lampshop.example", thread_id="a", received_at=START - timedelta(days=90))
    assert "sender_lookalike" in found(database, gated(5, "bea@lampshops.example", "b"))
    written = make_mail(
        2,
        sender=Party.parse(OWN),
        to=(Party.parse("bea@lampshops.example"),),
        direction=OneLine("outbound"),
        status=OneLine("delivered"),
        thread_id="c",
    )
    MailStore(database).upsert([written])
    assert "sender_lookalike" not in found(database, gated(5, "bea@lampshops.example", "b"))
    # But in the very thread in which we wrote it stays a stranger.
    assert "sender_lookalike" in found(database, gated(6, "bea@lampshops.example", "c"))


def test_who_has_stood_in_the_address_book_for_a_week_is_known(database: Database) -> None:
    put(database, 1, "anna@lampshop.example", thread_id="a", received_at=START - timedelta(days=90))
    store = ContactStore(database)
    days_ago = {"bea@lampshops.example": 8, "eve@lampsshop.example": 6}
    entries = [(f" {address.upper()} ", START - timedelta(days=days)) for address, days in days_ago.items()]
    store.keep_address_book([*entries, ("new@lampshop5.example", None), ("no address", START - timedelta(days=90))])
    assert "sender_lookalike" not in found(database, gated(5, "bea@lampshops.example", "b"))
    codes = found(database, gated(6, "eve@lampsshop.example", "c"))
    assert "sender_lookalike" in codes, "the agent's own key may have added it for this very mail"
    assert "sender_lookalike" in found(database, gated(7, "new@lampshop5.example", "d")), "nobody knows since when"
    # Whoever imitates somebody in the address book is flagged.
    assert "sender_lookalike" in found(database, gated(8, "bea@1ampshops.example", "e"))


def test_a_new_entry_of_the_address_book_does_not_even_lower_a_finding(database: Database) -> None:
    put(database, 1, "anna@lampshop.example", thread_id="a", status=OneLine("read"))
    draft = answer(6, "mallory@elsewhere.example", "a")
    before = found(database, draft)["recipient_not_in_thread"].level
    ContactStore(database).keep_address_book([("mallory@elsewhere.example", START)])
    assert found(database, draft)["recipient_not_in_thread"].level is before is Level.HIGH
    ContactStore(database).keep_address_book([("mallory@elsewhere.example", START - timedelta(days=30))])
    assert found(database, draft)["recipient_not_in_thread"].level is Level.MEDIUM


def test_the_address_book_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST", 3)
    store = ContactStore(database)
    store.keep_address_book([(f"a{day}@x.example", START - timedelta(days=day)) for day in range(9)])
    assert [one.address for one in store.address_book()] == ["a8@x.example", "a7@x.example", "a6@x.example"]


def test_the_case_of_an_address_means_nothing(database: Database) -> None:
    put(database, 1, "Petra_Vogt@Lamps.example", thread_id="a", received_at=START - timedelta(days=90))
    for number, address in enumerate(
        ("Petra_Vogt@Lamps.example", "petra_vogt@LAMPS.example", "PETRA_VOGT@lamps.example")
    ):
        assert found(database, gated(5 + number, address, "a")) == {}
        assert "recipient_lookalike" not in found(database, answer(15 + number, address, "a"))


PAIRS = [
    # Known, another one, whether it can be taken for it.
    ("orbisync.io", "orbisnyc.io", True),
    ("orbisync.io", "app.orbisnyc.io", True),
    ("app.orbisync.io", "orbisnyc.io", True),
    ("app.orbisync.io", "mail.orbisnyc.io", True),
    ("orbisync.co.uk", "login.orbisnyc.co.uk", True),
    ("orbisync.io", "orbisync.io.evil.test", True),
    ("orbisync.io", "orbisync-io.test", True),
    ("orbisync.io", "app.orbisync.io", False),
    ("app.orbisync.io", "orbisync.io", False),
    ("app.orbisync.io", "mail.orbisync.io", False),
    ("id.example", "il.example", False),
    ("id.example", "ib.example", False),
    ("ups.example", "usps.example", False),
    ("a.co", "b.co", False),
    ("shop1.example", "shop2.example", False),
    ("shop1.example", "shopl.example", True),
    ("gmail.com", "ymail.com", False),
    ("gmail.com", "gmai1.com", True),
    ("t.co", "at-t.co", False),
    ("bakery.co.uk", "butcher.co.uk", False),
    ("anna.github.io", "emma.github.io", False),
]


@pytest.mark.parametrize(("known", "other", "imitates"), PAIRS)
def test_domains_that_can_be_taken_for_each_other(known: str, other: str, imitates: bool) -> None:
    established = Known(others=Acquaintances.of([f"Anna@{known}"]))
    assert (established.domain_imitated(other.upper()) == known) is imitates
    lately = Known(recent=(f"anna@{known}",))
    assert (lately.domain_imitated(other) == known) is imitates
    # Who was there first is nobody's imitation, and who is established neither.
    assert Known(recent=(f"x@{other}", f"anna@{known}")).domain_imitated(other) is None
    assert Known(others=Acquaintances.of([f"anna@{known}", f"x@{other}"])).domain_imitated(other) is None


def test_our_own_domain_is_never_taken_for_known() -> None:
    for addresses in (frozenset({"boss@acrne.example"}), frozenset({"boss@acrne.example", "x@y.example"})):
        known = Known(frozenset({"ACME.example"}), Acquaintances.of(addresses))
        assert known.domain_imitated("acrne.example") == "acme.example"


def test_typing_errors_in_long_names_are_flagged_whatever_precedes_them() -> None:
    random.seed(7)
    for _ in range(300):
        name = "".join(random.choices("abcdefghijkopqrstuvwxyz", k=random.randint(6, 12)))
        at = random.randrange(len(name))
        slipped = random.choice([name[:at] + name[at + 1 :], name[:at] + random.choice("abcdef") + name[at + 1 :]])
        if slipped == name:
            continue
        end = random.choice(["example", "co.uk", "com", "io"])
        before = random.choice(["", "www.", "mail.eu."])
        known = Known(others=Acquaintances.of([f"x@{random.choice(['', 'mail.'])}{name}.{end}"]))
        assert known.domain_imitated(f"{before}{slipped}.{end}") is not None, (name, slipped)


@pytest.mark.parametrize(
    ("domain", "own"),
    [
        ("a.b.co.uk", "b.co.uk"),
        ("b.example", "b.example"),
        ("co.uk", "co.uk"),
        ("192.0.2.1", "192.0.2.1"),
        ("x", "x"),
        ("a.b.xn--fiqs8s", "b.xn--fiqs8s"),
        ("a.b.中国.", "b.中国"),
        ("a.www.ck", "www.ck"),
        ("a.b.c.ck", "b.c.ck"),
    ],
)
def test_the_part_of_a_domain_that_somebody_registered(domain: str, own: str) -> None:
    assert registrable(domain) == own
