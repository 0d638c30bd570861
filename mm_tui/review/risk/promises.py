"""Rules about promises: money, discounts, legal statements, deadlines.

They match words, not meaning: a finding is a sentence worth reading twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import msgspec

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import MONTH_NAMES, Amount, Sum, find_amounts, known_sums
from mm_tui.review.risk.phrases import has_words, lowered, pattern
from mm_tui.review.risk.pieces import Phrases
from mm_tui.review.risk.rule import LONGEST_DRAFT, MOST_MAILS, Reading, flag, quoted, rule
from mm_tui.review.risk.sentences import YOU_MAY, by_sentence, commits_us, says_no, together
from mm_tui.review.risk.sums import MOST_COMPARED, unknown

_PAYS = re.compile(
    r"\b(?:(?:we|i)(?:'ll|’ll|'ve|’ve)?(?: (?:will|shall|can|cannot|could|would|must|have|had|did|do|are|am"
    r"|be|going|to|now|also|just|already|then|today|gladly|happily|not|immediately|happy|able|therefore|hereby"
    r"|certainly)){0,4} (?:pay|transfer|wire|remit)(?:red|ted|d)?\b(?P<paid>[^.!?\n]{0,40}\b)"
    r"|(?:will|shall|to) (?:transfer|wire|remit) (?P<sent>[^.!?\n]{0,40}\b)"
    r"|(?:we|i)(?:'ve|’ve| have|)(?: just| now)? (?:set up|arranged|scheduled|entered|prepared|made) (?:the|a)"
    r" (?:payment|transfer) of\b"
    r"|(?<!your )(?:payment|transfer|payout|remittance)s?\b[^.!?\n]{0,30}\b"
    r"\b(?:released|approved|authori[sz]ed|executed|initiated|scheduled|on its way)"
    r"|(?:changed|updated|replaced|corrected|saved|recorded|entered|adopted)\b[^.!?\n]{0,30}\b"
    r"\b(?:(?:bank|iban)\b(?: (?:details|data|number|information|account))?"
    r"|(?:payment|payout|account) (?:details|data|number|holder|information|account)\b))",
    re.IGNORECASE,
)
"""`paid` and `sent` are what follows, as far as the pattern reads."""
_ONLY = re.compile(
    r"\b(?:only|nur|erst|seulement|uniquement|solo|solamente|sólo|só|somente|apenas|soltanto|alleen|tylko|dopiero)\b"
    r"[^.!?\n]{0,40}\b(?:after|once|when|if|nach|wenn|sobald|après|si|quand|después|tras|cuando|após|depois|se|quando|dopo"
    r"|na|als|nadat|po|gdy|jeśli)\b|のみ|只有|仅"
)
"""What we do in one case only: "we change bank details only after a call"."""
_WORD = re.compile(r"\w")
_PAYING = ("pay", "transfer", "wire", "remit", "bank", "iban", "account")
"""Every match of `_PAYS` has one of these words."""
_PAID_IT = re.compile(
    r"\b(?:pay|transfer|wire|remit)\w* (?:it|this|that)(?=\s*(?:\Z|[.,;:!?])|\s+(?:to|into|on|back|by|now|today)\b)",
    re.I,
)
"""A payment without a word for money. Bookings, calls and files are transferred too, and a transfer is also a ride."""
_FUNDS = re.compile(
    r"\b(?:money|funds?|amounts?|sums?|balance|payments?|bank|iban|refunds?|invoices?|deposits?)\b", re.I
)
_WEEKDAY = "mon|tues|wednes|thurs|fri|satur|sun"
_DEADLINE = re.compile(
    r"\b(?:within (?:the next )?(?:\d{1,3}|an?|one|two|three|four|five|seven|ten|twenty-four|forty-eight)"
    r"(?:[ -]\d{1,3})? (?:business |working )?(?:minute|hour|day|week|month)s?"
    r"|(?:by|before|no later than|not later than|until) (?:the )?(?:end of (?:the )?(?:day|week|month|business)|eod"
    rf"|cob|tomorrow|tonight|today|noon|midnight|next week|(?:{_WEEKDAY})day|\d{{1,2}}(?![ .:/]?\d)(?:st|nd|rd|th|\.)?"
    rf"(?: (?:{MONTH_NAMES}))?)|no later than\b|(?:same|next)[- ]day\b"
    r"|(?:will|'ll) (?:be (?:delivered|shipped|sent|fixed|ready|done|there)|ship|arrive|have it)[^.!?\n]{0,30}\b"
    rf"(?:today|tomorrow|tonight|(?:{_WEEKDAY})day|this week))",
    re.IGNORECASE,
)
_RIGHT_BEFORE = 12
_VERB_AFTER = re.compile(r" (?:are|is|will be|can|may|werden|wird|sont|ne sont|son|são|sono|worden|zijn|są) ")
"""The verb between changed bank details and the no to them: "changed bank details are not accepted"."""
_LONGEST_NO = 10
_NEAR = 40
"""The most characters between words about money and an amount that belongs to them."""
_OFF = re.compile(r"\b\d{1,3}\s?% off\b")
_GIVES = ("money", "money_firm", "discount", "discount_firm")
_ENOUGH = 2
"""The signs with which a sentence that gives something is medium."""
_ITEM = re.compile(r"\s*(?:[-*•–]|\(?\w[.)])\s")


def _with_lead(reading: Reading, sentence: str, start: int) -> str:
    """The sentence, if it is an item of a list with the line that leads to the list: "You can choose:"."""
    if _ITEM.match(sentence) is None:
        return sentence
    colon = reading.low.rfind(":\n", 0, start)
    if colon < 0 or "\n\n" in reading.low[colon:start].strip():
        return sentence
    return reading.low[reading.sentence(colon)[0] : colon] + sentence


_CLAUSE = re.compile(r"(?:[^,;:()–。；]|,(?=[\u3040-\u9fff]))+")


def _near_gift(sentence: str) -> str:
    """The clauses of a sentence that say what costs nothing, and those that commit us."""
    clauses = (match[0] for match in _CLAUSE.finditer(sentence))
    return ",".join(part for part in clauses if pattern("no_cost").search(part) or commits_us(part))


class _Gifts(msgspec.Struct, frozen=True, dict=True):
    """What a draft and its thread say about money, for the sentences that give some."""

    reading: Reading

    @cached_property
    def asked(self) -> bool:
        """Whether the other side's newest email speaks of money back, a discount, a return or a wrong charge."""
        return has_words(self.reading.asked_text, *_GIVES, "no_cost", "returns")

    @cached_property
    def cost_asked(self) -> bool:
        """Whether the other side's newest email asks what something costs."""
        return has_words(self.reading.asked_text, "cost_asked")

    @cached_property
    def before(self) -> bool:
        """Whether an earlier email of ours in the thread speaks of money or a discount."""
        mails = self.reading.context.messages[-MOST_MAILS:]
        ours = (
            lowered(str(mail.body or "")[:LONGEST_DRAFT]) for mail in mails if self.reading.is_ours(mail.sender.address)
        )
        return any(has_words(text, *_GIVES) for text in ours)

    @cached_property
    def signs(self) -> int:
        """How many of the signs the draft has that may stand anywhere in it."""
        # It also lets goods be kept or accepts liability; the matter is being checked, or a proof is asked for.
        return has_words(self.reading.low, "keeps", "liability") + has_words(self.reading.low, "undecided")

    @cached_property
    def known(self) -> dict[Sum, None]:
        """The amounts of the thread, as keys in the order in which they were written."""
        return known_sums(self.reading)

    @cached_property
    def _lists_prices(self) -> bool:
        """Whether the draft has so many new amounts that none of them is compared with what comes out of the others."""
        named = {amount.sum for amount in find_amounts(self.reading.body)}
        return len(named.difference(self.known)) > MOST_COMPARED

    @cached_property
    def _calculated(self) -> dict[tuple[Sum, ...], list[Amount]]:
        return {}

    def _unknown(self, amounts: tuple[Amount, ...]) -> list[Amount]:
        """Those of a sentence's amounts that are new. The same amounts are compared with the whole draft once."""
        sums = tuple(amount.sum for amount in amounts)
        if sums not in self._calculated:
            self._calculated[sums] = unknown(self.reading, amounts, self.known)
        return self._calculated[sums]

    def level(self, sentence: str, start: int, *, firm: bool) -> Level:
        """How much a sentence gives away, by its signs: see `promise_money`.

        Args:
            sentence: the sentence, in lower case.
            start: where it begins.
            firm: whether its words commit us on their own.
        """
        # In "We won't charge you" the negation is part of the promise.
        rest = pattern("no_cost").sub(" ", sentence)
        costs_nothing = rest != sentence and not has_words(rest, *_GIVES)
        amounts = find_amounts(self.reading.body[start : start + len(sentence)])
        new = [one for one in amounts if one.sum not in self.known]
        if new and not self._lists_prices:
            new = self._unknown(amounts)
        if costs_nothing:
            # The amounts beside it are prices.
            new = [amount for amount in new if amount.currency == "%"]
        ours = commits_us(YOU_MAY.sub(" ", sentence))
        near = _near_gift(sentence) if costs_nothing else sentence
        generous = has_words(near, "in_full") + has_words(sentence, "amends")
        small = costs_nothing or (has_words(sentence, "carriage") and not new)
        if not (generous if small else firm or ours):
            return Level.LOW
        if says_no(pattern("money_firm", "discount_firm", "never_again").sub(" ", rest)) or (self.before and not new):
            return Level.LOW
        open_ends = ["grounds"] if firm and not costs_nothing else ["grounds", "passes_on", "conditions"]
        if "conditions" in open_ends and pattern("if_we_fail").search(sentence):
            # Such a condition is a promise on its own.
            open_ends.remove("conditions")
        if has_words(_with_lead(self.reading, sentence, start), *open_ends):
            return Level.LOW
        signs = generous + has_words(sentence, "emphatic", "soon") + self.signs
        # An amount counts that the thread does not name, even if it comes out of what is named.
        named = bool(new) or any(one.currency != "%" and one.sum not in self.known for one in amounts)
        asked = self.asked or (costs_nothing and self.cost_asked)
        if signs + named + (not asked) + firm < _ENOUGH or not (signs or ours or firm):
            return Level.LOW
        return Level.HIGH if any(amount.currency != "%" for amount in new) else Level.MEDIUM


