"""Rules about promises: money, discounts, legal statements, deadlines.

They match words, not meaning: a finding is a sentence worth reading twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.counts import SPANS_OF_TIME
from mm_tui.review.risk.facts import MONTH_NAMES, Amount, find_amounts, known_amounts
from mm_tui.review.risk.pairs import together
from mm_tui.review.risk.phrases import lowered, ordered, pattern
from mm_tui.review.risk.pieces import Phrases
from mm_tui.review.risk.rule import LONGEST_DRAFT, MOST_MAILS, Reading, quoted, rule
from mm_tui.review.risk.sentences import YOU_MAY, between_semicolons, by_sentence, commits_us, says_no, up_to_comma
from mm_tui.review.risk.sums import unknown
from mm_tui.text import OneLine

_PAYS = re.compile(
    r"\b(?:(?:we|i)(?:'ll|’ll|'ve|’ve)?(?: (?:will|shall|can|cannot|could|would|must|have|had|did|do|are|am"
    r"|be|going|to|now|also|just|already|then|today|gladly|happily|not|immediately|happy|able|therefore|hereby"
    r"|certainly)){0,4} (?:pay|transfer|wire|remit)(?:red|ted|d)?\b[^.!?\n]{0,40}\b"
    r"|(?:will|shall|to) (?:transfer|wire|remit) [^.!?\n]{0,40}\b"
    r"|(?:we|i)(?:'ve|’ve| have|)(?: just| now)? (?:set up|arranged|scheduled|entered|prepared|made) (?:the|a)"
    r" (?:payment|transfer) of\b"
    r"|(?<!your )(?:payment|transfer|payout|remittance)s?\b[^.!?\n]{0,30}\b"
    r"\b(?:released|approved|authori[sz]ed|executed|initiated|scheduled|on its way)"
    r"|(?:changed|updated|replaced|corrected|saved|recorded|entered|adopted)\b[^.!?\n]{0,30}\b"
    r"\b(?:bank|payment|payout|iban|account (?:details|data|number|holder|information))\b"
    r"(?: (?:details|data|number|information|account))?)",
    re.IGNORECASE,
)
_PAYING = ("pay", "transfer", "wire", "remit", "bank", "iban", "account")
"""Words of which every match of `_PAYS` has one."""
_NO_MONEY = re.compile(
    r"\btransfer(?:red)?\b[^.!?]{0,40}\b(?:colleagues?|team|department|specialists?|experts?|data|files?|calls?|chats?"
    r"|tickets?|subscriptions?|domains?|ownership|licen[cs]es?|devices?|photos?|messages?|contacts?|settings|requests?)\b"
    r"|\bpay (?:\w+ )?(?:attention|heed|a visit)"
    r"|\bpay (?:for )?(?:the |your )?(?:\w+ )?(?:postage|shipping|carriage|courier)",
    re.IGNORECASE,
)
"""Things other than money that are transferred, or to whom a customer is transferred."""
_OTHER_PAID = re.compile(
    r"(?:we|i)\b[^.!?]{0,40}\btransfer(?:red)? (?:the|your|an?|this|that|these|both|all|her|his|their) [^\W\d]"
    r"|(?:we|i) pay(?=\s*[.,;:!?)]|\s*\Z)|transfers?\b[^.!?]{0,60}\b(?:airport|station|hotel|driver|bus|taxi|flight)",
    re.IGNORECASE,
)
"""Words that speak of money only beside a word for money: bookings are transferred too, a transfer is also a ride, and
"what we pay" is no payment."""
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
_MOMENTS = frozenset({"noon", "midnight", "today", "tomorrow", "tonight"})
_RIGHT_BEFORE = 12
_OFF = re.compile(r"\b\d{1,3}\s?% off\b")
_ASKED = re.compile(
    r"\?\s*$|^\s*(?:please|bitte|por favor|per favore|merci de|proszę)\b"
    r"|\b(?:let (?:me|us) have|we(?:'d| would)? (?:just |only )?(?:need|want|like|ask)"
    r"|i(?:'d| would)? (?:need|want|like))\b"
    r"|\bplease (?:send|let|reply|give|return|tell|fill|bring|leave|pay|sign|write|confirm|hand|drop|put|use)\b"
    r"|\buntil\b"
    r"|\b(?:payables?|due|to be paid|zahlbar|fällig|pagader[oa]s?|pagáve(?:l|is)|pagabil[ei]|betaalbaar|płatn[aey])\b"
)


def _delivers(sentence: str) -> bool:
    """Whether a sentence tells in the present tense what will be done, as many languages promise."""
    return pattern("delivers").search(sentence) is not None and not says_no(sentence)


_RETURNS = re.compile(
    r"\b(?:returns?|exchanges?|refunds?|withdrawal|umtausch|rückgabe\w*|rücksendung\w*|widerruf\w*|retours?|échanges?"
    r"|rétractation|remboursements?|devoluci\w+|devoluç\w+|reembolsos?|trocas?|cambios?|resi|reso|recesso|rimbors[oi]"
    r"|ruilen|retourneren|zwrot\w*|wymian\w*)\b|返品|返金|退货|退款|换货"
)
"""What has a term by rule: "returns within 30 days", not "we refund it within 30 days"."""


def _is_open(sentence: str) -> bool:
    """Whether a sentence says what is usual, a rule, what the reader has to do, or when we write again."""
    return pattern("duties", "conditions", "contact", "passes_on").search(sentence) is not None or (
        _RETURNS.search(sentence) is not None and not commits_us(sentence)
    )


_AFTER_HOUR = 25
"""Characters after a term that may name its day: "before 4 pm on Friday"."""


def _day_words(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", text)
    return [word for word in words if word in ordered("weekdays") or word in ordered("months") or word in _MOMENTS]


def _in_thread(reading: Reading, span: Span) -> bool:
    """Whether the thread mentions the day of a deadline."""
    _, last = reading.sentence(span.start)
    after = max(span.end, min(last, span.end + _AFTER_HOUR))
    day = _day_words(reading.low[slice(*span)]) or _day_words(reading.low[span.start : after])
    day += re.findall(r"\d+", reading.low[slice(*span)])
    return bool(day) and all(word in reading.thread_words for word in day)


def _is_policy(sentence: str, at: int, *, gratis: bool, firm: bool) -> bool:
    """Whether a sentence about money tells what is so in general, follows a return, or is for others to decide.

    Args:
        sentence: the sentence.
        at: where its words about money begin.
        gratis: whether they say that something is free.
        firm: whether they commit us by themselves.
    """
    if gratis and pattern("first_person").search(YOU_MAY.sub(" ", between_semicolons(sentence, at))) is None:
        return True
    conditional = pattern("conditions").search(sentence, 0, at) is not None
    if conditional and (not firm or (gratis and not _REPLACES.search(sentence))):
        # "If it needs a little oil after that, we do it free of charge."
        return True
    if _CHOOSES.search(sentence):
        return True
    return pattern("on_receipt", "rules", "ways_back").search(sentence) is not None or (
        not firm and pattern("passes_on").search(sentence) is not None
    )


_CHOOSES = re.compile(
    r"\b(?:(?:you|yours?) (?:can |may )?(?:choose|prefer)|whichever|wahlweise"
    r"|zwischen\b.{3,40}\bwählen|choisir|préférez|elegir|prefiere|escolher|prefere|scegliere|preferisce|kiezen|wybrać)\b"
    r"|お選び|选择"
)
"""The reader has a choice: "a refund or an exchange, whichever you prefer"."""
_REPLACES = re.compile(
    r"\b(?:replac\w*|spare|ersatz\w*|ersetz\w*|umtausch\w*|rempla\w*|reempla\w*|repuesto|recambio|substitu\w*|sostitu\w*"
    r"|ricambio|vervang\w*|wymien\w*|wymian\w*)\b|交換|更换|更換|新しい"
)
_YOU_GET = re.compile(
    r"\b(?:you(?:'ll|’ll| will)? (?:get|receive|have)|sie (?:bekommen|erhalten)|bekommen sie|erhalten sie"
    r"|vous (?:recevrez|recevez|aurez|avez)|recibirá|tendrá|tiene|receberá|terá|tem|riceverà|avrà|u (?:krijgt|ontvangt"
    r"|heeft)|je krijgt|otrzyma|dostanie|dostaje|ma (?:pan|pani))\b|[\u0400-\u06ff\uac00-\ud7af]"
)
_US_OR_YOU = re.compile(
    r"\b(?:us|ours?|uns|unser\w*|nous|notre|nos|nuestr\w+|noss\w+|nostr\w+|noi|ons|onze|nas|nasz\w*)\b|"
    r"\b(?:you|yours?|sie|ihnen|ihre?[nmrs]?|du|dich|dir|vous|votre|vos|te|le|les|su|sus|usted|você|lhe|seu|sua|si|lei|la|suo|sua|u|uw|je"
    r"|pan|pani|pana|panu|państw\w+|vamos)\b|[\u3040-\u30ff\u4e00-\u9fff]"
)
_KEEPS = re.compile(r"\b(?:keep|behalten|gard(?:er|ez)|quedar\w*|ficar|tenere|houden|zatrzyma\w*)\b")
_SWAPS = re.compile(
    r"\b(?:exchang\w+|swap\w*|umtausch\w*|échang\w+|cambi(?:ar|o|are)|troc(?:ar|a)|ruil\w*|omruilen|wymian\w+|wymienić)\b"
    r"|交換|换货"
)
"""A wish to change one thing for another, which costs nothing."""
_LIMIT = re.compile(
    r"(?:\b(?:up to|at most|maximum(?: of)?|bis zu|höchstens|jusqu['’]à|hasta|até|fino a|tot|maximaal|do|maks\.?)"
    r"|最大|最高|不超过|上限)\s*\Z",
    re.IGNORECASE,
)
"""Words before an amount that is the most of what a rule allows."""


def _is_explained(reading: Reading, sentence: str) -> bool:
    """Whether a sentence only says that something costs nothing, by a rule, as was asked, or for what is put off."""
    found = pattern("no_cost").search(sentence)
    if found is None or pattern("money", "money_firm", "discount_firm").search(pattern("no_cost").sub(" ", sentence)):
        return False
    return (
        pattern("reasons").search(sentence) is not None
        or pattern("conditions").search(sentence, found.end()) is not None
        or pattern("asks_charge", "moves", "calls_off", "missing").search(reading.asked_text) is not None
        or _SWAPS.search(reading.asked_text) is not None
    )


def _our_texts(reading: Reading) -> Iterator[str]:
    """Our earlier emails in the thread, in lower case."""
    return (
        lowered(str(mail.body)[:LONGEST_DRAFT])
        for mail in reading.context.messages[-MOST_MAILS:]
        if mail.body is not None and reading.is_ours(mail.sender.address)
    )


def _promised_before(reading: Reading, *keys: str) -> bool:
    """Whether an earlier email of ours in the thread already has words under `keys`."""
    return any(pattern(*keys).search(text) is not None for text in _our_texts(reading))


def _new_amounts(reading: Reading, sentence: str) -> list[Amount]:
    """The amounts of a sentence that are neither in the thread nor calculated, nor only the most that a rule allows."""
    amounts = find_amounts(sentence)
    if not amounts:
        return []
    there = {(amount.currency, amount.value) for amount in known_amounts(reading)}
    return [amount for amount in unknown(reading, amounts, there) if not _LIMIT.search(sentence[: amount.span.start])]


@rule("promise_money", "promises money")
def promise_money(reading: Reading) -> Iterator[Finding]:
    """A sentence speaks of refunds, reimbursement, compensation, credit or waived fees. High when it commits us and
    names an amount that is not in the thread (or there is no thread to compare with); medium when it commits us, or
    names such an amount; low when it only speaks of it, says no, passes the wish on, sets a condition, gives a choice,
    tells what follows once goods are back, gives back what was paid twice or by mistake, pays for their way back, or
    when an earlier email of ours promised the same. Something free is a promise only if we give it: "we send a new one
    free of charge", not "parking is free"."""
    firm = pattern("money_firm")
    pairs = list(together(reading, "money_pairs"))
    for span, sentence, start in by_sentence(reading, firm, pattern("money"), pairs=pairs):
        plain = firm.search(sentence) is not None or any(start <= one.start < start + len(sentence) for one in pairs)
        written = reading.body[start : start + len(sentence)]
        amounts = [amount for amount in find_amounts(written) if amount.currency != "%"]
        new = [amount for amount in _new_amounts(reading, written) if amount.currency != "%"]
        # In "We won't charge you" the negation is part of the promise.
        gratis = pattern("gratis").search(reading.low, *span) is not None
        commits = plain or gratis or commits_us(YOU_MAY.sub(" ", sentence))
        # "The deposit is returned": a promise says who gives, or to whom.
        ours = pattern("first_person").search(sentence) is not None or _YOU_GET.search(sentence) is not None
        commits = (
            commits
            and (ours or (plain and _US_OR_YOU.search(sentence) is not None))
            and not says_no(firm.sub(" ", sentence))
            and not _is_policy(sentence, span.start - start, gratis=gratis, firm=plain)
        )
        commits = commits and not (_promised_before(reading, "money", "money_firm") and not new)
        commits = commits and not _is_explained(reading, sentence)
        # "You can keep the broken one" is a gift only beside money back.
        kept = _KEEPS.search(reading.low, *span) is not None and not amounts
        commits = commits and not (kept and pattern("money").search(_KEEPS.sub(" ", reading.low)) is None)
        # What was paid twice or by mistake is given back, as is a deposit; a system does so by itself.
        undo = pattern("undoes").search
        undoes = undo(sentence) is not None or all(map(undo, (reading.asked_text, reading.low)))
        commits = commits and (bool(new) or not undoes)
        level = Level.LOW
        if commits:
            level = Level.HIGH if new else Level.MEDIUM
        first, last = span.start - start, span.end - start
        near = [
            amount.span
            for amount in amounts
            if abs(amount.span.start - last) <= 40 or abs(first - amount.span.end) <= 40
        ]
        if near:
            first, last = min(first, near[0].start), max(last, near[-1].end)
        marked = Span(start + first, start + last)
        words = f"{'promises' if commits else 'speaks of'} money: {quoted(reading.body[slice(*marked)])}"
        yield Finding("promise_money", level, OneLine(words), (marked,))


