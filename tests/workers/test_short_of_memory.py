"""A machine short of memory or disk for a moment: what runs goes on, and what could not be started is tried again."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from workers.supervision import children
from workers.supervision.alarm import Alarm
from workers.supervision.children import Child, Crew
from workers.supervision.supervisor import Kept, Plan, Supervisor


def refuse(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(home: Path, said: list[str]) -> Supervisor:
    return Supervisor(home, SimpleNamespace(say=said.append), Plan(children=()), Alarm())


def test_a_child_that_cannot_be_started_is_tried_again_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tried = [100.0], []
    monkeypatch.setattr(children, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def start(child: Child) -> SimpleNamespace | None:
        tried.append(child.name)
        return None if child.name == "one" and len(tried) < 4 else SimpleNamespace(poll=lambda: None)

    crew = Crew((Child("one", ()), Child("two", ())), start, lambda *_: None)
    assert crew.tend() == 0.5
    assert (crew.tend(), crew.all_up) == (0.5, False)
    now[0] += 0.5
    assert crew.tend() == 1.0
    now[0] += 1.0
    crew.tend()
    assert (tried, crew.all_up) == (["one", "two", "one", "one"], True)
    assert [member.restarts for member in crew.members] == [0, 0]


def test_a_child_that_cannot_be_started_is_said_so(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise refuse(errno.ENOMEM)

    monkeypatch.setattr(Supervisor, "_spawned", no_memory)
    assert supervisor._start_child(Child("web", ())) is None
    assert said == [f"web cannot be started now ({os.strerror(errno.ENOMEM)}): it is tried again"]


def test_a_server_that_a_full_disk_keeps_down_does_not_take_the_supervisor_along(
    supervisor: Supervisor, said: list[str]
) -> None:
    def full(_: Path) -> str:
        raise refuse(errno.ENOSPC)

    kept = Kept(SimpleNamespace(name="PostgreSQL"), full, due=0.0)
    supervisor._bring_back(kept)
    assert (kept.due, kept.restarts) == (None, 0)
    assert said == [str(refuse(errno.ENOSPC))]
