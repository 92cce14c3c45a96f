"""The image is made as `make setup` makes a folder, and the Compose file shows nobody the servers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.settings import Settings
from tests.deploy.containers import COMPOSE, OTHERS_IMAGES, ROOT, compose, image, own_services
from workers.supervision.binaries import POSTGRES_MAJOR, VALKEY_MAJOR
from workers.supervision.children import CHILDREN

PREPARE = "migrate"


def test_the_compose_file_is_one_by_the_compose_specification(tmp_path: Path) -> None:
    """Its JSON schema comes with check-jsonschema, which renews it with each release."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    assert subprocess.run([*command, COMPOSE], capture_output=True, check=False).returncode == 0
    broken = tmp_path / "compose.yaml"
    broken.write_text(COMPOSE.read_text().replace("restart: unless-stopped", "restarts: unless-stopped"))
    done = subprocess.run([*command, broken], capture_output=True, text=True, check=False)
    assert (done.returncode, "restarts" in done.stdout) == (1, True)


def test_a_service_runs_for_each_process_that_vagus_up_keeps() -> None:
    commands = {name: service["command"] for name, service in own_services().items()}
    assert commands.pop(PREPARE) == ["python", "-P", "/app/deploy/prepare.py"]
    assert commands == {child.name: ["vagus", "run", child.name] for child in CHILDREN}


def test_only_the_pages_have_a_port_and_that_on_this_machine_alone() -> None:
    ports = {name: service["ports"] for name, service in compose()["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8730:8730"]}


def test_the_servers_are_in_a_network_without_a_way_out() -> None:
    found = compose()
    assert found["networks"]["inside"] == {"internal": True}
    assert all(found["services"][name]["networks"] == ["inside"] for name in OTHERS_IMAGES)


def test_every_service_starts_again_is_less_than_root_and_waits_for_the_tables() -> None:
    for name, service in own_services().items():
        assert service["restart"] == ("no" if name == PREPARE else "unless-stopped")
        assert (service["read_only"], service["cap_drop"], service["init"]) == (True, ["ALL"], True)
        waits = service["depends_on"]
        if name != PREPARE:
            assert waits[PREPARE]["condition"] == "service_completed_successfully"
    assert image().others["USER"] == "vagus"


def test_no_secret_stands_in_the_file_or_enters_the_image() -> None:
    found = compose()
    assert all("file" in secret for secret in found["secrets"].values())
    for service in found["services"].values():
        for name, value in service.get("environment", {}).items():
            assert name.endswith("_FILE") or "PASSWORD" not in name
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value))
    assert {"deploy/secrets", "deploy/vagus.env"} <= set((ROOT / ".dockerignore").read_text().split())


def test_what_is_kept_lies_in_volumes_that_are_declared() -> None:
    found = compose()
    mounts = {mount for service in found["services"].values() for mount in service.get("volumes", ())}
    assert {mount.split(":")[0] for mount in mounts} == set(found["volumes"])
    assert "postgres:/var/lib/postgresql" in mounts  # the place that images have used since 18


def test_the_servers_have_the_majors_that_our_own_have_and_valkey_forgets_nothing() -> None:
    services = compose()["services"]
    assert services["postgres"]["image"] == f"postgres:{POSTGRES_MAJOR}"
    assert services["valkey"]["image"] == f"valkey/valkey:{VALKEY_MAJOR}"
    words = services["valkey"]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert (options["--maxmemory-policy"], options["--appendonly"], options["--save"]) == ("noeviction", "yes", "")


def read_by_the_entry_point() -> set[str]:
    """The variables that name files: no library reads them, and `exec` passes the entry point by."""
    (names,) = re.findall(r"^for name in (.+); do$", (ROOT / "deploy/entrypoint.sh").read_text(), re.MULTILINE)
    return {f"{name}_FILE" for name in names.split()}


def test_what_is_typed_into_a_running_container_gets_its_secrets_as_its_own_process_did() -> None:
    (entry,) = image().form("ENTRYPOINT")
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    typed = re.findall(r"exec (?:web|worker-\w+|beat)\b *([^\s`]*)", pages)
    assert set(typed) == {entry}


def test_the_environment_of_a_service_is_settings_what_its_entry_point_reads_and_what_uvicorn_does() -> None:
    known = {f"VAGUS_{name.upper()}" for name in Settings.model_fields} | {"DATABASE_URL", "REDIS_URL"}
    for service in own_services().values():
        assert set(service["environment"]) <= known | read_by_the_entry_point() | {"FORWARDED_ALLOW_IPS"}
    assert set(image().environment) <= known | {"PATH", "PIP_NO_CACHE_DIR"}


def test_everything_that_the_image_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source, _ in image().copies:
        assert (ROOT / source).exists()
        assert source.rstrip("/") in let_in
    assert let_in == {source.rstrip("/") for source, _ in image().copies}


def test_the_image_installs_as_make_setup_does() -> None:
    """`make` says what it would run; the image runs the same, in the same order."""
    told = subprocess.run(
        ["make", "-n", "-B", "--no-print-directory", "setup", "PYTHON=python3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    made = [line.partition(" ||")[0].strip() for line in told.splitlines() if re.search(r"-m (venv|pip) ", line)]
    assert image().runs[1:] == made


def test_what_the_image_starts_can_be_started() -> None:
    found = image()
    (entry,) = found.form("ENTRYPOINT")
    assert os.access(ROOT / Path(entry).relative_to("/app"), os.X_OK)
    assert found.form("CMD") == own_services()["web"]["command"]
    assert ["CMD", *found.form("HEALTHCHECK")] == own_services()["web"]["healthcheck"]["test"]
    assert subprocess.run(["sh", "-n", ROOT / "deploy/entrypoint.sh"], check=False).returncode == 0


def test_a_secret_is_read_from_the_file_that_names_it_and_a_missing_one_is_one_line(tmp_path: Path) -> None:
    entry = ROOT / "deploy/entrypoint.sh"
    secret = tmp_path / "password"
    secret.write_text("a b$c'd\n")
    show = [entry, "sh", "-c", 'printf %s "$PGPASSWORD"']
    environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD_FILE": str(secret)}
    assert subprocess.run(show, env=environment, capture_output=True, text=True, check=True).stdout == "a b$c'd"
    done = subprocess.run(
        show, env=environment | {"PGPASSWORD_FILE": "/nowhere"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
