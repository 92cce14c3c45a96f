"""Every table, in its final shape. `migrations/` makes them; a test holds the two equal.

`*_at` is an instant, `day` a civil date. Leases stand on the row that was claimed; a fence is open or erased.
"""

from ingest.models.base import Table
from ingest.models.data import DayValue, Episode, Series, Tag, Tombstone
from ingest.models.judged import Alert, Readiness, ScoreRequest
from ingest.models.people import Channel, Delivery, Erasure, Heartbeat, Person, SignInCode, WebSession
from ingest.models.vendors import Connection, Fence, Raw, Rejected, Run, RunFile, VendorAccount, VendorApp

__all__ = [
    "Alert",
    "Channel",
    "Connection",
    "DayValue",
    "Delivery",
    "Episode",
    "Erasure",
    "Fence",
    "Heartbeat",
    "Person",
    "Raw",
    "Readiness",
    "Rejected",
    "Run",
    "RunFile",
    "ScoreRequest",
    "Series",
    "SignInCode",
    "Table",
    "Tag",
    "Tombstone",
    "VendorAccount",
    "VendorApp",
    "WebSession",
]
