"""The gateway's client: one method for each call, typed answers, errors told apart (`mm_tui.gateway.errors`). It never
repeats a call. httpx is imported, off the event loop, when the first call is made."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from mm_tui.gateway import calls, values, wire
from mm_tui.gateway.account_calls import AccountCalls
from mm_tui.gateway.caller import Caller, given, iso, parsed
from mm_tui.gateway.calls import Call
from mm_tui.gateway.errors import BadRequest, GatewayError, Malformed, NotFound
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.shapes import (
    AuditPage,
    DecideAction,
    EmailFilter,
    EmailPage,
    Listing,
    OutgoingAttachment,
    pages_of,
)
from mm_tui.models import EmailDetail, EmailSummary, PendingItem, RawContent, SendReceipt, Status, Thread
from mm_tui.text import OneLine

if TYPE_CHECKING:
    import httpx

    from mm_tui.gateway.http import HttpAnswer

NOBODY = "00000000000000000000000000"
"""An id that no email has: cancelling it changes nothing, and shows whether the key may send."""
LARGE_ATTACHMENT = 50_000
"""Bytes; for a larger attachment the gateway gives an address to download it from."""

_LISTS = ("emails", "messages")
"""The names that gateways use for a list of mail."""

PIECE = 25
"""Emails of a page that are parsed in one go: it takes about a millisecond, for which a key may have to wait."""

UNKNOWN_MAILBOX = "unknown"
"""Used if a list of all mailboxes does not name the mailbox."""


def first_pages(gateway: GatewayClient, mailbox_id: str, wanted: EmailFilter, *, most: int) -> AsyncIterator[EmailPage]:
    """At most this many pages of a mailbox's mail; see `pages_of`."""
    return pages_of(partial(gateway.emails, mailbox_id, filter=wanted), most=most)


