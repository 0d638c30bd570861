"""The outbox: released mail becomes `.eml` files in a folder. Nothing is ever delivered."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from email import encoders
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr

from mm_tui.sandbox.gateway import messages
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.mail import name_and_address
from mm_tui.sandbox.gateway.state import SandboxState

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MEDIA_TYPE = re.compile(r"^[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}$", re.ASCII)


def put(state: SandboxState, mailbox: sqlite3.Row, row: sqlite3.Row) -> None:
    """Writes an email to the outbox. It is an error if it is already there: nothing is sent twice."""
    body = messages.body(state, row["id"])
    if mailbox["signature_block"] and not state.tuning.signature_in_draft:
        body = f"{body}\n\n-- \n{mailbox['signature_block']}"
    cc, bcc = json.loads(row["cc"]), json.loads(row["bcc"])
    cc += [mailbox["auto_cc"]] if mailbox["auto_cc"] else []
    bcc += [mailbox["auto_bcc"]] if mailbox["auto_bcc"] else []
    file = state.outbox / f"{row['id']}.eml"
    state.add(
        "released", email_id=row["id"], released_at=state.now_ms(), recipients=row["recipients"], cc=json.dumps(cc),
        bcc=json.dumps(bcc), subject=row["subject"], body=body, file=file.name,
    )  # fmt: skip
    unfinished = file.with_suffix(".part")
    unfinished.write_bytes(_eml(state, mailbox, row, cc, body))
    unfinished.replace(file)


def listing(state: SandboxState) -> list[dict[str, object]]:
    """All released mail, oldest first, including bcc: this is for tests; the gateway has no such call."""
    released = []
    for row in state.db.execute("SELECT * FROM released ORDER BY released_at, email_id"):
        email = messages.find(state, row["email_id"])
        attachments = state.db.execute(
            "SELECT name, size, content_type, sha256 FROM attachments WHERE email_id = ? ORDER BY position",
            (row["email_id"],),
        )
        released.append(
            {
                "id": row["email_id"],
                "mailbox_id": email["mailbox_id"],
                "thread_id": email["thread_id"],
                "from": email["sender"],
                "to": json.loads(row["recipients"]),
                "cc": json.loads(row["cc"]),
                "bcc": json.loads(row["bcc"]),
                "subject": row["subject"],
                "body": row["body"],
                "in_reply_to": email["in_reply_to"],
                "attachments": [dict(found) for found in attachments],
                "released_at": iso(row["released_at"]),
                "file": str(state.outbox / row["file"]),
            }
        )
    return released


def _eml(state: SandboxState, mailbox: sqlite3.Row, row: sqlite3.Row, cc: list[str], body: str) -> bytes:
    text = MIMEText(body, "plain", "utf-8")
    parts = state.db.execute("SELECT * FROM attachments WHERE email_id = ? ORDER BY position", (row["id"],)).fetchall()
    message: MIMEMultipart | MIMEText = text
    if parts:
        message = MIMEMultipart("mixed")
        message.attach(text)
        for part in parts:
            message.attach(_part(part))
    message["From"] = _address(formataddr((_flat(mailbox["display_name"] or ""), mailbox["address"])))
    message["To"] = ", ".join(map(_address, json.loads(row["recipients"])))
    if cc:
        message["Cc"] = ", ".join(map(_address, cc))
    message["Subject"] = _encoded(row["subject"])
    message["Date"] = format_datetime(datetime.fromtimestamp(state.now_ms() / 1000, UTC))
    message["Message-ID"] = _flat(row["message_id"])
    if row["in_reply_to"]:
        message["In-Reply-To"] = _flat(row["in_reply_to"])
    if references := json.loads(row["refs"]):
        message["References"] = " ".join(map(_flat, references))
    if mailbox["ai_disclosure"]:
        message["X-AI-Generated"] = "true"
    return message.as_bytes()


def _part(row: sqlite3.Row) -> MIMEBase:
    main, sub = media_type(row["content_type"]).split("/", 1)
    part = MIMEBase(main, sub) if main not in ("multipart", "message") else MIMEBase("application", "octet-stream")
    part.set_payload(row["data"])
    encoders.encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", _flat(row["name"])))
    return part


def media_type(content_type: str) -> str:
    """The content type if it is valid in a header, otherwise application/octet-stream."""
    return content_type if _MEDIA_TYPE.match(content_type) else "application/octet-stream"


def _flat(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def _encoded(text: str) -> str:
    text = _flat(text)
    return text if text.isascii() and len(text) < 70 else Header(text, "utf-8", maxlinelen=70).encode()


def _address(raw: str) -> str:
    name, address = name_and_address(_flat(raw))
    if not address:
        return _encoded(raw)
    if not address.isascii():
        address = _encoded(address)
    return formataddr((name, address)) if name and address.isascii() else address
