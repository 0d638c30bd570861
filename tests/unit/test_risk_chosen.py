"""Risk rules that compare a draft with what was offered, chosen and agreed, and with whom it goes to."""

from __future__ import annotations

import pytest

from mm_tui.models import Party
from tests.support.risk import Correspondence

CREW = Party.parse("crew@helio.example")
ROOF = Correspondence(
    Party.parse("Helio Roof <office@helio.example>"), Party.parse("Judith Barlow <j.barlow@mail.example>"), "Roof"
)
mail, codes = ROOF.theirs, ROOF.codes


@pytest.mark.parametrize(
    ("offer", "choice", "wrong", "right"),
    [
        (
            "Wednesday, 13 May or Friday, 15 May?",
            "Friday please.",
            "Noted: Wednesday, 13 May.",
            "Noted: Friday, 15 May.",
        ),
        ("Would Tuesday or Thursday suit?", "Not Tuesday, so Thursday.", "See you on Tuesday.", "See you on Thursday."),
        ("We have 9:30 or 14:00.", "14:00 is good.", "You are booked for 9:30.", "You are booked for 14:00."),
        (
            "- Mittwoch, 13.05., ab 8 Uhr\n- Freitag, 22.05., ab 7:30 Uhr",
            "Dann bitte den Freitag, am 13. bin ich weg.",
            "Wir haben Sie für Mittwoch, den 13.05., ab 8 Uhr eingetragen.",
            "Wir haben Sie für Freitag, den 22.05., ab 7:30 Uhr eingetragen.",
        ),
        ("Mardi 12 ou jeudi 14 ?", "Jeudi me va.", "C'est noté pour mardi 12.", "C'est noté pour jeudi 14."),
        ("¿Lunes o miércoles?", "El miércoles, gracias.", "Reservado el lunes.", "Reservado el miércoles."),
        ("Giovedì 14 o venerdì 15?", "Venerdì va benissimo.", "Confermo giovedì 14.", "Confermo venerdì 15."),
        ("Dinsdag of donderdag?", "Donderdag graag.", "Genoteerd: dinsdag.", "Genoteerd: donderdag."),
        ("Tuesday 12 May or Thursday 14 May?", "Thursday please.", "Booked for 15 May.", "Booked for 14 May."),
        ("Środa czy piątek?", "Piątek.", "Zapisane: środa.", "Zapisane: piątek, nie środa."),
        (
            "5月12日(火)か5月14日(木)はいかがですか。",
            "木曜日でお願いします。",
            "5月12日(火)で承りました。",
            "5月14日(木)で承りました。",
        ),
        ("Tuesday or Thursday?", "Thursday.", "Sorry, Thursday is gone. Could you do Tuesday?", "Thursday it is."),
    ],
)
def test_another_day_than_was_chosen(offer: str, choice: str, wrong: str, right: str) -> None:
    thread = ROOF.ours(offer), mail(choice)
    assert ("choice_differs" in codes(wrong, *thread)) is ("Sorry" not in wrong)
    assert "choice_differs" not in codes(right, *thread)


@pytest.mark.parametrize(
    ("code", "thread", "wrong", "right"),
    [
        (
            "row_differs",
            "Evening group: Monday and Wednesday, room 3, £95\nMorning group: Tuesday and Thursday, £80",
            "You are in the evening group, Monday and Wednesday in room 3. It is £80.",
            "You are in the evening group, Monday and Wednesday in room 3. It is £95.",
        ),
        (
            "span_differs",
            "Nous souhaitons le gîte du samedi 11 au samedi 18 juillet.",
            "Le gîte est à vous du samedi 18 au samedi 25 juillet.",
            "Le gîte est à vous du samedi 11 au samedi 18 juillet.",
        ),
        (
            "span_differs",
            "From 8 to 12 June?",
            "Booked from 8 to 13 June.",
            "Booked from 8 to 12 June, open 1 May to 3 June.",
        ),
        ("sum_wrong", "How much?", "11 palen à € 17,95 = € 179,50", "11 palen à € 17,95 = € 197,45"),
        ("sum_wrong", "Was kosten sie?", "10 Schirme zu 64,50 € = 654,00 €", "10 Schirme zu 64,50 € = 645,00 €"),
        (
            "amount_not_in_thread",
            "The scarf is £19.00. 20 of them, please.",
            "The total is $380.00.",
            "Scarves: 380.00\nBoxes: 1,240.00\nTotal: £1,620.00",
        ),
        ("weekday_wrong", "And on the Sunday?", "Monday 6 December, at 11.", "Sunday 6 December, at 11."),
        ("missing_attachment", "样品什么时候寄?", "报告附上。", "检测报告随货附上。"),
        ("missing_attachment", "When?", "The report is enclosed.", "The report is enclosed with the goods."),
        ("greets_stranger", "Are you open?", "Dear Ms Novak,\nyes.", "Dear Parents,\nyes."),
        ("greets_stranger", "Sind Sie da?", "Liebe Frau Novak,\nja.", "Liebe Nachbarn,\nja."),
        ("greets_stranger", "È aperto?", "Gentile Novak,\nsì.", "Egregio Avvocato,\nsì."),
        (
            "other_language",
            "Wir brauchen eine Übersetzung bis Freitag. Bitte antworten Sie bald.",
            "Thank you for your enquiry, we can translate it by Friday.",
            "Vielen Dank für Ihre Anfrage, wir übersetzen es bis Freitag.",
        ),
        (
            "model_talk",
            "Does it charge?",
            "It does.\n\nRegards,\nChatGPT for the team",
            "It does.\n\nRegards,\nClaude Petit",
        ),
        (
            "promise_discount",
            "It goes up to 16.20?",
            "For you we freeze the old price for good.",
            "Yes, the price is 16.20.",
        ),
        ("rude", "We are late.", "How hard for you, a whole hour.", "I understand how hard the stairs are for you."),
        ("rude", "¿Y bien?", "Todo es culpa suya.", "No es culpa suya, y no es tan difícil como parece."),
        ("rude", "E allora?", "È colpa sua.", "Non è colpa sua."),
        ("rude", "I co?", "To Pana wina.", "To nie Pana wina."),
        ("rude", "どうして?", "お客様のせいです。", "お客様のせいではありません。"),
        ("rude", "怎么了?", "是您的错。", "这不是您的错。"),
        ("secret", "How do I pay?", "The code is 44102277.", "Pay to sort code 00-11-22, account 44102277."),
        ("secret", "Where?", "Your code is 884412.", "The post code is 10115, your discount code 884412."),
        ("secret", "¿Dónde?", "El código es 884412.", "El código postal es 28013."),
        ("payment", "¿Y ahora?", "Transferimos 300 € a su cuenta.", "Transferimos su pedido al almacén."),
        ("payment", "Und jetzt?", "Wir überweisen Ihnen das Geld.", "Wir überweisen Sie an eine Fachärztin."),
        ("promise_legal", "Czy to gwarancja?", "Uznajemy gwarancję i wymienimy okna.", "Sprawdzimy, czy to gwarancja."),
    ],
)
def test_what_differs_from_what_was_asked_for(code: str, thread: str, wrong: str, right: str) -> None:
    assert code in codes(wrong, mail(thread))
    assert code not in codes(right, mail(thread))


