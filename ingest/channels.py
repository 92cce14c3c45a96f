"""What a mail's footer opens: a token that names one channel and lets whoever holds it turn that channel off."""

from ingest.vault import vault

PURPOSE = "unsubscribe"


def unsubscribe_token(channel_id: int) -> str:
    """The token for one channel; equal in every mail, so that an old mail still stops the next."""
    return f"{channel_id}.{vault().sign(PURPOSE, str(channel_id))}"


def channel_of(token: str) -> int | None:
    """The channel a token stands for, or None where it is not ours."""
    number, _, signature = token.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):  # noqa: PLR2004 - digits of a bigint
        return None
    return int(number) if vault().signed_by(PURPOSE, number, signature) else None
