"""Risk rules about files, about third persons, and about what was asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mm_tui.models import Attachment, Direction, Party
from mm_tui.review.findings import Finding, Level
from mm_tui.review.known import Acquaintances
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, EarlierEmail, ThreadContext
from mm_tui.text import ManyLine, OneLine

US = Party.parse("Harbour Cycles <help@harbourcycles.example>")
LENA = Party.parse("Lena Moreau <lena.moreau@moreau.example>")
KNOWN = frozenset({"lena.moreau@moreau.example", "d.reuter@reuterbau.example"})


def mail(body: str, *, ours: bool = False, day: int = 4) -> EarlierEmail:
    return EarlierEmail(
        sender=US if ours else LENA,
        to=(LENA if ours else US,),
        subject=OneLine("Bike"),
        body=ManyLine(body),
        direction=Direction.OUTBOUND if ours else Direction.INBOUND,
        received_at=datetime(2026, 5, day, tzinfo=UTC),
    )


def found(
    code: str,
    answer: str,
    *thread: EarlierEmail,
    files: tuple[str, ...] = (),
    known: frozenset[str] = KNOWN,
    least: Level = Level.MEDIUM,
) -> list[Finding]:
    context = ThreadContext(
        thread or (mail("How are you?"),),
        own_addresses=frozenset({str(US.address)}),
        contacts=Acquaintances.of(known),
        today=date(2026, 5, 5),
    )
    attachments = tuple(Attachment(name=OneLine(name), size=1000) for name in files)
    draft = Draft(sender=US, to=(LENA,), subject=OneLine("Re: Bike"), body=ManyLine(answer), attachments=attachments)
    return [one for one in assess(draft, context).findings if one.code == code and one.level >= least]


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
    assert found("bait_taken", answer, mail(question), known=frozenset())
    assert not found("bait_taken", answer, mail(question)), "known for long"
    refusal = "We do not do that by mail. A colleague will call you back."
    assert not found("bait_taken", refusal, mail(question), known=frozenset())


def test_a_day_of_ours_that_slips() -> None:
    thread = mail("The lending library wants it back by 19 June.", ours=True), mail("When must I bring it back?")
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


@pytest.mark.parametrize(
    "answer",
    [
        "Option 1: use the app. Option 2: call the desk. Then explain the problem to the courier.",
        "Please send the payment confirmation and I will get back to you.",
        "Log back into your account and you will not lose any data.",
        "Because we did not receive the form, the order waits. Any child under six rides for less.",
        "The shop is open from nine to five. It is closed on Sundays.",
        "Returns are free of charge. Express delivery costs 9.90.",
        "I have sent you a link to set a new password, and made it valid for a day.",
        "Your box comes on Wednesday, and the last one to the old address tomorrow.",
        "The parts leave tomorrow morning and will be with you by Friday.",
        "You will have a decision within 28 days.",
        "Open http://192.168.1.1 and press Update.",
    ],
)
def test_everyday_answers_stay_quiet(answer: str) -> None:
    asked = mail("I forgot my password and my account is locked. Are you available on Saturday? Returns? 9.90?")
    context = ThreadContext((asked,), own_addresses=frozenset({str(US.address)}), today=date(2026, 5, 5))
    draft = Draft(sender=US, to=(LENA,), subject=OneLine("Re: Bike"), body=ManyLine(f"Hi Lena,\n\n{answer}"))
    assert [one.words for one in assess(draft, context).findings if one.level >= Level.MEDIUM] == []


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


@pytest.mark.parametrize(
    ("code", "question", "quiet", "loud"),
    [
        (
            "promise_money",
            "I have to cancel tomorrow's lesson. Do I have to pay?",
            "Your lesson tomorrow is cancelled, and there is no charge.",
            "Your lesson tomorrow is cancelled. We refund the whole course today.",
        ),
        (
            "promise_money",
            "Könnten Sie den Termin verschieben?",
            "Ihr Termin am Montag ist abgesagt, Sie müssen nichts bezahlen.",
            "Wir erstatten Ihnen den vollen Kaufpreis.",
        ),
        (
            "promise_money",
            "My bill of £240 for twelve months: what do I get for eight of them?",
            "We can give you £160 credit for eight of the twelve months.",
            "We have credited your account with £190.",
        ),
        (
            "promise_money",
            "Can guests leave cars overnight?",
            "Cars can stay overnight at no charge; we just ask you to collect them on Sunday.",
            "To make up for the wait, we keep the car for you at no charge.",
        ),
        (
            "promise_money",
            "Do you take cards? I collect the bike on Saturday.",
            "If the gears need some tuning after that, we adjust them free of charge.",
            "We adjust your gears free of charge for life.",
        ),
        (
            "promise_money",
            "The trimmer has stopped. It has a guarantee.",
            "A courier will collect it at our expense.",
            "We will repair it at our expense, whatever it costs.",
        ),
        (
            "promise_money",
            "Can I freeze my membership ($89) for April?",
            "Freeze April: you pay nothing in April and the usual $89 from May.",
            "As an apology you pay nothing in April, and we refund March.",
        ),
        (
            "promise_money",
            "The lamp came broken.",
            "You can choose between a replacement and a refund.",
            "We will refund you in full.",
        ),
        (
            "promise_money",
            "My order is late.",
            "If it has not arrived by Monday, let us know and we will send another or refund you.",
            "We refund the whole order.",
        ),
        (
            "promise_money",
            "Wieviel zahlt ihr?",
            "Die Höhe der Entschädigung kann ich Ihnen heute noch nicht nennen.",
            "Die Entschädigung zahlen wir Ihnen heute noch.",
        ),
        (
            "promise_money",
            "Un caillou a cassé mon pare-brise. Franchise ?",
            "Vous réglez la facture et nous vous remboursons selon les garanties de votre contrat.",
            "Vous réglez la facture et nous vous remboursons la totalité.",
        ),
        (
            "promise_money",
            "Muss ich die Wallbox anmelden?",
            "Das übernehmen wir für Sie.",
            "Sämtliche Kosten übernehmen wir für Sie.",
        ),
        (
            "promise_discount",
            "We request 3 % discount.",
            "I have passed on your request for the discount.",
            "We grant you 5 % discount for the whole year.",
        ),
        ("promise_service", "We land late.", "Our desk is staffed all night.", "We guarantee 99.9 % uptime."),
        (
            "count_differs",
            "The invoice is for 12 hours, but we agreed on 10.",
            "The new invoice is for 10 hours.",
            "",
        ),
        (
            "count_differs",
            "We booked 2 seats. Is there room?",
            "There are five seats left.",
            "Yes, your 12 seats are booked.",
        ),
        (
            "count_differs",
            "Können wir von den 800 Dichtungen 310 Stück vorab bekommen?",
            "130 Stück sind fertig, 310 gehen nächste Woche raus.",
            "Ja, die 130 Stück gehen morgen raus.",
        ),
        ("identifier_differs", "Total 4,312.60.", "TK-1 is 1,372.60.", ""),
        (
            "wish_ignored",
            "Kindly pay to our new account. Do not call as our phones are affected.",
            "We do not change bank details by email. I will ring you on the number we hold.",
            "",
        ),
        (
            "weekday_wrong",
            "いつまでですか。",
            "5月6日(水)までに届けば、5月14日(木)に送ります。",
            "5月7日(水)までに届けば、送ります。",
        ),
        (
            "date_differs",
            "It came on the 8th and I sent it on 7 May.",
            "It did arrive on 8 May.",
            "Yes, it arrived on 7 June.",
        ),
        ("greets_stranger", "Peut-on payer ? Fatou", "Bonjour Fatou,\n\noui.", "Bonjour Aline,\n\noui."),
        (
            "signature_not_ours",
            "Why?",
            "As said.\n\nRegards\n\nIT Service Desk",
            "As said.\n\nRegards\n\nMarlow Service Desk",
        ),
        ("signature_not_ours", "Why?", "As said.\n\nRegards\nAccounts Payable", ""),
        (
            "signature_not_ours",
            "Is it open?\n\nLena Moreau",
            "It is.\n\nRegards\nLena\nHarbour Cycles",
            "It is.\n\nRegards\nLena Moreau\nHarbour Cycles",
        ),
        (
            "signature_not_ours",
            "Is it open?\n\nLena\nMoreau Fabrication",
            "It is.\n\nRegards\nKim\nHarbour Cycles",
            "It is.\n\nLena\nMoreau Fabrication",
        ),
        ("broken_form", "Why?", "Ann Lee <p.lee@lee.example> wrote:", "We are <p>open</p>."),
        (
            "promise_money",
            "Sie haben zweimal 49 € abgebucht.",
            "Das stimmt, die zweite Abbuchung haben wir heute erstattet.",
            "Wir erstatten Ihnen heute den gesamten Beitrag.",
        ),
        (
            "promise_money",
            "My parcel is two weeks late. Please refund me.",
            "It is lost, so I have refunded your order, including postage.",
            "It is lost, so I have refunded your order today and you get 20 % off the next one.",
        ),
        (
            "promise_money",
            "My visit is tomorrow, can I come on Friday?",
            "Yes, I have moved your visit to Friday. There is no charge.",
            "Yes, and to make up for the wait there is no charge for your visits.",
        ),
        (
            "promise_money",
            "The carpet smells since your visit.",
            "Would you like us to come again? You can choose:\n- we clean it again;\n- we refund the visit.",
            "We refund the whole visit.",
        ),
        (
            "promise_money",
            "E la caparra?",
            "La caparra viene restituita dopo il sopralluogo.",
            "La caparra le verrà restituita subito per intero.",
        ),
        (
            "cut_off",
            "Do you take more sheets?",
            "Yes, we can take sixty more sheets a week.\n\nThe driver comes on Mondays and Thursdays.\n\nBest\nKim",
            "Yes, we can take sixty more sheets a week.\n\nIf you could also please tell the driver\n\nBest\nKim",
        ),
        (
            "time_order",
            "When is the driver here?",
            "He comes between 4 pm and 6 pm, or between 10 and 11 am.",
            "He comes between 4 pm and 2 pm.",
        ),
        ("internal_note", "The pole broke.", "Note for Lena: keep the pole dry.", "Note for Dana: he sends all back."),
        ("template_hole", "When?", "It is the XXL size.", "He comes zwischen XX und XX Uhr."),
        (
            "date_differs",
            "Your letter says my cover ends on 30 April. When do I have to decide?",
            "Your cover ends on 30 April, so before that day.",
            "Your cover ends on 30 August, so before that day.",
        ),
        (
            "date_differs",
            "Er komt donderdag om 13.30 uur, klopt dat?",
            "Ja, dat klopt, hij komt om 13.30 uur.",
            "Ja, dat klopt, hij komt om 15.30 uur.",
        ),
        (
            "amount_not_in_thread",
            "Twelve adults at 42 €, cake too. How much is it?",
            "12 x 42 € = 504 €\nCake for 12 (3,50 € each) = 42,00 €\nTotal: 546 €",
            "The cake is 42,00 €, the adults 504 €. Total: 564 €.",
        ),
        ("promise_money", "One mug is broken.", "A new one is on its way, you can keep the broken one.", ""),
        ("promise_money", "When is the stair in?", "It is in on Friday.", "We knock off 200 for each day it is late."),
        (
            "identifier_differs",
            "Order 88213 has a broken mug.",
            "A new mug leaves today under order number 88231.",
            "Your order 88231 leaves today.",
        ),
        ("date_differs", "They are loud until 2 am!", "Quiet hours are from 10 pm to 7 am.", "Yes, we come at 3 am."),
        ("names_third_person", "Where is it?", "Your address is Flat 2, 18 Mill Lane.", ""),
        (
            "link_not_in_thread",
            "Do I need a visa?",
            "See https://www.gov.uk/check-uk-visa for the rules.",
            "See https://www.gov.uk.example.com/check-uk-visa for the rules.",
        ),
        (
            "other_language",
            "I sent the jacket back on Monday, 3 Nov. When do I get my money?",
            "Your jacket arrived yesterday and has been checked in. We write when the amount leaves.",
            "Votre veste est arrivée hier et nous l'avons contrôlée. Nous vous écrirons dès le départ du virement.",
        ),
        ("signature_not_ours", "Why?", "As said.\n\nRegards\nNight Desk", "As said.\n\nRegards\nFerndown Night Desk"),
        ("missing_attachment", "Exchange?", "Send it back with the enclosed label.", "The enclosed plan shows it."),
        (
            "amount_not_in_thread",
            "Your price of 3,450 USD seems steep, they offer 3,200.",
            "We can do USD 3,200 as well.",
            "We can do USD 3,540 as well.",
        ),
        (
            "amount_not_in_thread",
            "Breakfast is €14.50 per person, the garage €120. How much is it?",
            "For one night that is €134.50.",
            "For one night that is €143.50.",
        ),
        (
            "amount_not_in_thread",
            "The hall is free, rent 450 €. Do you need a deposit?",
            "The deposit is 150 €, the rest is due later.",
            "The rent is 540 €, as agreed.",
        ),
        (
            "amount_not_in_thread",
            "The 30 % of the 4.860,00 € is how much?",
            "Das sind 1.458,00 €.",
            "Das sind 4.680,00 €.",
        ),
        (
            "date_differs",
            "We are away from 25 July to 9 August.",
            "Done, we skip 30 July and 6 August.",
            "Done, we skip the week of 25 June.",
        ),
        (
            "date_differs",
            "Could you move the visit of 14 May to the week after?",
            "Yes, booked: 21 May.",
            "",
        ),
        (
            "identifier_differs",
            "Order KL-30551 has the wrong size.",
            "I have made a new order, KL-30612, for the right one.",
            "Order KL-30561 leaves today.",
        ),
        ("payment", "Our bank asks.", "Your bank details have not changed.", "We have changed your bank details."),
        (
            "greets_stranger",
            "您好，我想改期。黄雅婷",
            "黃小姐您好：\n没问题，已经帮您改到周五。",
            "陳小姐您好：\n没问题，已经帮您改到周五。",
        ),
        (
            "greets_stranger",
            "旅教育社の小川と申します。",
            "旅教育社\n小川様\n承知しました。",
            "旅教育社\n中村様\n承知しました。",
        ),
    ],
)
def test_a_good_answer_is_quiet_and_a_bad_one_like_it_is_not(code: str, question: str, quiet: str, loud: str) -> None:
    assert not found(code, quiet, mail(question))
    if loud:
        assert found(code, loud, mail(question))
