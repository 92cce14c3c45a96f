"""The pages that people read and type from: their shell blocks run, their commands exist, their links arrive.

The blocks of a page run in order in one shell, on a copy of what a clone would hold, with a state folder of their own
and `.venv/bin` first on the path; one Vagus serves all pages, README.md's first. What a page leaves to its reader is
brought: a WHOOP export of made-up nights, and a secret to whatever asks for one.

Two things are not run. `make`, because the tests themselves are what `make` runs: its targets are looked up in the
Makefile. And a block with `<!-- not run: REASON -->` on the line above it, where REASON begins with one of `REASONS`.
"""

import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import typer

from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import export_zip
from workers.cli import app
from workers.supervision import control
from workers.supervision.home import empty

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGES = sorted(
    (
        page
        for folder in (ROOT, ROOT / "docs", ROOT / "deploy")
        for page in folder.glob("*.md" if folder == ROOT else "**/*.md")
    ),
    key=lambda page: (page != ROOT / "README.md", page),
)
REASONS = (
    "docker",
    "systemd",
    "root",
    "macOS",
    "a vendor's account",
    "long",
    "it serves until Ctrl-C",
    "a mail server",
    "a proxy",
    "another host",
    "it fetches a newer version",
    "it erases what the other pages need",
)
MARK = re.compile(r"^ *<!-- not run: ([^>]*?) --> *$", re.MULTILINE)
FENCE = re.compile(
    r"^(?P<above>[^\n]*)\n(?P<indent> *)```(?P<kind>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
SHELL = ("sh", "")
# These say the same again, and take a second each: not typed twice where another page repeats them to the letter.
SAME_AGAIN = re.compile(r"^ *vagus (?:sign-in|vendor add|import|readiness|operator|queues)\b.*\n", re.MULTILINE)
SECONDS = 300
PRELUDE = """
make() { :; }
export PATH="$PWD/.venv/bin:$PATH"
set -e -o pipefail
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: the line it begins in, its language, what is in it, the line above, and why it is not run."""

    line: int
    kind: str
    code: str
    above: str

    @property
    def reason(self) -> str | None:
        """What its mark says, if it has one."""
        mark = MARK.fullmatch(self.above)
        return mark[1] if mark else None


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    text = "\n" + page.read_text()
    return [
        Block(text.count("\n", 0, found.start("code")), found["kind"], textwrap.dedent(found["code"]), found["above"])
        for found in FENCE.finditer(text)
    ]


def run_blocks(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.kind == "sh" and block.reason is None]


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """What a clone would hold, with the tools that `make setup` puts there."""
    folder = Path(tempfile.mkdtemp(prefix="vagus-clone-"))
    folder.chmod(0o755)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    export = export_zip(nights(Story.STEADY, datetime.now(UTC).date(), 60, seed=2))
    (folder / "my_whoop_data.zip").write_bytes(export)
    yield folder
    shutil.rmtree(folder)


def typed(page: Path, clone: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Type a page's blocks into one shell; its exit code, and what was to be seen."""
    before = {
        line
        for earlier in PAGES[: PAGES.index(page)]
        for block in run_blocks(earlier)
        for line in SAME_AGAIN.findall(block.code)
    }
    script = PRELUDE
    for block in run_blocks(page):
        code = SAME_AGAIN.sub(lambda found: "" if found[0] in before else found[0], block.code)
        script += f"echo '### line {block.line}'\n{code}\n"
    with (
        tempfile.TemporaryFile("w+", errors="replace") as screen,
        subprocess.Popen(["yes", "a-secret"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as typist,
    ):
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=clone,
            env=environment,
            stdin=typist.stdout,
            stdout=screen,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
            start_new_session=True,  # a secret is asked for on a terminal if there is one
        )
        typist.kill()
        screen.seek(0)
        return done.returncode, screen.read()


@pytest.fixture(scope="module")
def seen(clone: Path) -> Iterator[dict[Path, tuple[int, str]]]:
    """Every page with something to run, typed in order on one Vagus."""
    home = Path(tempfile.mkdtemp(prefix="vagus-reader-"))
    home.chmod(0o755)
    dropped = ("VAGUS_", "COVERAGE_", "DATABASE_URL", "REDIS_URL", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment = kept | {"VAGUS_HOME": str(home / "state"), "VAGUS_PORT": "0", "HOME": str(home), "NO_COLOR": "1"}
    try:
        yield {page: typed(page, clone, environment) for page in PAGES if run_blocks(page)}
    finally:
        control.stop(home / "state")
        empty(home / "state")
        shutil.rmtree(home)


@pytest.mark.parametrize("page", [page for page in PAGES if run_blocks(page)], ids=named)
def test_what_a_page_says_to_type_works_in_the_order_it_says_it(page: Path, seen: dict[Path, tuple[int, str]]) -> None:
    code, screen = seen[page]
    assert code == 0, f"{named(page)}: the block after the last ### failed\n{screen}"
    assert "Traceback" not in screen


def test_the_readme_alone_leads_a_newcomer_to_a_link_and_to_judged_nights(seen: dict[Path, tuple[int, str]]) -> None:
    _, screen = seen[ROOT / "README.md"]
    assert re.search(r"^http://127\.0\.0\.1:\d+/sign-in/once/\S+$", screen, re.MULTILINE)
    assert "/connect/oura/return" in screen
    assert "/connect/whoop/return" in screen
    assert "60 nights" in screen
    assert "As usual" in screen


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_block_that_is_not_run_says_why_directly_above_it(page: Path) -> None:
    marks = MARK.findall(page.read_text())
    used = [block.reason for block in blocks(page) if block.reason is not None]
    assert used == marks, "a mark stands on the line above the block it is about"
    for reason in used:
        assert reason.startswith(REASONS), f"{reason} is no reason known here"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_target_of_make_that_a_page_names_is_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    inline = re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)", text)
    asked = [
        target
        for block in blocks(page)
        if block.kind in SHELL
        for target in re.findall(r"(?:^|&& |; )(?:[A-Z_]+=\S+ )*make ([a-z-]+)", block.code, re.MULTILINE)
    ]
    assert {*inline, *asked} <= targets


def mentioned(page: Path) -> Iterator[str]:
    """Each `vagus …` of a page: in its sentences and in its shell blocks, the ones that are not run too."""
    text = page.read_text()
    for block in blocks(page):
        if block.kind in SHELL:
            joined = block.code.replace("\\\n", " ")
            yield from re.findall(r"(?:^|&&|;|\||\$\()\s*(?:[A-Z_]+=\S+ )*vagus ([^\n&;|#)]+)", joined, re.MULTILINE)
    yield from re.findall(r"`(?:[A-Z_]+=\S+ )*vagus ([^`\n]+)`", FENCE.sub("", text))


def unknown(words: list[str]) -> str | None:
    """What of a command line is no command, and no option of its command."""
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        names, *words = words
        for name in names.split("|"):
            if name not in command.commands:
                return name
        command = command.commands[names.split("|")[0]]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts, "--help")}
    options = (word.strip("[]").partition("=")[0] for word in words)
    return next((option for option in options if option.startswith("-") and option not in known), None)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    for line in mentioned(page):
        wrong = unknown(line.split())
        assert wrong is None, f"vagus {line}: there is no {wrong}"


def anchors(page: Path) -> set[str]:
    """What its headings are called in links: small letters, hyphens for blanks, no other signs, a number if twice."""
    names: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{name}-{names[name]}" if names[name] else name)
        names[name] += 1
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    links = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:src|srcset|href)="([^"]+)"', text)]
    for link in links:
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        assert target.exists(), f"{named(page)} links to {link}"
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), (
            f"{named(page)}: no heading for {link}"
        )


def test_every_picture_is_shown_somewhere() -> None:
    shown = {name for page in PAGES for name in re.findall(r"pictures/([\w-]+\.png)", page.read_text())}
    assert shown == {picture.name for picture in (ROOT / "docs/pictures").glob("*.png")}


def test_the_readme_s_first_screen_says_what_it_is_and_what_to_type() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [lines.index(line) for line in lines if line.startswith(("make demo", "make test"))]
    assert len(commands) == 2
    assert max(commands) < 40
    assert all(first < second for first, second in pairwise(commands))
