"""The Compose file and the Dockerfile, read; what they name of a container is turned into what a test has."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose.yaml"
DOCKERFILE = ROOT / "deploy/Dockerfile"
OTHERS_IMAGES = {"postgres", "valkey"}


def compose() -> dict[str, Any]:
    """The Compose file with its merges done."""
    yaml = pytest.importorskip("ruamel.yaml", reason="it comes with check-jsonschema, which is not installed")
    found: dict[str, Any] = yaml.YAML(typ="safe").load(COMPOSE)
    return found


def own_services() -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {name: each for name, each in compose()["services"].items() if name not in OTHERS_IMAGES}


@dataclass
class Image:
    """What the Dockerfile says, instruction by instruction."""

    copies: list[tuple[str, str]] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    def form(self, instruction: str) -> list[str]:
        """The words of an instruction in its exec form."""
        rest = self.others[instruction]
        words: list[str] = json.loads(rest[rest.index("[") :])
        return words


def image() -> Image:
    """The Dockerfile, read."""
    found = Image()
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    for line in (line for line in text.splitlines() if line and not line.startswith("#")):
        instruction, _, rest = line.partition(" ")
        match instruction:
            case "COPY":
                *sources, target = rest.split()
                found.copies += [(source, target) for source in sources]
            case "RUN":
                found.runs.append(rest)
            case "ENV":
                found.environment |= dict(word.split("=", 1) for word in shlex.split(rest))
            case _:
                found.others[instruction] = rest
    return found
