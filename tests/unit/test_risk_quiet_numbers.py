"""Numbers of a careful colleague are not flagged, and the fault that looks like theirs still is."""

from __future__ import annotations

import pytest

from tests.support.risk import at_helio


@pytest.mark.parametrize(
    ("code", "asked", "good", "bad"),
    [
        (
            "date_differs",
            "Did my parcel arrive? I sent it on 5 March.",
            "Yes, it came in on 10 March.",
            "Yes, the parcel of 5 May is here.",
        ),
        (
            "sum_wrong",
            "What is the tour for four?",
            "It costs $24 per person; the total of $100 includes lunch.",
            "It costs $24 per person; the total is $100.",
        ),
        (
            "amount_not_in_thread",
            "£148.50 a pallet for 3 pallets?",
            "3 pallets at £148.50 plus £36.00 delivery make £481.50.",
            "3 pallets at £184.50.",
        ),
        (
            "amount_not_in_thread",
            "What do three beds cost?",
            "Three beds   567 €\nSoil   210 €\nPlants   105 €\nWork   150 €\n       -----\nTotal   1.032 €",
            "Three beds   567 €\nSoil   210 €\nPlants   105 €\nWork   150 €\n       -----\nTotal   1.302 €",
        ),
        (
            "sum_wrong",
            "What does the hall cost?",
            "Hall, 3 hours at £84: £252\nKitchen: £36\nTotal: £288",
            "Hall, 3 hours at £84: £252\nKitchen: £36\nTotal: £388",
        ),
        (
            "sum_wrong",
            "Was kosten drei Nächte?",
            "3 Nächte zu 24 € sind 72 €, dazu Strom 12 €, macht zusammen 84 €.",
            "3 Nächte zu 24 € sind 72 €, dazu Strom 12 €, macht zusammen 94 €.",
        ),
        (
            "sum_wrong",
            "What do I owe for three?",
            "3 bags at £148.50 plus £36.00 delivery makes £481.50, or £491.50 in total with the £10.00 for the pallet.",
            "3 bags at £148.50 plus £36.00 delivery makes £491.50.",
        ),
        (
            "count_differs",
            "The work takes 6 days, I hear?",
            "It takes six working days.",
            "Yes, it takes six weeks.",
        ),
        ("count_differs", "Is 55 psi right?", "Yes, 55 psi is right.", "Yes, 55 bar is right."),
        (
            "number_differs",
            "Breite 84,5 cm, passt das?",
            "Breite: 84,5 cm\nHöhe: 845 mm",
            "Breite: 845 cm",
        ),
        (
            "number_differs",
            "I would pay 29.5 with 4.20 for the rest.",
            "Colm would do €29,500 for all 24 of them.",
            "Colm would do €25.90 for all of them.",
        ),
        (
            "amount_not_in_thread",
            "The invoice is £2,481.60, may I take off £500.00?",
            "That means £2,481.60 less £500.00, so there is £1,981.60 to pay.",
            "That means £2,418.60 less £500.00, so there is £1,918.60 to pay.",
        ),
        (
            "amount_not_in_thread",
            "Was kosten drei Bände zu 48,50 €?",
            "Bei drei Bänden also 145,50 € netto.",
            "Bei drei Bänden also 154,50 € netto.",
        ),
        (
            "span_differs",
            "We stay from 4 to 6 December. Could we stay until the 7th?",
            "Gladly: your booking is now from 4 to 7 December.",
            "Gladly: your booking is now from 4 to 9 December.",
        ),
        (
            "date_differs",
            "You have had my bike since Friday. I come on 12 May.",
            "Yes, and it is ready on Thursday.",
            "Yes, come on 12 June.",
        ),
        (
            "count_differs",
            "The container of 10 m³ is full. The minutes have 12 items attached.",
            "We bring a bag of 1 m³. Version 2 is attached.",
            "The container of 10 cm³ goes tomorrow.",
        ),
        (
            "identifier_differs",
            "Please refund order 10492.",
            "Order 10492 is refunded, and order 10429 is free for you.",
            "We have refunded order 10429 free of charge.",
        ),
        (
            "weekday_wrong",
            "7 and 8, or 14 and 15 December?",
            "Monday and Tuesday, 14 and 15 December 2026 are free, 14 and 15 December 2026 (Monday and Tuesday).",
            "Tuesday, 14 December 2026 is free.",
        ),
        (
            "identifier_differs",
            "Please send the photos of items 4410-4436.",
            "Those of 4432-4436 follow on Thursday.",
            "Those of 4410-4463 follow on Thursday.",
        ),
        (
            "time_order",
            "Is there room?",
            "There are seven places left on Saturday, 13 June.",
            "Your parcel left on Saturday, 13 June.",
        ),
        ("sum_wrong", "For 14?", "£24.00 + 14 x £4.50 = £87.00 a month", "£24.00 + 14 x £4.50 = £97.00 a month"),
        ("sum_wrong", "Less the deposit?", "1.250,00 € - 200,00 € = 1.050,00 €", "1.250,00 € - 200,00 € = 1.150,00 €"),
        ("sum_wrong", "How much power?", "12 x 430 W = 5.16 kWp", "12 x 430 W = 5.61 kWp"),
        (
            "sum_wrong",
            "Can Dr Hsu come next week for the vaccinations?",
            "Twelve at $48.00 plus one visit fee of $95.00 = $671.00.",
            "12 at $48.00 = $567.00.",
        ),
    ],
)
def test_what_looks_like_a_fault(code: str, asked: str, good: str, bad: str) -> None:
    assert code not in at_helio(asked, good)
    assert code in at_helio(asked, bad)
