"""Which mail the worker takes, and which gets a reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import asdict

from mm_tui.agent import policy
from mm_tui.agent.policy import Situation
from mm_tui.models import EmailDetail, EmailSummary, Mailbox, Party, RawContent
from mm_tui.settings.sections import Agent
from mm_tui.text import ManyLine, OneLine

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AGENT = Agent(reply_labels=("support",))


def mail(
    number: int = 1, *, direction: str = "inbound", status: str = "unread", sender: str = "a@c.example"
) -> EmailSummary:
    return EmailSummary(
        id=f"01MAIL{number:04}",
        mailbox_id="box",
        sender=Party.parse(sender),
        direction=OneLine(direction),
        status=OneLine(status),
        received_at=NOW + timedelta(minutes=number),
        thread_id="thread",
    )


def situation(
    *others: EmailSummary,
    about: EmailSummary | None = None,
    label: str = "support",
    mode: str = "gated_send",
    own_replies: dict[str, datetime | None] | None = None,
    known: bool = True,
) -> Situation:
    subject = about or mail()
    return Situation(
        mail=subject,
        label=label,
        mailbox=Mailbox(id="box", address=OneLine("support@us.example"), oversight_mode=OneLine(mode))
        if known
        else None,
        thread=(subject, *others),
        own_addresses={"support@us.example"},
        own_replies=own_replies or {},
        now=NOW,
    )


def test_a_plain_mail_gets_a_reply() -> None:
    assert policy.why_no_reply(situation(), AGENT) is None
    assert policy.why_no_reply(situation(mode="gated_all"), AGENT) is None


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (situation(label="spam"), "the label spam gets no replies"),
        (situation(known=False), "not known"),
        (situation(mode="autonomous"), "no human would be asked"),
        (situation(mode="monitored"), "no human would be asked"),
        (situation(mode="read_only"), "read_only"),
        (situation(mode="something_new"), "something_new"),
        (situation(mode=""), "no known mode"),
        (situation(about=mail(sender="Support@US.example")), "our own"),
        (situation(about=mail(sender="support+refunds@us.example")), "our own"),
        (situation(about=mail(sender="no-reply@c.example")), "a machine"),
        (situation(about=mail(sender="Mailer-Daemon@c.example")), "a machine"),
        (situation(about=mail(sender="noreply+x@c.example")), "a machine"),
        (situation(about=mail(sender="nobody")), "no address"),
        (situation(mail(2, direction="outbound", status="sent")), "has an answer: 01MAIL0002"),
        (situation(mail(2, direction="outbound", status="pending_send_approval")), "has an answer"),
        (situation(mail(2, direction="outbound", status="rejected")), "has an answer"),
        (situation(mail(2)), "a newer email in the thread"),
        (situation(own_replies={str(number): NOW for number in range(5)}), "too many replies"),
    ],
)
def test_reasons_against_a_reply(case: Situation, words: str) -> None:
    assert words in (policy.why_no_reply(case, AGENT) or "")


@pytest.mark.parametrize(
    "case",
    [
        situation(mail(0, direction="outbound", status="sent")),
        situation(mail(2, direction="outbound", status="sent"), own_replies={"01MAIL0002": NOW}),
        situation(mail(2, status="spam_flagged")),
        situation(mail(2, sender="mailer-daemon@c.example")),
        situation(mail(2, sender="support@us.example")),
        situation(mail(2).replaced(subject=OneLine("Automatic reply: out of office"))),
        situation(own_replies={str(number): NOW - timedelta(days=2) for number in range(9)}),
        situation(about=mail(sender="noreplyson@c.example")),
    ],
)
def test_no_reason(case: Situation) -> None:
    assert policy.why_no_reply(case, AGENT) is None


MACHINE_SENDERS = (
    "no-reply", "noreply", "no_reply", "no.reply", "donotreply", "do-not-reply", "do_not_reply", "dont-reply",
    "noreply+abc", "noreply123", "support-noreply", "shop.no-reply", "NOREPLY", "nao-responda", "naoresponda",
    "no-responder", "noresponder", "no-contestar", "ne-pas-repondre", "nepasrepondre", "nicht-antworten",
    "nichtantworten", "keine-antwort", "non-rispondere", "nonrispondere", "geen-antwoord", "svara-inte", "svarej",
    "ikke-svar", "ala-vastaa", "nie-odpowiadaj", "neodpovidat", "mailer-daemon", "MAILER-DAEMON", "postmaster",
    "bounce", "bounces+77", "list-bounces", "notifications", "notification", "alerts", "autoreply", "auto-reply",
    "auto-confirm", "automated", "calendar-notification", "newsletter", "do-not-reply-2",
)  # fmt: skip


@pytest.mark.parametrize("local", MACHINE_SENDERS)
def test_a_machine_s_address_gets_no_reply(local: str) -> None:
    assert "a machine" in (policy.why_no_reply(situation(about=mail(sender=f"{local}@c.example")), AGENT) or "")


@pytest.mark.parametrize(
    "local",
    ["noreplyson", "noel.replyer", "anna", "info", "bob.alertson", "reply", "orders", "nora.bouncer", "support"],
)
def test_a_person_s_address_is_no_machine_s(local: str) -> None:
    assert policy.why_no_reply(situation(about=mail(sender=f"{local}@c.example")), AGENT) is None


def an_email(subject: str, body: str = "", automatic: str = "", reply_to: str = "") -> EmailDetail:
    about = mail()
    return EmailDetail(
        **{**asdict(about), "subject": OneLine(subject)},
        body=ManyLine(body),
        automatic=OneLine(automatic),
        reply_to=(Party.parse(reply_to),) if reply_to else (),
        raw=RawContent(sender="a@c.example"),
    )


@pytest.mark.parametrize(
    ("case", "words"),
    [
        *(
            (an_email(subject), "automatic reply")
            for subject in (
                "Automatic reply: Your refund",
                "RE: Out of Office: your refund",
                "Abwesenheitsnotiz: Ihre Frage",
                "Automatische Antwort: Frage",
                "Réponse automatique : Votre commande",
                "Respuesta automática: pedido",
                "Resposta automática: pedido",
                "Risposta automatica: ordine",
                "Automatisch antwoord: bestelling",
                "Autosvar: order",
                "Automatisk svar: ordre",
                "Automaattinen vastaus: tilaus",
                "Automatyczna odpowiedź: pytanie",
                "Automatická odpověď: dotaz",
                "Автоответ: вопрос",
                "自動応答: ご注文",
                "自动回复: 订单",
                "자동 회신: 주문",
            )
        ),
        *(
            (an_email(subject), "delivery report")
            for subject in (
                "Undelivered Mail Returned to Sender",
                "Undeliverable: Your refund",
                "Delivery Status Notification (Failure)",
                "Mail delivery failed: returning message to sender",
                "failure notice",
                "Unzustellbar: Ihre Frage",
                "Non remis : commande",
                "No se puede entregar: pedido",
                "Returned mail: see transcript for details",
                "系统退信/Systems bounce",
                "Недоставленное сообщение",
            )
        ),
        *(
            (an_email(subject), "receipt")
            for subject in ("Read: Your refund", "Gelesen: Frage", "Lu : commande", "Leído: pedido", "開封済み: 件")
        ),
        *(
            (an_email(subject), "calendar")
            for subject in (
                "Accepted: Fitting @ Mon 4 Dec",
                "Declined: Fitting",
                "Updated invitation: Fitting",
                "Einladung: Termin",
                "Zusage: Termin",
                "Aceptado: Reunión",
                "Canceled event: Fitting",
            )
        ),
        (an_email("Re: order", "This is an automated message. Please do not reply."), "automatic"),
        (an_email("Re: order", "I am out of office until 7 December."), "automatic"),
        (an_email("Ihre Anfrage", "Diese E-Mail wurde automatisch erstellt."), "automatic"),
        (an_email("订单", "系统邮件，请勿回复。"), "automatic"),
        (an_email("Your refund", "Not delivered: ann@x.example: there is no such mailbox"), "report"),
        (an_email("Digest", "Who can come?", "list-id: <talk.lists.example>"), "its headers"),
        (an_email("A question", "Who can come?", reply_to="no-reply@c.example"), "a machine"),
        (an_email("A question", "Who can come?", reply_to="Support <support+7@US.example>"), "answer to ourselves"),
    ],
)
def test_what_machines_write_gets_no_reply(case: EmailDetail, words: str) -> None:
    assert words in (policy.why_no_reply(situation(about=case), AGENT) or "")


@pytest.mark.parametrize(
    "case",
    [
        an_email("Re: Your refund", "Where is it?\n\n> This is an automated message, do not reply."),
        an_email("Out of office chairs?", "Do you have more?"),
        an_email("Absence de facture", "Je n'ai pas de facture."),
        an_email("Delivery failed for order 5512", "The parcel never came."),
        an_email("Automatic watering: which hose?", "Which one fits?"),
        an_email("Read this please", "It is important."),
        an_email("Undelivered parcel 81", "Where is it?"),
        an_email("Can I return the lamp?", "It is broken."),
    ],
)
def test_what_people_write_about_such_things_gets_one(case: EmailDetail) -> None:
    assert policy.why_no_reply(situation(about=case), AGENT) is None


def test_ungated_mailboxes_only_by_choice_and_never_with_gaps() -> None:
    chosen = Agent(reply_labels=("support",), reply_ungated=True)
    for mode in ("monitored", "autonomous"):
        case = situation(mode=mode)
        assert policy.why_no_reply(case, chosen) is None
        assert case.mailbox is not None
        for gap in ("[your answer here]", "[hier Ihre Antwort]"):
            assert "gaps" in (policy.why_not_this_draft(f"Hi, {gap}", case.mailbox, mail()) or "")
        assert policy.why_not_this_draft("Hi, yes.", case.mailbox, mail()) is None
    assert "read_only" in (policy.why_no_reply(situation(mode="read_only"), chosen) or "")
    gated = situation().mailbox
    assert gated is not None
    assert policy.why_not_this_draft("Hi, [your answer here]", gated, mail()) is None


@pytest.mark.parametrize(
    ("direction", "status", "worked"),
    [
        ("inbound", "unread", True),
        ("inbound", "read", True),
        ("inbound", "pending_inbound_approval", False),
        ("inbound", "spam_flagged", False),
        ("inbound", "archived", False),
        ("inbound", "something_new", False),
        ("outbound", "read", False),
    ],
)
def test_which_mail_is_worked(direction: str, status: str, worked: bool) -> None:
    assert policy.is_worked(mail(direction=direction, status=status)) is worked


def test_the_answer_is_the_newer_outbound_mail_that_is_not_another_mails() -> None:
    thread = situation(
        mail(0, direction="outbound"), mail(2, direction="outbound"), mail(3, direction="outbound")
    ).thread
    assert policy.answer_in(thread, mail(), {"01MAIL0002"}) == "01MAIL0003"
    assert policy.answer_in(thread, mail(), {"01MAIL0002", "01MAIL0003"}) is None
    assert policy.answer_in(None, mail(), {}) is None
