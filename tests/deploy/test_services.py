"""Each service's command, as a plain process with that service's environment, on a real PostgreSQL and Valkey."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
import redis

from ingest.vault import load
from tests.deploy.containers import ROOT, image, own_services
from tests.ground import wait_for
from workers.app import WORKERS
from workers.supervision import embedded
from workers.supervision.processes import free_port

pytestmark = pytest.mark.slow
READY_SECONDS = 90  # a runner with other tests beside; alone it takes some six


@dataclass
class Stack:
    """All services at once, and how to ask them."""

    home: Path
    port: int
    url: str
    broker: str
    environments: dict[str, dict[str, str]]
    running: dict[str, subprocess.Popen[bytes]]

    def run(self, name: str) -> subprocess.CompletedProcess[bytes]:
        """A service's command, run to its end."""
        environment = self.environments[name]
        return subprocess.run(
            [*words(name)], env=environment, cwd=self.home, capture_output=True, timeout=READY_SECONDS, check=False
        )

    def healthy(self) -> bool:
        """Whether the health check of the pages' service succeeds."""
        _, program, *rest = own_services()["web"]["healthcheck"]["test"]
        asked = [word.replace(":8730/", f":{self.port}/") for word in rest]
        done = subprocess.run([here(program), *asked], capture_output=True, env=self.environments["web"], check=False)
        return done.returncode == 0

    def waiting_workers(self) -> int:
        """How many workers wait at the broker for a message."""
        address = self.broker.replace("redis+socket://", "unix://", 1)
        with redis.Redis.from_url(address) as client:
            return sum(each["cmd"] == "brpop" for each in client.client_list())


def here(word: str) -> str:
    """What stands below /app in the image stands in this folder."""
    return word.replace("/app/", f"{ROOT}/") if word.startswith("/") else str(ROOT / ".venv/bin" / word)


def words(name: str) -> list[str]:
    """The command of a service behind the image's entry point."""
    program, *rest = own_services()[name]["command"]
    return [
        here(image().form("ENTRYPOINT")[0]),
        here(program),
        *[here(w) if w.startswith("/app/") else w for w in rest],
    ]


@pytest.fixture(scope="module")
def stack(server_home: Path, postgres: str) -> Iterator[Stack]:
    """Everything that the Compose file starts, in its order, but the two servers; stopped as a container is."""
    home = Path(tempfile.mkdtemp(prefix="vagus-services-", dir="/tmp"))
    name = f"services_{os.getpid()}"
    with psycopg.connect(postgres.format(name="postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        broker = embedded.start_valkey(server_home)
        made = Stack(home, free_port(), postgres.format(name=name), broker, {}, {})
        made.environments = {service: environment(made, service) for service in own_services()}
        try:
            yield made
        finally:
            for process in made.running.values():
                process.kill()
                process.wait()
            embedded.stop_valkey(server_home)
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            shutil.rmtree(home)


def environment(stack: Stack, service: str) -> dict[str, str]:
    """The service's own environment; only addresses and folders of a container are exchanged for the test's."""
    password = stack.home / "database_password"
    password.write_text("not asked for on a socket\n")
    exchanged = {
        "DATABASE_URL": stack.url,
        "REDIS_URL": stack.broker,
        "PGPASSWORD_FILE": str(password),
        "VAGUS_HOST": "127.0.0.1",
        "VAGUS_PORT": str(stack.port),
    }
    said = image().environment | own_services()[service]["environment"]
    assert {"DATABASE_URL", "REDIS_URL", "PGPASSWORD_FILE"} <= said.keys()
    found = {name: value.replace("/var/lib/vagus", str(stack.home)) for name, value in said.items()}
    return {name: exchanged.get(name, value) for name, value in found.items()} | {
        "VAGUS_PORT": str(stack.port),
        "PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin",
    }


def test_every_service_comes_up_is_found_healthy_and_stops_when_asked(stack: Stack) -> None:
    assert not stack.healthy()
    prepared = stack.run("migrate")
    assert (prepared.returncode, prepared.stderr) == (0, b""), prepared.stderr
    keys = load(stack.home / "secrets.json").keys
    for name in own_services().keys() - {"migrate"}:
        log = (stack.home / f"{name}.log").open("wb")
        stack.running[name] = subprocess.Popen(
            words(name), env=stack.environments[name], cwd=stack.home, stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
    wait_for(lambda: ready(stack), READY_SECONDS)
    assert stack.healthy()
    wait_for(lambda: stack.waiting_workers() == len(WORKERS))
    again = stack.run("migrate")
    assert (again.returncode, load(stack.home / "secrets.json").keys) == (0, keys)
    stop(stack)


def ready(stack: Stack) -> bool:
    for name, process in stack.running.items():
        assert process.poll() is None, (stack.home / f"{name}.log").read_text()
    with urlopen(f"http://127.0.0.1:{stack.port}/readyz", timeout=2) as answer:
        return answer.status == 200


def stop(stack: Stack) -> None:
    """As a stopped container is: asked once, and all end before they would be killed."""
    began = time.monotonic()
    for process in stack.running.values():
        process.send_signal(signal.SIGTERM)
    codes = {name: process.wait(30) for name, process in stack.running.items()}
    assert time.monotonic() - began < 30
    assert set(codes.values()) <= {0, -signal.SIGTERM}, codes
