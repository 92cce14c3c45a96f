"""Settings: environment variables with the prefix `VAGUS_`, plus the usual `DATABASE_URL` and `REDIS_URL`.

Nothing needs to be set: without the two URLs, Vagus runs its own PostgreSQL and Valkey below `home`.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from providers.errors import Misconfigured


def default_home() -> Path:
    """The state folder: in the person's data folder; for root a system one, as a private home locks PostgreSQL out."""
    if os.geteuid() == 0:
        return Path("/var/lib/vagus")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "vagus"


class Settings(BaseSettings):
    """Every setting there is, with its default; `deploy/vagus.env.example` explains each in a line."""

    model_config = SettingsConfigDict(env_prefix="VAGUS_", extra="ignore", populate_by_name=True)

    home: Path = Field(default_factory=default_home)
    database_url: SecretStr | None = Field(None, validation_alias=AliasChoices("database_url", "DATABASE_URL"))
    redis_url: SecretStr | None = Field(None, validation_alias=AliasChoices("redis_url", "REDIS_URL"))
    secrets_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(8730, ge=0, le=65535)
    base_url: str | None = None
    smtp_url: SecretStr | None = None
    mail_from: str = "Vagus <vagus@localhost>"
    run_as: str | None = None
    log: Literal["auto", "json", "columns"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_token: SecretStr | None = None
    raw_days: int = Field(400, ge=1)
    raw_mb: int = Field(64, ge=1)
    demo: bool = False
    push_sink: str | None = None  # after `demo`, by which it is judged
    simulator: str | None = None

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        """Processes of other working folders must mean the same one."""
        return home.expanduser().absolute()

    @field_validator("push_sink")
    @classmethod
    def _only_in_the_demo(cls, sink: str | None, given: ValidationInfo) -> str | None:
        """The one origin that pushes may go to without being https and public: the demo's own, on this machine."""
        if sink is None:
            return None
        if not given.data.get("demo"):
            raise ValueError("it belongs to the demo: unset it")
        if not re.fullmatch(r"http://127\.0\.0\.1:[0-9]{1,5}", sink):
            raise ValueError("write it like http://127.0.0.1:8731")
        return sink

    @property
    def secrets_path(self) -> Path:
        """Where the keyring and the secrets per purpose live."""
        return self.secrets_file or self.home / "secrets.json"

    @property
    def public_url(self) -> str:
        """The address people reach the pages at, without a slash at the end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def smtp_port(self) -> int:
        """The port that the mail server is asked at; 0 where none is named."""
        return urlsplit(self.smtp_url.get_secret_value() if self.smtp_url else "").port or 0

    @property
    def embedded(self) -> bool:
        """Whether Vagus runs its own PostgreSQL and Valkey."""
        return self.database_url is None or self.redis_url is None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises Misconfigured naming the first variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper().removeprefix("VAGUS_")
        shown = name if name in {"DATABASE_URL", "REDIS_URL"} else f"VAGUS_{name}"
        raise Misconfigured(f"setting {shown} is wrong: {first['msg']}") from None
