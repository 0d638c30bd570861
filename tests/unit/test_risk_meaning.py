"""Risk rules about files, about third persons, and about what was asked for."""

from __future__ import annotations

import pytest

from mm_tui.models import Party
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, EarlierEmail, ThreadContext
from mm_tui.text import ManyLine
from tests.support.risk import Correspondence

US = Party.parse("Harbour Cycles <help@harbourcycles.example>")
LENA = Party.parse("Lena Moreau <lena.moreau@moreau.example>")
BIKE = Correspondence(US, LENA, known=("lena.moreau@moreau.example", "d.reuter@reuterbau.example"))
mail, found = BIKE.theirs, BIKE.found


@pytest.mark.parametrize(
    ("answer", "files"),
    [
        ("Your contract is attached.", ()),
        ("Both documents are attached.", ("contract.pdf",)),
        ("I attach the plan of the room and the menu.", ("menu.pdf",)),
        ("Die Preisliste ist angehängt.", ()),
    ],
)
def test_a_file_that_is_named_and_not_there(answer: str, files: tuple[str, ...]) -> None:
    assert found("missing_attachment", answer, files=files)


@pytest.mark.parametrize(
    ("answer", "files"),
    [
        ("Thank you for your attached photos.", ()),
        ("Both documents are attached.", ("a.pdf", "b.pdf")),
        ("I attach the plan of the room and the menu.", ("menu.pdf", "plan.pdf")),
        ("Please send the form again as a PDF.", ()),
    ],
)
def test_files_that_are_there_or_not_ours(answer: str, files: tuple[str, ...]) -> None:
    assert not found("missing_attachment", answer, files=files)


@pytest.mark.parametrize(
    ("question", "answer", "wrong", "right"),
    [
        ("Please send quote D-2291.", "The quote is attached.", "quote-D-2219.pdf", "quote-D-2291.pdf"),
        ("The May bill, please.", "The bill for May 2026 is attached.", "bill-2026-03.pdf", "bill-2026-05.pdf"),
        ("Il verbale?", "In allegato il verbale 2026.", "verbale-2025.pdf", "verbale-2026.pdf"),
        ("Invoice GA-55018 again, please.", "Here is invoice GA-55018.", "GA-55108.pdf", "GA-55018.pdf"),
        ("The sheet of the UP 60?", "Attached is the sheet of the UP 60.", "Sheet_UP40.pdf", "Sheet_UP60.pdf"),
        ("Our contract, please.", "The contract is attached.", "contract-reuterbau.pdf", "contract-moreau.pdf"),
        ("Please confirm PO 4500207.", "We confirm PO 4500207.", "OC-4500193.pdf", "OC-4500207.pdf"),
    ],
)
def test_a_file_that_does_not_fit_the_text(question: str, answer: str, wrong: str, right: str) -> None:
    assert found("attachment_other", answer, mail(question), files=(wrong,))
    assert not found("attachment_other", answer, mail(question), files=(right,))


def test_a_file_for_colleagues() -> None:
    for name in ("L-07-internal-valuation.xlsx", "Kalkulation_intern.pdf", "報価_社内.pdf"):
        assert found("internal_file", "Here it is.", mail("The contract?"), files=(name,))
    for name in ("contract.pdf", "international-terms.pdf", "Internet-Vertrag.pdf"):
        assert not found("internal_file", "Here it is.", mail("The contract?"), files=(name,))


BAITS = [
    ("Please pay our invoices to the new bank account IBAN LT12 1000.", "We have changed the account in our system."),
    ("Reply with the six-digit code that you have just got.", "The code is 480 221."),
    ("Sind Sie am Platz? Ich brauche heute noch eine Überweisung.", "Ich veranlasse das, sobald ich die IBAN habe."),
    ("I need five gift cards today, I'll pay you back.", "Sure, I'll get them in my break."),
    (
        "Move the owner login to this address, turn off 2FA.",
        "Your owner login has this address now, 2FA off.",
    ),
    ("Envíe la lista de clientes con su fecha de nacimiento.", "Aquí va la lista de clientes con fechas."),
]


@pytest.mark.parametrize(("question", "answer"), BAITS)
def test_a_draft_that_grants_what_a_stranger_asks_for(question: str, answer: str) -> None:
    assert found("bait_taken", answer, mail(question), known=())
    assert not found("bait_taken", answer, mail(question)), "known for long"
    refusal = "We do not do that by mail. A colleague will call you back."
    assert not found("bait_taken", refusal, mail(question), known=())


def test_a_day_of_ours_that_slips() -> None:
    thread = BIKE.ours("The lending library wants it back by 19 June."), mail("When must I bring it back?")
    assert found("date_differs", "It has to be back with us by 29 June.", *thread)
    assert not found("date_differs", "It has to be back with us by 19 June.", *thread)
    assert not found("date_differs", "Shall we say by 29 June instead?", *thread)


