"""Which imported mail belongs together. In doubt strangers' mail stays apart."""

from __future__ import annotations

import itertools

import pytest

from mm_tui.sandbox.gateway.insert import clues_of
from mm_tui.sandbox.gateway.threads import group, is_reply, topic, usable
from mm_tui.sandbox.mail_in.parse import parse_mail


def groups(*mails: str) -> list[int]:
    """For each mail the number of its conversation, counted from 0 as they come up."""
    parsed = [parse_mail(mail.encode(), lambda _what: None) for mail in mails]
    found = group([clues_of(mail, 0) for mail in parsed]).group_of
    numbers = {at: number for number, at in enumerate(dict.fromkeys(found))}
    return [numbers[at] for at in found]


def mail(sender: str, subject: str, *headers: str, to: str = "support@shop.example") -> str:
    return "\n".join([f"From: {sender}", f"To: {to}", f"Subject: {subject}", *headers, "", "Text."])


ADA = mail("ada@one.example", "Broken lamp", "Message-ID: <lamp-1@one.example>")


@pytest.mark.parametrize(
    "reference",
    [
        "In-Reply-To: <lamp-1@one.example>",
        "References: <lamp-1@one.example>",
        "In-Reply-To: lamp-1@one.example",
        "References: other@x.example lamp-1@one.example",
        "References: <other@x.example>,<lamp-1@one.example>",
        "In-Reply-To: < lamp-1@one.example >",
        "In-Reply-To: <lamp-1\n @one.example>",
        "In-Reply-To:\n <lamp-1@one.example>",
        "In-Reply-To: =?utf-8?q?=3Clamp-1=40one=2Eexample=3E?=",
        "References: =?utf-8?B?PGxhbXAtMUBvbmUuZXhhbXBsZT4=?=",
        "In-Reply-To: &lt;lamp-1@one.example&gt;",
        'In-Reply-To: Your message of "Tue, 03 Nov 2026" <lamp-1@one.example>',
        "In-Reply-To: Message from Ada <ada@one.example> of Monday <lamp-1@one.example>",
        'In-Reply-To: "<lamp-1@one.example>"',
        "In-Reply-To: <lamp-1@one.example> (Ada's message)",
        "REFERENCES: <a@x.example>\n\t<lamp-1@one.example>\n\t<b@x.example>",
    ],
)
def test_a_reply_joins_however_it_names_the_mail(reference: str) -> None:
    reply = mail(
        "support@shop.example", "Re: Broken lamp", "Message-ID: <r@shop.example>", reference, to="ada@one.example"
    )
    assert groups(ADA, reply) == [0, 0]
    assert groups(reply, ADA) == [0, 0]


def test_a_message_id_without_brackets_is_one() -> None:
    first = mail("ada@one.example", "Lamp", "Message-ID: lamp-9@one.example")
    assert groups(first, mail("bo@two.example", "Re: Lamp", "In-Reply-To: <lamp-9@one.example>")) == [0, 0]


def test_late_mail_joins_in_any_order() -> None:
    mails = [
        ADA,
        mail(
            "s@shop.example",
            "Re: Broken lamp",
            "Message-ID: <r1@s.example>",
            "In-Reply-To: <lamp-1@one.example>",
            to="ada@one.example",
        ),
        mail(
            "ada@one.example",
            "RE: Broken lamp",
            "Message-ID: <r2@one.example>",
            "In-Reply-To: <r1@s.example>",
            to="s@shop.example",
        ),
        mail(
            "ada@one.example",
            "AW: Broken lamp",
            "Message-ID: <r3@one.example>",
            "References: <lamp-1@one.example> <r2@one.example>",
        ),
    ]
    for order in itertools.permutations(mails):
        assert set(groups(*order)) == {0}


def test_two_replies_to_a_mail_that_is_not_there() -> None:
    lost = "In-Reply-To: <lost@x.example>"
    ada = mail("ada@one.example", "Re: Order 5", "Message-ID: <1@one.example>", lost)
    again = mail("ada@one.example", "Re: Order 5", "Message-ID: <2@one.example>", lost)
    bo = mail("bo@two.example", "Re: Order 5", "Message-ID: <3@two.example>", lost)
    answer = mail("support@shop.example", "Re: Order 5", "Message-ID: <4@shop.example>", lost, to="ada@one.example")
    assert groups(ada, again) == [0, 0] and groups(ada, answer) == [0, 0]
    # Two customers who answer one newsletter do not know of each other.
    assert groups(ada, bo) == [0, 1] and groups(bo, answer) == [0, 1] and groups(ada, bo, answer) == [0, 1, 0]
    listed = "List-Id: <talk.lists.example>"
    assert groups(ada.replace(lost, f"{lost}\n{listed}"), bo.replace(lost, f"{lost}\n{listed}")) == [0, 0]


@pytest.mark.parametrize(
    "constant",
    [
        "References: <orders@vendor.example>",
        "In-Reply-To: <orders@vendor.example>",
        "References: <constant-anchor@vendor.example>",
        "In-Reply-To: <0>",
        "References: <orders>",
        "In-Reply-To: orders",
        "References: <@vendor.example>",
        "References: <00000000@vendor.example> <11111111@vendor.example>",
    ],
)
@pytest.mark.parametrize("second", ["Order 9002 refused", "Order 9001 shipped"])
def test_what_a_notifier_puts_into_every_mail_joins_nothing(constant: str, second: str) -> None:
    first = mail("orders@vendor.example", "Order 9001 shipped", "Message-ID: <o1@vendor.example>", constant)
    other = mail("orders@vendor.example", second, "Message-ID: <o2@vendor.example>", constant)
    assert groups(first, other) == [0, 1]


