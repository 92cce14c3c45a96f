"""What the house promises of its own files: sizes, words, links, and that no path of a machine is left in them."""

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("providers", "scoring", "ingest", "workers")
GENERATED = ROOT / "ingest/migrations/versions"
SOURCES = [
    file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")) if GENERATED not in file.parents
]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FORBIDDEN_NAMES = re.compile(r"(utils|helpers?|manager|services|repositories|schemas)(\.py)?$", re.IGNORECASE)


def functions(file: Path) -> list[tuple[str, int]]:
    tree = ast.parse(file.read_text())
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in found]


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_stays_under_400_lines_and_its_functions_under_50(file: Path) -> None:
    assert file.read_text().count("\n") < 400
    assert [(name, lines) for name, lines in functions(file) if lines > 50] == []


def test_nine_functions_in_ten_stay_under_35_lines() -> None:
    lengths = [lines for file in SOURCES for _, lines in functions(file)]
    assert statistics.quantiles(lengths, n=10)[-1] < 35


def test_no_file_is_named_for_what_it_is_not() -> None:
    folders = {folder for file in SOURCES for folder in file.relative_to(ROOT).parents}
    assert [str(path) for path in (*SOURCES, *folders) if FORBIDDEN_NAMES.search(path.name)] == []


def test_the_top_level_is_the_fixed_one() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {path.split("/")[0] for path in tracked if "/" in path}
    assert folders <= {*PACKAGES, "tests", "deploy", "docs", ".ci"}


def test_nothing_is_left_to_do_without_a_reason() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [str(file) for file in SOURCES if marks.search(file.read_text())] == []


def test_the_locks_name_no_address_and_every_line_has_a_hash() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        wanted = [line for line in text.splitlines() if "==" in line]
        assert all(line.endswith("\\") for line in wanted)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_setting_is_explained_in_the_example() -> None:
    from ingest.settings import Settings  # noqa: PLC0415

    explained = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / "deploy/vagus.env.example").read_text(), re.MULTILINE))
    known = {
        name.upper() if name in {"database_url", "redis_url"} else f"VAGUS_{name.upper()}"
        for name in Settings.model_fields
    }
    assert explained == known