@rule("payment", "pays, or changes where money goes")
def payment(reading: Reading) -> Iterator[Finding]:
    """A sentence says that we pay, transfer or release money, or that bank details were changed. High, whatever the
    thread says: an email is no safe source of payment orders. Medium if the sentence says no, low if the no stands
    right there ("your bank details have not changed"). Transferring a call, a file, a booking or a customer is no
    payment, unless the sentence also mentions money."""
    by_words = [Phrases(_PAYS)] if any(word in reading.low for word in _PAYING) else []
    for span, sentence, start in by_sentence(reading, *by_words, pattern("payment")):
        words = sentence[span.start - start : span.end - start]
        if "account" in words and not (_FUNDS.search(sentence) or _FUNDS.search(reading.asked_text)):
            # "I have updated your account information" may be about an address.
            continue
        transfers = _OTHER_PAID.match(sentence, span.start - start) is not None
        other = transfers or _NO_MONEY.search(sentence, span.start - start) is not None
        written = reading.body[start : start + len(sentence)]
        if other and not find_amounts(written) and _FUNDS.search(sentence) is None:
            continue
        level = Level.MEDIUM if says_no(sentence) else Level.HIGH
        if pattern("plain_not").search(reading.low, max(start, span.start - _RIGHT_BEFORE), span.end):
            level = Level.LOW
        words = f"pays, or changes where money goes: {quoted(reading.body[slice(*span)])}"
        yield Finding("payment", level, OneLine(words), (span,))


