"""Rules about promises: money, discounts, legal statements, deadlines.

They read words, not meaning: what they find is a sentence worth reading twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import MONTH_NAMES, find_amounts
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.text import OneLine

# Mail is wrapped by hand and by programs: a break after a long line ends no sentence, unless a list or nothing follows.
_WRAP = r"(?<=[^\n]{45})\n(?![ \t]*(?:\n|[-*•>#|]|\d{1,3}[.)]|\Z))"
_SENTENCE = re.compile(rf"(?:[^\n.!?。！？]|{_WRAP}|[.!?](?!\s|\Z))++[.!?。！？]*+")
_COMMITS = re.compile(
    r"\b(?:(?:we|i|you|they)(?:'ll|'ve|’ll|’ve)|(?:we|i|they|it|this|that|team) (?:will|shall|can|have|has|are"
    r"|am|agree|is)"
    r"|you(?:r \w+)? (?:will|shall|can|have|has|are|get|receive)|has been|have been|will be|is being|promise"
    r"|guarantee\w*"
    r"|hereby|issued|approved|granted|confirm(?:ed)?|happy to|glad to|pleased to|let me|go ahead|entitled"
    r"|(?:we|i) (?:pay|refund|give|grant|offer|waive|credit|reimburse|compensate|send|replace|transfer)"
    r"|wir (?:werden|erstatten|garantieren|haben|zahlen|geben)|nous (?:allons|vous|avons)|vamos a|le |les )",
    re.IGNORECASE,
)
# Where a text is not in Latin letters, the words above cannot tell, and what is found counts as said in earnest.
_LATIN = re.compile("[A-Za-z]{3}")
_DENIES = re.compile(
    r"\b(?:cannot|can't|can’t|can not|unable to|not able to|won't|won’t|will not|not (?:eligible|entitled|possible)"
    r"|no longer|unfortunately|leider|malheureusement|lamentablemente)\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\b(?:(?:full|partial|complete)\s+)?(?:refund\w*|reimburs\w+|compensat\w+|money back|chargeback|store credit"
    r"|credit(?:ed|ing)? (?:your|the|you|to your)\b|goodwill|(?:free of|no|without) charge"
    r"|at no (?:extra )?cost|for free"
    r"|waiv\w+|pay you|rückerstatt\w+|erstatt\w+|gutschrift\w*|rembours\w+|reembols\w+|rimbors\w+|terugbetal\w+"
    r"|kostenlos|gratuit\w*|gratis|gratuito|бесплатн\w+|возврат\w*|возмест\w+|возмещ\w+|компенс\w+|верн[её]м"
    r"|zwrot|zwróc\w+"
    r"|bezpłatn\w+|відшкод\w+|безкоштовн\w+)|退款|赔偿|賠償|免费|返金|無料|補償|환불|보상|무료|استرداد|تعويض|مجان|החזר|פיצוי|חינם",
    re.IGNORECASE,
)
_PAYS = re.compile(
    r"\b(?:(?:we|i)(?:'ll|’ll|'ve|’ve)?(?: \w+){0,3}? (?:pay|transfer|wire|remit)(?:red|ted|d)?\b[^.!?\n]{0,40}\b"
    r"|(?:will|shall|to) (?:transfer|wire|remit) [^.!?\n]{0,40}\b"
    r"|(?<!your )(?:payment|transfer|payout|remittance)s?\b[^.!?\n]{0,30}\b"
    r"\b(?:released|approved|authori[sz]ed|executed|initiated|scheduled|on its way)"
    r"|(?:changed|updated|replaced|corrected|saved|recorded|entered|adopted)\b[^.!?\n]{0,30}\b"
    r"\b(?:bank|payment|payout|iban|account (?:details|data|number|holder|information))\b"
    r"(?: (?:details|data|number|information|account))?"
    r"|(?:bank|payment|payout) (?:details|data|account)\b[^.!?\n]{0,20}\b(?:changed|updated|replaced)"
    r"|marked? (?:\w+ ){0,4}as paid|überweisen wir|wir überweisen|bankverbindung (?:\w+ )?geändert)",
    re.IGNORECASE,
)
_NO_MONEY = re.compile(
    r"\btransfer(?:red)?\b[^.!?]{0,40}\b(?:colleagues?|team|department|specialists?|experts?|data|files?|calls?|chats?"
    r"|tickets?|subscriptions?|domains?|ownership|licen[cs]es?|devices?|photos?|messages?|contacts?|settings|requests?)\b",
    re.IGNORECASE,
)
"""What else than money is transferred, or to whom a customer is."""
_FUNDS = re.compile(
    r"\b(?:money|funds?|amounts?|sums?|balance|payments?|bank|iban|refunds?|invoices?|deposits?)\b", re.I
)
_DISCOUNT = re.compile(
    r"\b(?:discount\w*|\d{1,3}\s?% off|percent off|coupon\w*|voucher\w*|promo(?:tional)? code|price match\w*"
    r"|special price"
    r"|reduced (?:price|rate)|half price|free (?:month|year|trial|upgrade|shipping)\w*|rabatt\w*|nachlass|gutschein\w*"
    r"|remise|réduction|descuento\w*|sconto|korting|rabat|скидк\w+|zniżk\w+)"
    r"|折扣|割引|할인|خصم|הנחה",
    re.IGNORECASE,
)
_LEGAL_STRONG = re.compile(
    r"\b(?:we (?:hereby )?(?:accept|take|assume|admit|acknowledge)[^.!?\n]{0,40}(?:liab\w+|responsib\w+|fault"
    r"|blame|negligence)"
    r"|(?:we|i) (?:personally |fully |hereby )?guarantee\w*|guaranteed (?:to|that|delivery|by)|(?:are|is"
    r"|be) (?:fully )?liable|our (?:own )?fault"
    r"|legally binding|binding (?:offer|agreement|commitment)|indemnif\w+|hold (?:you )?harmless|admission of"
    r"|we were negligent"
    r"|in breach of|(?:we|i) (?:hereby )?(?:agree|accept|consent|confirm)\b[^.!?\n]{0,30}\b"
    r"\b(?:terms|conditions|contract|claims?|demands?)"
    r"|(?:contract|agreement)\b[^.!?\n]{0,20}\b(?:signed|concluded|accepted)"
    r"|exclusive (?:\w+ )?(?:distribut\w+|partner|rights?|licen\w+)|extend (?:\w+ ){0,2}warranty"
    r"|on behalf of our legal|wir haften|wir garantieren|nous garantissons|garantizamos|garantiamo"
    r"|продлим гарантию|гарантируем)",
    re.IGNORECASE,
)
_LEGAL_WEAK = re.compile(
    r"\b(?:liab(?:le|ility)|lawsuit|legal action|lawyer|attorney|settlement|contract(?:ual(?:ly)?)?|warrant(?:y|ies)"
    r"|terminat(?:e|ion) (?:of )?(?:the|your) (?:contract|agreement)|amend(?:ment)? (?:to )?the (?:contract|agreement)"
    r"|non-disclosure|nda|gdpr|haftung|vertrag\w*|contrat|contrato)\b",
    re.IGNORECASE,
)
_WEEKDAY = "mon|tues|wednes|thurs|fri|satur|sun"
_DEADLINE = re.compile(
    r"\b(?:within (?:the next )?(?:\d{1,3}|an?|one|two|three|four|five|seven|ten|twenty-four"
    r"|forty-eight)(?:[ -]\d{1,3})?"
    r" (?:business |working )?(?:minute|hour|day|week|month)s?"
    rf"|(?:by|before|no later than|not later than|until) (?:the )?(?:end of (?:the )?(?:day|week|month"
    rf"|business)|eod|cob|tomorrow"
    rf"|tonight|today|noon|midnight|next week|(?:{_WEEKDAY})day|\d{{1,2}}(?!\d)(?:st|nd|rd|th"
    rf"|\.)?(?: (?:{MONTH_NAMES}))?)|no later than\b|(?:same|next)[- ]day\b"
    r"|(?:will|'ll) (?:be (?:delivered|shipped|sent|fixed|ready|done|there)|ship|arrive|have it)[^.!?\n]{0,30}\b"
    rf"(?:today|tomorrow|tonight|(?:{_WEEKDAY})day|this week)|bis (?:morgen|heute|ende|montag|dienstag|mittwoch"
    rf"|donnerstag|freitag)"
    r"|innerhalb von \d+|d'ici (?:demain|la fin)|dans les \d+|antes de(?:l)? (?:mañana|\d|lunes|viernes))",
    re.IGNORECASE,
)


def _commits(sentence: str) -> bool:
    return _COMMITS.search(sentence) is not None or _LATIN.search(sentence) is None


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    for match in _SENTENCE.finditer(text):
        yield match.start(), match[0].replace("\n", " ")


@rule("promise_money", "promises money")
def promise_money(reading: Reading) -> Iterator[Finding]:
    """A sentence speaks of refunds, reimbursement, compensation, credit or waived fees. High when it commits us and
    names an amount that the thread does not hold (or there is no thread to compare with); medium when it commits us
    or names an amount; low when it only speaks of it or says no."""
    there = {(amount.currency, amount.value) for amount in find_amounts(reading.thread_text)}
    for start, sentence in _sentences(reading.body):
        match = _MONEY.search(sentence)
        if match is None:
            continue
        amounts = [amount for amount in find_amounts(sentence) if amount.currency != "%"]
        new = [amount for amount in amounts if (amount.currency, amount.value) not in there]
        denies = _DENIES.search(sentence) is not None
        commits = _commits(sentence) and not denies
        level = Level.LOW
        if amounts or commits:
            level = Level.HIGH if commits and new else Level.MEDIUM
        first, last = match.span()
        near = [
            amount.span
            for amount in amounts
            if abs(amount.span.start - last) <= 40 or abs(first - amount.span.end) <= 40
        ]
        if near:
            first, last = min(first, near[0].start), max(last, near[-1].end)
        verb = "promises" if commits else "speaks of"
        words = f"{verb} money: {quoted(sentence[first:last])}"
        yield Finding("promise_money", level, OneLine(words), (Span(start + first, start + last),))


@rule("payment", "pays, or changes where money goes")
def payment(reading: Reading) -> Iterator[Finding]:
    """A sentence says that we pay, transfer or release money, or that bank details were changed. High, whatever the
    thread says: mail is no place to take payment orders from. Medium when the sentence says no. To transfer a call, a
    file or a customer to a colleague is no payment, unless the sentence speaks of money too."""
    for start, sentence in _sentences(reading.body):
        if match := _PAYS.search(sentence):
            other = _NO_MONEY.search(sentence, match.start()) is not None
            if other and not find_amounts(sentence) and _FUNDS.search(sentence) is None:
                continue
            level = Level.MEDIUM if _DENIES.search(sentence) else Level.HIGH
            span = Span(start + match.start(), start + match.end())
            yield Finding("payment", level, OneLine(f"pays, or changes where money goes: {quoted(match[0])}"), (span,))


@rule("promise_discount", "promises a discount")
def promise_discount(reading: Reading) -> Iterator[Finding]:
    """A sentence speaks of a discount, a voucher, a special price or something free. Medium when it commits us or
    names a number, else low."""
    for start, sentence in _sentences(reading.body):
        if match := _DISCOUNT.search(sentence):
            denies = _DENIES.search(sentence) is not None
            firm = (_commits(sentence) or find_amounts(sentence)) and not denies
            words = f"{'promises' if firm else 'speaks of'} a discount: {quoted(match[0])}"
            span = Span(start + match.start(), start + match.end())
            yield Finding("promise_discount", Level.MEDIUM if firm else Level.LOW, OneLine(words), (span,))


@rule("promise_legal", "legal statements")
def promise_legal(reading: Reading) -> Iterator[Finding]:
    """A sentence accepts liability or fault, guarantees something, or binds us (high); or speaks of contracts,
    warranty, lawyers, data protection law (low)."""
    for start, sentence in _sentences(reading.body):
        strong = _LEGAL_STRONG.search(sentence)
        match = strong or _LEGAL_WEAK.search(sentence)
        if match is None:
            continue
        words = f"{'makes a legal statement' if strong else 'speaks of legal matters'}: {quoted(match[0])}"
        span = Span(start + match.start(), start + match.end())
        level = Level.HIGH if strong and not _DENIES.search(sentence) else Level.LOW
        yield Finding("promise_legal", level, OneLine(words), (span,))


@rule("promise_deadline", "promises a deadline")
def promise_deadline(reading: Reading) -> Iterator[Finding]:
    """A sentence sets a term: "within 24 hours", "by Friday", "no later than", "next-day". Medium when it commits us,
    else low."""
    for start, sentence in _sentences(reading.body):
        if match := _DEADLINE.search(sentence):
            firm = _commits(sentence)
            words = f"{'promises' if firm else 'names'} a deadline: {quoted(match[0])}"
            span = Span(start + match.start(), start + match.end())
            yield Finding("promise_deadline", Level.MEDIUM if firm else Level.LOW, OneLine(words), (span,))


@rule("promise_own", "promises of your own list")
def promise_own(reading: Reading) -> Iterator[Finding]:
    """A word or phrase of "promises" in the settings stands in the body, case aside. Medium."""
    body = reading.body.casefold()
    same_length = len(body) == len(reading.body)
    for phrase in reading.settings.promises:
        at = body.find(phrase.casefold()) if phrase.strip() else -1
        if at >= 0:
            spans = (Span(at, at + len(phrase)),) if same_length else ()
            yield Finding("promise_own", Level.MEDIUM, OneLine(f"says {quoted(phrase)}"), spans)


PROMISE_RULES = (promise_money, payment, promise_discount, promise_legal, promise_deadline, promise_own)
