"""Checks that call the gateway and AI21, without changing anything."""

from __future__ import annotations

import time

from mm_tui.commands import common, key_probe
from mm_tui.commands.checks.check import Check, ok, problem, warning
from mm_tui.commands.output.exits import Exit
from mm_tui.gateway.errors import GatewayError, NotMultiMail, ServerFault, TooMany
from mm_tui.settings.checks import LOOPBACK_HOSTS
from mm_tui.settings.sections import ConfigError, Settings

SLOW_MS = 2000
SKEW_SECONDS = 60
"""The clock difference above which ages and deadlines on the screen are misleading."""
AI21_SECONDS = 5


async def gateway(settings: Settings) -> list[Check]:
    """Checks health, latency, clocks, and what each key may do."""
    profile = settings.profile
    found: list[Check] = []
    try:
        async with common.gateway(settings) as client:
            if (fault := await key_probe.no_gateway(client)) is not None:
                return [problem("gateway", f"{profile.url}: {fault}", NotMultiMail.what_to_do, Exit.GATEWAY)]
            begun = time.monotonic()
            word = await client.health()
            took = round((time.monotonic() - begun) * 1000)
            skew = client.clock_skew
    except ConfigError as error:
        return [problem("keys", f"{error.where}: {error.what}", error.cure, Exit.AUTH)]
    except ServerFault as error:
        word, took, skew = "degraded", 0, None
        found.append(problem("gateway", f"{profile.url}: {error.message}", error.what_to_do, Exit.GATEWAY))
    except NotMultiMail:
        # Its mailboxes can be read, so it is a gateway.
        word, took, skew = "", 0, client.clock_skew
        found.append(ok("gateway", f"{profile.url} answers, but does not report its health"))
    except GatewayError as error:
        return [problem("gateway", f"{profile.url}: {error.message}", error.what_to_do, Exit.GATEWAY)]
    else:
        found.append(_health(profile.url, word, took))
    found.append(_clocks(skew))
    for scope, key in profile.gateway_keys().items():
        try:
            report = await key_probe.probe(profile.url, key)
        except TooMany as error:
            found.append(warning(f"keys.{scope}", str(error.message), "Wait a little and run doctor again."))
            continue
        except GatewayError as error:
            found.append(problem(f"keys.{scope}", str(error.message), error.what_to_do, Exit.GATEWAY))
            continue
        faults = key_probe.faults(scope, report)
        if faults:
            cure = "Make a key with the right scopes in your MultiMail account, and run `mm-tui init --replace`."
            found.append(problem(f"keys.{scope}", "; ".join(faults), cure, Exit.AUTH))
            continue
        found.append(ok(f"keys.{scope}", ", ".join(report.scopes)))
        if profile.mailbox and not any(profile.mailbox in (box.id, box.address) for box in report.mailboxes):
            has = ", ".join(box.address for box in report.mailboxes)
            found.append(warning("mailbox", f"there is no mailbox {profile.mailbox}", f"The account has: {has}."))
            profile = profile.replaced(mailbox=None)
    for scope, loss in (("oversight", "nothing can be decided"), ("send", "drafts cannot be edited, only sent back")):
        if scope not in profile.gateway_keys():
            found.append(warning(f"keys.{scope}", f"not set: {loss}", "Add it with `mm-tui init --replace`."))
    if "admin" not in profile.gateway_keys():
        loss = "without it the gateway's audit log cannot be read, nor mailboxes and webhooks be changed"
        found.append(ok("keys.admin", f"not set, and optional: {loss}"))
    return found


def _health(url: str, word: str, took: int) -> Check:
    if word != "ok":
        return warning("gateway", f"{url} reports its health as {word}", "Wait, or check MultiMail's status page.")
    if took > SLOW_MS:
        return warning("gateway", f"{url} answers, but takes {took} ms", "Check the network.")
    return ok("gateway", f"{url} answers in {took} ms")


def _clocks(skew: float | None) -> Check:
    if skew is None:
        return ok("clock", "not compared: the gateway does not send its time")
    if abs(skew) <= SKEW_SECONDS:
        return ok("clock", "agrees with the gateway's")
    way = "behind" if skew > 0 else "ahead of"
    amount = f"{abs(skew) / 60:.0f} min" if abs(skew) >= 120 else f"{abs(skew):.0f} s"
    words = f"this machine's clock is {amount} {way} the gateway's: ages shown are wrong by that much"
    return warning("clock", words, "Set the clock (timedatectl set-ntp true).")


async def assistant(settings: Settings) -> list[Check]:
    """Checks that AI21 can be reached, without sending a key or spending anything."""
    from urllib.parse import urlsplit

    import httpx

    profile = settings.profile
    if profile.ai21_key is None:
        cure = "Set ai21_key, or AI21_API_KEY, for summaries, labels and drafts."
        return [warning("assistant", "no AI21 key is set: everything else works", cure)]
    local = urlsplit(profile.ai21_host).hostname in LOOPBACK_HOSTS
    try:
        async with httpx.AsyncClient(timeout=AI21_SECONDS, trust_env=not local) as client:
            begun = time.monotonic()
            answer = await client.get(profile.ai21_host)
            took = round((time.monotonic() - begun) * 1000)
    except (httpx.HTTPError, OSError) as error:
        words = f"{profile.ai21_host} cannot be reached ({type(error).__name__})"
        return [warning("assistant", words, "Check the network and ai21_host; everything else works.")]
    if answer.status_code >= 500:
        words = f"{profile.ai21_host} answers with {answer.status_code}"
        return [warning("assistant", words, "Wait; everything else works.")]
    return [ok("assistant", f"{profile.ai21_host} answers in {took} ms")]
