"""Correspondents are looked up in indexes that all emails share, and found as if each were compared."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from mm_tui.clock import SystemClock
from mm_tui.models import Attachment, Party
from mm_tui.review.alike import Slips
from mm_tui.review.known import ESTABLISHED, Acquaintances, Known
from mm_tui.review.lookalike import PROVIDERS, domain_of, imitates, one_slip_apart, same_site, shape, skeleton, upwards
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, EarlierEmail, ThreadContext
from mm_tui.services.knowledge.contacts import TRIED_MS, Contacts
from mm_tui.store.database import Database
from mm_tui.store.mail import contacts
from mm_tui.store.mail.contacts import NO_THREAD, Exchange
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.sort_keys import to_ms
from mm_tui.text import ManyLine, OneLine
from tests.support.fake_gateway import make_mail

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OWN = frozenset({"acme.example", "shop.acme.test"})
NAMES = ("lampshop", "customer-north", "acme", "bakery", "rn", "gmail", "weber", "mail", "o1d", "bücher")
SIGNS = "abcmnrl10-."


def slipped(name: str, chance: random.Random) -> str:
    """A name with a slip of the finger in most cases."""
    at = chance.randrange(len(name))
    return chance.choice(
        [
            name,
            name[:at] + name[at + 1 :] or name,
            name[:at] + chance.choice(SIGNS) + name[at:],
            name[:at] + chance.choice(SIGNS) + name[at + 1 :],
            name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
            name.replace("m", "rn").replace("l", "1"),
        ]
    )


def some_domain(chance: random.Random) -> str:
    name = slipped(chance.choice(NAMES), chance)
    end = chance.choice(["example", "com", "co.uk", "test"])
    before = chance.choice(["", "", "mail.", f"{slipped('support', chance)}.", "acme.example."])
    behind = chance.choice(["", "", "", f"-{chance.choice(NAMES)}", f".{chance.choice(NAMES)}"])
    return f"{before}{name}{behind}.{end}".strip(".-")


def some_address(chance: random.Random) -> str:
    local = chance.choice(["anna", "petra.lindqvist", "info", "bill", "b1ll", "office+north"])
    return f"{slipped(local, chance)}@{some_domain(chance)}".lower()


class Compared:
    """The same questions, answered by going through all that an email knows."""

    def __init__(self, established: set[str], recent: Sequence[str]) -> None:
        self.established = {one for one in established if domain_of(one) not in OWN}
        others = dict.fromkeys(one for one in recent if domain_of(one) not in OWN)
        self.recent = [one for one in others if one not in self.established]
        self.everybody = self.established.union(self.recent)

    def domain_imitated(self, domain: str) -> str | None:
        if any(same_site(domain, own) for own in OWN):
            return None
        for own in sorted(OWN):
            if imitates(shape(domain), shape(own), ours=True):
                return own
        domains = set(filter(None, map(domain_of, self.established)))
        above = {parent for one in domains for parent in upwards(one)}
        if domain in PROVIDERS or domain in above or any(up in domains for up in upwards(domain)):
            return None
        for known in sorted(domains):
            if imitates(shape(domain), shape(known), ours=False):
                return known
        for earlier in dict.fromkeys(filter(None, map(domain_of, self.recent))):
            if same_site(earlier, domain):
                return None
            if imitates(shape(domain), shape(earlier), ours=False):
                return earlier
        return None

    def address_imitated(self, address: str) -> str | None:
        if address in self.established:
            return None
        alike = [known for known in self.established if skeleton(known) == skeleton(address)]
        recent = [known for known in self.recent if skeleton(known) == skeleton(address)]
        twin = max(alike) if alike else next(iter(recent), None)
        return None if twin == address else twin


def standing(exchanges: Sequence[Exchange], thread: int, before: int) -> tuple[set[str], list[str]]:
    """The established, and all others of earlier mail in the order in which they came."""
    established: set[str] = set()
    first: dict[str, int] = {}
    for one in exchanges:
        if one.at is None or one.at >= before or (one.thread == NO_THREAD and one.at > before - TRIED_MS):
            continue
        if one.thread != thread and (not one.wrote or one.at <= before - TRIED_MS):
            established.add(one.address)
        first[one.address] = min(one.at, first.get(one.address, one.at))
    return established, [address for _, address in sorted((at, one) for one, at in first.items())]


@pytest.mark.parametrize("seed", range(12))
def test_the_shared_indexes_find_what_comparing_with_each_finds(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    start = to_ms(NOW) or 0
    addresses = [some_address(chance) for _ in range(chance.choice([3, 40, 120]))]
    exchanges = [
        Exchange(
            chance.choice(addresses),
            chance.choice([NO_THREAD, *range(12)]),
            chance.random() < 0.7,
            chance.choice([None, start - chance.randrange(20 * 86_400_000)]),
        )
        for _ in range(2 * len(addresses))
    ]
    known_ones = Contacts(database, SystemClock())
    monkeypatch.setattr(known_ones._store, "exchanges", lambda: exchanges)
    known_ones.refresh()
    hits = 0
    for _ in range(40):
        thread, at = chance.randrange(12), NOW - timedelta(days=chance.randrange(16))
        taking_part = tuple(chance.choices(addresses, k=2))
        known = Known(OWN, recent=taking_part, others=known_ones.seen_from(thread, at).without(OWN))
        established, recent = standing(exchanges, thread, to_ms(at) or 0)
        compared = Compared(established, [*recent, *taking_part])
        assert known.has_anybody == bool(compared.everybody)
        for address in (*chance.choices(addresses, k=3), some_address(chance), some_address(chance)):
            domain = domain_of(address)
            assert known.knows(address) == (address in compared.everybody)
            assert known.knows_domain(domain) == (domain in {*OWN, *map(domain_of, compared.everybody)})
            assert known.domain_imitated(domain) == compared.domain_imitated(domain), domain
            assert known.address_imitated(address) == compared.address_imitated(address), address
            hits += compared.domain_imitated(domain) is not None
            local = address.partition("@")[0]
            named = [one for one in compared.everybody if one.partition("@")[0] == local]
            if local == "petra.lindqvist":
                assert known.names("petra", "lindqvist") == bool(named)
                assert set(known.with_word("lindqvist")) >= set(named)
    assert hits, "the sample holds look-alikes"


@pytest.mark.parametrize("seed", range(4))
def test_the_earliest_threads_of_each_address_answer_like_all_mail_exchanged(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(contacts, "SLICE", 7)
    chance = random.Random(seed)
    own, addresses = "help@acme.example", [f"{name}@customer.example" for name in ("anna", "ben", "chris")]
    mails, exchanges = [], []
    for number in range(120):
        at, thread, wrote = NOW - timedelta(days=chance.randrange(30)), chance.randrange(6), chance.random() < 0.7
        address = chance.choice(addresses)
        status = OneLine("read" if wrote else "delivered")
        mail = make_mail(number, received_at=at, thread_id=f"t{thread}", status=status)
        sender, to = (address, own) if wrote else (own, address)
        direction = OneLine("inbound" if wrote else "outbound")
        mails.append(mail.replaced(sender=Party.parse(sender), to=(Party.parse(to),), direction=direction))
        exchanges.append(Exchange(address, thread, wrote, to_ms(at)))
    MailStore(database).upsert(mails)
    known = Contacts(database, SystemClock())
    known.refresh()
    assert len(list(known._store.exchanges())) <= 4 * len(addresses)
    for thread in range(6):
        at = NOW - timedelta(days=chance.randrange(30))
        stored = known._store.thread_of("", mails[0].mailbox_id, f"t{thread}")
        since = known.seen_from(stored, at).since
        established, recent = standing(exchanges, thread, to_ms(at) or 0)
        for address in addresses:
            assert (since(address) == ESTABLISHED) == (address in established)
            assert (since(address) is not None) == (address in {*established, *recent})


@pytest.mark.parametrize("seed", range(4))
def test_correspondents_are_the_same_whether_all_mail_is_read_or_only_what_is_new(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(contacts, "MOST", 9)
    chance = random.Random(seed)
    mail, own = MailStore(database), "help@acme.example"
    addresses = [f"writer{number}@customer.example" for number in range(14)]
    known = contacts.ContactStore(database)
    settled = 0
    for step in range(60):
        mails = []
        for _ in range(chance.randrange(4)):
            # Mostly newer emails, some old ones, and some that change.
            number = chance.choice([3 * step, 3 * step + 1, 3 * step + 2, chance.randrange(3 * step + 3)])
            wrote = number % 3 > 0
            sender, to = (addresses[number % 14], own) if wrote else (own, addresses[number // 2 % 14])
            status = chance.choice(["read", "read", "spam_flagged"] if wrote else ["sent", "pending_send_approval"])
            mails.append(
                make_mail(
                    number,
                    sender=Party.parse(sender),
                    to=(Party.parse(to),),
                    direction=OneLine("inbound" if wrote else "outbound"),
                    status=OneLine(status),
                    received_at=NOW + timedelta(hours=number),
                    thread_id=f"t{number // 4}",
                )
            )
        mail.upsert(mails)
        monkeypatch.setattr(contacts, "SLICE", 10)
        if step % 20 == 19:
            known = contacts.ContactStore(database)
        partly = list(known.exchanges())
        settled += bool(known._mark)
        monkeypatch.setattr(contacts, "SLICE", 10_000)
        assert sorted(map(str, partly)) == sorted(map(str, contacts.ContactStore(database).exchanges()))
    assert settled > 20


def test_drafts_are_assessed_alike_with_the_shared_correspondents_and_with_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(5)
    start = to_ms(NOW) or 0
    addresses = [some_address(chance) for _ in range(60)]
    exchanges = [
        Exchange(chance.choice(addresses), number % 9, chance.random() < 0.7, start - number * 9_000_000)
        for number in range(120)
    ]
    known_ones = Contacts(database, SystemClock())
    monkeypatch.setattr(known_ones._store, "exchanges", lambda: exchanges)
    known_ones.refresh()
    codes: set[str] = set()
    for _ in range(120):
        to, other = chance.choice([*addresses, some_address(chance)]), chance.choice(addresses)
        greeting = "Dear Petra Lindqvist,\n\nplease find attached the invoice"
        body = f"{greeting}, see https://{domain_of(other)}/x or write to {other} and {to}.\n\nAnna"
        name = f"{chance.choice(NAMES)}-{chance.choice(['weber', 'lindqvist', 'bakery'])}.pdf"
        draft = Draft(
            Party.parse("help@acme.example"),
            to=(Party.parse(to),),
            body=ManyLine(body),
            attachments=(Attachment(name=OneLine(name), size=1, content_type=OneLine("application/pdf")),),
        )
        question = EarlierEmail(Party.parse(chance.choice(addresses)), body=ManyLine("Where is it?"))
        thread, at = chance.randrange(9), NOW - timedelta(days=chance.randrange(12))
        established, recent = standing(exchanges, thread, to_ms(at) or 0)
        context = ThreadContext((question,), frozenset({"help@acme.example"}))
        shared = replace(context, contacts=known_ones.seen_from(thread, at))
        apart = replace(context, contacts=Acquaintances.of(established, recent))
        assert assess(draft, shared) == assess(draft, apart)
        codes |= {finding.code for finding in assess(draft, shared).findings}
    assert codes >= {"recipient_lookalike", "recipient_not_in_thread", "new_domain", "attachment_other"}, codes


def test_every_name_one_slip_apart_is_found() -> None:
    chance = random.Random(7)

    def some_names(longest: int) -> list[str]:
        return ["".join(chance.choices("ab.", k=chance.randrange(longest))) for _ in range(60)]

    for _ in range(40):
        names = some_names(9)
        slips = Slips(names)
        for name in some_names(10):
            assert slips.near(name) == {one for one in names if one == name or one_slip_apart(one, name)}, name
