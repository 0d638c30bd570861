"""Describes machine-written parts of mail in plain words: delivery reports, receipts, invitations, and unreadable
parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32

from mm_tui.sandbox.mail_in.encoded_words import header_text

_REASONS = {
    "1.0": "the address has a problem", "1.1": "there is no such mailbox", "1.2": "there is no such domain",
    "1.3": "the address is not well formed", "1.4": "the address is ambiguous", "1.6": "the mailbox has moved",
    "1.8": "the sender's address is not known there", "1.10": "the domain takes no mail",
    "2.0": "the mailbox has a problem", "2.1": "the mailbox is closed", "2.2": "the mailbox is full",
    "2.3": "the email is too large for the mailbox", "2.4": "the mailing list could not be expanded",
    "3.1": "the mail system is full", "3.2": "the mail system takes no mail now", "3.4": "the email is too large",
    "4.0": "the network or the other server has a problem", "4.1": "the other server does not answer",
    "4.2": "the connection broke", "4.3": "the domain could not be looked up", "4.4": "there is no route to the server",
    "4.6": "the email went round in a loop", "4.7": "it could not be delivered in time",
    "5.0": "the servers did not understand each other", "6.0": "its content was not accepted",
    "7.0": "it was refused for security reasons", "7.1": "it was refused: the sender may not write there",
    "7.26": "it was refused: the sender could not be verified", "7.23": "it was refused: the sender's SPF check failed",
    "7.20": "it was refused: its signature was not accepted",
}  # fmt: skip
_KINDS = {
    "1": "the address has a problem", "2": "the mailbox has a problem", "3": "the mail system has a problem",
    "4": "the network or the other server has a problem", "5": "the servers did not understand each other",
    "6": "its content was not accepted", "7": "it was refused by policy",
}  # fmt: skip
_ACTIONS = {
    "failed": "Not delivered", "delayed": "Not delivered yet; it is tried again", "delivered": "Delivered",
    "relayed": "Handed on to a server that sends no reports", "expanded": "Handed on to the members of a list",
}  # fmt: skip
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")


def delivery_report(data: bytes) -> tuple[str, str]:
    """A delivery report (message/delivery-status): the failed recipients and reasons, and the whole report."""
    blocks = [part for block in _blocks(data) for part in _each_recipient(block)]
    said = [_recipient(block) for block in blocks if any(_value(block, name) for name in _OF_A_RECIPIENT)]
    return "\n".join(said), "\n\n".join(_lines(block) for block in blocks if block)


_OF_A_RECIPIENT = ("final-recipient", "original-recipient", "action")
_Block = Sequence[tuple[str, str]]


def _blocks(data: bytes) -> list[_Block]:
    texts = re.split(rb"\n(?:[ \t]*\n)+", data.replace(b"\r\n", b"\n").strip())
    made: list[_Block] = []
    for text in texts:
        message = BytesHeaderParser(policy=compat32).parsebytes(text + b"\n\n")
        made.append([(name, " ".join(str(value).split())) for name, value in message.raw_items()])
    return made


def _each_recipient(block: _Block) -> list[_Block]:
    """Splits a block with several recipients: some servers leave no blank line between them."""
    made: list[list[tuple[str, str]]] = [[]]
    for name, value in block:
        seen = {known.lower() for known, _value in made[-1]}
        if name.lower() in _OF_A_RECIPIENT and (
            name.lower() in seen or ("reporting-mta" in seen and name.lower() != "action")
        ):
            made.append([])
        made[-1].append((name, value))
    return [*made]


def _value(block: _Block, name: str) -> str:
    return next((value for key, value in block if key.lower() == name), "")


def _lines(block: _Block) -> str:
    return "\n".join(f"{name}: {header_text(value)}" for name, value in block)


def _typed(value: str) -> str:
    """The value after the type in "rfc822; ann@x.example"."""
    kind, _, rest = value.partition(";")
    return (rest if rest and " " not in kind.strip() else value).strip()


def _recipient(block: _Block) -> str:
    who = _typed(_value(block, "final-recipient")) or _typed(_value(block, "original-recipient")) or "a recipient"
    meant = _typed(_value(block, "original-recipient"))
    action = _ACTIONS.get(_value(block, "action").lower(), _value(block, "action") or "Not delivered")
    status, words = _value(block, "status"), _typed(_value(block, "diagnostic-code"))
    why = reason_of(status, words)
    address = f"{who} (written to as {meant})" if meant and meant.lower() != who.lower() else who
    line = f"{action}: {address}"
    if why:
        line += f": {why}"
    given = words or status
    return f"{line} ({given})" if given else line


_LATER = "the other server asks to try again later"
_WORDS = (
    (r"gr[ae]y-?list|try again later|please retry|too many (?:connections|messages)", _LATER),
    (
        r"(?:host|domain) (?:\S+ )?(?:unknown|not found|does not exist)|unknown (?:host|domain)|no such (?:domain|host)"
        r"|nxdomain|name service error|couldn[\u2019']t find any host",
        "there is no such domain",
    ),
    (
        r"(?:user|recipient|mailbox|address|account) (?:is )?unknown|unknown (?:user|recipient|address)"
        r"|(?:user|account|mailbox|recipient|address|inbox) (?:is |was )?(?:un|not |couldn[\u2019']t be )"
        r"(?:known|found|available|exist)|no such (?:user|mailbox|recipient|address|person|local user)"
        r"|no (?:mailbox|user) (?:here )?by that name|does(?: not|n[\u2019']t) (?:exist|have an? (?:\S+ )?account)"
        r"|recip(?:ient)? ?not ?found|not listed in|invalid (?:recipient|mailbox)|unrouteable"
        r"|not (?:a valid|our customer)|no mailbox here"
        r"|unbekannt|existiert nicht|inconnue?|n[\u2019']existe pas|desconocid[oa]|no existe|sconosciut[oa]|onbekend",
        "there is no such mailbox",
    ),
    (
        r"(?:mail|in)box (?:is |has )?(?:full|exceeded)|over ?quota|quota (?:is )?(?:exceeded|full)"
        r"|exceed\w* (?:\w+ )?quota"
        r"|out of storage|insufficient (?:system )?storage|postfach (?:ist )?voll|boîte .{0,40}pleine"
        r"|buzón .{0,20}lleno|casella .{0,20}piena",
        "the mailbox is full",
    ),
    (
        r"timed? ?out|timeout|no answer|connection (?:was )?refused|(?:not |un)reachable"
        r"|couldn[\u2019']t (?:connect|establish)",
        "the other server does not answer",
    ),
    (r"spam|blocked|black ?list|block ?list|policy|reputation|rejected", "it was refused by policy"),
    (r"too (?:large|big)|size limit|exceeds", "the email is too large"),
)


def reason_of(status: str, words: str) -> str:
    """Why an email was not delivered, in plain words; empty if unknown. `status`: the enhanced status code ("5.1.1"),
    or empty. `words`: the other server's message."""
    # A diagnostic with its own status is more precise than a general one.
    found = [match for text in (words, status) if (match := _STATUS.search(text)) and match[1] != "2"]
    for match in found:
        if match[1] == "4" and re.search(_WORDS[0][0], words, re.I):
            return _LATER
        exact = _REASONS.get(f"{match[2]}.{match[3]}", "") if match[3] != "0" else ""
        if exact and not (match[2] == "1" and match[3] == "10" and re.search(r"not ?found|unknown", words, re.I)):
            return exact
    if said := next((reason for pattern, reason in _WORDS if re.search(pattern, words, re.I)), ""):
        return said
    general = (_REASONS.get(f"{match[2]}.0") or _KINDS.get(match[2]) for match in found)
    return next((reason for reason in general if reason), "")


