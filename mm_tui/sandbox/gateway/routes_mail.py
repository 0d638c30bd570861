"""Routes: reading mail, its threads, attachments and tags; spam."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from mm_tui.sandbox.gateway import inbound, mailboxes, messages
from mm_tui.sandbox.gateway.access import Cursor, JsonAnswer, Limit, Reader, Sender, StateOf
from mm_tui.sandbox.gateway.outbox import media_type
from mm_tui.sandbox.gateway.requests import TagsBody
from mm_tui.sandbox.gateway.state import ApiError, SandboxState

router = APIRouter(prefix="/v1", tags=["mail"])
DIRECT_BYTES = 50 * 1024
"""Larger attachments are available only by link."""
LINK_SECONDS = 3600


@router.get("/mailboxes/{mailbox_id}/emails")
async def list_emails(
    state: StateOf, caller: Reader, mailbox_id: str, listing: Annotated[messages.ListQuery, Query()]
) -> Response:
    """A mailbox's mail, newest first, without bodies. (`offset` is what the retired Python client sends.)"""
    mailboxes.find(state, mailbox_id)
    return JsonAnswer(messages.page(state, mailbox_id, listing))


@router.get("/emails")
async def list_spam(
    state: StateOf, caller: Reader, status: str | None = None, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """Spam of all mailboxes."""
    return JsonAnswer(messages.spam_page(state, status, limit=limit, cursor=cursor))


@router.get("/mailboxes/{mailbox_id}/emails/{email_id}")
async def get_email(state: StateOf, caller: Reader, mailbox_id: str, email_id: str) -> Response:
    """An email with its body. Marks an unread mail read."""
    return JsonAnswer(messages.detail(state, caller, mailbox_id, email_id))


@router.get("/mailboxes/{mailbox_id}/threads/{thread_id}")
async def get_thread(state: StateOf, caller: Reader, mailbox_id: str, thread_id: str) -> Response:
    """A thread, oldest mail first, without bodies."""
    return JsonAnswer(messages.thread(state, mailbox_id, thread_id))


@router.get("/mailboxes/{mailbox_id}/emails/{email_id}/attachments/{name:path}/url")
async def get_attachment_url(
    state: StateOf, caller: Reader, request: Request, mailbox_id: str, email_id: str, name: str
) -> Response:
    """A link to an attachment that works without a key for an hour."""
    row = messages.attachment(state, mailbox_id, email_id, name)
    expires = state.now_ms() // 1000 + LINK_SECONDS
    signed = _sign(state, email_id, row["position"], expires)
    link = f"{request.base_url}v1/files/{email_id}/{row['position']}?expires={expires}&signature={signed}"
    about = {"filename": row["name"], "size_bytes": row["size"], "content_type": row["content_type"]}
    return JsonAnswer({"url": link, **about, "expires_in": LINK_SECONDS})


@router.get("/mailboxes/{mailbox_id}/emails/{email_id}/attachments/{name:path}")
async def get_attachment(state: StateOf, caller: Reader, mailbox_id: str, email_id: str, name: str) -> Response:
    """An attachment's bytes, if it is a small one."""
    row = messages.attachment(state, mailbox_id, email_id, name)
    if row["size"] > DIRECT_BYTES:
        raise ApiError(400, f"Attachment is over {DIRECT_BYTES // 1024} KB: ask for its url")
    if state.tuning.small_attachments == "base64":
        content = base64.b64encode(row["data"]).decode("ascii")
        return JsonAnswer({"name": row["name"], "content_type": row["content_type"], "content_base64": content})
    return _download(row["data"], row["name"], row["content_type"])


@router.get("/files/{email_id}/{position}")
async def get_file(state: StateOf, email_id: str, position: int, expires: int, signature: str) -> Response:
    """The target of a link from `/url`."""
    right = _sign(state, email_id, position, expires)
    if not hmac.compare_digest(signature.encode(), right.encode()) or expires < state.now_ms() // 1000:
        raise ApiError(403, "Link is wrong or has expired")
    sql = "SELECT * FROM attachments WHERE email_id = ? AND position = ?"
    row = state.one(sql, (email_id, position), "Attachment not found")
    return _download(row["data"], row["name"], row["content_type"])


@router.get("/mailboxes/{mailbox_id}/emails/{email_id}/tags")
async def get_tags(state: StateOf, caller: Reader, mailbox_id: str, email_id: str) -> Response:
    messages.find(state, email_id, mailbox_id)
    return JsonAnswer({"tags": messages.tags(state, email_id)})


@router.put("/mailboxes/{mailbox_id}/emails/{email_id}/tags")
async def put_tags(state: StateOf, caller: Sender, mailbox_id: str, email_id: str, body: TagsBody) -> Response:
    """Replaces all tags of an email."""
    messages.find(state, email_id, mailbox_id)
    return JsonAnswer({"tags": messages.put_tags(state, caller, email_id, body.tags)})


@router.delete("/mailboxes/{mailbox_id}/emails/{email_id}/tags/{name:path}")
async def delete_tag(state: StateOf, caller: Sender, mailbox_id: str, email_id: str, name: str) -> Response:
    messages.find(state, email_id, mailbox_id)
    messages.delete_tag(state, caller, email_id, name)
    return JsonAnswer({"deleted": True})


@router.post("/emails/{email_id}/report-spam")
async def report_spam(state: StateOf, caller: Sender, email_id: str) -> Response:
    """Marks an inbound mail as spam."""
    status = inbound.report_spam(state, caller, email_id, is_spam=True)
    return JsonAnswer({"id": email_id, "status": status, "user_label": "spam"})


@router.post("/emails/{email_id}/not-spam")
async def not_spam(state: StateOf, caller: Sender, email_id: str) -> Response:
    """Restores an email marked as spam to unread."""
    status = inbound.report_spam(state, caller, email_id, is_spam=False)
    return JsonAnswer({"id": email_id, "status": status, "user_label": "not_spam"})


def _sign(state: SandboxState, email_id: str, position: int, expires: int) -> str:
    secret = (state.fact("tenant_id") or "").encode()
    return hmac.new(secret, f"{email_id}/{position}/{expires}".encode(), hashlib.sha256).hexdigest()


def _download(data: bytes, name: str, content_type: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    # Set as a header because `media_type` would add a charset to text types.
    return Response(data, headers={"Content-Type": media_type(content_type), "Content-Disposition": disposition})
