"""Mail: a text that is complete, the same as a page with its chart, and the headers that a list owes its readers."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from ingest import clock
from ingest.settings import settings
from providers.errors import Misconfigured
from workers.channels import relay
from workers.channels.message import Message

# Folding would turn a long URL into an encoded word, which no client follows: headers may be as long as a line may.
WIRE = SMTP.clone(max_line_length=990)
BODY = SMTP.clone(max_line_length=76)  # the longest line that quoted-printable allows


def send(message: Message) -> None:
    """Hand one mail to the relay. Raises DeliveryFailed, Unavailable, Misconfigured."""
    relay.hand_over(sender_address(), message.address, compose(message).as_bytes(policy=WIRE))


def compose(message: Message) -> EmailMessage:
    """The mail itself: a text that is complete, the same as HTML, the chart beside it, and the headers of a list."""
    host = sender_address().rpartition("@")[2]
    mail = EmailMessage(policy=BODY)
    mail["From"] = settings().mail_from
    mail["To"] = Address(addr_spec=message.address)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{message.key}@{host}>"
    mail["References"] = f"<{message.thread}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url:
        mail["List-Id"] = f"Vagus <alerts.{host}>"
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    if message.image:
        *_, page = mail.iter_parts()
        page.add_related(message.image, "image", "png", cid="<chart>", filename="nights.png", disposition="inline")
    return mail


def sender_address() -> str:
    """The address mail comes from; its domain names message ids and the list. Raises Misconfigured."""
    _, address = parseaddr(settings().mail_from)
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise Misconfigured("setting VAGUS_MAIL_FROM is wrong: write it like Vagus <alerts@example.org>")
    return address