@rule("promise_discount", "promises a discount")
def promise_discount(reading: Reading) -> Iterator[Finding]:
    """A sentence speaks of a discount, a voucher, a special price or something free. Medium if it gives away months or
    years, commits us, or names a number; otherwise low, as it is if the other side's newest email speaks of such a
    thing and the draft tells what there is without saying that we give it."""
    firm = pattern("discount_firm")
    asked = pattern("discount", "asks_charge").search(reading.asked_text) is not None or "%" in reading.asked_text
    for span, sentence, _ in by_sentence(reading, firm, pattern("discount"), Phrases(_OFF)):
        gives = firm.search(sentence) is not None or commits_us(YOU_MAY.sub(" ", sentence))
        gives = gives and (not asked or pattern("first_person").search(sentence) is not None)
        gives = gives or (not asked and bool(find_amounts(sentence)))
        gives = gives and pattern("reasons", "rules", "passes_on").search(sentence) is None
        gives = gives and not (_promised_before(reading, "discount") and not _new_amounts(reading, sentence))
        gives = gives and not (_REPLACES.search(sentence) and any(map(_REPLACES.search, _our_texts(reading))))
        gives = gives and not says_no(up_to_comma(sentence, firm) if firm.search(sentence) else sentence)
        words = f"{'promises' if gives else 'speaks of'} a discount: {quoted(reading.body[slice(*span)])}"
        yield Finding("promise_discount", Level.MEDIUM if gives else Level.LOW, OneLine(words), (span,))