@rule("promise_money", "promises money")
def promise_money(reading: Reading) -> Iterator[Finding]:
    """A sentence gives money back, compensation, credit, or something without charge. Low on its own: refunds are
    everyday work. Medium if we commit to it and there are two of these signs, or one if the words can mean nothing
    else ("you get your money back"): nobody asked for money, returned something or was wrongly charged; an amount
    that is not in the thread; without limit or for long ("in full", "whatever it costs", "three months"); to make
    up for something; with emphasis or at once ("guaranteed", "today"); and, anywhere in the draft, goods that may
    be kept, a fault that we admit, or that the matter is still being checked. What costs nothing needs no limit or
    to make up for something; that the reader asked for the price counts, too. High if the amount is one of them. Low in
    any case if the sentence says no, passes the wish on, names a ground (a rule, a return, a payment made twice) or a
    condition, or if an earlier email of ours spoke of money."""
    firm, gifts = pattern("money_firm"), _Gifts(reading)
    pairs = list(together(reading, "money_pairs"))
    for span, sentence, start in by_sentence(reading, firm, pattern("money"), pairs=pairs):
        plain = firm.search(sentence) is not None or any(start <= one.start < start + len(sentence) for one in pairs)
        level = gifts.level(sentence, start, firm=plain)
        first, last = span
        for amount in find_amounts(reading.body[start : start + len(sentence)]):
            at, to = start + amount.span.start, start + amount.span.end
            if amount.currency != "%" and (abs(at - last) <= _NEAR or abs(first - to) <= _NEAR):
                first, last = min(first, at), max(last, to)
        words = f"{'promises' if level > Level.LOW else 'speaks of'} money: {quoted(reading.body[first:last])}"
        yield flag("promise_money", words, Span(first, last), level=level)


