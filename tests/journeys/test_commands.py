"""The commands as people and scripts call them, on a Vagus that runs."""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ingest import clock as the_clock
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv, export_zip
from tests.ground import wait_for
from workers.supervision import control
from workers.supervision.home import empty
from workers.supervision.running import running

pytestmark = pytest.mark.slow
Vagus = Callable[..., subprocess.CompletedProcess[str]]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)  # by the machine's clock the last night would be yesterday's after midnight
TODAY = NOON.date()
FILE = cycles_csv(nights(Story.STEADY, TODAY, 120, seed=2))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="vagus-commands-"))
    the_clock.set_clock(folder / "clock.json", NOON)
    (folder / "clock.json").chmod(0o644)  # the account that Vagus drops to reads it too
    yield folder
    control.stop(folder)
    empty(folder)


@pytest.fixture(scope="module")
def vagus(home: Path) -> Vagus:
    """Call the command; the first that needs the servers starts them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VAGUS_")}
    kept = {name: value for name, value in kept.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    environment = kept | {"VAGUS_HOME": str(home), "VAGUS_PORT": "0", "NO_COLOR": "1"}
    environment[the_clock.VARIABLE] = str(home / "clock.json")

    def call(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "workers.cli", *map(str, words)]
        options = {"capture_output": True, "text": True, "timeout": 120, "input": ""}
        return subprocess.run(command, env=environment | more, check=False, errors="replace", **options)

    return call


def browsing() -> httpx.Client:
    return httpx.Client(follow_redirects=True, timeout=30)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "physiological_cycles.csv"
    path.write_text(FILE)
    return path


def test_before_anything_runs_status_says_so(vagus: Vagus) -> None:
    done = vagus("status")
    assert (done.returncode, done.stdout) == (3, "not running: start with `vagus up`\n")


def test_a_command_that_asks_no_database_loads_nothing_to_ask_one_with() -> None:
    code = "import sys, workers.cli; print(sorted({'sqlalchemy', 'celery', 'fastapi'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", "half of what `vagus status` takes would go into it"


def test_an_import_starts_what_it_needs_and_its_nights_can_be_read(vagus: Vagus, file: Path) -> None:
    done = vagus("import", "whoop", file, "--person", "Ada@Example.org")
    assert done.returncode == 0, done.stderr
    assert re.search(r"physiological_cycles\.csv: \d+ nights, \d{4}-\d\d-\d\d to", done.stderr)
    rows = json.loads(vagus("readiness", "--person", "ada@example.org", "--json").stdout)
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)
    assert rows[-1]["day"] == TODAY.isoformat()
    assert {"score", "state", "inputs", "explanation", "drivers", "gates", "alert", "confidence"} <= rows[-1].keys()
    assert "As usual" in vagus("readiness", "--person", "ada@example.org").stdout


def test_the_same_file_again_changes_nothing_and_says_so(vagus: Vagus, file: Path) -> None:
    before = vagus("readiness", "--person", "ada@example.org", "--json").stdout
    done = vagus("import", "whoop", file, "--person", "ada@example.org", "--json")
    (summary,) = json.loads(done.stdout)
    assert (summary["new"], summary["revised"], summary["rejected"]) == (0, 0, 0)
    assert vagus("readiness", "--person", "ada@example.org", "--json").stdout == before


def test_a_zip_and_a_csv_of_it_are_one_history(vagus: Vagus, tmp_path: Path) -> None:
    archive = tmp_path / "my_whoop_data.zip"
    archive.write_bytes(export_zip(nights(Story.STEADY, TODAY, 120, seed=2)))
    done = vagus("import", "whoop", archive, "--person", "ada@example.org", "--json")
    (summary,) = json.loads(done.stdout)
    assert summary["day_values"] > 0
    assert summary["revised"] == 0


def bomb(header: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("physiological_cycles.csv", header + "\n" + FILE.splitlines()[1] + "\n" * 30_000_000)
    return packed.getvalue()


def hostile() -> dict[str, bytes]:
    header = FILE.splitlines()[0]
    return {
        "empty.csv": b"",
        "binary.csv": bytes(range(256)) * 400,
        "header.csv": b"one,two,three\n1,2,3\n",
        "header_only.csv": f"{header}\n".encode(),
        "utf16.csv": FILE.encode("utf-16"),
        "latin.csv": header.replace("Cycle start time", "Anf\xe4nge").encode("latin-1"),
        "bomb.zip": bomb(header),
        "cut.zip": export_zip(nights(Story.STEADY, TODAY, 30, seed=2))[:5000],
    }


def test_hostile_files_are_a_line_each_and_nothing_is_stored(vagus: Vagus, tmp_path: Path) -> None:
    files = hostile()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with (tmp_path / "one_line.csv").open("wb") as sparse:
        sparse.truncate(500_000_000)
    names = [*files, "one_line.csv", "missing.csv"]
    done = vagus("import", "whoop", *(tmp_path / name for name in names), "--person", "eve@example.org")
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert len(said) == len(names), done.stderr
    for line, name in zip(said, names, strict=True):
        assert re.fullmatch(rf"vagus: \S*/{re.escape(name)}: .+", line)
    known = vagus("readiness", "--person", "eve@example.org")
    assert (known.returncode, known.stdout) == (1, "")
    assert "nobody here has the address" in known.stderr


def test_an_odd_name_is_no_trouble(vagus: Vagus, tmp_path: Path) -> None:
    names = (b"bad\xff.csv", b"[bold]x.csv", b"x" * 300)
    paths = [os.fsdecode(os.fsencode(tmp_path) + b"/" + name) for name in names]
    for path in paths[:2]:
        Path(path).write_text(FILE)
    done = vagus("import", "whoop", *paths, "--person", "odd@example.org")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"^bad.*\.csv: \d+ nights", done.stderr, re.MULTILINE)
    assert re.search(r"^\[bold\]x\.csv: \d+ nights", done.stderr, re.MULTILINE)
    assert re.search(r"^vagus: .*x: .*too long", done.stderr, re.MULTILINE)


def test_of_several_files_the_good_ones_are_imported_and_the_bad_one_is_named(
    vagus: Vagus, tmp_path: Path, file: Path
) -> None:
    (tmp_path / "empty.csv").write_text("")
    done = vagus("import", "whoop", tmp_path / "empty.csv", file, "--person", "bea@example.org")
    assert done.returncode == 2
    assert "empty.csv: this file is empty" in done.stderr
    assert json.loads(vagus("readiness", "--person", "bea@example.org", "--json").stdout)


def test_a_broken_row_is_reported_with_its_line_and_the_rest_is_there(vagus: Vagus, tmp_path: Path) -> None:
    header, *rows = FILE.splitlines()
    rows[4] = "no time at all" + rows[4][19:]
    (tmp_path / "broken.csv").write_text("\n".join((header, *rows, "")))
    done = vagus("import", "whoop", tmp_path / "broken.csv", "--person", "cleo@example.org")
    assert done.returncode == 0
    assert "1 set aside" in done.stderr
    assert re.search(r"line 6.*: its Cycle start time is not a time", done.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "casio", "{file}", "--person", "ada@example.org"), "casio"),
        (("import", "whoop", "{file}", "--person", "ada"), "is not a mail address"),
        (("erase", "--person", "zoe@example.org"), "nobody here has the address zoe@example.org"),
        (("sign-in", "--person", "zoe"), "is not a mail address"),
        (("vendor", "add", "casio", "--client-id", "x"), "there is no vendor casio: Vagus knows oura"),
        (("run", "nothing"), "there is no process nothing"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(vagus: Vagus, file: Path, words: tuple[str, ...], said: str) -> None:
    done = vagus(*(word.format(file=file) for word in words))
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_given_database_without_our_tables_is_named_and_so_is_one_that_is_away(vagus: Vagus, postgres: str) -> None:
    given = {"DATABASE_URL": postgres.format(name="postgres"), "REDIS_URL": "redis://127.0.0.1:1"}
    done = vagus("readiness", "--person", "ada@example.org", **given)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "lacks the tables of this version: start `vagus up` once" in done.stderr
    done = vagus("readiness", "--person", "ada@example.org", **given | {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("vagus: the database does not answer: ")


def test_a_link_from_the_terminal_signs_one_browser_in_once(vagus: Vagus, home: Path) -> None:
    link = vagus("sign-in", "--person", "ada@example.org").stdout.strip()
    address = running(home).address
    with (
        browsing() as browser,
        browsing() as other,
    ):
        assert "Sign in" in browser.get(link).text
        assert browser.get(f"{address}/today").url.path != "/today", "a link that was only looked at signs nobody in"
        assert "As usual" in browser.post(link).text
        assert "As usual" not in other.post(link).text


def test_somebody_who_has_a_ring_and_no_file_gets_a_link_too(vagus: Vagus) -> None:
    with browsing() as browser:
        assert "No nights yet" in browser.post(vagus("sign-in", "--person", "ida@example.org").stdout.strip()).text


def test_an_upload_is_read_by_a_worker_and_what_it_set_aside_is_shown(vagus: Vagus, home: Path) -> None:
    link = vagus("sign-in", "--person", "ada@example.org").stdout.strip()
    address = running(home).address
    header, *rows = FILE.splitlines()
    file = "\n".join((header, "no time at all" + rows[0][19:], *rows[1:], ""))
    with browsing() as browser:
        browser.post(link)
        page = browser.post(f"{address}/import", files={"file": ("my <nights>.csv", file.encode())})
        run = str(page.url)
        wait_for(lambda: "set aside" in browser.get(run).text, every=0.2)
        shown = browser.get(run).text
        assert "my &lt;nights&gt;.csv" in browser.get(f"{address}/import").text
        assert "its Cycle start time is not a time" in shown
        assert "Reading" not in shown
    with browsing() as stranger:
        assert "set aside" not in stranger.get(run).text


def test_status_and_doctor_answer_people_and_machines(vagus: Vagus) -> None:
    assert "worker-score" in vagus("status").stdout
    assert json.loads(vagus("status", "--json").stdout)
    doctor = vagus("doctor", "--json")
    assert doctor.returncode == 0
    grades = {finding["check"]: finding["grade"] for finding in json.loads(doctor.stdout)}
    assert [grades[check] for check in ("database", "valkey", "vendors", "mail")] == ["ok", "ok", "warn", "warn"]
    assert "VAGUS_SMTP_URL" in vagus("doctor").stdout.replace("\n", " ")


def test_erasing_leaves_nothing_to_read(vagus: Vagus) -> None:
    done = vagus("erase", "--person", "ada@example.org")
    assert re.match(r"erased: nights judged [\d,]+, .*nightly values [\d,]+", done.stdout)
    assert vagus("readiness", "--person", "ada@example.org").returncode == 1


def test_down_stops_everything(vagus: Vagus, home: Path) -> None:
    assert "Stopped" in vagus("down").stdout
    assert running(home) is None
    assert "Nothing was running" in vagus("down").stdout
