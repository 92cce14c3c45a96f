"""What runs before everything else: a database that comes late at boot does not keep Vagus down."""

import os
import re
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.exc import OperationalError

DEPLOY = Path(__file__).parents[2] / "deploy"
SOCKET = ".s.PGSQL.5432"


def test_a_database_that_comes_late_is_waited_for_and_that_is_said_once(database: str, home: Path) -> None:
    there = Path(parse_qs(urlsplit(database).query)["host"][0])
    with tempfile.TemporaryDirectory(prefix="vagus-late-", dir="/tmp") as late:
        url = database.replace(str(there), late)
        command = [sys.executable, "-P", str(DEPLOY / "prepare.py")]
        with subprocess.Popen(
            command, env=os.environ | {"DATABASE_URL": url}, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr
            said = process.stderr.readline()
            Path(late, SOCKET).symlink_to(there / SOCKET)
            rest = process.stderr.read()
            assert process.wait(60) == 0, rest
    assert re.fullmatch(r"vagus: waiting for it, \d+ minutes at most: the database does not answer: .+\n", said)
    assert rest == ""


def test_the_wait_ends_before_systemd_ends_it_and_a_line_says_why() -> None:
    unit = (DEPLOY / "systemd/vagus-prepare.service").read_text()
    (minutes,) = re.findall(r"^TimeoutStartSec=(\d+)min$", unit, re.MULTILINE)
    script = runpy.run_path(str(DEPLOY / "prepare.py"))
    assert script["WAITS"] < int(minutes) * 60
    assert script["_gone"](OperationalError("", None, Exception("no route\nat all"))).endswith("answer: no route")
