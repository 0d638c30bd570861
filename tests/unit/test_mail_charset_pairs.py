"""Text in every charset that mail is written in, under every name that mailers give it: the text comes out."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.sandbox.mail_in.charsets import decode
from mm_tui.sandbox.mail_in.encoded_words import header_text
from mm_tui.sandbox.mail_in.parse import parse_mail

TEXTS = {
    "German": "Sehr geehrte Damen und Herren, die Größe „M“ für Jürgen kostet 1.200 €. Schöne Grüße aus Köln, übrigens.",
    "French": "Bonjour, voilà l'été à la plage, ça coûte très cher près de l'hôtel. Déjà reçu où?",
    "Polish": "Dzień dobry, proszę o fakturę. Płatność zrobiłem wczoraj, ale nie dostałem potwierdzenia. Dziękuję",
    "Russian": "Здравствуйте, когда придёт мой заказ? Спасибо за быстрый ответ, с уважением.",
    "Greek": "Καλημέρα σας, πότε θα έρθει η παραγγελία μου; Ευχαριστώ πολύ για την απάντηση.",
    "Turkish": "Merhaba, siparişim ne zaman gelecek? Teşekkür ederim, iyi günler dilerim. Güzel ışık",
    "Hebrew": "שלום, מתי ההזמנה שלי תגיע? תודה רבה על התשובה המהירה.",
    "Arabic": "مرحبا، متى يصل طلبي؟ شكرا جزيلا على الرد السريع.",
    "Thai": "สวัสดีครับ สินค้าจะมาถึงเมื่อไหร่ ขอบคุณมากครับ",
    "Chinese": "您好，我的订单什么时候到货？谢谢您的回复，祝您工作愉快。",
    "Chinese in Taiwan": "您好，我的訂單什麼時候到貨？謝謝您的回覆，祝您工作愉快。",
    "Chinese in Hong Kong": "你好，我哋嘅訂單幾時到呀？唔該晒你，嘅咗啲喺。",
    "Japanese": "お世話になっております。注文した商品はいつ届きますか。よろしくお願いします。",
    "Korean": "안녕하세요, 제 주문은 언제 도착하나요? 빠른 답변 감사합니다. 똠방각하",
}
ACTUAL = {
    "German": ("utf-8", "cp1252"),
    "French": ("utf-8", "cp1252", "iso-8859-15"),
    "Polish": ("utf-8", "iso-8859-2", "cp1250"),
    "Russian": ("utf-8", "koi8-r", "cp1251", "iso-8859-5"),
    "Greek": ("utf-8", "iso-8859-7", "cp1253"),
    "Turkish": ("utf-8", "iso-8859-9", "cp1254"),
    "Hebrew": ("utf-8", "iso-8859-8", "cp1255"),
    "Arabic": ("utf-8", "iso-8859-6", "cp1256"),
    "Thai": ("utf-8", "cp874", "tis-620"),
    "Chinese": ("utf-8", "gb2312", "gbk", "gb18030"),
    "Chinese in Taiwan": ("utf-8", "big5", "cp950"),
    "Chinese in Hong Kong": ("utf-8", "big5hkscs"),
    "Japanese": ("utf-8", "cp932", "euc_jp", "iso-2022-jp"),
    "Korean": ("utf-8", "cp949"),
}
WRONG_NAMES = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "", "unknown-8bit", "x-user-defined")
MORE_WRONG_NAMES = {
    "Russian": ("koi8-r",), "Polish": ("iso-8859-2",), "Turkish": ("iso-8859-9",),
    "Chinese": ("gb2312", "gbk", "euc-kr"), "Chinese in Taiwan": ("big5", "gb2312"), "Korean": ("ks_c_5601-1987",),
    "Chinese in Hong Kong": ("big5",), "Japanese": ("shift_jis", "euc-jp", "iso-2022-jp", "utf-7"),
    "German": ("gb2312", "utf-7"), "French": ("iso-8859-2", "iso-8859-15"),
}  # fmt: skip
PAIRS = [
    (language, actual, declared)
    for language, charsets in ACTUAL.items()
    for actual in charsets
    for declared in dict.fromkeys((actual, *WRONG_NAMES, *MORE_WRONG_NAMES.get(language, ())))
    # Under these names seven bits look like ASCII.
    if not (actual == "iso-2022-jp" and declared == "utf-7")
]


def silent(_what: str) -> None:
    pass


def encoded(language: str, actual: str) -> tuple[bytes, str]:
    data = TEXTS[language].encode(actual, "replace")
    return data, data.decode(actual)


@pytest.mark.parametrize(("language", "actual", "declared"), PAIRS)
def test_text_is_read_as_it_is_whatever_it_declares(language: str, actual: str, declared: str) -> None:
    data, text = encoded(language, actual)
    assert decode(data, declared, silent) == text
    for encoding, body in (("8bit", data), ("base64", base64.encodebytes(data)), ("qp", quopri.encodestring(data))):
        named = f'; charset="{declared}"' if declared else ""
        head = f"From: a@x.example\nContent-Type: text/plain{named}\nContent-Transfer-Encoding: {encoding}\n\n"
        assert parse_mail(head.encode() + body, silent).body == text
    html = b"<html><body><p>" + data + b"</p></body></html>"
    head = f'From: a@x.example\nContent-Type: text/html; charset="{declared or "x"}"\n\n'
    assert parse_mail(head.encode() + html, silent).body.replace("\\", "") == text
    meta = f'<html><head><meta charset="{actual}"></head><body>'.encode() + data
    assert parse_mail(b"From: a@x.example\nContent-Type: text/html\n\n" + meta, silent).body.replace("\\", "") == text


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", TEXTS)
def test_utf_16_with_and_without_its_mark(language: str, order: str, mark: bool) -> None:
    text = TEXTS[language]
    data = ("\ufeff" + text if mark else text).encode(order)
    for declared in ("utf-16", order):
        assert decode(data, declared, silent) == text


@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_bad_bytes_cost_no_more_than_themselves(language: str, data: st.DataObject) -> None:
    raw, text = TEXTS[language].encode(), TEXTS[language]
    at = len(text[: data.draw(st.integers(0, len(text)))].encode())
    bad = data.draw(st.sampled_from([b"\xff", b"\xc3", b"\x80", b"\xe2\x82", b"\xf0\x9f\x98"]))
    for declared in ("utf-8", "iso-8859-1", "us-ascii", "gb2312", ""):
        read = decode(raw[:at] + bad + raw[at:], declared, silent)
        before, after = raw[:at].decode(), raw[at:].decode()
        assert read.startswith(before) and read.endswith(after), (declared, read)
        assert "\ufffd" in read[len(before) : len(read) - len(after)]


@given(st.sampled_from([pair for pair in PAIRS if pair[1] != "iso-2022-jp"]), st.booleans())
def test_headers_and_file_names_in_raw_bytes(pair: tuple[str, str, str], named: bool) -> None:
    language, actual, _declared = pair
    raw, text = encoded(language, actual)
    raw, text = raw.replace(b'"', b"'"), text.replace('"', "'")
    body = b"--b\nContent-Type: text/plain; charset=" + actual.encode() + b"\n\n" + raw
    file = b'\n--b\nContent-Disposition: attachment; filename="' + raw.replace(b"\\", b"\\\\") + b'"\n\nx\n--b--\n'
    head = b"From: a@x.example\nSubject: " + raw + b"\nContent-Type: multipart/mixed; boundary=b\n\n"
    mail = parse_mail(head + (body if named else b"--b\n\nx") + file, silent)
    assert mail.subject == text
    if b"\\" not in raw:
        assert mail.attachments[0].name == text


@given(st.sampled_from(PAIRS), st.booleans(), st.integers(8, 40))
def test_encoded_words_by_what_they_hold(pair: tuple[str, str, str], quoted: bool, size: int) -> None:
    language, actual, declared = pair
    raw, text = encoded(language, actual)
    words = []
    pieces = [raw] if actual == "iso-2022-jp" else [raw[at : at + size] for at in range(0, len(raw), size)]
    for piece in pieces:
        q = "".join(f"={byte:02X}" if byte > 126 or byte < 33 or byte in b"=?_" else chr(byte) for byte in piece)
        words.append(f"=?{declared or 'x'}?" + (f"q?{q}?=" if quoted else f"B?{base64.b64encode(piece).decode()}?="))
    assert header_text("\n ".join(words), silent) == text


@given(st.text(alphabet="abcdefgh ÄÖüß€", min_size=4, max_size=60).map(str.strip).filter(lambda text: len(text) > 3))
def test_the_other_encoding_than_the_word_names(text: str) -> None:
    bare = " ".join(text.split())
    q = "".join(f"={byte:02X}" for byte in bare.encode())
    assert header_text(f"=?utf-8?B?{q}?=", silent) == bare
    coded = base64.b64encode(bare.encode()).decode()
    if len(coded) >= 16 or coded.endswith("="):
        assert header_text(f"=?utf-8?Q?{coded}?=", silent) == bare


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("=?utf-8?Q?Newsletter12?=", "Newsletter12"),
        ("=?utf-8?Q?November2026Lamps?=", "November2026Lamps"),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln", "Grüße aus Köln"),
        ("=?utf-8?B?R3LDvMOfZSBhdXMgS8O2bG4", "Grüße aus Köln"),
        ("Re: =?utf-8?Q?" + "=C3=BC" * 3000 + "?= x", "Re: " + "ü" * 3000 + " x"),
        ("=?utf-8?Q?Wirklich?_Ja!?=", "Wirklich? Ja!"),
    ],
)
def test_words_as_careless_programs_write_them(word: str, text: str) -> None:
    assert header_text(word, silent) == text
