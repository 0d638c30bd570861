"""JSON values of any kind into clean ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.gateway import values
from mm_tui.gateway.errors import Malformed
from mm_tui.models import Party

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "given_value",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01 12:00:00",
        "2026-03-01T12:00:00.000Z",
        "Sun, 01 Mar 2026 12:00:00 +0000",
        1772366400000,
        1772366400,
        1772366400000.0,
        "1772366400000",
    ],
)
def test_every_form_of_a_moment_is_read(given_value: object) -> None:
    assert values.time(given_value) == NOON


@pytest.mark.parametrize(
    "nonsense",
    [
        *(None, "", "soon", True, {}, [], 10**30, "99999-01-01", float("inf"), "0001-01-01T00:00:00+23:00"),
        *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 253_402_300_799_000, -62_135_596_800_000),
    ],
)
def test_what_is_no_moment_is_none(nonsense: object) -> None:
    assert values.time(nonsense) is None


@pytest.mark.parametrize(
    ("value", "meant"), [(1, True), (0, False), (True, True), ("true", True), ("0", False), (None, False)]
)
def test_a_flag_is_read_in_every_form(value: object, meant: bool) -> None:
    assert values.flag(value) is meant


def test_an_absent_flag_takes_the_default() -> None:
    assert values.flag(None, otherwise=True) is True
    assert values.flag(0, otherwise=True) is False


@pytest.mark.parametrize("bad", [None, "", " ", "a b", "a\nb", "é", "x" * 257, "..", ".", True, 1.5, {}, []])
def test_an_unusable_id_is_refused_in_words(bad: object) -> None:
    with pytest.raises(values.Unusable, match="its id is"):
        values.gateway_id(bad, "id")


def test_recipients_are_read_from_every_shape() -> None:
    wanted = ("a@x.example", "B <b@x.example>")
    assert values.texts(["a@x.example", {"email": "b@x.example", "name": "B"}]) == wanted
    assert values.texts('["a@x.example", "B <b@x.example>"]') == wanted
    assert values.texts("a@x.example") == ("a@x.example",)
    assert values.texts({"address": "a@x.example"}) == ("a@x.example",)
    (header,) = values.texts({"address": "z@x.example", "name": 'Zoë "Z" Ådahl, Dr.'})
    assert str(Party.parse(header)) == 'z@x.example (Zoë "Z" Ådahl, Dr.)', "no form that only programs read"
    assert values.texts(None) == values.texts("") == () and values.texts(3) == ("3",)


def test_a_lone_surrogate_is_kept_in_a_form_that_can_be_stored() -> None:
    text = values.raw_text("a\ud800b")
    assert text == "a\\ud800b"
    text.encode()


@pytest.mark.parametrize(
    ("body", "meant"),
    [(b'{"a": "\\ud800"}', {"a": "\ud800"}), (b"[1e400, -1]", [float("inf"), -1]), (b"\xef\xbb\xbf[]", []), (b"1", 1)],
)
def test_json_that_is_not_quite_right_is_read(body: bytes, meant: object) -> None:
    assert values.parse(body) == meant


@pytest.mark.parametrize("body", [b"", b"{", b'"\xff"', b"<html>", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="not JSON"):
        values.parse(body)


MOMENTS = ("2026-03-01T12:00:03Z", "2026-03-01T12:00:02Z", "2026-03-01T12:00:01Z")


@pytest.mark.parametrize(
    ("moments", "cursor", "following"),
    [
        (MOMENTS, "1772366401", "1772366402"),
        (MOMENTS[::-1], "1772366401", "1772366402"),
        (MOMENTS, "1772366403", "1772366403"),
        (MOMENTS, "1772366401000", "1772366401001"),
        (MOMENTS[:1], "1772366403", "1772366403"),
        ((*MOMENTS[:2], "2026-03-01T13:00:01+01:00"), "1772366401", "1772366402"),
        ((*MOMENTS[:2], "2026-03-01T12:00:01.000Z"), "1772366401", "1772366402"),
        ((*MOMENTS, "2026-00-01T12:00:01Z"), "1772366401", "1772366402"),
        ((1772366403, None, 1772366401), "1772366401", "1772366402"),
        ((), "1772366401", "1772366401"),
        (MOMENTS, "next", "next"),
    ],
)
def test_a_cursor_that_is_the_oldest_time_is_increased(moments: tuple[object], cursor: str, following: str) -> None:
    answer = {"emails": [{"received_at": moment} for moment in moments], "cursor": cursor}
    assert values.cursor_after(answer, "emails") == following


@given(json_values)
def test_no_value_breaks_a_reader(value: object) -> None:
    for text in (values.raw_text(value), str(values.line(value)), values.as_text(value), *values.texts(value)):
        text.encode()
    moment = values.time(value)
    assert moment is None or moment.tzinfo is not None
    count = values.whole(value)
    assert count is None or -(2**63) <= count < 2**63
    assert isinstance(values.flag(value), bool)
    size = values.number(value)
    assert size is None or size == size


def test_a_list_is_found_bare_and_in_every_envelope() -> None:
    for answer in (
        [1],
        {"emails": [1]},
        {"pending": [1]},
        {"data": [1]},
        {"data": {"emails": [1]}},
        {"items": [1], "cursor": None},
    ):
        assert values.items(answer, "emails", "pending") == [1]
    with pytest.raises(values.Unusable, match="no list of emails"):
        values.items({"emails": None}, "emails")
    with pytest.raises(values.Unusable):
        values.items("text", "emails")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_bad_item_is_named_and_the_others_stay(size: int) -> None:
    answer: list[object] = [{"id": "1"}, None, {"id": "a b"}, {"id": "2"}]
    pieces = values.listing_pieces(answer, ("things",), lambda item: values.gateway_id(item["id"], "id"), size)
    found = values.listing_of(pieces)
    assert list(found) == ["1", "2"]
    assert [str(words) for words in found.refused] == [
        "things: item 2 was left out: it is not an object",
        "things: item 3 was left out: its id is not 1 to 256 printable ASCII characters",
    ]


def test_a_list_without_one_usable_item_is_refused() -> None:
    with pytest.raises(values.Unusable, match="item 1"):
        values.listing([None], ("things",), lambda item: item)
    assert len(values.listing([], ("things",), lambda item: item)) == 0
