"""Turns JSON values from the gateway into clean values. A function fails only where its docstring says so."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from email.utils import formataddr, parsedate_to_datetime
from functools import cache
from itertools import chain
from typing import TypeVar

import msgspec

from mm_tui.gateway.errors import Malformed
from mm_tui.gateway.shapes import Listing
from mm_tui.models import GatewayId
from mm_tui.text import ManyLine, OneLine, encodable

T = TypeVar("T")
M = TypeVar("M", bound=msgspec.Struct)
Json = Mapping[str, object]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[\x21-\x7e]{1,256}")
_TIMES = ("received_at", "created_at", "timestamp")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_ENVELOPES = ("data", "items", "results")
_decode = msgspec.json.Decoder().decode
_fields = cache(msgspec.structs.fields)
_SECONDS_END = 100_000_000_000
"""Numbers below are epoch seconds (up to the year 5138), from here on milliseconds (from 1973)."""


class Unusable(ValueError):
    """An item that cannot be translated; the message says why and quotes nothing private."""


def raw_text(value: object) -> str:
    """Text exactly as received, except that lone surrogates, which cannot be encoded, become backslash escapes."""
    if isinstance(value, str):
        return encodable(value)
    if value is None or isinstance(value, (dict, list)):
        return ""
    return json.dumps(value)


def line(value: object) -> OneLine:
    return OneLine(raw_text(value))


def gateway_id(value: object, what: str) -> str:
    """An id that can be sent back. Raises Unusable if it is not 1 to 256 printable ASCII characters, or would change
    the path it is put in."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise Unusable(f"its {what} is not 1 to 256 printable ASCII characters")
    if text in (".", ".."):
        raise Unusable(f"its {what} is a path step")
    return text


def optional_id(value: object) -> str | None:
    """An id, or None when it is absent or unusable."""
    try:
        return gateway_id(value, "id")
    except Unusable:
        return None


def time(value: object) -> datetime | None:
    """A time in UTC from ISO 8601, an email date, epoch milliseconds or seconds; None for anything else. Times in the
    first and last year that `datetime` supports are rejected too, because they cannot be shown in every time zone."""
    moment = _moment(value)
    return moment if moment is not None and MINYEAR < moment.year < MAXYEAR else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"\d{9,14}", text):
            return _moment(int(text))
        moment: datetime | None = None
        for parse in (datetime.fromisoformat, parsedate_to_datetime):
            try:
                moment = parse(text)
                break
            except (ValueError, OverflowError):
                continue
        if moment is None:
            return None
        try:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            seconds = value if abs(value) < _SECONDS_END else value / 1000
            return EPOCH + timedelta(seconds=seconds)
        except (OverflowError, ValueError):
            return None
    return None


def flag(value: object, otherwise: bool = False) -> bool:
    """A boolean from true/false, 0/1, or their names."""
    if isinstance(value, (bool, int, float)):
        return bool(value)
    if isinstance(value, str) and value.strip():
        return value.strip().lower() in ("1", "true", "yes", "on")
    return otherwise