def test_a_notifier_s_later_notices_do_not_join_its_first() -> None:
    first = mail("orders@vendor.example", "Order 9001 shipped", "Message-ID: <anchor@vendor.example>")
    other = mail(
        "orders@vendor.example",
        "Order 9002 refused",
        "Message-ID: <o2@vendor.example>",
        "References: <anchor@vendor.example>",
    )
    assert groups(first, other) == [0, 1]


@pytest.mark.parametrize(
    "phrase",
    [
        'Your message of "Tue, 03 Nov 2026 08:00:00 +0100." <support@shop.example> <{0}@shop.example>',
        'Your message of "Tue, 03 Nov 2026 08:00:00 +0100." <support@shop.example>',
        'Message from "Support" <support@shop.example>',
        "<support@shop.example> of Tuesday",
        "support@shop.example",
        "Mail from support@shop.example of Tuesday",
    ],
)
def test_an_address_in_a_phrase_is_no_id(phrase: str) -> None:
    ada = mail("ada@one.example", "Invoice 77", "Message-ID: <a@one.example>", f"In-Reply-To: {phrase.format('inv77')}")
    bo = mail(
        "bo@two.example", "Wrong parcel", "Message-ID: <b@two.example>", f"In-Reply-To: {phrase.format('parcel9')}"
    )
    assert groups(ada, bo) == [0, 1]


def test_one_message_id_on_unrelated_mails() -> None:
    constant = "Message-ID: <1@mailer.example>"
    ada, bo = mail("ada@one.example", "Invoice 77", constant), mail("bo@two.example", "Wrong parcel", constant)
    assert groups(ada, bo) == [0, 1]
    assert groups(ada, mail("ada@one.example", "Other thing", constant)) == [0, 1]
    assert groups(ada, mail("bo@two.example", "Invoice 77", constant)) == [0, 1]
    assert groups(ada, ada) == [0, 0]
    # A reply joins the one that it answers.
    reply = mail(
        "support@shop.example",
        "Re: Wrong parcel",
        "Message-ID: <r@shop.example>",
        "In-Reply-To: <1@mailer.example>",
        to="bo@two.example",
    )
    assert groups(ada, bo, reply) == [0, 1, 1]


def test_another_subject_joins_only_as_a_turn_of_the_talk() -> None:
    named = "In-Reply-To: <lamp-1@one.example>"
    answer = mail("support@shop.example", "Your refund", "Message-ID: <r@shop.example>", named, to="ada@one.example")
    stranger = mail("bo@two.example", "Wrong parcel", "Message-ID: <b@two.example>", named)
    renamed = mail("cy@three.example", "Bulbs (was: Broken lamp)", "Message-ID: <c@three.example>", named)
    assert groups(ADA, answer, stranger, renamed) == [0, 0, 1, 0]


def test_subjects() -> None:
    for subject in (
        "Re: AW: [talk] Lamp",
        "RE[2]: Lamp",
        "Fwd: SV: Lamp",
        "回复：Lamp",
        "Rv: Res: Lamp",
        "  lamp ",
        "Antw: Re: LAMP",
    ):
        assert topic(subject) == "lamp"
    assert topic("Reading lamp") == "reading lamp" and topic("Ref 5: lamp") == "ref 5: lamp"
    assert is_reply("[talk] Re: Lamp") and not is_reply("Return: Lamp")


def test_which_ids_are_usable() -> None:
    assert (
        usable("<1@x.example>") and not usable("<1>") and not usable("<@x>") and not usable("<1@>") and not usable("")
    )
    assert not usable("<Ann@X.example>", {"ann@x.example"})


@pytest.mark.parametrize(
    "ids",
    [
        ("Message-ID: <form@site.example>", "Message-ID: <form@site.example>"),
        ("Message-ID: <form@site.example>", "In-Reply-To: <form@site.example>"),
        ("Message-ID: <1@site.example>", "References: <1@site.example>"),
    ],
)
def test_what_a_form_sends_for_two_people_stays_apart(ids: tuple[str, str]) -> None:
    sent = [
        mail(
            "form@site.example", "Contact form", one, f"Reply-To: {name}@home.example", "Date: Tue, 3 Mar 2026 10:00 +0"
        )
        for one, name in zip(ids, ("ada", "bo"), strict=True)
    ]
    assert groups(*sent) == [0, 1]


def test_notices_about_one_matter_join_although_each_has_an_address_of_its_own_to_answer() -> None:
    first = mail("n@hub.example", "Bug 12", "Message-ID: <bug/12@hub.example>", "Reply-To: reply+a@hub.example")
    more = mail("n@hub.example", "Re: Bug 12", "In-Reply-To: <bug/12@hub.example>", "Reply-To: reply+b@hub.example")
    assert groups(first, more) == [0, 0]


def test_hundreds_of_nested_comments_are_no_address_and_no_crash() -> None:
    sender = "(" * 5_000 + "a@x.example"
    mail = parse_mail(f"From: {sender}\nTo: {sender}\n\nHi".encode(), lambda _what: None)
    assert clues_of(mail, 0).sender.endswith("a@x.example")