def _is_refused(reading: Reading, span: Span, start: int) -> bool:
    """Whether a no belongs to these words about paying, and not to what follows an amount: "4,000 EUR, no problem"."""
    amount = min((one.span.start for one in find_amounts(reading.body[slice(*span)])), default=span.end - span.start)
    if pattern("plain_not").search(reading.low, max(start, span.start - _RIGHT_BEFORE), span.start + amount):
        return True
    verb = _VERB_AFTER.match(reading.low, span.end)
    return (
        verb is not None and pattern("plain_not").search(reading.low, verb.end(), verb.end() + _LONGEST_NO) is not None
    )


@rule("payment", "pays, or changes where money goes")
def payment(reading: Reading) -> Iterator[Finding]:
    """A sentence says that we pay, transfer or release money, or that bank details were changed. High, whatever the
    thread says: an email is no safe source of payment orders. Medium if the sentence says no, low if the no stands
    right there ("your bank details have not changed", "changed bank details are not accepted by email"), if it is done
    in one case only ("only after a call") and no amount is named, or if an invoice is called paid on a condition.
    Paying and transferring need a word for money or an amount in the sentence: calls, files and bookings are
    transferred too."""
    by_words = [Phrases(_PAYS)] if any(word in reading.low for word in _PAYING) else []
    for span, sentence, start in by_sentence(reading, *by_words, pattern("payment")):
        said = sentence[span.start - start :]
        of_account = "account" in said[: span.end - span.start]
        amounts = find_amounts(reading.body[start : start + len(sentence)])
        pays = _PAYS.match(said)
        if of_account or pays:
            asked = of_account and _FUNDS.search(reading.asked_text)
            if not (asked or amounts or _FUNDS.search(sentence) or _PAID_IT.search(said)):
                # "I have updated your account information" may be about an address.
                continue
        level = Level.MEDIUM if says_no(sentence) else Level.HIGH
        if _is_refused(reading, span, start) or (_ONLY.search(sentence) and not amounts):
            level = Level.LOW
        if said[: span.end - span.start].endswith("as paid") and pattern("conditions").search(sentence):
            level = Level.LOW
        # A pattern with an open end stops in the middle of a sentence.
        length = span.end - span.start
        is_cut = pays is not None and pays.lastgroup is not None and pays.end() == length and _WORD.search(said, length)
        words = quoted(f"{reading.body[slice(*span)]} …" if is_cut else reading.body[slice(*span)])
        yield flag("payment", f"pays, or changes where money goes: {words}", span, level=level)


