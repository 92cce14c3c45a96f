"""What the doctor says of vendors: whether there is one, and whether its secret can be opened here."""

import secrets

import pytest
from typer.testing import CliRunner

from ingest import settings, vault
from ingest.db import transaction
from ingest.grants import oauth
from ingest.models import VendorApp
from tests.ground import clear_caches
from tests.ingest.web.web_stage import NOON
from workers import cli
from workers.supervision import doctor


def test_with_no_vendor_the_doctor_says_how_one_is_set_up(database: str) -> None:
    finding = doctor._vendors()
    assert finding.grade == "warn"
    assert "vagus vendor add" in finding.remedy


def test_a_vendor_whose_secret_opens_is_well_and_one_sealed_elsewhere_is_not(database: str) -> None:
    with transaction() as session:
        sealed = oauth.seal_secret("oura", "app", secrets.token_hex(8))
        session.add(VendorApp(vendor="oura", client_id="app", client_secret=sealed, created_at=NOON))
    assert doctor._vendors() == doctor.Finding("vendors", "ok", "oura")
    settings.settings().secrets_path.unlink()
    vault.create_secrets(settings.settings().secrets_path)
    clear_caches()
    finding = doctor._found(doctor._vendors)
    assert (finding.check, finding.grade) == ("vendors", "fail")
    assert "backup" in finding.remedy


def test_a_folder_with_brackets_in_its_name_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = doctor.Finding("home", "fail", "/srv/[/old]/vagus is full", "empty /srv/[/old]")
    monkeypatch.setattr(doctor, "examine", lambda: [finding])
    shown = CliRunner().invoke(cli.app, ["doctor"], env={"COLUMNS": "200"})
    assert shown.exit_code == 1
    assert finding.found in shown.output
    assert finding.remedy in shown.output
