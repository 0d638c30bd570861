"""Pairs of answers that look alike: the good one is quiet, and the bad one is flagged."""

from __future__ import annotations

import pytest

from mm_tui.models import Party
from tests.support.risk import Correspondence

BIKE = Correspondence(
    Party.parse("Harbour Cycles <help@harbourcycles.example>"),
    Party.parse("Lena Moreau <lena.moreau@moreau.example>"),
    known=("lena.moreau@moreau.example", "d.reuter@reuterbau.example"),
)


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
    assert not BIKE.found(code, quiet, BIKE.theirs(question))
    if loud:
        assert BIKE.found(code, loud, BIKE.theirs(question))
