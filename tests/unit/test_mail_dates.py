"""Dates of imported mail in every form that mailers write."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

import pytest

from mm_tui.sandbox.mail_in.dates import read_date
from mm_tui.sandbox.mail_in.parse import parse_mail


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 5 Nov 2026 14:53:31 +0000", "5 Nov 2026 15:53:31 +0100", "Thu, 05 Nov 2026 14:53:31 -0000", "Thu,5 Nov 2026 14:53:31 GMT",
        "2026-11-05T14:53:31Z", "2026-11-05T15:53:31+01:00", "2026-11-05 09:53:31.25 -0500", "2026/11/05 15:53:31 +0100",
        "20261105T145331Z", "Thursday, 05-Nov-26 14:53:31 GMT", "Thu Nov  5 14:53:31 2026", "Thu Nov 05 15:53:31 CET 2026",
        "Thu Nov 05 15:53:31 +0100 2026", "Thu, 5 Nov 26 09:53:31 EST", "Thu, 5 Nov 2026 15:53:31 GMT+0100 (CET)",
        "Thu, 5 Nov 2026 15:53:31 +01:00", "Thu, 5 Nov 2026 2:53:31 PM", "11/05/2026 2:53:31 PM", "05.11.2026 14:53:31",
        "Do, 5 Nov 2026 15:53:31 +0100", "Donnerstag, 5. November 2026 14:53:31", "jeu., 5 nov. 2026 15:53:31 +0100",
        "jue, 5 de noviembre de 2026 14:53:31", "Чт, 5 ноя 2026 17:53:31 +0300", "2026年11月5日 14:53:31", "2026年11月5日 下午2:53:31",
        "1793890411", "1793890411000", "Thu, 5 Nov 2026 15.53.31 +0100", "5-Nov-2026 15:53:31 +0100", "November 5, 2026 2:53:31 PM GMT",
        "Thu, 5 Nov 2026 11:53:31 BRT", "Thu, 5 Nov 2026 20:23:31 IST", "2026년 11월 5일 14:53:31", "ה', 5 נוב 2026 14:53:31 +0000",
        "Thu, 5 Nov 2026 15:53:31 (CET)", "Mi 5. Nov 2026 14:53:31", "to 5. marraskuuta 2026 klo 14.53.31", "Πέμ, 5 Νοε 2026 16:53:31 +0200", "Thu, 5 Nov 2026 14:53:31 -0000 (no zone)",
        'Thu, 5 Nov 2026 14:53:31 "GMT"', "Thu, 5 Nov 126 14:53:31 +0000", "tiistai 5. marraskuuta 2026 14:53:31", " Thu, 5 Nov 2026\n 14:53:31 +0000 ",
        "Thu , 5 Nov 2026 14 : 53 : 31 +0000",
    ],
)  # fmt: skip
def test_one_moment_in_many_forms(text: str) -> None:
    assert read_date(text) == datetime(2026, 11, 5, 14, 53, 31, tzinfo=UTC)


@pytest.mark.skipif(not zoneinfo.available_timezones(), reason="this machine has no list of time zones")
@pytest.mark.parametrize("text", ["5 Nov 2026 09:53:31 America/New_York", "2026-11-05 15:53:31 Europe/Berlin"])
def test_a_zone_may_be_named_by_its_place(text: str) -> None:
    assert read_date(text) == datetime(2026, 11, 5, 14, 53, 31, tzinfo=UTC)


def test_the_ends_of_days_and_minutes() -> None:
    assert read_date("Thu, 5 Nov 2026 24:00:00 +0000") == datetime(2026, 11, 6, tzinfo=UTC)
    assert read_date("Thu, 5 Nov 2026 23:59:60 +0000") == datetime(2026, 11, 5, 23, 59, 59, tzinfo=UTC)
    assert read_date("Fri, 01 Jan 2038 00:00:00 +0000") == datetime(2038, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "next Tuesday", "0", "Thu, 31 Feb 2026 14:53:31 +0000", "Fri, 99 Nov 2026 10:00", "05/11/2026 14:53", "1 Jan 1 00:00 +9999",
     "Fri, 20 Nov 99999 10:00:00 +0100", "Thu, 01 Jan 1970 00:00:00 +0000", "99:99", "Thu, 5 Nov 2026 25:00:00 +0000",
     "Mon, 1 Jan 0001 00:00:00 +0000", "5 Nov 2026 14:53 Europe/Nowhere"],
)  # fmt: skip
def test_what_is_no_date_or_could_be_two(text: str) -> None:
    assert read_date(text) is None


def test_a_date_in_an_encoded_word_is_read() -> None:
    raw = b"From: a@x.example\nDate: =?utf-8?Q?Do=2C_5_Nov_2026_14:53:31_+0000?=\n\nText."
    assert parse_mail(raw, lambda _what: None).date == datetime(2026, 11, 5, 14, 53, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", ["soon", "05/11/2026 14:53", "31 Feb 2026 10:00", "Thu, 5 Nov 2026 25:00:00 +0000"])
def test_an_unreadable_date_is_reported_and_is_not_now(text: str) -> None:
    odd: list[str] = []
    mail = parse_mail(f"From: a@x.example\nDate: {text}\n\nText.".encode(), odd.append)
    assert mail.date is None and "unreadable date" in odd
    assert mail.body == f'(The date of this email cannot be read: "{text}".)\n\nText.'
