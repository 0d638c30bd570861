"""Writes minimal Outlook .msg files: compound files whose streams are whole sectors."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SMALL = 4096


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    children: list[_Entry] = field(default_factory=list)
    number: int = 0
    start: int = _END


def compound_file(root: Mapping[str, object]) -> bytes:
    """A compound file of nested folders (mappings) and streams (bytes). Streams are filled up to 4,096 bytes."""
    top = _Entry("Root Entry", 5, children=_entries(root))
    listed: list[_Entry] = []
    _number(top, listed)
    sectors: list[bytes] = []
    chain: list[int] = []
    for entry in listed:
        if entry.kind == 2 and entry.data:
            padded = entry.data.ljust(max(-(-len(entry.data) // SECTOR) * SECTOR, _SMALL), b"\0")
            entry.start = len(sectors)
            count = len(padded) // SECTOR
            sectors += [padded[at * SECTOR : (at + 1) * SECTOR] for at in range(count)]
            chain += [*range(entry.start + 1, entry.start + count), _END]
    directory = b"".join(map(_record, listed)).ljust(-(-len(listed) * 128 // SECTOR) * SECTOR, b"\0")
    first_directory = len(sectors)
    count = len(directory) // SECTOR
    sectors += [directory[at * SECTOR : (at + 1) * SECTOR] for at in range(count)]
    chain += [*range(first_directory + 1, first_directory + count), _END]
    tables = 1
    while (len(chain) + tables) * 4 > tables * SECTOR:
        tables += 1
    first_table = len(sectors)
    chain += [_FAT] * tables
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * SECTOR, b"\xff")
    listed_tables = [*range(first_table, first_table + tables)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, tables, first_directory, 0, _SMALL, _END, 0, _END, 0)
    head += struct.pack("<109I", *listed_tables, *[_FREE] * (109 - tables))
    return head + b"".join(sectors) + table


def _entries(folder: Mapping[str, object]) -> list[_Entry]:
    made = []
    for name, value in folder.items():
        if isinstance(value, bytes):
            # Smaller streams would be in a separate mini stream.
            made.append(_Entry(name, 2, value.ljust(_SMALL, b"\0")))
        else:
            assert isinstance(value, Mapping)
            made.append(_Entry(name, 1, children=_entries(value)))
    return made


def _number(entry: _Entry, listed: list[_Entry]) -> None:
    entry.number = len(listed)
    listed.append(entry)
    # Names are looked up in a tree; a list is a valid, degenerate tree.
    entry.children.sort(key=lambda one: (len(one.name), one.name.upper()))
    for child in entry.children:
        _number(child, listed)
    for one, following in zip(entry.children, entry.children[1:], strict=False):
        one.__dict__["right"] = following.number


def _record(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    child = entry.children[0].number if entry.children else _FREE
    return (
        name.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(name), entry.kind, 1, _FREE, entry.__dict__.get("right", _FREE), child)
        + bytes(36)
        + struct.pack("<IQ", entry.start if entry.data else 0 if entry.kind == 1 else _END, len(entry.data))
    )


def outlook_mail(
    *,
    subject: str,
    body: str,
    sender: tuple[str, str],
    to: Sequence[tuple[str, str]],
    message_id: str,
    sent: datetime,
    files: Sequence[tuple[str, bytes]] = (),
    rich: bytes = b"",
    mails: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """The streams of an email as Outlook saves it.

    Args:
        subject: of the email.
        body: its plain text.
        sender: name and address.
        to: name and address of each recipient.
        message_id: of the email.
        sent: when.
        files: name and bytes of each.
        rich: its text as packed rich text.
        emails: the streams of each email that is attached to it.
    """
    ticks = int((sent - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    fixed = struct.pack("<IIQ", 0x00390040, 6, ticks)
    root: dict[str, object] = {
        "__properties_version1.0": bytes(32) + fixed,
        **_text(0x0037, subject),
        **(_text(0x1000, body) if body else {}),
        **_text(0x0C1A, sender[0]),
        **_text(0x5D01, sender[1]),
        **_text(0x1035, message_id),
    }
    for number, (name, address) in enumerate(to):
        kind = struct.pack("<IIQ", 0x0C150003, 6, 1)
        root[f"__recip_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8) + kind, **_text(0x3001, name), **_text(0x39FE, address)
        }  # fmt: skip
    for number, (name, data) in enumerate(files):
        root[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8), **_text(0x3707, name), "__substg1.0_37010102": data
        }  # fmt: skip
    for number, inner in enumerate(mails, len(files)):
        # The properties of an email in an email have a shorter head.
        table = inner["__properties_version1.0"]
        assert isinstance(table, bytes)
        attached: dict[str, object] = {**inner, "__properties_version1.0": table[8:]}
        root[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8), "__substg1.0_3701000D": attached
        }  # fmt: skip
    if rich:
        root["__substg1.0_10090102"] = rich
    return root


def _text(tag: int, text: str) -> dict[str, bytes]:
    return {f"__substg1.0_{tag:04X}001F": text.encode("utf-16-le")}
