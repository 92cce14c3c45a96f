"""Errors, named by what to do next. `workers.outcomes` turns them into outcomes; nobody else decides."""


class VagusError(Exception):
    """Base of every error of ours; its text is one line that a person or an operator can act on."""


class Unavailable(VagusError):
    """Raised when the other side cannot be reached or fails: try again, later each time."""


class RateLimited(VagusError):
    """Raised when a budget, the vendor's or our own, is used up: come back after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        """Keep the seconds after which another try is welcome."""
        super().__init__(message)
        self.retry_after = retry_after


class AuthorizationLost(VagusError):
    """Raised when a grant is refused after spaced tries: the person must reconnect."""


class NeedsPerson(VagusError):
    """Raised when only the person can go on: a lapsed membership, a missing consent."""


class Forbidden(VagusError):
    """Raised when a scope was not granted: skip what needs it."""


class ContractBroken(VagusError):
    """Raised when the other side answers what it does not document: bury, keep, tell an operator."""


class FileRefused(VagusError):
    """Raised when a file is refused whole: nothing of it is stored, and the text says what to bring instead."""


class DeliveryFailed(VagusError):
    """Raised when a message did not go out: `permanent` means that the channel, or `address` alone, takes none ever."""

    def __init__(self, message: str, *, permanent: bool, address: str | None = None) -> None:
        """Keep what the sender decides by."""
        super().__init__(message)
        self.permanent, self.address = permanent, address


class Misconfigured(VagusError):
    """Raised when a setting is missing or wrong: refuse to start, and say which."""
