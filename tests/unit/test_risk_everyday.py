"""Everyday answers and sentences, which no rule flags."""

from __future__ import annotations

import pytest

from mm_tui.models import Party
from mm_tui.review.findings import Level
from tests.support.risk import Correspondence

BIKE = Correspondence(
    Party.parse("Harbour Cycles <help@harbourcycles.example>"),
    Party.parse("Lena Moreau <lena.moreau@moreau.example>"),
)


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
    asked = BIKE.theirs("I forgot my password and my account is locked. Are you available on Saturday? Returns? 9.90?")
    assert BIKE.codes(f"Hi Lena,\n\n{answer}", asked) == set()


@pytest.mark.parametrize(
    "sentence",
    [
        "Here is the answer to your question: oil it.",
        "Here is the email address of the workshop.",
        "Our fraud team will call you.",
        "We will deal with it today.",
        "Hey, thank you for writing.",
        "We suspect a loose cable.",
        "社内で確認いたします。",
        "The manual is confidential reading only in jest.",
        "I have checked the account for you.",
        "Please do not share your password with anybody.",
        "You can pay by card or in the shop.",
        "The code is printed below the saddle.",
    ],
)
def test_everyday_sentences_are_not_high(sentence: str) -> None:
    found = BIKE.findings(f"Hello Lena,\n\n{sentence}", BIKE.theirs("My bike squeaks."))
    assert all(one.level < Level.HIGH for one in found)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much is a ticket for a child?", "A ticket for a child costs £6.50; under 6 is free."),
        ("200 leaflets were £310. And for 500?", "For 500 leaflets the price is £590, delivery included."),
        ("What are your terms? I have $18,000 to spend.", "Loans between $10,000 and $50,000 run for two years."),
        ("Is there a discount for students?", "Yes, students get 10% off with a valid card."),
        ("When will I hear from you?", "We are still reading and will get back to you by Friday."),
        ("The jacket is too small.", "Send it back; once we have received it, the refund goes to your card."),
        ("Where is my refund?", "I have passed your request for a refund on to our accounts team."),
        ("When do I pay?", "Afterwards, so there is nothing to pay now. Sorry about the ride for nothing."),
        ("60 rolls, ten of them without salt?", "Your order: 50 rolls with salt, 10 without."),
        ("Sunday at 20.30 the sauna was closed.", "On Sundays it closes at 20.00, on other days at 21.30."),
        ("When is the invoice due?", "It is payable within 30 days of the invoice date."),
        ("I live in Flat 2.", "The electrician, Mr Bassi, can come to Flat 2 on Friday."),
        ("Can I cancel?", "You can cancel free of charge until 48 hours before."),
        ("Can my sister go instead?", "Yes, I have transferred the booking to your sister."),
        ("My flight is at 06:40. When should I be there?", "Please be at the desk by 04:40."),
        ("Can you come on 14 October?", "I'm afraid not. We could come on 13 October in the afternoon."),
        ("Two rooms from 11 to 22 January?", "In January nothing is left. From 22 February two rooms are free."),
        ("We will be 12 instead of 10 people.", "Thank you, I have changed the booking to 12 people."),
        ("Which evenings?", "Tuesday 19 January 2027\nThursday 21 January 2027\nWednesday 27 January 2027"),
        ("What does it cost a year?", "The year runs from 1 September to 31 August, and costs £95."),
        ("Do you take cards?", "Cards and UK Direct Debit are what we support."),
        ("I asked twice!", "I'm sorry that nobody told you. Thank you once again for your patience."),
        ("Is it hard to clean?", "Open it slowly so that nothing spills; even cold water will do."),
        ("Wer haftet?", "Wir stehen Ihnen gern für ein Gespräch zur Verfügung. Wir haben vergessen zu antworten."),
        ("Le parking est-il gratuit ?", "Oui, le parking est gratuit. Ce n'est pas grave si vous arrivez tard."),
        ("¿Y mi maleta?", "No somos responsables de objetos olvidados. ¡Qué pena!"),
        ("Quanto manca?", "Restano 128,40 €. Grazie per la pazienza, il suo bonifico effettuato ieri è arrivato."),
        ("Kan ik betalen?", "Uw betaling is verwerkt. Morgen maken we een afspraak over de fiets."),
        ("Avez-vous ma lettre ?", "Nous avons reçu les pièces jointes. Envoyez le relevé en réponse à ce message."),
        ("Tengo cita el miércoles a las 9:00.", "Hemos anulado la cita; le hemos reservado el viernes a las 8:30."),
        ("Wanneer?", "Woensdag om 13.40 uur. U hoeft niets te doen als u automatische incasso heeft."),
        ("返品できますか。", "納品書を同封してください。確認は無料で、費用はかかりません。"),
        ("Ile płacę?", "Przy zwrocie żadna płatność nie jest potrzebna. Pana dom jest wolny."),
        ("いつ届きますか。", "お忙しいところ何度もご迷惑をおかけしました。お振込みいただきありがとうございます。"),
        ("可以退吗?", "可以的,收到衣服后会按原路退款。麻烦您没看到邮件时告诉我们。"),
    ],
)  # fmt: skip
def test_an_everyday_answer_is_quiet(question: str, answer: str) -> None:
    assert BIKE.codes(f"{answer}\n\nHarbour Cycles", BIKE.theirs(question)) == set()