def test_prices_times_many_pieces_are_calculated() -> None:
    answer = "3000个:每个4.20元,合计12,600元\n5000个:每个3.90元,合计19,500元"
    assert "amount_not_in_thread" not in codes(answer, mail("请报3000个和5000个的价格。"))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Can I cancel?", "If you cancel by Friday we refund you in full today."),
        ("Die Lampe kam kaputt an.", "Sie bekommen morgen eine neue, kostenlos."),
        ("Puis-je annuler ?", "Oui, vous serez remboursé intégralement si vous annulez avant vendredi."),
        ("¿Puedo cancelar?", "Si cancela hoy le devolvemos todo el importe."),
        ("Kan ik annuleren?", "Als u vandaag annuleert, krijgt u het hele bedrag terug."),
        ("Czy mogę odwołać?", "Jeśli odwoła Pani dziś, zwrócimy całą kwotę."),
        ("キャンセルできますか。", "本日中でしたら全額返金いたします。"),
        ("花瓶到货是碎的。", "今天免费给您补发一个。"),
    ],
)
def test_a_rule_about_money_back_and_a_new_one_for_a_broken_one_are_no_promise(question: str, answer: str) -> None:
    assert "promise_money" not in codes(f"Hello,\n\n{answer}\n\nKind regards\nHelio Roof", mail(question))


def test_an_answer_in_the_language_that_was_asked_for() -> None:
    asked = mail("Wir brauchen eine Übersetzung bis Freitag. Bitte antworten Sie auf Englisch.")
    assert "other_language" not in codes("Thank you for your enquiry, we can translate it by Friday.", asked)


def test_the_wrong_week_for_the_only_day_that_was_named() -> None:
    thread = mail("Is the hall free on Saturday 17 October?"), ROOF.ours("Yes. Shall I book it?"), mail("Please!")
    assert "date_differs" in codes("It is now booked for you on Saturday 10 October.", *thread)
    assert "date_differs" not in codes("It is now booked for you on Saturday 17 October.", *thread)
    assert "date_differs" not in codes("It is now booked for you. We are closed on 24 December.", *thread)


@pytest.mark.parametrize(
    "words", ["Site team in copy.", "Ich habe Herrn Blum in Kopie.", "Metto in copia il geometra.", "抄送王工。"]
)
def test_somebody_in_copy_who_is_not(words: str) -> None:
    asked = mail("Please reply to all of us.")
    assert "copy_missing" in codes(words, asked)
    assert "copy_missing" not in codes(words, asked, cc=(CREW,))
    assert "copy_missing" not in codes("Please keep me in copy. I have no copy in cc.", asked)


@pytest.mark.parametrize(
    ("asked", "is_private"),
    [
        ("Please keep that between us.", True),
        ("Bitte vertraulich!", True),
        ("Cela reste confidentiel.", True),
        ("Hi.", False),
    ],
)
def test_a_copy_of_what_should_stay_between_two(asked: str, is_private: bool) -> None:
    assert ("recipient_not_in_thread" in codes("Fine.", mail(asked), cc=(CREW,))) is is_private
    assert "recipient_not_in_thread" not in codes("Fine.", mail(asked))
