"""The charsets of imported mail: as declared, as they are, and headers in raw bytes."""

from __future__ import annotations

import base64

import pytest

from mm_tui.sandbox.mail_in.charsets import decode
from mm_tui.sandbox.mail_in.encoded_words import header_text
from mm_tui.sandbox.mail_in.parse import parse_mail

HEAD = b"From: Ann <ann@x.example>\nSubject: Soup\nMessage-ID: <1@x.example>\n"


def body_of(data: bytes, charset: str = "", kind: str = "text/plain") -> str:
    declared = f"; charset={charset}" if charset else ""
    raw = HEAD + f"Content-Type: {kind}{declared}\nContent-Transfer-Encoding: 8bit\n\n".encode() + data
    return parse_mail(raw, lambda _what: None).body


JAPANESE, CHINESE, KOREAN = (
    "ご注文を確認しました。",
    "您的账单已生成，请及时支付。",
    "주문이 확인되었습니다. 감사합니다.",
)
RUSSIAN = "Привет, ваш заказ отправлен."


@pytest.mark.parametrize(
    ("text", "charset", "codec"),
    [
        ("① 届きません ㈱ 山田 ㍻ Ⅲ №", "iso-2022-jp", "cp932"),
        ("髙橋 﨑", "iso-2022-jp", "cp932"),
        ("똠방각하 펲", "euc-kr", "cp949"),
        ("똠방각하", "ks_c_5601-1987", "cp949"),
        ("訂單 碁銹裏墻恒粧嫺", "big5", "cp950"),
        ("我哋嘅訂單", "big5", "big5hkscs"),
        ("訂單 €5", "big5", "cp950"),
        ("𠀋镕㐀 €", "gb2312", "gb18030"),
        ("∑ ① 髙", "shift_jis", "cp932"),
        ("“café” – €", "iso-8859-1", "cp1252"),
        ("ğış İ €", "iso-8859-9", "cp1254"),
        ("สวัสดี", "tis-620", "cp874"),
        ("Grüße", "utf-16", "utf-16"),
        ("Grüße", "utf-16le", "utf-16-le"),
        ("Grüße", "utf-32", "utf-32"),
        ("Grüße", "cp-850", "cp850"),
        ("Grüße", "x-win-850", "cp850"),
        ("Dzień dobry, żółw", "x-mac-ce", "mac_latin2"),
        ("Grüße", "utf-16", "utf-16-be"),
        (JAPANESE, "utf-16", "utf-16-le"),
        ("Grüße", "unicode-1-1-utf-7", "utf-7"),
        (CHINESE, "hz-gb-2312", "hz"),
        # What is declared cannot be right.
        ("Für die Größe „M“ hätte ich gern 1.200 €.", "iso-8859-1", "utf-8"),
        ("Grüße", "us-ascii", "utf-8"),
        ("Grüße", "windows-1252", "utf-8"),
        (RUSSIAN, "koi8-r", "utf-8"),
        (JAPANESE, "iso-2022-jp", "utf-8"),
        (JAPANESE, "shift_jis", "utf-8"),
        (CHINESE, "gb2312", "utf-8"),
        (KOREAN, "euc-kr", "utf-8"),
        ("Schöne Grüße aus Köln", "utf-8", "latin-1"),
        (RUSSIAN, "utf-8", "cp1251"),
        (RUSSIAN, "us-ascii", "koi8-r"),
        (CHINESE, "iso-8859-1", "gb18030"),
        (CHINESE, "utf-8", "gb18030"),
        (JAPANESE, "iso-8859-1", "cp932"),
        (JAPANESE, "", "cp932"),
        (JAPANESE, "", "euc_jp"),
        (JAPANESE, "", "iso-2022-jp"),
        (KOREAN, "", "euc_kr"),
        (RUSSIAN, "unknown-8bit", "koi8-r"),
        (RUSSIAN, "x-made-up", "cp1251"),
        ("Příliš žluťoučký kůň úpěl", "", "cp1250"),
        ("été à Orléans", "", "latin-1"),
    ],
)
def test_text_is_read_as_what_it_is(text: str, charset: str, codec: str) -> None:
    data = text.encode(codec)
    if codec == "cp932" and charset == "iso-2022-jp":
        # As mailers wrote it: the vendor's signs among the standard ones.
        data = b"".join(
            b"\x1b$B" + _jis(sign.encode("cp932")) + b"\x1b(B" if not sign.isascii() else sign.encode() for sign in text
        )
    if charset.startswith(("utf-16", "hz")) or codec.startswith("utf-16"):
        raw = HEAD + f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n".encode()
        assert parse_mail(raw + base64.encodebytes(data), lambda _what: None).body == text
    else:
        assert body_of(data, charset) == text


def _jis(pair: bytes) -> bytes:
    """A pair of Shift_JIS in JIS; IBM's extensions where NEC chose to put them."""
    nec = {b"\xfb\xfc": b"\xee\xe0", b"\xfa\xb1": b"\xed\x95"}
    lead, trail = nec.get(pair, pair)
    row = (lead - (0x81 if lead < 0xA0 else 0xC1)) * 2 + 0x21
    if trail >= 0x9F:
        return bytes((row + 1, trail - 0x7E))
    return bytes((row, trail - (0x1F if trail < 0x80 else 0x20)))


