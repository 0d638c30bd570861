"""Delivery reports in no standard format: a mail server's plain text, in its own words and language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mm_tui.sandbox.mail_in.notices import reason_of

_ROBOT = re.compile(r"mailer[-_.]?daemon|mail[-_.]?daemon|post ?master|mdaemon|mail[ -]delivery|mmdf\b", re.I)
_SUBJECT = re.compile(
    r"undeliver|un-?deliverable|non[- ]?deliver|not? (?:be )?delivered|returned mail|mail returned|failure notice"
    r"|deliver[iy]\w* (?:status|fail|problem|error|delay|has|incomplete|report|unsuccess)"
    r"|mail (?:delivery|system error)"
    r"|returning message|could ?n[o\u2019']t? ?(?:be )?deliver|delivery notification"
    r"|message (?:\S+ )?delayed|not? (?:yet )?been delivered|bounced"
    r"|unzustellbar|nicht zu(?:ge|zu)?stell|zustellung|zurück an (?:den )?absender|zustellbericht"
    r"|non (?:remis|distribu|livr|délivr)|chec de (?:la )?(?:remise|livraison|distribution|l)|retourné à"
    r"|no se (?:ha )?(?:podido|pudo|puede) entregar|no entregad|error de entrega|devuelto al|fallo .{0,20}entrega"
    r"|mancat[ao] (?:recapito|consegna)|non recapitabile|impossibile recapitare|não (?:foi )?entreg|falha na entrega"
    r"|onbestelbaar|niet (?:bezorgd|afgeleverd)|olevererbar|kunde inte levereras|kan ikke leveres|ikke leveret"
    r"|niedostarcz|nie (?:można )?dostarcz|не ?доставлен"
    r"|配信(?:不能|でき)|エラーメール|退信|投递失败"
    r"|无法投递|배달 실패|반송",
    re.I,
)
_DELAYED = re.compile(
    r"delay|warning|still (?:being )?(?:trying|retried)|will (?:be retried|keep trying)|not yet been|temporar"
    r"|verzöger|noch nicht|retard|différ|retraso|ritard|vertraag",
    re.I,
)
_COPY = re.compile(
    r"^[-=_> ]*(?:below this line is a copy|this is a copy|original message|(?:the )?header of the original"
    r"|(?:your )?message header|unsent message|returned message|undelivered message|message follows"
    r"|original-?nachricht|message d[\u2019']origine|(?:included|attached) is a copy|copy of (?:the|your) message).*$"
    r"|^(?:Return-Path|Received):",
    re.I | re.M,
)
_ADDRESS = r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+"
_LINE = re.compile(
    rf"^[ \t>*-]*(?:(?:to|an|à|para|recipient|empfänger|destinataire|failed|for):?[ \t]*)?"
    rf"(?:<|\[|\(|&lt;|<mailto:)?({_ADDRESS})(?:>|\]|\)|&gt;)*"
    rf"(?P<rest>[ \t]*$|[ \t]*[:;(,\u2014\u2013-].*$"
    rf"|[ \t]+(?:on|am|le|el)\b.*$|[ \t]*\.\.\..*$|[ \t]+.*[45]\d\d[ -].*$)",
    re.M | re.I,
)
_ANYWHERE = re.compile(rf"(?<![\w.@-]){_ADDRESS}")
_REPLY = re.compile(r"[45]\d\d[ -](?:#?[45]\.\d{1,3}\.\d{1,3}\b)?[^\n]*|#?[45]\.\d{1,3}\.\d{1,3}\b[^\n]*")
_LONGEST_REASON = 300
_MOST_RECIPIENTS = 50


def plain_report(sender: str, subject: str, failed: str, text: str, own: Iterable[str]) -> list[str]:
    """The failed recipients and reasons, one line each; empty if the email is not a delivery report. `failed`: the
    value of the header X-Failed-Recipients. `own`: the addresses that it is sent to, which are not failed
    recipients."""
    is_named = bool(failed) and bool(_ANYWHERE.search(failed))
    if not is_named and not (_ROBOT.search(sender) and (_SUBJECT.search(subject) or _SUBJECT.search(text[:2000]))):
        return []
    own_text = text
    if copy := _COPY.search(text):
        own_text = text[: copy.start()]
    not_failed = {found.lower() for value in (*own, sender) for found in _ANYWHERE.findall(value)}
    found = _failed_in(own_text, not_failed)
    for address in _ANYWHERE.findall(failed):
        found.setdefault(address.lower(), (address, ""))
    if not found:
        named = _ANYWHERE.findall(own_text)
        others = [one for one in named if one.lower() not in not_failed and not _ROBOT.search(one)]
        found = {one.lower(): (one, "") for one in others[:1]}
    if len(found) == 1 and (one := next(iter(found.values()))) and not reason_of("", one[1]):
        found = {one[0].lower(): (one[0], own_text)}
    action = "Not delivered yet; it is tried again" if _is_delayed(subject, own_text) else "Not delivered"
    if not found:
        return [f"{action}: the report below says to whom and why."]
    return [_line(action, address, why) for address, why in [*found.values()][:_MOST_RECIPIENTS]]


def _failed_in(text: str, not_failed: set[str]) -> dict[str, tuple[str, str]]:
    """The addresses at the beginning of a line, each with the text after and below it."""
    matches = [match for match in _LINE.finditer(text) if match[1].lower() not in not_failed]
    found: dict[str, tuple[str, str]] = {}
    for number, match in enumerate(matches):
        end = matches[number + 1].start() if number + 1 < len(matches) else len(text)
        below = text[match.end() : end].lstrip("\n")
        # The text of an address ends at the first blank line.
        block = re.split(r"\n[ \t]*\n", below, maxsplit=1)[0]
        said = f"{match['rest'].strip(' :;,-')}\n{block}".strip()
        known = found.get(match[1].lower(), ("", ""))[1]
        found[match[1].lower()] = (match[1], f"{known}\n{said}".strip())
    return found


def _is_delayed(subject: str, text: str) -> bool:
    return bool(_DELAYED.search(subject)) or (
        bool(re.search(r"will (?:be retried|keep trying)|still trying|versucht es weiter|no action is required", text))
        and not re.search(r"permanent|gave up|given up|giving up", text, re.I)
    )


def _line(action: str, address: str, said: str) -> str:
    reply = _REPLY.search(said)
    why = reason_of("", reply[0] if reply else "") or reason_of("", said)
    # Without a server's answer, the first words below the address are the most informative.
    given = reply[0] if reply else ("" if len(said) > _LONGEST_REASON else said)
    given = " ".join(given.split())[:_LONGEST_REASON].strip(" ()<>")
    line = f"{action}: {address}" + (f": {why}" if why else "")
    return f"{line} ({given})" if given else line