_GUARANTEE = re.compile(r"g(?:ua|a)rant|gwarant|保証|保证")


@rule("promise_legal", "legal statements")
def promise_legal(reading: Reading) -> Iterator[Finding]:
    """A sentence accepts liability or fault, guarantees something, or binds us (high); gives advice in matters of law,
    tax or health (medium); or speaks of contracts, warranty, lawyers, data protection law (low)."""
    liability = pattern("liability")
    pairs = list(together(reading, "liability_pairs"))
    for span, sentence, start in by_sentence(reading, liability, pattern("legal"), pairs=pairs):
        strong = liability.search(sentence) is not None
        strong = strong or any(start <= one.start < start + len(sentence) for one in pairs)
        words = f"{'makes a legal statement' if strong else 'speaks of legal matters'}: "
        # "No somos responsables", "we do not accept liability": the no stands right before the words.
        before = pattern("plain_not").search(reading.low, max(start, span.start - _RIGHT_BEFORE), span.start)
        # What is guaranteed may be that something will not happen.
        denied = says_no(sentence[: span.start - start] if _GUARANTEE.search(sentence) else sentence)
        level = Level.HIGH if strong and not before and not denied else Level.LOW
        yield Finding("promise_legal", level, OneLine(words + quoted(reading.body[slice(*span)])), (span,))
    for span, sentence, _ in by_sentence(reading, pattern("advice")):
        if not says_no(sentence) and _ASKED.search(sentence) is None:
            words = f"gives advice that needs a lawyer, a doctor or a tax adviser: {quoted(reading.body[slice(*span)])}"
            yield Finding("promise_legal", Level.MEDIUM, OneLine(words), (span,))