@pytest.mark.parametrize(
    ("data", "charset", "begins"),
    [
        (
            "Schöne Grüße! Привет — 你好".encode() + b"\nfooter: b\xe9h",
            "utf-8",
            "Schöne Grüße! Привет — 你好\nfooter: b�h",
        ),
        ("Grüße".encode() + b"\xff und mehr: " + "größer".encode(), "utf-8", "Grüße� und mehr: größer"),
        (CHINESE.encode("gb18030") + b"\xff", "gb2312", CHINESE),
        ((CHINESE * 2).encode("gb18030") + b"\xff", "", CHINESE),
        ("주문이 확인되었습니다".encode("cp949") + b" \xff", "euc-kr", "주문이 확인되었습니다"),
        (b"\x1b$B$4CmJ8\x7f\x7f$G$9\x1b(B ok", "iso-2022-jp", "ご注文�です ok"),
    ],
)
def test_a_bad_byte_spoils_nothing_else(data: bytes, charset: str, begins: str) -> None:
    assert body_of(data, charset).startswith(begins)


@pytest.mark.parametrize("declared", ["iso-2022-cn", "ISO-2022-CN-EXT", "", "us-ascii"])
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Hi \x1b$)A\x0eDc:C#,VP9z\x0f!\nMore \x1b$)A\x0eDc:C", "Hi 你好，中国!\nMore 你好"),
        (b"\x1b$)A\x0eDc:C\x1b$)G}$|U\x0f ok", "你好灣體 ok"),
        (b"\x1b$)A\x1b$*H\x0eDc\x1bN!!:C\x0f, \x1bN=#", "你乂好, 殔"),
        (b"\x1b$)A\x0eDc\x7f:C\x0f ok", "你�好 ok"),
    ],
)
def test_chinese_in_seven_bits(data: bytes, text: str, declared: str) -> None:
    assert body_of(data, declared) == text
    word = f"=?{declared or 'iso-2022-cn'}?B?{base64.b64encode(data.splitlines()[0]).decode()}?="
    assert header_text(word, lambda _what: None) == text.split("\n")[0]


@pytest.mark.parametrize("declared", ["", "us-ascii", "iso-8859-1"])
@pytest.mark.parametrize(
    ("meta", "codec", "text"),
    [
        ('<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gb18030", "您的账单"),
        ("<meta charset='windows-1251'>", "cp1251", "Привет"),
        ('<meta charset="utf-8" />', "utf-8", "Grüße"),
        ("<META HTTP-EQUIV=Content-Type CONTENT='text/html;charset=Shift_JIS'>", "cp932", "注文"),
    ],
)
def test_the_charset_that_only_the_html_names(declared: str, meta: str, codec: str, text: str) -> None:
    html = f"<html><head>{meta}</head><body><p>{text}</p></body></html>".encode(codec)
    assert body_of(html, declared, "text/html") == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"=?utf-8?Q?Gr\xc3\xbc\xc3\x9fe?=", "Grüße"),
        (b"=?iso-8859-1?Q?Gr\xfc\xdfe?=", "Grüße"),
        (b"=?gbk?Q?\xb6\xa9\xb5\xa5?=", "订单"),
        (b"=?utf-8?Q?Really? Yes?=", "Really? Yes"),
        (b"=?utf-8?Q?Where_is_it?_Now??=", "Where is it? Now?"),
        (b"=?utf-8?Q?a b c?=", "a b c"),
        (b"=?UTF-8?q?=47r=C3=BC=C3=9Fe?= (=?utf-8?b?4oKs?=)", "Grüße (€)"),
        (b"=?utf-8?Q?one?==?utf-8?Q?two?=", "onetwo"),
        (b"=?utf-8?B?R3LDvMOf\n ZQ==?=", "Grüße"),
        (b"=?iso-8859-1?B?fn5-IP__?=", "~~~ ÿÿ"),
        (b"=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        (b"=?utf-8?Q??= empty", " empty"),
        (b'"=?utf-8?Q?Gr=C3=BC=C3=9Fe?="', '"Grüße"'),
        (b"=?iso-2022-jp?B?GyRCLSEbKEI=?=", "①"),
        (b"\xb6\xa9\xb5\xa5\xd2\xd1\xb7\xa2\xbb\xf5", "订单已发货"),
        (b"Gr\xc3\xbc\xc3\x9fe =?iso-8859-1?Q?caf=E9?=", "Grüße café"),
    ],
)
def test_headers(raw: bytes, shown: str) -> None:
    assert header_text(raw.decode("ascii", "surrogateescape"), lambda _what: None) == shown.strip()


def test_raw_headers_and_file_names_are_read_as_the_text_is() -> None:
    text = "王芳".encode("gbk")
    raw = (
        b"From: " + text + b" <fang@x.example>\nSubject: " + "订单".encode("gbk") + b"\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=gbk\n\n"
        + text
        + b"\n--b\n"
        b'Content-Type: application/pdf\nContent-Disposition: attachment; filename="' + text + b'.pdf"\n\nx\n--b--\n'
    )
    mail = parse_mail(raw, lambda _what: None)
    assert (mail.sender, mail.subject, mail.body) == ("王芳 <fang@x.example>", "订单", "王芳")
    assert mail.attachments[0].name == "王芳.pdf"


def test_what_was_not_as_declared_is_noted() -> None:
    odd: list[str] = []
    decode("Grüße".encode(), "iso-8859-1", odd.append)
    assert odd == ["charset other than declared"]
