"""The sample mail of the demo and the mail that comes in while it runs."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from mm_tui.sandbox.gateway.state import DOMAIN
from mm_tui.sandbox.model.answers import complete
from mm_tui.sandbox.run.demo_agent import LONGEST_PAUSE, SHORTEST_PAUSE, arrivals
from mm_tui.sandbox.samples import SampleSet, SampleThread, age_of, load_samples, small_pdf
from mm_tui.text import ManyLine, OneLine

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOST = re.compile(r"@([\w.-]+)|https?://([\w.-]+)")


@pytest.fixture(scope="module")
def samples() -> SampleSet:
    return load_samples(NOW)


def prompt_of(thread: SampleThread) -> str:
    return "\n".join(
        f"<<<MAIL\nFrom: {mail.sender}\nDate: {NOW.isoformat()}\nSubject: {mail.subject}\n\n{mail.body}\nMAIL>>>"
        for mail in thread.mails
    )


def test_there_is_enough_to_see(samples: SampleSet) -> None:
    assert [mailbox.local for mailbox in samples.mailboxes] == ["support", "billing", "partnerships"]
    assert len(samples.threads) >= 40
    assert len({thread.language for thread in samples.threads}) >= 8
    assert {3, 5, 8} <= {len(thread.mails) for thread in samples.threads}
    lengths = [len(mail.body) for thread in samples.threads for mail in thread.mails]
    assert min(lengths) < 120 and max(lengths) > 1200
    assert {"support", "billing", "partnership", "spam"} == {thread.label for thread in samples.threads}


def test_threads_hang_together_and_are_dated_back(samples: SampleSet) -> None:
    ids = [mail.message_id for thread in samples.threads for mail in thread.mails]
    assert len(ids) == len(set(ids))
    for thread in samples.threads:
        for before, after in itertools.pairwise(thread.mails):
            assert after.in_reply_to == before.message_id and before.message_id in after.references
            assert before.date is not None and after.date is not None and before.date < after.date
        assert all(mail.date is not None and NOW - timedelta(days=30) < mail.date < NOW for mail in thread.mails)


def test_mailboxes_hold_what_the_threads_hold(samples: SampleSet) -> None:
    for mailbox in samples.mailboxes:
        mine = [thread for thread in samples.threads if thread.mailbox == mailbox.local]
        assert sum(len(thread.mails) for thread in mine) == len(mailbox.mails)
        known = {mail.message_id: mail for mail in mailbox.mails}
        for draft in mailbox.drafts:
            assert not known[draft.in_reply_to].sender.endswith(f"<{mailbox.local}@{DOMAIN}>")
            assert draft.in_reply_to in mailbox.read and mailbox.tags[draft.in_reply_to]["label"]
        assert mailbox.read < set(known)
        assert all(mail.to for mail in mailbox.mails)


def test_a_good_part_of_the_drafts_is_wrong_in_many_ways(samples: SampleSet) -> None:
    flaws = [flaw for thread in samples.threads for flaw in thread.flaws]
    fine = sum(not flaw for flaw in flaws)
    assert fine >= 10 and len(flaws) - fine >= 10
    kinds = Counter(itertools.chain.from_iterable(flaws))
    assert {
        "promises money", "another customer's address in cc", "wrong date", "link whose text names another host",
        "template hole left in", "holds a secret", "wrong language", "empty subject",
        "speaks of an attachment that is not there", "does what a hostile mail ordered",
    } <= set(kinds)  # fmt: skip


def test_flaws_are_really_there(samples: SampleSet) -> None:
    drafts = {
        thread.key: (draft, flaws)
        for thread in samples.threads
        for draft, flaws in zip(thread.drafts, thread.flaws, strict=True)
    }
    link = re.compile(r"\[https://([\w.-]+)[^\]]*\]\(https?://([\w.-]+)")
    for thread in samples.threads:
        if thread.key not in drafts:
            continue
        draft, flaws = drafts[thread.key]
        known = {host for mail in thread.mails for host in HOST.findall(f"{mail.sender} {mail.body} {mail.reply_to}")}
        if "address from outside of the thread" in flaws and not draft.cc:
            assert set(HOST.findall(draft.body)) - known
        if "speaks of an attachment that is not there" in flaws:
            assert "attached" in draft.body and not draft.attachments
        if "template hole left in" in flaws:
            assert re.search(r"\{\{|\[(your|agent)", draft.body)
        lying = [found for found in link.findall(draft.body) if found[0] != found[1]]
        if lying:
            assert "link whose text names another host" in flaws
        if not flaws:
            assert not draft.cc and not draft.bcc and not HOST.search(draft.body)
    assert "$240" in drafts["order-4471"][0].body


def test_names_are_made_up(samples: SampleSet) -> None:
    for thread in samples.threads:
        for mail in thread.mails:
            assert mail.sender.rstrip(">").endswith(".example")
        if thread.key == "controls":
            continue  # the signs "@" in it belong to escape sequences
        for text in [mail.body for mail in thread.mails] + [draft.body for draft in thread.drafts]:
            for host in (left or right for left, right in HOST.findall(text)):
                assert host.rstrip(".").endswith(".example") or re.match(
                    r"(192\.0\.2|198\.51\.100|203\.0\.113)\.", host
                )


def test_attachments_hold_something(samples: SampleSet) -> None:
    attachments = [item for thread in samples.threads for mail in thread.mails for item in mail.attachments]
    assert {"text/plain", "text/csv", "application/pdf"} <= {item.content_type for item in attachments}
    assert all(item.data and item.name for item in attachments)
    assert any(not item.name.isascii() for item in attachments)


def test_one_mail_is_full_of_control_characters(samples: SampleSet) -> None:
    hostile = [mail for thread in samples.threads for mail in thread.mails if OneLine(mail.subject).removed]
    assert len(hostile) == 1
    assert ManyLine(hostile[0].body).removed > 10 and OneLine(hostile[0].sender).removed
    assert "\x1b]52" in hostile[0].body and "[@click=" in hostile[0].subject


def test_the_stand_in_recognizes_nearly_all_of_them(samples: SampleSet) -> None:
    system = "task: classify\nlabels: support, billing, partnership, spam, other"
    reported = [
        complete([("system", system), ("user", prompt_of(thread))]) == thread.label for thread in samples.threads
    ]
    assert sum(reported) >= 0.9 * len(reported)


def test_ages() -> None:
    assert age_of("2d 3h 10m") == timedelta(days=2, hours=3, minutes=10)
    for wrong in ("", "soon", "3", "3h later"):
        with pytest.raises(ValueError, match="not an age"):
            age_of(wrong)


def test_the_pdf_finds_its_own_parts() -> None:
    made = small_pdf("Total (net) \\ 3 €\nsecond")
    assert made.startswith(b"%PDF-1.4") and made.endswith(b"%%EOF\n")
    table = int(made.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert made[table:].startswith(b"xref")
    starts = [int(line[:10]) for line in made[table:].split(b"\n")[3:8]]
    assert all(made[at:].startswith(b"%d 0 obj" % number) for number, at in enumerate(starts, start=1))


class TestArrivals:
    def test_the_same_seed_gives_the_same_mail(self) -> None:
        one, same, other = (list(itertools.islice(arrivals(NOW, seed=seed), 40)) for seed in (1, 1, 2))
        assert one == same != other

    def test_they_go_on_and_vary(self) -> None:
        some = list(itertools.islice(arrivals(NOW), 500))
        assert len({item.mail.message_id for item in some}) == 500
        assert len({(item.mail.subject, item.mail.body, item.mail.sender) for item in some}) > 300
        assert {item.mailbox for item in some} == {"support", "billing", "partnerships"}
        assert all(SHORTEST_PAUSE <= item.after_seconds <= LONGEST_PAUSE for item in some)
        assert not any(re.search(r"\{\w+\}", item.mail.subject + item.mail.body) for item in some)

    def test_some_are_answers_in_a_thread(self) -> None:
        some = list(itertools.islice(arrivals(NOW), 100))
        seen: set[str] = set()
        answers = 0
        for item in some:
            if item.mail.in_reply_to:
                assert item.mail.in_reply_to in seen
                answers += 1
            seen.add(item.mail.message_id)
        assert answers >= 10

    def test_the_first_come_soon(self) -> None:
        assert sum(item.after_seconds for item in itertools.islice(arrivals(NOW), 5)) < 120
