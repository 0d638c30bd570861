"""Generated mail in any number, the same every time: for benchmarks and for trying large stores."""

from __future__ import annotations

import random
from collections.abc import Iterator

from mm_tui.sandbox.gateway import ids, mailboxes
from mm_tui.sandbox.gateway.insert import NewEmail, file
from mm_tui.sandbox.gateway.mail import MailAttachment
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.gateway.statuses import SandboxStatus

SPACING_MS = 180_000
"""The interval between emails."""
LONGEST_THREAD = 8
PENDING = 25
"""How many of the newest replies wait for a human."""

_NAMES = (
    "Anna Weber", "Tom Okafor", "Mei Lin", "José Álvarez", "Priya Nair", "Łukasz Nowak", "Sara Haddad", "Jonas Berg",
    "Chloé Martin", "Kenji Sato", "Olga Petrova", "Amir Rahimi", "Grace Kim", "Noah Smith", "Zoë de Vries", "Ali Kaya",
)  # fmt: skip
_HOSTS = ("customer.example", "shop.example", "mail.example", "partner.example", "studio.example")
_SUBJECTS = (
    "Refund for order {n}", "Invoice {n} is wrong", "Contract renewal", "Where is my parcel {n}?", "Password reset",
    "Question about plan {n}", "Partnership proposal", "Bestellung {n} beschädigt", "Facture {n}", "Meeting Thursday",
    "Error {n} after the update", "Delivery address", "見積もり {n}", "Cancel my subscription", "Bulk order {n}",
)  # fmt: skip
_SENTENCES = (
    "I ordered two weeks ago and nothing has come yet.",
    "Could you please check what happened to order {n}?",
    "The invoice says {n} but we had agreed on less.",
    "We would like to renew the contract for another year.",
    "Please let me know by Friday.",
    "The device restarts every few minutes since the update.",
    "Thank you for the quick answer last time!",
    "Is there a way to change the delivery address?",
    "I have attached the receipt.",
    "Our accountant needs the VAT number on it.",
    "Wir haben die Ware am Montag erhalten, leider beschädigt.",
    "Pouvez-vous me confirmer la date de livraison ?",
)
_RECEIPT = MailAttachment("receipt.txt", "text/plain", b"One weather station, paid.\n")


def fill_synthetic(state: SandboxState, count: int) -> int:
    """Files `count` emails in threads of 1 to 8 into the first mailbox, the newest of them minutes old. Some are
    unread, a few are spam, replies are delivered, and the newest replies wait for a human."""
    row = mailboxes.all_mailboxes(state)[0]
    with state.write():
        file(state, _entries(row["id"], row["address"], count, state.now_ms(), random.Random(7)))  # noqa: S311
        state.audit("mailbox.imported", "mailbox", row["id"], None, {"emails": count, "synthetic": True})
    return count


def _entries(mailbox_id: str, address: str, count: int, now: int, rng: random.Random) -> Iterator[NewEmail]:
    ulids = ids.Ulids()
    open_threads: list[tuple[str, str, str, str, int]] = []
    pending_from = max(0, count - PENDING * 6)
    for at in range(count):
        ms = now - (count - at) * SPACING_MS
        email_id = ulids.new(ms)
        message_id = f"<{email_id}@synthetic.invalid>"
        if open_threads and rng.random() < 0.6:
            place = rng.randrange(len(open_threads))
            thread_id, subject, party, answered, length = open_threads[place]
            outbound = length % 2 == 1
            if length + 1 >= LONGEST_THREAD:
                open_threads.pop(place)
            else:
                open_threads[place] = (thread_id, subject, party, message_id, length + 1)
            subject = f"Re: {subject}"
        else:
            thread_id, answered, outbound = ulids.new(ms), "", False
            subject = rng.choice(_SUBJECTS).format(n=rng.randrange(1000, 9999))
            name = rng.choice(_NAMES)
            local = name.split()[0].lower().encode("ascii", "ignore").decode() or "friend"
            party = f"{name} <{local}.{rng.randrange(10_000)}@{rng.choice(_HOSTS)}>"
            open_threads.append((thread_id, subject, party, message_id, 1))
            if len(open_threads) > 200:
                open_threads.pop(0)
        chance = rng.random()
        spam = not outbound and not answered and chance > 0.99
        status: str
        if outbound:
            status = (
                SandboxStatus.PENDING_SEND_APPROVAL if at >= pending_from and chance < 0.5 else SandboxStatus.DELIVERED
            )
        elif spam:
            status = SandboxStatus.SPAM_FLAGGED
        else:
            status = SandboxStatus.UNREAD if at > count * 0.9 and chance < 0.5 else SandboxStatus.READ
        sentences = " ".join(rng.choices(_SENTENCES, k=rng.randrange(2, 7)))
        yield NewEmail(
            id=email_id,
            mailbox_id=mailbox_id,
            thread_id=thread_id,
            direction="outbound" if outbound else "inbound",
            status=status,
            sender=address if outbound else party,
            to=(party,) if outbound else (address,),
            subject=subject,
            body=f"Hello,\n\n{sentences.format(n=rng.randrange(1000, 9999))}\n\nKind regards\n",
            received_at=ms,
            message_id=message_id,
            in_reply_to=answered,
            references=(answered,) if answered else (),
            spam_score=6.0 if spam else None,
            spam_verdict="flagged" if spam else None,
            delivered_at=ms if status == SandboxStatus.DELIVERED else None,
            attachments=(_RECEIPT,) if chance < 0.03 else (),
        )
