"""The digest of an email's content, which is what a human approves: R2, "approve what you saw". Canonical JSON: keys
sorted, no spaces, ASCII only (so lone surrogates hash too), lists in the order received."""

from __future__ import annotations

import json
import re
from hashlib import sha256

from mm_tui.models import RawContent

SHORT = 8
"""How many hex digits of a digest are shown and required."""

_HEX = re.compile(r"[0-9a-f]{8,64}")


def canonical(value: object) -> bytes:
    """The canonical JSON encoding for digests and the journal. `value` holds only str, int, bool, None, list, dict."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def digest_of(email_id: str, mailbox_id: str, direction: str, raw: RawContent) -> str:
    """The digest of one email: 64 hex digits over everything a reviewer decides on, exactly as received."""
    return sha256(canonical({"id": email_id, "direction": direction, **_content(mailbox_id, raw)})).hexdigest()


def short(digest: str) -> str:
    """The part of a digest that is shown on the screen and typed by a human."""
    return digest[:SHORT]


def is_digest(typed: str) -> bool:
    """Whether the text has the form of a digest, or of its beginning."""
    return bool(_HEX.fullmatch(typed.lower()))


def names(typed: str, digest: str) -> bool:
    """Whether the text typed by a human (at least 8 hex digits) matches this digest."""
    return is_digest(typed) and digest.startswith(typed.lower())


def _content(mailbox_id: str, raw: RawContent) -> dict[str, object]:
    # Only if there is any, so that the digest of every other email stays the same.
    rare: dict[str, object] = {"send_at": raw.send_at} if raw.send_at else {}
    rare |= {"untold": list(raw.undisclosed)} if raw.undisclosed else {}
    rare |= {"bcc": list(raw.bcc)} if raw.bcc else {}
    return rare | {
        "mailbox_id": mailbox_id,
        "from": raw.sender,
        "to": list(raw.to),
        "cc": list(raw.cc),
        "subject": raw.subject,
        "body": raw.body,
        "attachments": [
            {"name": name, "size": size, "content_type": content_type} for name, size, content_type in raw.attachments
        ],
    }