def receipt(data: bytes) -> str:
    """A receipt (message/disposition-notification): what was done with which email."""
    block = [item for part in _blocks(data) for item in part]
    who = _typed(_value(block, "final-recipient")) or "The recipient"
    action = _value(block, "disposition").partition(";")[2].strip().lower()
    said = {
        "displayed": f"{who} has opened the email.",
        "deleted": f"{who} has deleted the email without reading it.",
        "dispatched": f"{who} has passed the mail on.",
        "denied": f"{who} sends no receipts.",
        "failed": f"{who}: the receipt could not be made.",
    }.get(action.partition("/")[0].strip(), f"Receipt from {who}.")
    return f"{said}\n\n{_lines(block)}"


def abuse_report(data: bytes) -> str:
    """A complaint about an email (message/feedback-report)."""
    block = [item for part in _blocks(data) for item in part]
    kind = _value(block, "feedback-type") or "unknown"
    return f"A complaint about an email ({kind}).\n\n{_lines(block)}"


def external_body(part: Message) -> str:
    """A part stored elsewhere (message/external-body)."""
    where = [f"{name}: {value}" for name, value in (part.get_params() or [])[1:] if name and value]
    return "A part of this email lies elsewhere and was not fetched.\n" + "\n".join(map(str, where))


def partial(part: Message) -> str:
    """A fragment of a split email (message/partial)."""
    number, total = part.get_param("number"), part.get_param("total")
    return f"Part {number or '?'} of {total or '?'} of an email that was sent in pieces."


PGP = "(This email is encrypted with PGP. Its text cannot be shown here.)"
PGP_INLINE = "(The text below is encrypted with PGP.)"
ENCRYPTED = "(This email is encrypted. Its text cannot be shown here.)"
SMIME_ENCRYPTED = "(This email is encrypted with S/MIME. Its text cannot be shown here.)"
SMIME_UNCHECKED = "(This email is signed with S/MIME. The signature was not checked.)"
SMIME_SIGNED = (
    "(This email is signed with S/MIME in the opaque form: its text is in the attached file and could not be read.)"
)
WINMAIL = "(The text of this email is in Outlook's own format, in the attached winmail.dat, and cannot be shown here.)"
WINMAIL_FILES = "(This email holds files and no text.)"
IMAGES_ONLY = "(This email is made of images alone and has no text.)"
FORWARDED = "---------- Forwarded message ----------"
YENC = "(The text below holds a file in yEnc encoding. It was left as it is.)"
FORWARDED_SEVERAL = "(This email has no text of its own. It forwards the emails below.)"
FORWARDED_ONLY = "(This email has no text of its own. It forwards the email below.)"


