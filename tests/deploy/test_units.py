"""The units of systemd name what is there, run what `vagus up` runs, and leave a process little of the machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workers.supervision.children import CHILDREN

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy/systemd"
WORKERS = [child.name.removeprefix("worker-") for child in CHILDREN if child.name.startswith("worker-")]
MOST_EXPOSED = 20  # tenths; systemd calls up to 2 "OK", and 9.6 what a plain unit has
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt-get install systemd"
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as an operator copies them, with this folder in the place of /opt/vagus."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.glob("*.*"):
        if unit.is_file():
            unit.write_text(unit.read_text().replace("/opt/vagus", str(ROOT)))
    return folder


def verify(folder: Path) -> str:
    names = [unit.name for unit in folder.glob("*.service") if "@" not in unit.name]
    names += ["vagus.target", *(f"vagus-worker@{name}.service" for name in WORKERS)]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "vagus" in line]
    return "\n".join(ours)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(installed: Path) -> None:
    assert verify(installed) == ""


@needs_systemd
def test_systemd_would_say_so(installed: Path) -> None:
    common = installed / "vagus-.service.d/common.conf"
    common.write_text(common.read_text().replace("NoNewPrivileges=", "NoNewPrivilege="))
    assert "NoNewPrivilege" in verify(installed)
    (installed / "vagus-beat.service").write_text("[Service]\nExecStart=/nowhere/vagus run beat\n")
    assert "/nowhere/vagus" in verify(installed)


@needs_systemd
def test_a_process_is_left_little_of_the_machine(installed: Path) -> None:
    for name in ("vagus-web.service", "vagus-worker@sync.service", "vagus-beat.service"):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", name],
            env=os.environ | {"SYSTEMD_UNIT_PATH": f"{installed}:"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-300:]


def test_a_unit_runs_for_each_process_that_vagus_up_keeps() -> None:
    wanted = set(re.findall(r"vagus-[\w@-]+\.service", (UNITS / "vagus.target").read_text()))
    assert wanted == {f"vagus-{child.name.replace('worker-', 'worker@')}.service" for child in CHILDREN}
    for unit in UNITS.glob("*.service"):
        process = unit.stem.removeprefix("vagus-").replace("@", "-%i")
        asked = f"ExecStart=/opt/vagus/.venv/bin/vagus run {process}"
        prepared = "ExecStart=/opt/vagus/.venv/bin/python -P /opt/vagus/deploy/prepare.py"
        assert (prepared if process == "prepare" else asked) in unit.read_text().splitlines()


def test_every_unit_ends_with_the_target_and_waits_for_the_tables() -> None:
    for unit in UNITS.glob("*.service"):
        lines = unit.read_text().splitlines()
        assert "PartOf=vagus.target" in lines
        if "prepare" not in unit.name:
            assert {"Requires=vagus-prepare.service", "After=vagus-prepare.service", "Restart=always"} <= set(lines)
