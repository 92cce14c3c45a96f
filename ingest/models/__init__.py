"""Every table, in its final shape. `migrations/` makes them; a test holds the two equal.

`*_at` is an instant, `day` a civil date. Leases stand on the row that was claimed; a fence is open or erased.
"""

from ingest.models.answers import CheckIn, DriveTest, Question
from ingest.models.base import Table
from ingest.models.data import Block, DayValue, Episode, Series, SeriesChoice, Tag, Tombstone
from ingest.models.following import (
    Absence,
    BackfillWindow,
    Credential,
    HintReceived,
    HookSubscription,
    OAuthState,
    StreamState,
)
from ingest.models.judged import Alert, Readiness, ScoreRequest
from ingest.models.operating import Operator, OperatorAction, OperatorSession, QueueHold
from ingest.models.people import Channel, Delivery, Erasure, Heartbeat, Person, SignInCode, WebSession
from ingest.models.vendors import Connection, Fence, Raw, Rejected, Run, RunFile, VendorAccount, VendorApp

__all__ = [
    "Absence",
    "Alert",
    "BackfillWindow",
    "Block",
    "Channel",
    "CheckIn",
    "Connection",
    "Credential",
    "DayValue",
    "Delivery",
    "DriveTest",
    "Episode",
    "Erasure",
    "Fence",
    "Heartbeat",
    "HintReceived",
    "HookSubscription",
    "OAuthState",
    "Operator",
    "OperatorAction",
    "OperatorSession",
    "Person",
    "Question",
    "QueueHold",
    "Raw",
    "Readiness",
    "Rejected",
    "Run",
    "RunFile",
    "ScoreRequest",
    "Series",
    "SeriesChoice",
    "SignInCode",
    "StreamState",
    "Table",
    "Tag",
    "Tombstone",
    "VendorAccount",
    "VendorApp",
    "WebSession",
]