def holds_yenc(text: str) -> bool:
    return "=ybegin " in text and re.search(r"^=ybegin (?=.*\bline=\d)(?=.*\bname=).*$", text, re.MULTILINE) is not None


def is_encrypted_smime(part: Message, data: bytes) -> bool:
    """Whether a part of type application/pkcs7-mime is encrypted, rather than signed."""
    kind = str(part.get_param("smime-type") or "").lower()
    if kind:
        return kind not in ("signed-data", "certs-only", "compressed-data")
    # The object identifier of signed data.
    return b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" not in data[:64]


_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
_PLAIN_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"


def signed_content(data: bytes) -> bytes:
    """The signed content of opaque S/MIME; empty if it cannot be found. The signature is not checked."""
    at = data.find(_PLAIN_DATA, max(data.find(_SIGNED_DATA), 0))
    if at < 0:
        return b""
    made: list[bytes] = []
    try:
        tag, content, _end = _element(data, at + len(_PLAIN_DATA))
        for string in _strings(content) if tag == 0xA0 else ():
            made.append(string)
    except (IndexError, RecursionError):
        # Cut off: what stands before is kept.
        pass
    return b"".join(made)


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag, content and end of a BER element. An indefinite length extends to the end of the data."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length == 0x80:
        return tag, data[at:], len(data)
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[at : at + size])
        at += size
    return tag, data[at : at + length], at + length


def _strings(data: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(data):
        tag, content, end = _element(data, at)
        if tag == 0x04:
            yield content
        elif tag == 0x24:
            yield from _strings(content)
        else:
            return
        at = end


_PROPERTY = re.compile(r'([\w-]+)((?:;(?:"[^"]*"|[^":])*)?):(.*)', re.DOTALL)
_EVENTS = ("VEVENT", "VTODO", "VJOURNAL")
_MOST_EVENTS = 20
_METHODS = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled event",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Other time proposed",
}
_Properties = dict[str, tuple[str, str]]


def invitation(text: str) -> str:
    """A calendar part in plain words: what, when, where, from whom."""
    method = ""
    events: list[_Properties] = []
    within: list[str] = []
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        match = _PROPERTY.match(line.strip())
        if match is None:
            continue
        name, value = match[1].upper(), match[3].strip()
        if name == "BEGIN":
            within.append(value.upper())
            events += [{}] if within[-1] in _EVENTS else []
        elif name == "END":
            del within[-1:]
        elif name == "METHOD":
            method = value.upper()
        elif within and within[-1] in _EVENTS:
            value = re.sub(r"\\([,;\\])", r"\1", value.replace("\\n", "\n").replace("\\N", "\n"))
            events[-1].setdefault(name, (match[2], value))
    made = [_event(_METHODS.get(method, "Calendar event"), event) for event in (events or [{}])[:_MOST_EVENTS]]
    more = len(events) - _MOST_EVENTS
    return "\n\n".join([*made, f"({more} more events are in the file.)"] if more > 0 else made)


def _event(kind: str, found: _Properties) -> str:
    lines = [f"{kind}: {found.get('SUMMARY', ('', ''))[1] or '(no title)'}"]
    for name, word in (("DTSTART", "From"), ("DTEND", "To"), ("DUE", "Until")):
        if name in found:
            lines.append(f"{word}: {_calendar_time(*found[name])}")
    for name, word in (("RRULE", "Repeats"), ("LOCATION", "Where"), ("ORGANIZER", "Organizer"), ("STATUS", "Status")):
        if value := found.get(name, ("", ""))[1]:
            lines.append(f"{word}: {_without_scheme(value)}")
    parameters, attendee = found.get("ATTENDEE", ("", ""))
    if kind == _METHODS["REPLY"] and (answer := re.search(r";PARTSTAT=\"?([\w-]+)", parameters, re.I)):
        lines.append(f"Answer: {answer[1].lower()} ({_without_scheme(attendee)})")
    for name in ("COMMENT", "DESCRIPTION"):
        if said := found.get(name, ("", ""))[1].strip():
            lines += ["", said]
    return "\n".join(lines)


def _without_scheme(address: str) -> str:
    return re.sub("^mailto:", "", address, flags=re.I)


def _calendar_time(parameters: str, value: str) -> str:
    for form, shown in (
        ("%Y%m%dT%H%M%SZ", "%Y-%m-%d %H:%M UTC"),
        ("%Y%m%dT%H%M%S", "%Y-%m-%d %H:%M"),
        ("%Y%m%d", "%Y-%m-%d"),
    ):
        try:
            made = datetime.strptime(value, form).strftime(shown)  # noqa: DTZ007 - the zone is named beside it
        except ValueError:
            continue
        zone = re.search(r"TZID=\"?([^;\":]+)", parameters)
        return f"{made} ({zone[1]})" if zone else made
    return value
