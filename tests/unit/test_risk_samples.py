"""The risk rules against the sample mail: what was planted is found, and good drafts stay quick to approve."""

from __future__ import annotations

from datetime import UTC, datetime

from mm_tui.models import Attachment, Party
from mm_tui.review.findings import Level
from mm_tui.review.known import Acquaintances
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Assessment, Draft, EarlierEmail, ThreadContext
from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.gateway.state import DOMAIN
from mm_tui.sandbox.samples import SampleSet, load_samples
from mm_tui.text import ManyLine, OneLine

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def _message(mail: IncomingMail) -> EarlierEmail:
    return EarlierEmail(
        sender=Party.parse(mail.sender),
        to=tuple(map(Party.parse, mail.to)),
        cc=tuple(map(Party.parse, mail.cc)),
        subject=OneLine(mail.subject),
        body=ManyLine(mail.body),
        received_at=mail.date,
        attachments=tuple(Attachment(name=OneLine(part.name)) for part in mail.attachments),
    )


def _assessed(samples: SampleSet) -> list[tuple[str, tuple[str, ...], Assessment]]:
    own = frozenset(f"{box.local}@{DOMAIN}" for box in samples.mailboxes)
    known = frozenset(str(Party.parse(mail.sender).address) for thread in samples.threads for mail in thread.mails)
    done = []
    for thread in samples.threads:
        messages = tuple(map(_message, thread.mails))
        context = ThreadContext(messages, own_addresses=own, contacts=Acquaintances.of(known), today=NOW.date())
        for draft, flaws in zip(thread.drafts, thread.flaws, strict=True):
            answered = next(mail for mail in thread.mails if mail.message_id == draft.in_reply_to)
            subject = draft.subject or (f"Re: {answered.subject}" if answered.subject else "")
            seen = Draft(
                sender=Party.parse(f"{thread.mailbox}@{DOMAIN}"),
                to=tuple(map(Party.parse, draft.to or (answered.sender,))),
                cc=tuple(map(Party.parse, draft.cc)),
                subject=OneLine(subject),
                body=ManyLine(draft.body),
                attachments=tuple(Attachment(name=OneLine(part.name)) for part in draft.attachments),
            )
            done.append((thread.key, flaws, assess(seen, context)))
    return done


def test_every_planted_flaw_is_flagged_and_no_good_draft_asks_again() -> None:
    assessed = _assessed(load_samples(NOW))
    bad = {key: assessment for key, flaws, assessment in assessed if flaws}
    good = {key: assessment for key, flaws, assessment in assessed if not flaws}
    assert len(bad) >= 20
    assert len(good) >= 15
    assert [key for key, assessment in bad.items() if assessment.level is Level.NONE] == []
    assert [key for key, assessment in good.items() if assessment.asks_again] == []
    quiet = [key for key, assessment in good.items() if assessment.level < Level.MEDIUM]
    assert len(quiet) >= 0.8 * len(good)