def whole(value: object) -> int | None:
    """A whole number that fits a database column, or None."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    return None


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    return None


def table(value: object) -> Json:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> tuple[str, ...]:
    """Raw texts from a list, a single text, or a JSON list inside a text, as some columns are returned. Whatever else
    is listed comes as JSON, because it may be a recipient."""
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            try:
                inner = json.loads(value)
            except (ValueError, RecursionError):
                inner = None
            if isinstance(inner, list):
                return texts(inner)
        return (raw_text(value),) if value.strip() else ()
    if isinstance(value, dict):
        return (_header(value),)
    if isinstance(value, list):
        return tuple(_header(item) if isinstance(item, dict) else as_text(item) for item in value if item is not None)
    return () if value is None else (as_text(value),)


def texts_of(item: Json, *names: str) -> tuple[str, ...]:
    """The raw texts of the first named field that has any, without blank ones."""
    for name in names:
        if found := tuple(text for text in texts(item.get(name)) if text.strip()):
            return found
    return ()


def _header(value: Json) -> str:
    """A correspondent given as an object, in header form, with every script unencoded because humans read it."""
    address = raw_text(first(value, "address", "email"))
    name = raw_text(value.get("name"))
    if not (name and address):
        return address or name or as_text(value)
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return formataddr((name, address)) if (name + address).isascii() else f'"{escaped}" <{address}>'


def first(item: Json, *names: str) -> object:
    """The first of the named fields that exists and is not null."""
    for name in names:
        value = item.get(name)
        if value is not None:
            return value
    return None


def as_text(value: object) -> str:
    """A value of any type as text: text unchanged, everything else as JSON."""
    if value is None:
        return ""
    return raw_text(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=True)


def items(answer: object, *names: str) -> list[object]:
    """The list in an answer: bare, under one of `names`, or in an envelope. Raises Unusable if there is none."""
    if isinstance(answer, list):
        return answer
    if isinstance(answer, dict):
        for name in (*names, *_ENVELOPES):
            inner = answer.get(name)
            if isinstance(inner, list):
                return inner
            if isinstance(inner, dict) and name in _ENVELOPES:
                return items(inner, *names)
    raise Unusable(f"it holds no list of {names[0]}")


_READERS: Mapping[object, Callable[[object], object]] = {
    OneLine: line,
    ManyLine: lambda value: ManyLine(raw_text(value)),
    GatewayId: lambda value: gateway_id(value, "id"),
    GatewayId | None: optional_id,
    datetime | None: time,
    int: lambda value: whole(value) or 0,
    int | None: whole,
    bool | None: lambda value: None if value is None else flag(value),
    tuple[OneLine, ...]: lambda value: tuple(map(OneLine, texts(value))),
}


def model(kind: type[M], item: Json, names: Mapping[str, Sequence[str]] | None = None, **given: object) -> M:
    """A model from the fields of an object, each read by its type. `names`: under which names gateways send a field, if
    not only its own. `given`: fields that are read already. Raises Unusable if it has no usable id."""
    found = dict(given)
    for field in _fields(kind):
        if field.name in given:
            continue
        value = first(item, *(names or {}).get(field.name, (field.name,)))
        is_flag = field.type is bool
        found[field.name] = flag(value, otherwise=field.default) if is_flag else _READERS[field.type](value)
    return kind(**found)


def listing(answer: object, names: tuple[str, ...], read: Callable[[Json], T]) -> Listing[T]:
    """Translates each item of the answer's list; those that cannot be used are named in `refused`. Raises Unusable if
    there is no list, or not one of its items can be used."""
    return listing_of(listing_pieces(answer, names, read))


def listing_pieces(
    answer: object, names: tuple[str, ...], read: Callable[[Json], T], size: int = sys.maxsize
) -> Iterator[Listing[T]]:
    """Translates the answer's list, `size` items at a time; pass the results to `listing_of`. Raises Unusable if there
    is no list."""
    listed = items(answer, *names)
    for start in range(0, len(listed), size):
        found: list[T] = []
        refused: list[OneLine] = []
        for place, item in enumerate(listed[start : start + size], start=start + 1):
            try:
                if not isinstance(item, dict):
                    raise Unusable("it is not an object")
                found.append(read(item))
            except Unusable as reason:
                refused.append(OneLine(f"{names[0]}: item {place} was left out: {reason}"))
        yield Listing(found, refused)


def listing_of(pieces: Iterable[Listing[T]]) -> Listing[T]:
    """The whole list. Raises Unusable if not one of its items can be used."""
    pieces = list(pieces)
    whole = Listing(chain.from_iterable(pieces), chain.from_iterable(piece.refused for piece in pieces))
    if whole.refused and not whole:
        raise Unusable(str(whole.refused[0]))
    return whole


def cursor(answer: object) -> str | None:
    """The cursor of the next page; None at the end."""
    value = first(table(answer), "cursor", "next_cursor", "nextCursor")
    return value if isinstance(value, str) and value else str(value) if isinstance(value, int) else None


def cursor_after(answer: object, *names: str) -> str | None:
    """The cursor of the next page of a list by time; None at the end.

    Some cursors are the time of the last item, in seconds or milliseconds, and would skip other items with the same
    time. Such a cursor is increased by one, so that the next page repeats those items; the caller removes duplicates by
    id. Any other cursor is unchanged, and so is one after a page whose items all have the same time, because it would
    never advance.
    """
    found = cursor(answer)
    if found is None or not (found.isascii() and found.isdigit()):
        return found
    known = _edges([first(item, *_TIMES) for item in items(answer, *names) if isinstance(item, dict)])
    if not known:
        return found
    for unit in (timedelta(seconds=1), timedelta(milliseconds=1)):
        oldest, newest = ((edge - EPOCH) // unit for edge in (min(known), max(known)))
        if found == str(oldest) and oldest != newest:
            return str(oldest + 1)
    return found


def _edges(moments: list[object]) -> list[datetime]:
    """The times among these values, or only the oldest and the newest of them."""
    texts = [moment for moment in moments if isinstance(moment, str) and _UTC.fullmatch(moment)]
    if texts and len(texts) == len(moments) and len(set(map(len, texts))) == 1:
        # Times of one form sort as texts. A page has a hundred, and reading one takes a microsecond.
        oldest, newest = time(min(texts)), time(max(texts))
        if oldest is not None and newest is not None:
            return [oldest, newest]
    return [known for moment in moments if (known := time(moment)) is not None]


def single(answer: object, *names: str) -> Json:
    """The object in an answer: bare, or under one of `names`. Raises Unusable if it is not an object."""
    if isinstance(answer, dict):
        for name in (*names, *_ENVELOPES):
            inner = answer.get(name)
            if isinstance(inner, dict) and "id" not in answer:
                return inner
        return answer
    raise Unusable("it is not an object")


def about(email_id: str, item: Json) -> Json:
    """The item, if it names this email or none. Raises Unusable if it names another email."""
    named = [str(item[name]) for name in ("id", "email_id") if item.get(name) is not None]
    if named and email_id not in named:
        raise Unusable("it is about another email")
    return item


def parse(body: bytes) -> object:
    """JSON from an answer's bytes. Raises Malformed if it is not JSON in UTF-8."""
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        # It is slower, but accepts lone surrogates, numbers beyond a float's range and a byte order mark.
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the gateway's answer is not JSON") from None