@rule("promise_deadline", "promises a deadline")
def promise_deadline(reading: Reading) -> Iterator[Finding]:
    """A sentence sets a term: "within 24 hours", "by Friday", "no later than", "next-day". Medium if it commits us and
    says so with emphasis ("at the latest", "you have my word") or gives away money; otherwise low: it tells when
    something comes. Low also if the thread names that day, or the sentence says what is usual, what the reader has to
    do, or by when we write again."""
    pairs = list(together(reading, "deadline_pairs"))
    for span, sentence, start in by_sentence(reading, Phrases(_DEADLINE), pattern("deadline"), pairs=pairs):
        commits = commits_us(YOU_MAY.sub(" ", sentence))
        paired = not says_no(sentence) and any(start <= one.start < start + len(sentence) for one in pairs)
        firm = (commits or paired or _delivers(sentence)) and _ASKED.search(sentence) is None and not says_no(sentence)
        firm = firm and pattern("emphatic", "money", "money_firm", "discount_firm").search(sentence) is not None
        firm = firm and not _is_open(sentence) and not _in_thread(reading, span)
        words = f"{'promises' if firm else 'names'} a deadline: {quoted(reading.body[slice(*span)])}"
        yield Finding("promise_deadline", Level.MEDIUM if firm else Level.LOW, OneLine(words), (span,))


