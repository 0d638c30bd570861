"""Detects emails written by a program, to which an answer would reach nobody or start a loop.

The gateway may not provide headers, so the sender, the subject and the text count too. In doubt the agent does not
reply, and the email waits for a human.
"""

from __future__ import annotations

import re

from mm_tui.models import EmailDetail, EmailSummary, Party
from mm_tui.review.subject import MARK

_WORDS = (
    "no reply", "no replies", "no answer", "no return", "ei vastata", "inget svar", "not reply", "dont reply", "never reply", "reply not", "unmonitored", "no contestar",
    "no conteste", "no responder", "no responda", "no respondas", "nao responda", "nao responder", "ne pas repondre",
    "pas de reponse", "sans reponse", "non rispondere", "nicht antworten", "keine antwort", "bitte nicht antworten",
    "geen antwoord", "niet antwoorden", "niet beantwoorden", "svara inte", "inte svara", "svara ej", "ej svar",
    "svar ej", "ikke svar", "svar ikke", "ala vastaa", "ei vastausta", "nie odpowiadaj", "nie odpowiadac", "neodpovidat",
    "neodpovidejte", "ne valaszolj", "nu raspundeti", "noreponse", "yanitlama", "yanitlamayin", "cevaplamayin",
    "mailer daemon", "mail daemon", "mailerdaemon", "postmaster", "bounce", "bounces", "bounced", "notification",
    "notifications", "notify", "notifier", "notificaciones", "notificacoes", "benachrichtigung", "benachrichtigungen",
    "alert", "alerts", "auto reply", "autoreply", "auto responder", "autoresponder", "auto confirm", "automailer",
    "automated", "automatic", "auto mail", "automail", "robot", "cron", "daemon", "listserv", "majordomo", "mailman",
    "newsletter", "newsletters", "mailing", "mailings", "calendar notification", "system message",
)  # fmt: skip
_GAP = r"[-_.+=]*"
_LOCAL = re.compile(
    r"(?:^|.*[-_.+=])(?:do[-_.]*)?(?:" + "|".join(word.replace(" ", _GAP) for word in _WORDS) + r")(?:\d*$|[-_.+=].*$)",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"root|nobody|www-?data|apache|httpd|nginx|uucp|unattended|wordpress|nagios|zabbix|jenkins|system|automatisch"
    r"|owner-.+|.+-(?:owner|request|confirm|unsubscribe)|sentto-.+|news[-_.]letters?",
    re.IGNORECASE,
)
"""Exact account names of programs; as parts of names they would match people too."""
_DOMAIN = re.compile(r"(?:no-?reply|do-?not-?reply|bounces?|mailer-daemon|notifications?)\.", re.IGNORECASE)
_NAME = re.compile(
    r"mail delivery (?:sub)?system|mailer[- ]daemon|mail administrator|postmaster|(?:do )?no[t]?[- ]?reply|automatic reply",
    re.IGNORECASE,
)
_MARK = rf"^\s*(?:{MARK}|\[[^\]]{{1,40}}\]\s*)*"
_AUTOMATIC = re.compile(
    _MARK + r"(?:auto\s*:|(?:holiday |vacation )?auto(?:mat(?:ic|ed))?[- ]?(?:reply|response|answer|responder)\b"
    r"|i(?:.m| am) (?:currently |now )?(?:on (?:vacation|holiday|leave|parental leave)|out of (?:the |my )?office|away\b)"
    r"|(?:on|annual|parental|maternity|paternity|sick) leave\s*(?:$|:|until|till|from)|away\s*:|absent\(e\)|frånvarande"
    r"|poissa\s*(?:$|:)|odpowiedź automatyczna|нет на месте|out[- ]of[- ](?:the[- ])?office\b(?! \w*chair)"
    r"|ooo\s*(?::|$)|away from (?:my|the) (?:desk|office|mail)|vacation (?:reply|message|response|notice|auto)"
    r"|abwesend\b|abwesenheit|automatische (?:antwort|rückmeldung|empfangsbestätigung|eingangsbestätigung)|nicht im büro"
    r"|réponse automatique|message d.absence|absen(?:ce|t)e? du bureau|absence\s*(?::|$)|accusé de réception automatique"
    r"|respuesta automática|fuera de (?:la )?oficina|ausente de la oficina|resposta automática|ausência|fora do escritório"
    r"|risposta automatica|fuori (?:sede|ufficio)|assenza dall.ufficio|automatisch(?:e)? (?:antwoord|beantwoording)|afwezig"
    r"|auto-?svar|automatisk(?:t)? svar|frånvaro|fravær|ikke til ?stede|automaattinen (?:vastaus|poissaolo)|poissaolo"
    r"|automatyczna odpowiedź|nieobecn|odpověď v nepřítomnosti|automatická odpověď|automatikus válasz|házon kívül"
    r"|răspuns automat|αυτόματη απάντηση|автоответ|автоматический ответ|автоматична відповідь|вне офиса|отсутствие на"
    r"|otomatik (?:yanıt|cevap)|ofis dışı|תשובה אוטומטית|מענה אוטומטי|رد تلقائي|الرد التلقائي|自動応答|自動返信"
    r"|不在(?:通知|のお知らせ|連絡|届|応答)|自动(?:回复|答复)|自動(?:回覆|回復)|休假自动|자동 ?(?:회신|응답)|부재중)",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"[\[(](?:auto[- ]?(?:reply|response|matic reply)|automatic reply|ooo)[\])]", re.IGNORECASE)
