"""How fast due connections are claimed out of a million, and whether the past of others holds up what is fresh.

The second is measured with real workers on a real broker against the simulated vendor: from the moment a connection
is due to the end of its sync, with ten thousand windows of the past waiting, beside the same with none.
"""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text, update

from ingest import budget, clock, connections, db, migrate, oauth, people, settings, vault
from ingest.models import BackfillWindow, Connection, StreamState, VendorApp
from workers import leases, sync
from workers.supervision import embedded

MANY, BATCH, BATCHES = 1_000_000, 2_000, 20
WINDOWS, TRIES = 10_000, 9
NOBODY = "SELECT count(*) FROM connection WHERE lease_token IS NOT NULL"
CROWD = """
WITH made AS (
    INSERT INTO person (address, created_at) SELECT 'p' || n || '@example.org', :now FROM generate_series(1, :count) n
    RETURNING id
), account AS (
    INSERT INTO vendor_account (person, vendor, created_at) SELECT id, 'oura', :now FROM made RETURNING id
)
INSERT INTO connection (vendor_account, vendor_app, kind, state_since, next_sync_at, created_at)
SELECT id, :app, 'grant', :now, CAST(:now AS timestamptz) - random() * interval '1 hour', :now FROM account
"""