@rule("promise_discount", "promises a discount")
def promise_discount(reading: Reading) -> Iterator[Finding]:
    """A sentence gives a discount, a voucher, a special price, or months or years free. Medium with two of the
    signs of money, else low."""
    firm, gifts = pattern("discount_firm"), _Gifts(reading)
    for span, sentence, start in by_sentence(reading, firm, pattern("discount"), Phrases(_OFF)):
        level = gifts.level(sentence, start, firm=firm.search(sentence) is not None)
        level = min(Level.MEDIUM, level)
        words = f"{'promises' if level > Level.LOW else 'speaks of'} a discount: {reading.quoted(span)}"
        yield flag("promise_discount", words, span, level=level)


_GUARANTEE = re.compile(r"g(?:ua|a)rant|gwarant|保証|保证")


@rule("promise_legal", "legal statements")
def promise_legal(reading: Reading) -> Iterator[Finding]:
    """A sentence accepts liability or fault, guarantees something, or binds us (high); gives advice in matters of law,
    tax or health, or denies a legal right ("no right of withdrawal", "we are not obliged to"), without a condition or
    a "but" after it (medium); or speaks of contracts, warranty, lawyers, data protection law (low)."""
    liability = pattern("liability")
    pairs = list(together(reading, "liability_pairs"))
    for span, sentence, start in by_sentence(reading, liability, pattern("legal"), pairs=pairs):
        strong = liability.search(sentence) is not None
        strong = strong or any(start <= one.start < start + len(sentence) for one in pairs)
        words = f"{'makes a legal statement' if strong else 'speaks of legal matters'}: "
        # "No somos responsables", "we do not accept liability": the no stands right before the words.
        before = pattern("plain_not").search(reading.low, max(start, span.start - _RIGHT_BEFORE), span.start)
        # What is guaranteed may be that something will not happen, and a no before a comma is about something else.
        comma = sentence.rfind(", ", 0, span.start - start) + 1
        denied = says_no(sentence[comma : span.start - start] if _GUARANTEE.search(sentence) else sentence)
        level = Level.HIGH if strong and not before and not denied else Level.LOW
        yield flag("promise_legal", words + reading.quoted(span), span, level=level)
    for span, sentence, _ in by_sentence(reading, pattern("advice")):
        # "Stop the tablets and ring us" leaves it to somebody who knows.
        if not says_no(sentence) and "?" not in sentence and not has_words(sentence, "contact"):
            words = f"gives advice that needs a lawyer, a doctor or a tax adviser: {reading.quoted(span)}"
            yield flag("promise_legal", words, span)
    for span, sentence, start in by_sentence(reading, pattern("no_rights")):
        # "We are not obliged to take it back, but we gladly do" refuses nothing.
        granted = reading.sentence(span.start)[1] > start + len(sentence)
        if not granted and not reading.is_question(span.start) and not has_words(sentence, "conditions"):
            words = f"denies a legal right: {reading.quoted(span)}"
            yield flag("promise_legal", words, span)


