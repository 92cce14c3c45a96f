"""What the doctor says where units or containers run the processes, and the servers are somebody else's."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ground import clear_caches
from workers.supervision import doctor


class Pages(BaseHTTPRequestHandler):
    """Pages that are alive."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of pages that another process serves, with servers that were given."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        monkeypatch.setenv("VAGUS_PORT", str(pages.server_port))
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/vagus")
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
        clear_caches()
        yield pages.server_port
        pages.shutdown()
        thread.join()


def test_a_port_on_which_the_pages_answer_is_well(taken: int) -> None:
    assert doctor._port() == doctor.Finding("port", "ok", f"{taken}: the pages answer there")


def test_data_of_an_older_postgresql_is_no_trouble_where_the_database_is_given(
    taken: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    for name in ("_database", "_valkey", "_vendors", "_mail"):  # they would ask servers that are not there
        monkeypatch.setattr(doctor, name, lambda: doctor.Finding("asked", "ok", ""))
    data = next(finding for finding in doctor.examine() if finding.check == "data")
    assert data == doctor.Finding("data", "ok", "not ours: DATABASE_URL is given")
