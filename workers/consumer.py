"""The consumer of every worker: Celery's own, which a broker that goes away with a message in hand would kill.

celery 5.7.0 closes a lost connection twice. The first time kombu gives the transport up and keeps the channel that was
open on it; the second time that channel puts its messages back over no transport, and the worker ends with an
AttributeError. `tests/faults/test_broker_killed.py` fails as soon as a newer Celery can do without this.
"""

from typing import Any

from celery.worker import consumer


class Consumer(consumer.Consumer):  # type: ignore[misc]
    """Celery's consumer, which forgets the channel of a connection that it gave up."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Give the lost connection up, with its channel: what was not acknowledged is told again by the rows."""
        connection, collect = self.connection, self.connection.collect

        def forget(*given: Any, **named: Any) -> None:
            try:
                collect(*given, **named)
            finally:
                given_up, connection._default_channel = connection._default_channel, None  # noqa: SLF001  (no other way)
                if given_up is not None and given_up._qos is not None:  # noqa: SLF001
                    given_up._qos._on_collect.cancel()  # noqa: SLF001  (else it puts them back when the worker ends)

        connection.collect = forget
        super().on_connection_error_after_connected(exc)