_WHEN = re.compile(rf"\b(?:(?:{_WEEKDAY})day|tomorrow|today|at (?:exactly )?\d)")


@rule("promise_deadline", "promises a deadline")
def promise_deadline(reading: Reading) -> Iterator[Finding]:
    """A sentence sets a term: "within 24 hours", "by Friday", "no later than", "next-day". Low: it tells when something
    comes. Medium with emphasis ("guaranteed", "in any case", "you have my word"), unless the sentence asks or names a
    condition."""
    for span, sentence, _ in by_sentence(reading, Phrases(_DEADLINE), pattern("deadline"), Phrases(_WHEN)):
        named = _DEADLINE.search(sentence) or pattern("deadline").search(sentence)
        firm = has_words(sentence, "emphatic", "in_any_case")
        firm = firm and not reading.is_question(span.start) and not has_words(sentence, "conditions")
        if named or firm:
            words = f"{'promises' if firm else 'names'} a deadline: {reading.quoted(span)}"
            yield flag("promise_deadline", words, span, level=Level.MEDIUM if firm else Level.LOW)


@rule("promise_service", "promises a level of service")
def promise_service(reading: Reading) -> Iterator[Finding]:
    """A sentence promises how reliable or how quick we are: a share of the time, an answer within the hour, that
    something never happens again or is certain to be granted, that a date or result is guaranteed. Medium; low if
    a no stands before it, it is only hoped for, or the thread says the same."""
    pairs = together(reading, "service_pairs")
    for span, sentence, start in by_sentence(reading, pattern("service_level"), pairs=pairs):
        # "La fecha no está garantizada": a no that stands before the words.
        before = pattern("plain_not").search(reading.low, max(0, span.start - _RIGHT_BEFORE), span.start)
        quiet = (
            before is not None
            or says_no(sentence[: span.start - start])
            or has_words(sentence[: span.start - start], "aims")
            or reading.low[slice(*span)] in reading.thread_low
        )
        words = f"promises a level of service: {reading.quoted(span)}"
        yield flag("promise_service", words, span, level=Level.LOW if quiet else Level.MEDIUM)
    for key, quieter in (("never_again", ()), ("certain", ("negations", "conditions", "grounds"))):
        for span, sentence, start in by_sentence(reading, pattern(key)):
            lead = sentence[: span.start - start]
            hoped = has_words(lead, "aims") and not has_words(lead, "emphatic")
            quiet = hoped or reading.is_question(span.start)
            quiet = quiet or (quieter != () and has_words(sentence, *quieter))
            words = f"promises what may turn out otherwise: {reading.quoted(span)}"
            yield flag("promise_service", words, span, level=Level.LOW if quiet else Level.MEDIUM)


@rule("promise_own", "promises of your own list")
def promise_own(reading: Reading) -> Iterator[Finding]:
    """The body contains a word or phrase from "promises" in the settings, ignoring case. Medium."""
    body = reading.body.casefold()
    same_length = len(body) == len(reading.body)
    for phrase in reading.settings.promises:
        at = body.find(phrase.casefold()) if phrase.strip() else -1
        if at >= 0:
            spans = (Span(at, at + len(phrase)),) if same_length else ()
            yield flag("promise_own", f"says {quoted(phrase)}", *spans)