def test_sources_that_occur_nowhere() -> None:
    # Low: a company cites its own contracts alike.
    assert found("source_not_in_thread", "Under clause 9b of the policy it is covered.", least=Level.LOW)
    assert found("source_not_in_thread", "Zgodnie z § 14 regulaminu nie można.", least=Level.LOW)
    assert not found("source_not_in_thread", "Clause 9b covers it.", mail("What does clause 9b say?"), least=Level.LOW)


def test_what_is_disclosed_about_a_third_person() -> None:
    assert found("names_third_person", "I see that Mr Kolbe owes two months of rent.")
    assert found("names_third_person", "You are in luck: Brian Castell just cancelled his session.")
    assert not found("names_third_person", "You are in luck: Brian Castell has time for you.")
    assert not found("names_third_person", "Our engineer Mr Kolbe will call you about the room.")
    assert not found("names_third_person", "Mrs Moreau, the room is free.")
    assert not found("names_third_person", "I cannot say whether Mr Kolbe owes rent.")


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("empty_body", "Hi Lena,\n\n"),
        ("empty_body", "Hi Lena,\n\nBest regards,\nHarbour Cycles"),
        ("cut_off", "Three things keep it running:\n\n1. Oil the chain.\n2."),
        (
            "repeats_itself",
            "Oil it and check it every month, and\ncheck it every month, and check it every month, and so on.",
        ),
        ("repeats_itself", "It ships this week. It ships this week. It ships this week."),
        ("broken_form", "```email\nSubject: Bike\nBody:\nDear Lena, it is ready.\n```"),
        ("model_talk", "<thinking>She asks for the bike.</thinking>\nIt is ready."),
        ("internal_note", "It is ready.\n\n[Note for Dana: third time late, do not give her another one]"),
        ("template_hole", "It weighs __ kg."),
    ],
)
def test_the_form_of_what_tools_put_out(code: str, answer: str) -> None:
    assert found(code, answer)


@pytest.mark.parametrize(
    "answer", ["Hi Lena,\n\nThank you, it is ready.\n\nBest regards,\nHarbour Cycles", "Hello Lena, yes. Come at nine."]
)
def test_a_short_answer_is_not_empty(answer: str) -> None:
    assert not found("empty_body", answer)


def test_what_was_left_out_of_a_very_long_thread_is_noted() -> None:
    def left_out(*thread: EarlierEmail, body: str = "Thank you.") -> list[str]:
        draft = Draft(sender=US, to=(LENA,), body=ManyLine(body))
        said = assess(draft, ThreadContext(thread, own_addresses=frozenset({str(US.address)}))).unchecked
        return [str(words) for words in said if words.startswith("not read: ")]

    assert left_out(mail("Order 4711 please.")) == []
    assert "numbers in the older emails" in left_out(mail("Order 4711 please.\n" * 3000))[0]
    assert any("what the last email asks for" in words for words in left_out(mail("a word\n" * 6000)))
    assert any("orders to an AI" in words for words in left_out(mail("a word\n" * 9000)))
    assert any("repetitions" in words for words in left_out(mail("Hello."), body="a word\n" * 4000))
    assert any("newest 20 emails" in words for words in left_out(*[mail("Hello.")] * 21))


@pytest.mark.parametrize("hole", ["[due date]", "<delivery date>", "【酒店名称】"])
def test_a_field_with_a_description_is_a_hole(hole: str) -> None:
    assert found("template_hole", f"It is {hole}, see you then.")


@pytest.mark.parametrize("text", ["[external email]", "see [the page](https://harbourcycles.example/a)"])
def test_other_brackets_are_no_holes(text: str) -> None:
    assert not found("template_hole", f"It is {text}, see you then.")


@pytest.mark.parametrize(
    "answer",
    [
        "Bis Freitag ist die Lampe garantiert repariert.",
        "Votre lampe sera réparée sans faute au plus tard jeudi.",
        "Tiene la lámpara arreglada antes del viernes, sin falta.",
        "Até sexta, sem falta, tem a lâmpada pronta em casa.",
        "Entro domani la lampada è sicuramente pronta.",
        "De lamp staat gegarandeerd uiterlijk morgen bij u.",
        "Lampa na pewno będzie gotowa najpóźniej w piątek.",
        "明日までに必ず新しいランプをお届け完了します。",
        "明天之前一定修好。",
    ],
)
def test_a_deadline_with_emphasis(answer: str) -> None:
    (deadline,) = found("promise_deadline", answer, least=Level.LOW)
    assert deadline.level is Level.MEDIUM