class GatewayClient:
    """The MultiMail gateway, as seen with a reviewer's keys. An async context manager; belongs to one event loop. Every
    method raises a `GatewayError` and nothing else when the call does not succeed."""

    def __init__(
        self, url: str, keys: Keys, *, timeout: float = 10.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            url: base address; https, or http to this machine.
            keys: the keys; the scope of a call determines which one it uses.
            timeout: seconds without a byte after which a call fails; a whole call may take three times as long.
            transport: replaces the network in tests.

        Raises:
            ValueError: the address cannot be used.
        """
        self.keys = keys
        self.caller = Caller(url, keys, timeout=timeout, transport=transport)
        self.account = AccountCalls(self.caller)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def begin_closing(self) -> None:
        """From now on no call starts, except those that remove a presence tag; calls in progress continue."""
        self.caller.is_closing = True

    async def aclose(self) -> None:
        """Closes all connections."""
        await self.caller.aclose()

    # The gateway itself

    async def health(self) -> str:
        """The gateway's own health status: "ok" or "degraded". Needs no key."""
        return await self.caller.ask(
            calls.HEALTH, lambda answer: str(values.line(values.single(answer).get("status")) or "ok")
        )

    async def signing_key(self) -> object:
        """The public key that signs the identity of mail: as JSON, else as text. Needs no key of ours."""
        body = (await self.caller.call(calls.SIGNING_KEY)).body
        try:
            return values.parse(body)
        except Malformed:
            return body.decode("ascii", "replace")

    # Mail

    async def emails(
        self, mailbox_id: str, *, filter: EmailFilter | None = None, limit: int = 100, cursor: str | None = None
    ) -> EmailPage:
        """A page of a mailbox's mail, newest first, without bodies; `limit` 1 to 100."""
        filter = filter or EmailFilter()
        params = given(
            limit=str(limit),
            cursor=cursor,
            status=filter.status,
            date_after=iso(filter.date_after),
            direction=filter.direction,
            since_id=filter.since_id,
        )
        return await self.caller.ask(
            calls.EMAILS, lambda answer: _email_page(answer, mailbox_id), params=params, at={"mailbox_id": mailbox_id}
        )

    async def email_pages(
        self,
        mailbox_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[EmailPage, None]:
        """All pages of a mailbox's mail from `cursor` on, newest first, as fast as the gateway sends them. One request
        is in progress at a time; the next page is requested while the last one is processed. `pause` is awaited after
        each `PIECE` emails. Close the generator if you do not read it to the end."""
        asking: asyncio.Task[HttpAnswer] | None = None
        left = asyncio.Event()

        def ask(cursor: str | None) -> asyncio.Task[HttpAnswer]:
            left.clear()
            params = given(limit=str(limit), cursor=cursor)
            return asyncio.create_task(
                self.caller.call(calls.EMAILS, params=params, at={"mailbox_id": mailbox_id}, left=left)
            )

        try:
            asking = ask(cursor)
            while asking is not None:
                answer = await asking
                found = await self.caller.read(calls.EMAILS, answer, partial(parsed, answer))
                following = await self.caller.read(calls.EMAILS, answer, partial(values.cursor_after, found, *_LISTS))
                asking = None
                if following is not None:
                    asking = ask(following)
                    await left.wait()
                pieces = values.listing_pieces(found, _LISTS, partial(wire.email_summary, mailbox_id=mailbox_id), PIECE)
                read: list[Listing[EmailSummary]] = []
                # A millisecond at a time here costs less than switching between two threads.
                while (piece := await self.caller.read(calls.EMAILS, answer, partial(next, pieces, None))) is not None:
                    read.append(piece)
                    if pause is not None:
                        await pause()
                emails = await self.caller.read(calls.EMAILS, answer, partial(values.listing_of, read))
                yield EmailPage(emails, following)
        finally:
            if asking is not None:
                asking.cancel()
                with suppress(asyncio.CancelledError, GatewayError):
                    await asking

    async def email(self, mailbox_id: str, email_id: str) -> EmailDetail:
        """One email with its body. The gateway marks it as read, so an agent that polls for unread mail misses it. Use
        it only for emails that a human opens, or if the user has switched it on."""
        return await self.caller.ask(
            calls.EMAIL,
            lambda answer: _opened(answer, mailbox_id, email_id),
            at={"mailbox_id": mailbox_id, "email_id": email_id},
        )

    async def thread(self, mailbox_id: str, thread_id: str) -> Thread:
        """The emails of a thread, oldest first, without bodies."""
        return await self.caller.ask(
            calls.THREAD,
            lambda answer: wire.thread(values.single(answer, "thread"), mailbox_id, thread_id),
            at={"mailbox_id": mailbox_id, "thread_id": thread_id},
        )

    async def spam(self, *, status: str = "spam_flagged", cursor: str | None = None) -> EmailPage:
        """A page of flagged (`spam_flagged`) or quarantined (`spam_quarantined`) mail of all mailboxes. Where the
        gateway does not say which mailbox an email is in, its `mailbox_id` is `UNKNOWN_MAILBOX`."""
        return await self.caller.ask(
            calls.SPAM,
            lambda answer: _email_page(answer, UNKNOWN_MAILBOX),
            params=given(status=status, limit="100", cursor=cursor),
        )

    async def report_spam(self, email_id: str) -> OneLine:
        """Marks an email as spam. Returns its new status."""
        return await self._marked(calls.REPORT_SPAM, email_id, Status.SPAM_QUARANTINED)

    async def not_spam(self, email_id: str) -> OneLine:
        """Removes the spam mark; the email is unread again. Returns its new status."""
        return await self._marked(calls.NOT_SPAM, email_id, Status.UNREAD)

    async def _marked(self, call: Call, email_id: str, otherwise: str) -> OneLine:
        def status(answer: object) -> OneLine:
            item = values.about(email_id, values.single(answer, "email", "message"))
            return values.line(item.get("status")) or OneLine(otherwise)

        return await self.caller.ask(call, status, at={"email_id": email_id})

    async def attachment(self, mailbox_id: str, email_id: str, name: str, *, size: int | None = None) -> bytes:
        """An attachment's bytes. `name`: the raw name, as `EmailDetail.raw` has it. `size`: in bytes, as stated in the
        email; a large attachment is downloaded from an address that the gateway returns."""
        places = {"mailbox_id": mailbox_id, "email_id": email_id, "name": name}
        if size is not None and size > LARGE_ATTACHMENT:
            try:
                return await self._attachment_by_url(places)
            except (NotFound, BadRequest):
                return await self._attachment_directly(places)
        try:
            return await self._attachment_directly(places)
        except BadRequest:
            return await self._attachment_by_url(places)

    async def _attachment_directly(self, places: Mapping[str, str]) -> bytes:
        from mm_tui.gateway.http import MAX_DOWNLOAD

        answer = await (await self.caller.open()).call(calls.ATTACHMENT, limit=MAX_DOWNLOAD, factor=12, at=places)
        if not answer.content_type.startswith("application/json"):
            return answer.body
        return wire.file(answer.body)

    async def _attachment_by_url(self, places: Mapping[str, str]) -> bytes:
        url = await self.caller.ask(
            calls.ATTACHMENT_URL, lambda answer: values.raw_text(values.single(answer).get("url")), at=places
        )
        return await (await self.caller.open()).download(calls.ATTACHMENT_URL, url)

    # Tags

    async def tags(self, mailbox_id: str, email_id: str) -> dict[OneLine, OneLine]:
        return await self.caller.ask(calls.TAGS, _tags, at={"mailbox_id": mailbox_id, "email_id": email_id})

    async def put_tags(self, mailbox_id: str, email_id: str, tags: Mapping[str, str]) -> dict[OneLine, OneLine]:
        """Sets the tags; returns what the gateway now holds. By one document this replaces all tags, by another it
        merges: read, merge, put, compare."""
        return await self.caller.ask(
            calls.PUT_TAGS, _tags, body={"tags": dict(tags)}, at={"mailbox_id": mailbox_id, "email_id": email_id}
        )

    async def delete_tag(self, mailbox_id: str, email_id: str, key: str) -> None:
        await self.caller.call(calls.DELETE_TAG, at={"mailbox_id": mailbox_id, "email_id": email_id, "key": key})

    # Sending: everything goes through the gateway's gate

    async def send(
        self,
        mailbox_id: str,
        content: RawContent,
        *,
        attachments: Iterable[OutgoingAttachment] = (),
        idempotency_key: str | None,
    ) -> SendReceipt:
        """Submits an email with the recipients, subject and body (markdown) of this content. With the same idempotency
        key it is submitted only once within 24 h. The gateway's limits: 50 recipients, 998 characters of subject,
        262,144 of body."""
        body = given(
            to=list(content.to),
            subject=content.subject,
            markdown=content.body,
            cc=list(content.cc) or None,
            bcc=list(content.bcc) or None,
            attachments=_files(attachments),
            idempotency_key=idempotency_key,
        )
        return await self.caller.ask(calls.SEND, _receipt, body=body, at={"mailbox_id": mailbox_id})

    async def reply(
        self,
        mailbox_id: str,
        email_id: str,
        body: str,
        *,
        cc: Sequence[str] = (),
        bcc: Sequence[str] = (),
        attachments: Iterable[OutgoingAttachment] = (),
        idempotency_key: str | None = None,
    ) -> SendReceipt:
        """Submits a reply to an email; the gateway takes recipients, subject and threading from it. Raises Conflict if
        the same content was submitted within the last 60 s."""
        asked = given(
            markdown=body,
            cc=list(cc) or None,
            bcc=list(bcc) or None,
            attachments=_files(attachments),
            idempotency_key=idempotency_key,
        )
        return await self.caller.ask(
            calls.REPLY, _receipt, body=asked, at={"mailbox_id": mailbox_id, "email_id": email_id}
        )

    async def cancel(self, mailbox_id: str, email_id: str) -> SendReceipt:
        """Cancels an email that has not been sent. Raises Conflict if that is no longer possible."""
        return await self.caller.ask(
            calls.CANCEL, lambda answer: _receipt(answer, email_id), at={"mailbox_id": mailbox_id, "email_id": email_id}
        )

    async def edit_schedule(
        self,
        mailbox_id: str,
        email_id: str,
        *,
        to: Sequence[str] | None = None,
        subject: str | None = None,
        body: str | None = None,
    ) -> SendReceipt:
        """Changes a scheduled email that is not approved yet; None leaves a field unchanged. Changed content is scanned
        again."""
        asked = given(to=None if to is None else list(to), subject=subject, markdown=body)
        return await self.caller.ask(
            calls.SCHEDULE,
            lambda answer: _receipt(answer, email_id),
            body=asked,
            at={"mailbox_id": mailbox_id, "email_id": email_id},
        )

    # Oversight

    async def pending(self) -> Listing[PendingItem]:
        """All emails waiting for a human, without cc, attachments and thread (`complete` is False)."""
        names = ("emails", "pending", "messages")
        return await self.caller.ask(
            calls.PENDING, lambda answer: wire.told_apart(values.listing(answer, names, wire.pending_item))
        )

    async def decide(self, email_id: str, action: DecideAction, reason: str | None = None) -> OneLine:
        """Approves or rejects; returns the new status. Approved outbound mail is sent at once. If the outcome is
        unknown, read it back; never repeat the call."""
        return await self.caller.ask(
            calls.DECIDE,
            lambda answer: wire.decided(values.about(email_id, values.single(answer))),
            body=given(email_id=email_id, action=action, reason=reason),
        )

    async def audit_log(self, *, limit: int = 100, cursor: str | None = None) -> AuditPage:
        """A page of the gateway's audit log, newest first; `limit` 1 to 100."""
        return await self.caller.ask(
            calls.AUDIT_LOG,
            lambda answer: AuditPage(
                values.listing(answer, ("entries", "audit_log"), wire.audit_entry), values.cursor(answer)
            ),
            params=given(limit=str(limit), cursor=cursor),
        )


def _emails(answer: object, mailbox_id: str) -> Listing[EmailSummary]:
    return values.listing(answer, _LISTS, lambda item: wire.email_summary(item, mailbox_id))


def _email_page(answer: object, mailbox_id: str) -> EmailPage:
    return EmailPage(_emails(answer, mailbox_id), values.cursor_after(answer, *_LISTS))


def _opened(answer: object, mailbox_id: str, email_id: str) -> EmailDetail:
    detail = wire.email_detail(values.single(answer, "email", "message"), mailbox_id)
    if detail.id != email_id or mailbox_id not in (detail.mailbox_id, UNKNOWN_MAILBOX):
        raise values.Unusable("it is about another email")
    return detail


def _receipt(answer: object, email_id: str | None = None) -> SendReceipt:
    item = values.single(answer, "email", "message")
    return wire.send_receipt(item if email_id is None else {"id": email_id, **values.about(email_id, item)})


def _tags(answer: object) -> dict[OneLine, OneLine]:
    item = values.single(answer)
    return wire.tags(item.get("tags", item))


def _files(attachments: Iterable[OutgoingAttachment]) -> list[dict[str, str]] | None:
    files = [
        {
            "name": item.name,
            "content_base64": base64.b64encode(item.content).decode("ascii"),
            "content_type": item.content_type,
        }
        for item in attachments
    ]
    return files or None
