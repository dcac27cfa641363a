"""Settings come from the environment, by the usual names; the rest as IVR_BRIDGE_<SECTION>__<NAME>."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.entrance import networks


class SettingsMissing(Exception):
    """The environment lacks something; the text says what to set."""


class Pools(BaseModel):
    """Connections a process keeps for each kind of work, so that one cannot starve another."""

    ivr: int = Field(12, ge=2, le=200)
    shared: int = Field(2, ge=1, le=10)
    webhooks: int = Field(5, ge=1, le=50)
    people: int = Field(6, ge=1, le=100)
    work: int = Field(12, ge=2, le=200)


class Limits(BaseModel):
    """Where the service says no, rather than slow down for everyone."""

    deflections_at_once: int = Field(400, ge=1)
    per_key_at_once: int = Field(300, ge=1)
    fastagi_at_once: int = Field(500, ge=1)
    webhooks_waiting: int = Field(5000, ge=1)
    reports_at_once: int = Field(2, ge=1)


class Media(BaseModel):
    """Where files live: `file:///…` for one machine, `s3://…` for several."""

    url: str | None = None


class Postgres(BaseModel):
    """Only `migrate` needs the owner, when DATABASE_URL is a login of the service's role."""

    owner_url: str | None = None


class Logging(BaseModel):
    """How much is said."""

    level: str = Field("info", pattern="^(debug|info|warning|error)$")


class Settings(BaseSettings):
    """Everything a process is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="IVR_BRIDGE_", env_nested_delimiter="__", extra="ignore"
    )

    database_url: str | None = Field(None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(None, validation_alias="REDIS_URL")
    listen: str = Field("127.0.0.1:8080", validation_alias="LISTEN")
    fastagi_listen: str | None = Field(None, validation_alias="FASTAGI_LISTEN")
    metrics_listen: str | None = Field(None, validation_alias="METRICS_LISTEN")
    """Each process its own: unless they are told, `serve` and `work` do not meet on one machine."""
    public_url: str | None = Field(None, validation_alias="PUBLIC_URL")
    trusted_proxies: str = Field("", validation_alias="TRUSTED_PROXIES")
    secret_key: str | None = Field(None, validation_alias="SECRET_KEY")
    web_dist: Path = Path(__file__).parents[1] / "web" / "dist"
    pools: Pools = Pools()
    limits: Limits = Limits()
    media: Media = Media()
    postgres: Postgres = Postgres()
    logging: Logging = Logging()

    @field_validator("listen")
    @classmethod
    def _has_port(cls, value: str) -> str:
        address(value)
        return value

    @field_validator("fastagi_listen", "metrics_listen")
    @classmethod
    def _has_port_or_is_off(cls, value: str | None) -> str | None:
        if value:
            address(value)
        return value or None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def origin(self) -> str:
        """The origin people's browsers see."""
        return (self.public_url or f"http://{self.listen}").rstrip("/")

    @classmethod
    def read(cls) -> Self:
        """From the environment; SettingsMissing with one line a mistake."""
        try:
            return cls()
        except ValidationError as wrong:
            lines = [
                f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
                for error in wrong.errors(include_input=False, include_url=False)
            ]
            raise SettingsMissing(
                "The environment does not fit:\n  " + "\n  ".join(lines)
            ) from wrong

    def need_databases(self) -> tuple[str, str]:
        """The two addresses, or SettingsMissing."""
        if not self.database_url or not self.redis_url:
            raise SettingsMissing(
                "Set DATABASE_URL and REDIS_URL to a PostgreSQL and a Redis or Valkey server"
                " (or run `ivr-bridge demo`, which brings its own; beside it: `. .data/demo.env`)."
            )
        return self.database_url, self.redis_url

    def need_secret_key(self) -> str:
        """The key that seals credentials and signs links, or SettingsMissing."""
        if not self.secret_key or len(self.secret_key) < 32:  # noqa: PLR2004 - see core.sealing
            raise SettingsMissing(
                "Set SECRET_KEY to at least 32 random characters, the same for every process:"
                " `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`."
            )
        return self.secret_key


def address(listen: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8080`; ValueError when it has none."""
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdigit() or not 0 <= int(port) < 65536:  # noqa: PLR2004 - ports end there
        raise ValueError("write it as host:port, for example 127.0.0.1:8080")
    return host.strip("[]") or "127.0.0.1", int(port)