_AFTER_SERVICE = 25
_BY_LAW = re.compile(r"\b(?:law|statut\w+|loi|gesetz\w*|ley|legge|wet|prawo|ustawa)\b|法律")
_DAY_AND_NIGHT = re.compile(
    r"\b(?:around the clock|24/7|rund um die uhr|24h/24|24 heures sur 24|jour et nuit|24 horas|24 ore su 24|h24"
    r"|dag en nacht|24 uur per dag|całą dobę|24 godziny)"
)
_STAFFED = re.compile(
    r"\b(?:staffed|manned|attended|open\w*|desk|reception|door|besetzt|geöffnet|offen|rezeption|ouvert\w*|accueil"
    r"|abiert\w*|recepción|abert\w*|receção|recepção|apert\w*|balie|receptie|czynn\w*|otwart\w*|recepcja)\b"
)
"""Words for what is open: opening hours are no promise to this customer."""


@rule("promise_service", "promises a level of service")
def promise_service(reading: Reading) -> Iterator[Finding]:
    """A sentence promises how reliable or how quick we are: a share of the time, "around the clock", an answer within
    the hour, that something never happens again. Medium; low if the sentence says no, names opening hours or the law,
    or the thread says the same."""
    pairs = together(reading, "service_pairs")
    for span, sentence, _ in by_sentence(reading, pattern("service_level"), pairs=pairs):
        quiet = says_no(sentence) or reading.low[slice(*span)] in reading.thread_text.lower()
        # "Guaranteed for two years" tells how long a warranty lasts.
        after = re.findall(r"[^\W\d_]+", reading.low[span.end : span.end + _AFTER_SERVICE])[:3]
        quiet = quiet or any(word in SPANS_OF_TIME for word in after) or _BY_LAW.search(sentence) is not None
        hours = _DAY_AND_NIGHT.match(reading.low, *span) is not None
        quiet = quiet or (hours and _STAFFED.search(sentence) is not None)
        words = f"promises a level of service: {quoted(reading.body[slice(*span)])}"
        yield Finding("promise_service", Level.LOW if quiet else Level.MEDIUM, OneLine(words), (span,))


@rule("promise_own", "promises of your own list")
def promise_own(reading: Reading) -> Iterator[Finding]:
    """The body contains a word or phrase from "promises" in the settings, ignoring case. Medium."""
    body = reading.body.casefold()
    same_length = len(body) == len(reading.body)
    for phrase in reading.settings.promises:
        at = body.find(phrase.casefold()) if phrase.strip() else -1
        if at >= 0:
            spans = (Span(at, at + len(phrase)),) if same_length else ()
            yield Finding("promise_own", Level.MEDIUM, OneLine(f"says {quoted(phrase)}"), spans)


PROMISE_RULES = (
    promise_money,
    payment,
    promise_discount,
    promise_legal,
    promise_deadline,
    promise_service,
    promise_own,
)
