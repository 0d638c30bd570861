"""The rule about templates that were not filled in, and options among which nobody chose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mm_tui.review.findings import Finding, Level, Span, line_span, span_of, spans_of
from mm_tui.review.risk.facts import MONTH_NAMES
from mm_tui.review.risk.phrases import has_words, lowered, pattern, word_set
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, listed, quoted, rule

_CHOICE = re.compile(
    r"[\[［【](?P<east>[\u3040-\u9fff]{1,10}(?:[/／|｜][\u3040-\u9fff]{1,10}){1,3})[\]］】]"
    r"|\[(?P<west>(?:[^\W\d_]|['’])+(?: [^\W\d_]+){0,2}(?: ?[/|] ?[^\W\d_]+(?: [^\W\d_]+){0,2}){1,3})\](?![(:\[])"
)
_SHORT_FORM = re.compile(r"(?:inc|exc)l?\w{0,6}|plus|net|gross|netto|brutto|neto|bruto|lordo|ht|ttc|and|or|und|oder")
_SHORTEST_CHOICE = 3
_GREETED = re.compile(r"(?:sir|madam|ma'am|mr|mrs|ms|miss|herr|frau|monsieur|madame|señor|señora|signor|signora)")
_REACH = 200
"""The most characters of a line before and after a match, as a long one may have thousands of matches."""


def line_of(text: str, match: re.Match[str]) -> str:
    """The line of a match, in lower case."""
    return text[slice(*line_span(text, *match.span(), _REACH))].lower()


def asks_to_choose(text: str, match: re.Match[str]) -> bool:
    """Whether the line of a match asks the reader to choose or to answer."""
    return has_words(line_of(text, match), "choosing")


def options_left(text: str) -> Iterator[Span]:
    """Options in square brackets, among which nobody chose: "in [two/three] days"."""
    for match in find_all(_CHOICE, text) if "/" in text or "|" in text or "／" in text else ():
        if asks_to_choose(text, match):
            continue
        words = [word.strip() for word in re.split("[/|]", match["west"] or "")]
        if (
            match["east"]
            or all(_GREETED.fullmatch(word.lower()) for word in words)
            or (
                text[match.start() - 1 : match.start()] == " "
                and (all(len(word) >= _SHORTEST_CHOICE for word in words) or words[0] in word_set("yes"))
                and all(map(str.islower, words))
                and not any(_SHORT_FORM.fullmatch(word.partition(" ")[0]) for word in words)
            )
        ):
            yield span_of(match)


_HOLES = tuple(
    (tuple(signs.split()), re.compile(sought))
    for signs, sought in (
        (
            "{ <% %(",
            r"\{\{[^{}\n]{0,80}\}\}|\{%[^%\n]{0,80}%\}|<%[^%\n]{0,80}%>|\$\{[^{}\n]{0,80}\}|%\([\w .]{1,40}\)s",
        ),
        (
            "{ %s %d",
            r"\{[A-Za-z][\w .-]{0,40}(?:\|[^{}\n]{0,40})?\}|(?<![\w$])\{\d{1,2}\}|(?<=\s)%[sd](?=[\s.,;:!?]|\Z)",
        ),
        (
            "[ < # nan",
            r"\[\[[^\[\]\n]{1,40}\]\]|<<[^<>\s]{1,30}(?: [^<>\s]{1,20}){0,2}>>|\[object \w+\]"
            r"|#(?:REF|VALUE|NAME)[!?]|#N/A\b|\bNaN\b"
            r"|\[[A-ZÀ-Þ]{2,20}(?: ?/ ?[A-ZÀ-Þ]{2,20})+(?:[ ,:–-][^\[\]\n]{0,60})?\](?![(:\[])",
        ),
        (
            "xx __ ＿ 某",
            r"(?<![\w-])(?:X{4,20}|XXX(?! [A-Z][a-z]))(?![\w-])"
            r"|\bXX(?:st|nd|rd|th)\b|(?<!_)_{2,}+[.,/-]_{2,}+(?:[./-]_{2,}+)?|＿{2,}|某[年月日某]",
        ),
        ("年 月 日 時 円 様 号", r"(?:[◯〇○●×✕△▲□■]{1,4}|(?<![A-Za-z0-9])[XＸ]{1,4})[年月日時円様号](?!\w{0,2}曜)"),
        (
            "*| % ## @@ $",
            r"\*\|[A-Za-z][\w:]{0,40}\|\*|%%?[A-Za-z]\w{1,30}%%?(?!\d)|##\w{2,30}##|@@\w{2,30}@@|\$[A-Z][A-Z_]{2,30}\b",
        ),
        ("« <", r"«[ ]?[A-Za-zÀ-ž]+(?:[_.][\wÀ-ž]+)+[ ]?»|<[a-z]+_[a-z_]{1,40}>"),
        (
            "/ (",
            r"\b(?:Mr\.?/M(?:r?s|iss)\b\.?(?:/\w+)?|Herrn?/Frau|Frau/Herrn?|M\./Mme|Mme/M\.|Sr\./Sra\.|Sig\./Sig\.ra|先生/女士)"
            r"|(?i:sehr geehrte\(r\)|(?:stimad|car|prezad)[oa]\([ao]\)|(?:chère?\(e\)|cher\(e\)))",
        ),
        (
            "/ . - : h",
            r"(?:(?:JJ|TT|DD|GG|dd|jj|tt|gg)(?<![\w/.(]..)[./-](?:MM|mm)(?:[./-](?:[YJAR]{2,4}|[yjar]{4}))?|(?:HH|hh)(?<![\w/.(]..)[:.h](?:MM|mm))(?![\w/])",
        ),
        ("○ 〇 ● ◯ △ ▲ □ ■", r"[○〇●◯△▲□■]{2,10}|(?<=[年月日第])[○〇]|[○〇](?=月|日|様)"),
        (
            "xx $x €x £x #x",
            r"(?<![\w.-])(?:\+?\d[\d ()/-]{3,14}\d[ -]?X{2,6}(?![ -]?\d)|[$€£#]X{2,6}"
            r"|X{2,6}(?:[.:/-]X{2,6})+|X{2,4}[.:/ ]{1,2}(?:X{2,4}[.:/]?|\d{2,4}\b))(?!\w)"
            r"|(?i:(?<!\w)(?-i:[xX]{2,4})(?:st|nd|rd|th|\.)?[ ]"
            rf"(?:{MONTH_NAMES}|days?|hours?|tage|euros?|eur|usd|%)\b)"
            r"|(?i:\b(?:order|invoice|ticket|number|no\.|room|code|bestellung|rechnung|commande|pedido|"
            r"n[uú]mero|numéro|nummer|numer|codice|código)[ :#]*)(?-i:X{2,12})\b",
        ),
        (
            "?? xx todo tbd tbc fixme lorem placeholder % __",
            r"(?<!\?)\?{2,}+(?= ?[a-zà-ž€$£%])|\bXXX\b[^\n]{2,60}\bXXX\b|\bXX\b[^\n]{2,12}\bXX\b"
            r"|\bTODO\b|\bTBD\b|\bTBC\b(?=[ .,)])|\bFIXME\b|(?i:\blorem ipsum\b|\bplaceholder text\b)|%[A-Z]{3,30}%"
            r"|(?<!_)_{5,}+(?=[ \t]*[^\s_])"
            r"|(?<=[^\s_])[ \t]{0,3}_{5,}|(?<=[^\W_][ ])_{2,4}(?=[ .,:€$£%])"
            r"|(?<=[$€£¥￥])[ ]?_{2,}(?!\w)|(?<=[\u3040-\u9fff：])_{2,}(?=[\u3040-\u9fff])",
        ),
        (
            "dear hi hello hey",
            r"(?m)^[ \t]*(?i:dear|hi|hello|hey)[ \t]+"
            r"(?:(?i:none|null|undefined|unknown|customer name)|nan|NaN|NAN|,)[ \t]*,?",
        ),
    )
)
"""Signs in lower case (every match has one of them), and the pattern of a hole."""

_VARIABLE = re.compile(r"(?<![\w$])[A-Z][A-Z_]{2,30}\b")
_FRAMED = re.compile(
    r"\[(?P<a>[^\[\]\n]{2,300})\](?![(:\[])|(?<![\w<])<(?P<b>[^<>\n@/:=\"]{2,60})>(?!>)"
    r"|«[ \u00a0]?(?P<c>[^«»\n]{2,40})[ \u00a0]?»"
    r"|【(?P<d>[^【】\n]{1,40})】"
    r"|［(?P<g>[^［］\n]{1,300})］"
)
_FRAMES = re.compile(r"[\[<«【［]")
_FILLS_IN = re.compile(
    r"\A(?:insert|fill in|put in|einfügen|eintragen|insérez?|compléter|saisir|remplir|insertar|inserte|completar|poner"
    r"|rellenar|inserir|insira|preencher|colocar|inserire|inserisci|compilare|invoegen|invullen|vul in"
    r"|wstawić|wstaw|wpisać|wpisz|uzupełnić|uzupełnij)\b"
    r"|\b(?:einfügen|eintragen|einsetzen|ergänzen|einzutragen|einzusetzen|nachzutragen|invoegen|invullen)\Z"
    r"|[をに](?:入力|記入|挿入|入れ)(?:して(?:ください|下さい)|てください|て下さい|する)?\Z"
    r"|\A(?:请?(?:在此|此处|在这里|这里)(?:填写|填入|输入|插入|补充)|填入|插入)"
)
"""How a note that asks the writer to fill in something begins or ends."""
_FORM = re.compile(
    r"\b(?:forms?|formular\w*|formulaires?|formulários?|modul[oi]|formulier\w*|fields?|feld\w*|champs?|campos?"
    r"|veld\w*|pol[ea])\b|書|フォーム|用紙|欄|表|栏"
)
"""What a reader fills in."""


def _notes(text: str) -> Iterator[Span]:
    """Notes in round brackets that ask the writer to fill in something: "(insert name)", "（日付を記入）"."""
    for match in find_all(_ROUND, text) if "(" in text or "（" in text else ():
        low = (match["a"] or match["b"]).lower().strip()
        if not _FILLS_IN.search(low):
            if _place_of_field().search(text, max(0, match.start() - _BEFORE), match.end() + 1):
                yield span_of(match)
            continue
        if not _is_about_form(text, match) and (any(word in low for word in _eastern_fields()) or _is_hole("(", low)):
            yield span_of(match)


def _is_about_form(text: str, match: re.Match[str]) -> bool:
    return _FORM.search(line_of(text, match)) is not None


@cache
def _eastern_fields() -> tuple[str, ...]:
    return tuple(word for word in word_set("fields") if word[0] >= "\u3040")


@cache
def _place_of_field() -> re.Pattern[str]:
    """The name of a field in brackets where a value must be: "（お名前）様", "在（日期）前"."""
    fields = f"[（(](?:{'|'.join(_eastern_fields())})[）)]"
    return re.compile(rf"{fields}[様殿先女小]|(?:尊敬的|亲爱的|[在于]){fields}")


_BEFORE = 3
_ROUND = re.compile(r"\((?P<a>[^()\n]{3,40})\)|（(?P<b>[^（）\n]{2,30})）")
_HERE = re.compile(r"\b(?:here|hier|ici|aquí|aqui|qui|tutaj|здесь|هنا|כאן)\b|여기|ここ|此处|在此|这里")
"""A word that makes what follows a colon an instruction: "[your answer here: when it ships]"."""
_EXAMPLE = re.compile(
    r"(?:for example|for instance|e\.? ?g\b|z\. ?b\b|zum beispiel|etwa|par exemple|p\. ?ex\b|por ejemplo|por exemplo"
    r"|ad esempio|per esempio|bijvoorbeeld|bijv\b|na przykład|np\b|例|比如)"
)
"""What an example in round brackets begins with: it is no field to fill in."""


def _is_hole(frame: str, inside: str) -> bool:
    """Whether the text in a frame names something to fill in."""
    low = inside.lower().strip(" .…:*_")
    field, colon, _ = low.replace("：", ":").partition(":")
    if frame == "[" and colon and _HERE.search(field):
        return _is_hole(frame, field)
    fields, fillers, verbs = word_set("fields"), word_set("fillers"), word_set("insert")
    if low in fields:
        return True
    words = re.findall(r"[^\W_]+", low)
    ends = {words[-1], *words[: 1 + (words[0] in _PLACES)]} if words else set[str]()
    if frame == "[" and words and (words[-1] in _PLACES or not _TO_WRITE.isdisjoint(ends)):
        return True
    if not words or len(words) > 7:
        return False
    eastern = re.search("[\u3040-\u9fff]", low) is not None
    if eastern:
        return any(word in low for word in verbs if word[0] >= "\u3040") or any(
            low.endswith(word) for word in fields if word[0] >= "\u3040"
        )
    begins = words[0] in verbs or " ".join(words[:2]) in verbs or _FILLS_IN.search(low) is not None
    named = any(word in fields for word in words)
    others = [
        word for word in words if len(word) > 1 and word not in fields and word not in fillers and word not in verbs
    ]
    if frame == "«":
        return named and not others
    # "[due date]", "[nombre del médico]": a more specific field.
    closer = len(words) <= 4 and words[-1] in fields and words[0] not in _MARKS and low == inside.strip(" .…:*_")
    return (begins and len(others) <= 2) or (named and len(others) <= (1 if len(words) > 2 or closer else 0))


_TO_WRITE = frozenset({"insert", "einfügen", "insérer", "insertar", "inserir", "inserire", "invoegen", "wstawić"})
"""What a note in square brackets to the writer begins or ends with: "[insert an apology if it is late]"."""
_PLACES = frozenset({"here", "hier", "ici", "aquí", "aqui", "qui", "tutaj"})
"""What may come before that, or end such a note: "[hier einfügen …]", "[warm closing sentence here]"."""
_MARKS = frozenset({"external", "spam", "extern", "externe", "externo"})
"""The words that mail programs put in brackets before "mail"."""
_ALONE = re.compile(
    r"(?<=[^\W\d_] )(?:[_*]{0,2}(?:\([^\W\d_][^()\n]{2,40}\)"
    r"|<[^\W\d_][^<>\n@/:=]{2,40}>|\{[^\W\d_][^{}\n]{2,40}\})"
    r"[_*]{0,2}(?=[ ]?(?:[.,;:!?]|€|EUR\b|\n|\Z))"
    r"|\[[^\W\d_][^\[\]\n@/:=]{2,40}\](?![(:\[])|\[[●•*….?_ X-]{1,6}\](?![(:\[])"
    r"|(?:\?{2,}|…+|_{2,}|X{2,}|\*{2,}|#{2,}|~{2,})(?=[ .,;:!€$£%]|\n|\Z))"
)
"""Words in brackets, with nothing after them that they could belong to; signs in the place of a word."""
_MARKED = re.compile(r" [_*]{0,2}[(<{\[]|([?_X*#~])\1|…")
_LONGEST_HOLE = 5
_WORD_BEFORE = re.compile(r"([^\W\d_]+) \Z")
_LONGEST_WORD = 30
_CONJUNCTIONS = frozenset(
    {"but", "or", "that", "which", "because", "if", "when", "oder", "dass", "weil", "wenn", "ou", "que", "qui", "si"}
    | {"o", "u", "e", "che", "se", "of", "omdat", "als", "i", "a", "lub", "że", "aby"}
)
"""Words that a remark in brackets may follow."""


def _left_open(text: str) -> Iterator[Span]:
    """Brackets or signs after a word that needs another after it: "comes to (price from the list).", "on ??."."""
    for match in find_all(_ALONE, text) if _MARKED.search(text) else ():
        before = _WORD_BEFORE.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
        marked = re.match(r"\W*([^\W\d_]*)", match[0])
        if (marked and marked[1].lower() in _MARKS) or _EXAMPLE.match(match[0].lower().strip("(_* ")):
            continue
        if "/" in match[0] and asks_to_choose(text, match):
            continue
        if _FILLS_IN.search(match[0].lower().strip("([{ )]}")) and _is_about_form(text, match):
            continue
        if "(" in match[0] and (re.search(r"\d", match[0]) or len(match[0].split()) > _LONGEST_HOLE):
            # A remark: "into a can (your local waste site takes it)", "signed for (DN 7714)".
            continue
        if before and before[1].lower() in word_set("unfinished") - word_set("joins") - _CONJUNCTIONS:
            yield span_of(match)


_DELIMITED = re.compile(
    r"(?<![^\s(>])(?P<sign>[~^|=@#§+%$!]{1,2}|:)(?P<name>[A-Za-z]\w{1,30})(?P=sign)(?=[\s.,;:!?)]|\Z)"
    r"|(?<![\w/.-])(?P<caps>[A-Z]{2,}(?:_[A-Z]{2,}){1,4})(?![\w/-]|\.\w)"
)
_SIGN_AND_NAME = re.compile(r"[~^|=@#§+%$!:][A-Za-z]|[A-Z]_[A-Z]")
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _delimited(text: str, known: str) -> Iterator[Span]:
    """The name of a field between two equal signs ("~date~"), or in capitals with underscores, unless known."""
    for match in find_all(_DELIMITED, text) if _SIGN_AND_NAME.search(text) else ():
        name = match["name"] or match["caps"]
        parts = [part.lower() for part in _NAME_PART.findall(name)]
        if name not in known and any(part in word_set("fields") for part in parts):
            yield span_of(match)


_FOLDERS = frozenset(
    {"appdata", "localappdata", "temp", "tmp", "userprofile", "programdata", "programfiles", "systemroot", "windir"}
    | {"path", "homepath", "homedrive", "systemdrive", "username", "computername", "public"}
)


def _is_variable(text: str, match: re.Match[str]) -> bool:
    """Whether a name between percent signs is a variable of Windows, or the beginning of a path."""
    name = match[0]
    return name.strip("%").lower() in _FOLDERS or (name.startswith("%") and text[match.end() : match.end() + 1] == "\\")


_SIGNING = re.compile(
    r"\b(?:sign|initial|unterschr\w+|unterzeichn\w+|signez|signer|firm[aei]\w*|assin[ae]\w*|(?:onder)?teken\w*|podpis\w*)\b"
)
_FORMAT = re.compile(r"(?:\bforma+t\w*|\bin the form|формат\w*|形式|格式)\W{1,4}\Z")


def _is_for_reader(text: str, match: re.Match[str]) -> bool:
    """Whether the reader writes there: "Sign here: ______", "in the format [dd/mm/yyyy]"."""
    start = match.start()
    if match[0].strip()[0] == "_":
        label = text[line_span(text, start, start, _REACH)[0] : start].lower()
        return _SIGNING.search(label) is not None and _HERE.search(label) is not None
    is_date = set("djtghmyar./-:").issuperset(match[0].lower())
    return is_date and _FORMAT.search(text[max(0, start - _LONGEST_WORD) : start].lower()) is not None


_GREETED_LINES = 3
_NO_NAME = re.compile(
    r"(?:\A|\s|/a |\(a\) |/e |\(e\) |/r )(?P<field>\(?(?:"
    r"(?:first|last|full|given|customer|client|guest|your|recipient)[ _-]?name"
    r"|surname|vorname|nachname|kundenname|name des kunden|prénom|nom du client|nombre(?: del cliente)?|apellidos?"
    r"|primeiro nome|nome(?: do cliente| cliente)?|sobrenome|cognome|voornaam|achternaam|klantnaam|naam(?: klant)?"
    r"|imię(?: i nazwisko)?|nazwisko)\)?)\s*(?=[,:!、，：]|\n|\Z)"
)


def _nameless(text: str) -> Iterator[Span]:
    """A greeting with the name of a field: "Dear FIRSTNAME,"."""
    at = 0
    for line in text.split("\n", _GREETED_LINES)[:_GREETED_LINES]:
        low = lowered(line)
        match = _NO_NAME.search(low)
        if match and pattern("greetings").match(low.lstrip()):
            yield Span(at + match.start("field"), at + match.end("field"))
        at += len(line) + 1


_SHOUTED = re.compile(
    r"(?<=[a-zà-ž,:] )(?:\[(?P<framed>[A-ZÀ-Ž]{2,}(?: [A-ZÀ-Ž]{1,20}){0,4})\](?![(:\[])"
    r"|(?P<bare>[A-ZÀ-Ž]{3,20}(?: [A-ZÀ-Ž]{3,20}){1,3})(?![\w-]))"
)
_SHORTEST_SHOUT = 6


def _shouted(text: str, known: str) -> Iterator[Span]:
    """Capitals within a sentence: any in brackets ("[DO UZUPEŁNIENIA]"), and those that ask to insert something."""
    for match in find_all(_SHOUTED, text) if _CAPITALS.search(text) else ():
        framed, bare = match["framed"] or "", match["bare"]
        is_hole = _is_insertion(bare) if bare else len(framed) >= _SHORTEST_SHOUT and framed.lower() not in _MARKS
        if is_hole and match[0] not in known:
            yield span_of(match)


_CAPITALS = re.compile(r" \[?[A-ZÀ-Ž]{2}[A-ZÀ-Ž ]")


def _is_insertion(words: str) -> bool:
    """Whether words ask to insert a field: "INSERIRE NOME", "DATUM EINFÜGEN"."""
    said = words.lower().split()
    return not word_set("insert").isdisjoint(said) and not word_set("fields").isdisjoint(said)


def _holes(text: str, known: str) -> tuple[Span, ...]:
    spans = [
        span_of(match)
        for match in (find_all(_FRAMED, text) if _FRAMES.search(text) else ())
        if _is_hole(match[0][0].replace("［", "["), next(group for group in match.groups() if group is not None))
    ]
    spans += [*_left_open(text), *_delimited(text, known), *_nameless(text), *_shouted(text, known)]
    spans += [*_notes(text), *options_left(text)]
    spans += spans_of(pattern("lorem").finditer(lowered(text)))
    explained = {*_VARIABLE.findall(text), *_VARIABLE.findall(known)} if "$" in text else set()
    taken = bytearray(len(text))
    for span in spans:
        taken[slice(*span)] = b"\1" * (span.end - span.start)
    low = text.lower()
    for signs, sought in _HOLES:
        for match in find_all(sought, text) if any(sign in low for sign in signs) else ():
            start, end = match.span()
            if (match[0][0] == "$" and match[0][1:] in explained) or _is_variable(text, match):
                # The variable of a shell that the email explains, or a folder of Windows.
                continue
            if _is_for_reader(text, match):
                continue
            if 1 not in taken[start:end]:
                taken[start:end] = b"\1" * (end - start)
                spans.append(Span(start, end))
    return tuple(
        sorted(span for span in set(spans) if text[slice(*span)] not in known or span.end - span.start < _SIGN)
    )


_SIGN = 4
"""The most characters of a sign, which may mean something else in the thread."""


def has_holes(text: str) -> bool:
    """Whether something in a text still has to be filled in."""
    return bool(_holes(text, ""))


@rule("template_hole", "unfilled template holes")
def template_hole(reading: Reading) -> Iterator[Finding]:
    """A template was not filled in: "{{name}}", "[your answer here]", "<insert date>", "${total}", "*|FNAME|*",
    "«Vorname»", "XX December", "○○様", "€ ___", "in [two/three] days", TODO, TBD, "lorem ipsum", "Dear None". Looked
    for in subject and body. High."""
    spans = _holes(reading.body, reading.thread_text)
    in_subject = _holes(str(reading.draft.subject), reading.thread_text)
    if spans or in_subject:
        holes = [reading.draft.subject[slice(*span)] for span in in_subject]
        holes += [reading.body[slice(*span)] for span in spans]
        words = f"a template is not filled in: {listed([quoted(hole, 40) for hole in holes])}"
        yield flag("template_hole", words, *spans, level=Level.HIGH)