_DELIVERY = re.compile(
    _MARK
    + r"(?:delivery (?:is |was )?delayed\b|message (?:\S+ )?delayed|message status\b.{0,5}undeliver|ndn\s*:|ndr\s*:|undeliverable\b|undelivered (?:mail|message)|delivery (?:status notification|notification|report\b)"
    r"|(?:mail|message|e-?mail) delivery (?:fail|problem|delay|error|subsystem)|(?:mail|message) (?:could )?not (?:be )?delivered"
    r"|returned mail\b|mail returned|failure notice|delivery failure\b|non[- ]?delivery|mail system error|message undeliverable"
    r"|warning: (?:could not send|message)|could not (?:send|deliver) (?:message|mail)|unzustellbar|nicht zugestellt|zustellung"
    r" fehlgeschlagen|non (?:remis|distribu)|échec de (?:la )?(?:remise|distribution)|no se (?:puede|pudo|ha podido) entregar"
    r"|no entregado|não (?:foi )?entregue|falha na entrega|mancato recapito|non recapitabile|onbestelbaar|kan niet worden"
    r" bezorgd|kunde inte levereras|ikke leveret|toimitus epäonnistui|nie dostarczono|nedoručiteln|недоставлен|не доставлен"
    r"|сообщение не доставлено|系统退信|退信|无法投递|配信不能|送信エラー|メール配信エラー|배달 실패|반송)",
    re.IGNORECASE,
)
_RECEIPT = re.compile(
    _MARK
    + r"(?:(?:not )?read|read receipt|return receipt|gelesen|ungelesen|lesebestätigung|empfangsbestätigung|lu|non lu"
    r"|accusé de (?:lecture|réception)|leído|confirmación de lectura|lida|lido|confirmação de leitura|letto|conferma di lettura"
    r"|gelezen|leesbevestiging|läst|lest|læst|luettu|przeczytane|přečteno|прочтено|прочитано|已读|已讀|開封済み|開封確認|읽음)"
    r"\s*[:：]",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    _MARK
    + r"(?:accepted|declined|tentative(?:ly accepted)?|(?:updated )?invitation|cancell?ed(?: event)?|event cancell?ed"
    r"|new time proposed|reminder for|notification|zusage|zugesagt|angenommen|absage|abgesagt|abgelehnt|mit vorbehalt|unter vorbehalt"
    r"|(?:aktualisierte )?einladung|accepté|refusé|provisoire|annulé|invitation (?:modifiée|mise à jour)|aceptad[oa]|rechazad[oa]"
    r"|cancelad[oa]|invitación|convite|aceit[oa]|recusad[oa]|accettat[oa]|rifiutat[oa]|annullat[oa]|invito|geaccepteerd|geweigerd"
    r"|geannuleerd|uitnodiging|accepterat|avböjt|inställt|inbjudan|accepteret|afvist|godtatt|avslått|hyväksytty|hylätty"
    r"|zaakceptowane|odrzucone|zaproszenie|přijato|odmítnuto|принято|отклонено|приглашение|已接受|已拒绝|邀请|承諾|辞退|招待)"
    r"(?: \([^)]*\))?\s*[:：]",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(
    r"this is an auto(?:matic|mated|-generated)|automatically generated|auto-?generated (?:e-?mail|message)"
    r"|(?:do|please) (?:not|don.t) (?:reply|respond) to this|do not reply\b|this (?:mailbox|address|inbox|e-?mail address) is not"
    r" (?:monitored|read)|unmonitored|(?:replies|responses) to this (?:e-?mail|message|address)[^.]{0,40}(?:not|cannot)"
    r"|i am (?:currently |now )?(?:out of (?:the |my )?office|away from (?:the |my )?office|on (?:annual |parental |sick |maternity )?leave)"
    r"|i.m (?:currently )?out of (?:the |my )?office|thank you for (?:your e-?mail|your message|contacting)[^\n]{0,80}(?:out of|automatic)"
    r"|wurde automatisch (?:erstellt|generiert|erzeugt|versendet)|antworten sie (?:bitte )?nicht auf diese|bitte nicht (?:auf diese|antworten)"
    r"|ich bin (?:zur ?zeit |derzeit |momentan |bis )?[^.\n]{0,40}(?:nicht im büro|nicht im haus|außer haus|abwesend)"
    r"|ne pas répondre à ce|(?:message|courriel|e-?mail)(?: a été)? (?:généré |envoyé )?automatique|je suis (?:actuellement )?absent"
    r"|no respond(?:a|er|as) a este|no conteste (?:a )?este|mensaje automático|(?:estoy|estaré) fuera de la oficina|não responda"
    r"|mensagem automática|estou (?:ausente|fora do)|non rispondere a quest|messaggio automatico|sono (?:fuori|assente)"
    r"|niet (?:te )?(?:beantwoorden|reageren)|automatisch gegenereerd|svara inte på|automatiskt (?:genererat|meddelande)"
    r"|не отвечайте на это|сформировано автоматически|автоматическое (?:сообщение|уведомление)|nie odpowiadaj na|wiadomość automatyczna"
    r"|请勿(?:直接)?回复|自动(?:发送|生成|回复)|請勿(?:直接)?回覆|返信(?:しないで|できません|いただいても)|送信専用|自動(?:送信|配信|応答)"
    r"|발신 ?전용|회신하지|자동(?:으로)? 발송",
    re.IGNORECASE,
)
_REPORT = re.compile(r"^(?:Not delivered(?: yet)?|Reporting-MTA|Final-Recipient|BEGIN:VCALENDAR)\b", re.MULTILINE)
_OPENING = 1200
"""How many characters at the beginning of an email are searched."""


def why_a_machine(mail: EmailSummary) -> str | None:
    """Why an email seems to be written by a program; None if it does not. `mail`: as listed, or as opened."""
    if any(map(_is_machine, mail.answerable)):
        return "the sender is a machine"
    subject = str(mail.subject)
    for pattern, reason in (
        (_AUTOMATIC, "the email is an automatic reply"),
        (_DELIVERY, "the email is a delivery report"),
        (_RECEIPT, "the email is a receipt"),
        (_CALENDAR, "the email is a calendar notice"),
    ):
        if pattern.match(subject):
            return reason
    if _TAGGED.search(subject):
        return "the email is an automatic reply"
    if isinstance(mail, EmailDetail):
        if mail.automatic:
            return f"its headers say that it came from a machine or a list ({mail.automatic})"
        own = _own_words(str(mail.body))
        if _REPORT.search(own):
            return "the email is a delivery report or a calendar notice"
        if _SAYS_SO.search(own):
            return "the email says that it is automatic"
    return None


def _is_machine(party: Party) -> bool:
    local, _, domain = party.address.rpartition("@")
    found = _LOCAL.match(local) or _ACCOUNT.fullmatch(local) or _DOMAIN.match(domain) or _NAME.match(party.name)
    return found is not None


def _own_words(body: str) -> str:
    """The beginning of the sender's own text, without quotes."""
    kept: list[str] = []
    for line in body[: 4 * _OPENING].split("\n"):
        if re.match(r"\s*-{2,} ?(?:original|forwarded|ursprüngliche|message d)", line, re.IGNORECASE):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return "\n".join(kept)[:_OPENING]
