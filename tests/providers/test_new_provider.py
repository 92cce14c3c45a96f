"""One adds a vendor by a skeleton, a registry line and what the failures say; tried on a copy of the tree."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IN_PLACE = Path(sys.executable).parent
TESTS = ("tests/providers/test_contract.py", "tests/providers/test_providers_page.py")
NIGHT = {
    "id": "n-1",
    "starts_at": "2026-03-28T23:00:00+01:00",
    "ends_at": "2026-03-29T07:00:00+02:00",
    "lowest_heart_rate": 48,
}


@pytest.fixture
def tree(tmp_path):
    for name in ("providers", "scoring", "ingest", "workers", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(tree, *command, **environment):
    given = {"PATH": f"{IN_PLACE}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.run([sys.executable, *command], cwd=tree, env=given, capture_output=True, text=True, check=False)


def contract(tree, **environment):
    return run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *TESTS, **environment)


def made(tree, name="pebble"):
    return run(tree, "tests/new_provider.py", name)


def registered(tree):
    registry = tree / "providers/__init__.py"
    text = registry.read_text().replace(
        "from providers.oura import OURA\n", "from providers.oura import OURA\nfrom providers.pebble import PEBBLE\n"
    )
    registry.write_text(text.replace("(OURA,", "(OURA, PEBBLE,"))


def filled_in(tree):
    module = tree / "providers/pebble.py"
    words = {"gives": "resting heart rate", "arrives": "in the morning"}
    words |= {"docs": "https://pebble.example/docs", "terms": "https://pebble.example/terms"}
    text = module.read_text()
    for name, said in words.items():
        text = text.replace(f'    {name}="",', f'    {name}="{said}",')
    module.write_text(text)
    (tree / "tests/providers/fixtures/pebble/nights.json").write_text(json.dumps({"data": [NIGHT], "next_token": None}))
    with (tree / "docs/providers.md").open("a") as page:
        page.write("\n### Pebble\n\n`pebble_night_lowest`: the lowest heart rate of the night.\n")


def test_a_skeleton_lints_and_says_what_comes_next(tree):
    done = made(tree)
    assert done.returncode == 0
    assert "from providers.pebble import PEBBLE" in done.stdout
    for command in (("check",), ("format", "--check")):
        assert run(tree, "-m", "ruff", *command, "--no-cache", "providers/pebble.py").returncode == 0


def test_the_contract_of_a_skeleton_fails_and_each_failure_says_what_to_do(tree):
    made(tree)
    registered(tree)
    told = contract(tree)
    assert told.returncode == 1
    for what in (
        "fill in gives",
        "write '' as an https address",
        "nights.json has no record yet: write some",
        "VAGUS_REWRITE=1 pytest tests/providers/test_contract.py writes nights.expected.json",
        "VAGUS_REWRITE=1 pytest tests/providers/test_providers_page.py",
    ):
        assert what in told.stdout


def test_a_vendor_whose_failures_were_heeded_keeps_the_contract(tree):
    made(tree)
    registered(tree)
    filled_in(tree)
    assert contract(tree, VAGUS_REWRITE="1").returncode == 0
    kept = contract(tree)
    assert kept.returncode == 0, kept.stdout
    assert "`pebble.nights`" in (tree / "docs/providers.md").read_text()


@pytest.mark.parametrize("name", ["Pebble", "2pebble", "pebble-ring", "../pebble", "class", "p", ""])
def test_a_name_that_python_or_a_path_would_not_bear_is_refused(tree, name):
    refused = made(tree, name)
    assert refused.returncode == 2
    assert not (tree / "providers/Pebble.py").exists()


@pytest.mark.parametrize("name", ["oura", "exports", "base", "simulator"])
def test_what_is_there_is_not_written_over(tree, name):
    refused = made(tree, name)
    assert refused.returncode == 2
    assert "already there" in refused.stderr
