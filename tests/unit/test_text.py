"""Untrusted text: what is removed, what is kept, what it costs."""

from __future__ import annotations

import copy
import errno
import json
import pickle
import re
import time
import unicodedata
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mm_tui
from mm_tui import typed_json
from mm_tui.text import MARKS_A_CELL, CleanText, ManyLine, OneLine, escaped, file_label, hidden_notice, system_words
from tests.support.hostile import VECTORS, Vector, naughty_strings
from tests.support.scripts import SCRIPTS

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""The policy's own list, written here once more so that a slip in the module is found."""


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_ordinary_text_of_every_script_comes_through_unchanged(text: str) -> None:
    cleaned = ManyLine(text)
    assert cleaned == text
    assert cleaned.removed == 0


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_every_vector_is_cleaned_as_said(vector: Vector) -> None:
    cleaned = ManyLine(vector.text)
    assert cleaned == vector.cleaned
    assert cleaned.removed == len(vector.text) - len(vector.cleaned)
    assert OneLine(vector.text) == vector.cleaned.replace("\n", " ").replace("\t", " ")
    assert (cleaned.active > 0) == (vector.kind in ("csi", "osc", "string", "escape", "c0", "c1", "bidi")) or (
        "\r" in vector.text or "\ud83d" <= max(vector.text, default="") <= "\udc9b"
    )


def test_there_are_vectors_of_every_class() -> None:
    assert len(VECTORS) > 150
    assert len({vector.name for vector in VECTORS}) == len(VECTORS)
    kinds = {"csi", "osc", "string", "escape", "c0", "c1", "bidi", "invisible", "marks", "markup", "crash", "plain"}
    assert {vector.kind for vector in VECTORS} == kinds


HOSTILE_CHARACTERS = st.sampled_from(
    "\x1b\x9b\x9d\x90\x9c\x07\x18[]P\\0;m\r\n\t a\u202e\u200b\u200d\ufe0f\U000e0100\U000e0041\ud800\u2028"
    "\u0301\u094d\u0dcaकක👩❤葛\u1039က"
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(HOSTILE_CHARACTERS, max_size=24).map("".join),
    st.lists(st.sampled_from([vector.text for vector in VECTORS if len(vector.text) < 100]), max_size=4).map("".join),
)


@given(TEXTS)
@example("\u0301")
@example("👩\u200d\ufe0f👩")
def test_cleaning_is_total_idempotent_and_never_grows(raw: str) -> None:
    for kind in (OneLine, ManyLine):
        cleaned = kind(raw)
        assert FORBIDDEN.search(cleaned) is None
        assert len(cleaned) <= len(raw)
        again = kind(str(cleaned))
        assert again == cleaned
        assert again.removed == 0
    assert not set("\n\t") & set(OneLine(raw))


@given(TEXTS)
def test_what_is_removed_is_counted(raw: str) -> None:
    cleaned = ManyLine(raw)
    assert cleaned.removed == len(raw.replace("\r\n", "\n")) - len(cleaned)
    assert 0 <= cleaned.active <= cleaned.removed


@given(
    st.lists(st.sampled_from(["ä", " ", "\n"]), max_size=9),
    st.lists(st.sampled_from(["\u200b", "\x1b[1m"]), min_size=9),
)
def test_where_something_was_removed_is_known(kept: list[str], hidden: list[str]) -> None:
    raw = "".join(f"{one}{kept}" for one, kept in zip(hidden, kept, strict=False))
    assert ManyLine(raw).places == tuple(range(len(kept)))
    assert OneLine(ManyLine(raw)).places == ManyLine(raw).places


@given(TEXTS)
def test_no_cell_has_more_marks_than_allowed(raw: str) -> None:
    marks = 0
    for char in ManyLine(raw):
        if unicodedata.category(char) in ("Mn", "Me") and not 0xFE00 <= ord(char) <= 0xFE0F and char < "\U000e0000":
            marks += 1
            assert marks <= MARKS_A_CELL
        elif char != "\u200d" and not 0xFE00 <= ord(char) <= 0xFE0F and char < "\U000e0000":
            marks = 0


@given(st.lists(st.sampled_from([" ".join(SCRIPTS.values()), *SCRIPTS.values()]), max_size=4).map("\n".join))
def test_ordinary_text_stays_ordinary_when_put_together(text: str) -> None:
    assert ManyLine(text) == text


def test_naughty_strings_end_clean() -> None:
    strings = naughty_strings()
    assert len(strings) > 400
    for raw in strings:
        assert FORBIDDEN.search(ManyLine(raw)) is None
        assert escaped(raw).replace("\n", "").isprintable()


def test_an_unterminated_string_never_swallows_the_body() -> None:
    body = "first line \x1b]0;oops\n" + "a line that must be read\n" * 8000
    cleaned = ManyLine(body)
    assert cleaned.count("a line that must be read") == 8000
    assert cleaned.removed == len("\x1b]0;oops")


