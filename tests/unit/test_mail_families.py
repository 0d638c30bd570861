"""Hundreds of made-up correspondences in one mailbox: each stays together, and no two strangers meet."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import pytest

from mm_tui.sandbox.gateway.insert import clues_of
from mm_tui.sandbox.gateway.threads import group
from mm_tui.sandbox.mail_in.parse import parse_mail

US = "Support <support@shop.example>"
SUBJECTS = ("Question", "Your order", "Order 1234", "Invoice", "Hello", "Rückfrage", "注文について", "")
PREFIXES = ("Re: ", "RE: ", "AW: ", "Antw: ", "SV: ", "Re: Re: ", "回复：", "Re[2]: ", "")
POISON = (
    "In-Reply-To: Your message of Monday <support@shop.example>",
    "In-Reply-To: Message from support@shop.example",
    "References: <constant@notifier.example>",
    "References: <ticket@shop.example>",
    "In-Reply-To: none",
    "In-Reply-To: <>",
    "References: <1>",
    "References: undisclosed",
    "Thread-Topic: Question",
)


@dataclass(frozen=True)
class Written:
    """A mail, and the correspondence that it belongs to."""

    family: int
    text: str


def written_id(dice: random.Random, name: str) -> str:
    forms = (f"<{name}>", name, f"< {name} >", f"<{name}> (their message)", f"&lt;{name}&gt;", f'"<{name}>"')
    return dice.choice(forms)


def family(dice: random.Random, number: int) -> list[Written]:
    """A customer and us, some mails, each answering one before it."""
    customer = f"Customer {number} <c{number}@host{number}.example>"
    subject = dice.choice(SUBJECTS)
    names: list[str] = []
    made: list[Written] = []
    for step in range(dice.randint(1, 6)):
        ours = step > 0 and dice.random() < 0.5
        name = f"{dice.getrandbits(60):x}.{number}.{step}@{'shop' if ours else f'host{number}'}.example"
        head = [f"From: {US if ours else customer}", f"To: {customer if ours else US}"]
        head += [f"Subject: {dice.choice(PREFIXES) if step else ''}{subject}", f"Message-ID: <{name}>"]
        if names:
            answered = dice.randrange(len(names))
            if dice.random() < 0.5:
                head.append(f"In-Reply-To: {written_id(dice, names[answered])}")
            else:
                fold = dice.choice((" ", "\n ", "\n\t", ", "))
                head.append("References: " + fold.join(f"<{one}>" for one in names[: answered + 1]))
        elif dice.random() < 0.4:
            # Only at the beginning: nothing but what strangers share.
            head.append(dice.choice(POISON))
        names.append(name)
        made.append(Written(number, "\n".join([*head, "", "Text."])))
    return made


def groups_of(mails: list[Written]) -> list[int]:
    emails = [clues_of(parse_mail(mail.text.encode(), lambda _what: None), 0) for mail in mails]
    return list(group(emails).group_of)


@pytest.mark.parametrize("seed", range(40))
def test_families_stay_together_and_apart(seed: int) -> None:
    dice = random.Random(seed)
    mails = [mail for number in range(dice.randint(5, 20)) for mail in family(dice, number)]
    # Mail comes in any order: what was answered may be there last.
    dice.shuffle(mails)
    found = groups_of(mails)
    families_of: dict[int, set[int]] = {}
    groups_in: dict[int, set[int]] = {}
    for mail, number in zip(mails, found, strict=True):
        families_of.setdefault(number, set()).add(mail.family)
        groups_in.setdefault(mail.family, set()).add(number)
    assert [met for met in families_of.values() if len(met) > 1] == []
    assert [parted for parted in groups_in.values() if len(parted) > 1] == []


@pytest.mark.parametrize("seed", range(20))
def test_strangers_under_one_message_id_stay_apart(seed: int) -> None:
    dice = random.Random(seed)
    shared = dice.choice(("<1@localhost>", "<constant@form.example>", "<0@mail.example>", "<order@vendor.example>"))
    mails = [
        Written(
            number,
            f"From: c{number}@host{number}.example\nTo: {US}\nSubject: {dice.choice(SUBJECTS[:3])} {number}\n"
            f"Message-ID: {shared}\n\nText.",
        )
        for number in range(dice.randint(2, 8))
    ]
    dice.shuffle(mails)
    assert len(set(groups_of(mails))) == len(mails)


@pytest.mark.parametrize(
    "mail",
    [
        "To: {<}\n\nx",
        "To: {a, }\n\nx",
        "To: {<a;}\n\nx",
        "Subject: x\n\n{begin 644 a\n}",
        "Content-Type: text/enriched\n\n{<param>}",
        "Content-Type: text/html\n\n<br>{<a }",
        "Content-Type: text/html\n\n{<p>}",
        "Content-Type: text/html\n\n{<td>}",
    ],
)
def test_the_time_for_an_email_grows_with_its_length_not_with_its_square(mail: str) -> None:
    head, _, rest = mail.partition("{")
    piece, _, end = rest.partition("}")

    def seconds(times: int) -> float:
        raw = f"From: a@x.example\n{head}{piece * times}{end}".encode()
        started = time.process_time()
        parse_mail(raw, lambda _what: None)
        return time.process_time() - started

    seconds(100)
    # Four times as long takes about four times as long, and not sixteen times. Pauses of the interpreter are not counted.
    assert min(seconds(16_000) for _ in range(2)) < 9 * seconds(4_000) + 0.5
