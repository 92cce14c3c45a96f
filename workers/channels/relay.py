"""The mail relay: where it is, how it is talked to, and what its refusals mean."""

import smtplib
import ssl
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ingest.settings import settings
from providers.errors import DeliveryFailed, Misconfigured, Unavailable

TIMEOUT = 15  # seconds for each step of the conversation
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
# 5.1 and 5.2 speak of the address (RFC 3463); 5.7 is policy, and says more of us or the relay than of whom we write to.
OF_THE_ADDRESS = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.0", "5.2.1")
NO_SUCH_MAILBOX = {550, 551, 553, 556}  # what servers without enhanced codes answer for an address they do not have


def hand_over(sender: str, address: str, mail: bytes) -> None:
    """Give one mail to the relay. Raises DeliveryFailed, Unavailable, Misconfigured."""
    relay = _relay()
    try:
        smtp = _connect(relay)
        try:
            if relay.username:
                smtp.login(unquote(relay.username), unquote(relay.password or ""))
            smtp.sendmail(sender, [address], mail)
        finally:
            _leave(smtp)
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        raise _refusal(code, text) from None
    except smtplib.SMTPDataError as refused:
        raise _refusal(refused.smtp_code, refused.smtp_error, bare_codes=False) from None
    except smtplib.SMTPResponseException as refused:
        raise Unavailable(f"the mail relay refuses us: {_line(refused.smtp_code, refused.smtp_error)}") from None
    except UnicodeError:
        raise Misconfigured(
            "VAGUS_SMTP_URL or VAGUS_MAIL_FROM has letters beyond ASCII: mail servers take none in names and passwords"
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"the mail relay cannot be used: {type(error).__name__} {error}"[:200]) from None


def _relay() -> SplitResult:
    """The relay that is set. Raises Misconfigured where there is none, or where it would be talked to in the clear."""
    secret = settings().smtp_url
    if secret is None:
        raise Misconfigured("no mail server set: VAGUS_SMTP_URL")
    try:
        relay = urlsplit(secret.get_secret_value())
        known = relay.scheme in PORTS and relay.hostname is not None and relay.port != 0
    except ValueError:
        known = False
    if not known:
        raise Misconfigured("setting VAGUS_SMTP_URL is wrong: write it like smtp://user:password@host:587")
    if (
        relay.scheme == "smtp+plain"
        and not _loopback(relay)
        and "anywhere" not in parse_qs(relay.query).get("plain", ())
    ):
        raise Misconfigured(
            "VAGUS_SMTP_URL asks for mail without TLS beyond this machine: use smtp:// or smtps://, "
            "or add ?plain=anywhere if the network between is yours"
        )
    return relay


def _connect(relay: SplitResult) -> smtplib.SMTP:
    host, port = relay.hostname or "", relay.port or PORTS[relay.scheme]
    if relay.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=ssl.create_default_context())
    smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
    if relay.scheme == "smtp":
        try:
            smtp.ehlo_or_helo_if_needed()
            if smtp.has_extn("starttls") or not _loopback(relay):  # what stays on this machine needs no TLS
                smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp


def _leave(smtp: smtplib.SMTP) -> None:
    """Hang up. What the server says to that changes nothing: the message was taken, or was refused, before."""
    with suppress(smtplib.SMTPException, OSError):
        smtp.quit()
    smtp.close()


def _loopback(relay: SplitResult) -> bool:
    try:
        return relay.hostname == "localhost" or ip_address(relay.hostname or "").is_loopback
    except ValueError:
        return False


def _refusal(code: int, text: bytes | str, *, bare_codes: bool = True) -> DeliveryFailed:
    """What a refusal of the recipient, or of the content, means. `bare_codes` count where no enhanced code is given."""
    told = _line(code, text)
    enhanced = told.split()[1] if len(told.split()) > 1 and told.split()[1].count(".") == 2 else ""  # noqa: PLR2004
    permanent = enhanced in OF_THE_ADDRESS if enhanced[:2] == "5." else bare_codes and code in NO_SUCH_MAILBOX
    return DeliveryFailed(f"the mail server refuses: {told}", permanent=permanent)


def _line(code: int, text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}"[:200]