def test_types_survive_copying_and_pickling() -> None:
    text = OneLine("a\x1b[31mb\u200b")
    assert (text, text.removed, text.active) == ("ab", 6, 5)
    for other in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert type(other) is OneLine
        assert (other, other.removed, other.active) == ("ab", 6, 5)
    assert OneLine(text) is text
    many = ManyLine(text)
    assert (type(many), many.removed, many.active) == (ManyLine, 6, 5)
    assert hash(text) == hash("ab")


class _Model(msgspec.Struct):
    line: OneLine
    lines: ManyLine = ManyLine("x\ny")
    names: dict[OneLine, OneLine] = {}


def test_models_clean_by_type() -> None:
    text = json.dumps({"line": "a\nb\x07", "names": {"k\x00": "v\u202e"}})
    model = typed_json.read(_Model, text)
    assert (type(model.line), model.line, model.line.removed) == (OneLine, "a b", 1)
    ((key, value),) = model.names.items()
    assert (type(key), type(value), key, value) == (OneLine, OneLine, "k", "v")
    assert typed_json.dumped(model) == '{"line":"a b","lines":"x\\ny","names":{"k":"v"}}'
    plain = typed_json.values_of(model)
    assert type(plain["line"]) is str
    assert typed_json.from_values(_Model, plain) == model
    kept = typed_json.from_values(_Model, {"line": OneLine("x\u200b")})
    assert kept.line.removed == 1
    for wrong in (1, None, b"x", ["x"]):
        with pytest.raises(ValueError, match="line"):
            typed_json.from_values(_Model, {"line": wrong})


def test_a_plain_clean_text_has_no_constructor() -> None:
    with pytest.raises(NotImplementedError):
        CleanText("x")


def test_cleaning_a_large_clean_body_takes_milliseconds() -> None:
    for line, limit in (
        ("an ordinary line of a mail\n", 0.05),
        ("ein schöner Tag – “ja”\n", 0.05),
        ("你好世界。\n", 0.1),
    ):
        body = (line * 20_000)[:262_144]
        times = []
        for _ in range(3):
            start = time.process_time()
            ManyLine(body)
            times.append(time.process_time() - start)
        assert min(times) < limit


@pytest.mark.parametrize(
    "unit",
    [
        "\x1b",
        "\x1b]",
        "\x9d\n",
        "\x1b[",
        "\x1b[0;",
        "\x1bP\x07",
        "a\u0301\u0301",
        "👩\u200d",
        "\u200d\ufe0f",
        "\u202e",
        "\r",
    ],
)
def test_cleaning_is_linear_on_hostile_bodies(unit: str) -> None:
    body = unit * (262_144 // len(unit))
    start = time.process_time()
    ManyLine(body)
    # Well under 0.2 s on an idle machine; quadratic behaviour would take minutes.
    assert time.process_time() - start < 5


def test_raw_view_is_printable_ascii() -> None:
    assert escaped("a\x1b[31m\r\nü\t\ud800\u202e\\") == "a\\x1b[31m\n\\xfc\\t\\ud800\\u202e\\\\"


@given(TEXTS)
def test_raw_view_of_anything_is_printable_ascii_and_loses_nothing(raw: str) -> None:
    shown = escaped(raw)
    assert shown.isascii()
    assert shown.replace("\n", "").isprintable()
    assert shown.encode("ascii").decode("unicode_escape", "surrogatepass") == re.sub("\r\n?", "\n", raw)


def test_notice_of_what_was_removed() -> None:
    assert [hidden_notice(count) for count in (0, 1, 12)] == [
        "",
        "⚠ 1 hidden character removed",
        "⚠ 12 hidden characters removed",
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("", "(no name)"),
        ("invoice.pdf" + " " * 80 + ".exe", "invoice.pdf … .exe"),
        ("invoice.pdf" + "_" * 80 + ".exe", "invoice.pdf … .exe"),
        ("invoice.pdf\u00a0\u00a0\u3000.exe", "invoice.pdf … .exe"),
        ("a" * 100 + "-final.pdf.scr", "a" * 39 + " … aaaa-final.pdf.scr"),
    ],
)
def test_the_ending_of_a_file_name_is_always_seen(name: str, label: str) -> None:
    assert file_label(name) == label
    assert len(file_label(name)) <= 60


def test_every_error_of_the_system_has_words_and_only_one_place_asks_for_them() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/data/store")
    words = [system_words(error) for error in (full, OSError("no answer"), OSError())]
    assert words == ["No space left on device", "no answer", "the system refused"]
    package = Path(mm_tui.__file__).parent
    places = {path.name for path in package.rglob("*.py") if "strerror" in path.read_text("utf-8")}
    assert places == {"text.py"}
