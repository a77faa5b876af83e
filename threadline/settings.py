"""Settings: `threadline.yaml` with `THREADLINE_*` over it, nested by `__`; all checked at start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from threadline.errors import SettingsError
from threadline.mail_sections import SmtpSettings, SummarySettings
from threadline.networks import is_loopback
from threadline.sections import (
    AccessSettings,
    ClosesSettings,
    DiskSettings,
    ErasureSettings,
    LimitsSettings,
    ReportingSettings,
    RetentionSettings,
    Section,
    TlsSettings,
)

MIB = 1024 * 1024


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not host:port")
    return text


Address = Annotated[str, AfterValidator(_address)]


def host_and_port(address: str) -> tuple[str, int]:
    """`127.0.0.1:4318` as its two parts."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class LogSettings(Section):
    """The log: SQLite segment files in `dir`."""

    dir: Path = Path("log")  # under data_dir unless absolute
    segment_bytes: int = Field(256 * MIB, ge=MIB)  # a new segment file after this many body bytes
    segment_days: float = Field(7, gt=0)  # or so long after its first entry
    group_bytes: int = Field(8 * MIB, ge=1)  # at most so much is committed in one group
    queue_bytes: int = Field(64 * MIB, ge=1)  # waiting input beyond this is refused with 503


class IntakeSettings(Section):
    """Where input arrives."""

    http: Address = "127.0.0.1:4318"
    grpc: Address = "127.0.0.1:4317"
    max_body_bytes: int = Field(16 * MIB, ge=1024)  # after decompression; beyond it 413


class TelemetrySettings(Section):
    """The telemetry store: embedded chDB in `dir`, or a ClickHouse server at `url`."""

    url: str | None = None  # e.g. http://user:password@clickhouse:8123
    dir: Path = Path("telemetry")  # under data_dir unless absolute
    database: str = Field("threadline", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    memory_bytes: int = Field(900 * MIB, ge=256 * MIB)  # bound of the embedded engine
    query_memory_bytes: int = Field(400 * MIB, ge=64 * MIB)  # bound of one query
    threads: int = Field(2, ge=1)  # per query
    durable: bool = True  # fsync parts and merges; the cursor is kept beside the results


class ControlSettings(Section):
    """The control store: SQLite at `path`, or a SQLAlchemy URL of PostgreSQL."""

    url: str | None = None  # e.g. postgresql+psycopg://user:password@host/threadline
    path: Path = Path("control.sqlite")  # under data_dir unless absolute


class ApiSettings(Section):
    """API, metrics and health."""

    listen: Address = "127.0.0.1:8080"
    url: str | None = None  # where dashboards and commands reach it; none: where it listens
    public_url: str | None = None  # where people reach it: links to acknowledge; none: as `url`
    # Figures that take long to work out may be so old (they say as of when); 0: never.
    stale_seconds: float = Field(30.0, ge=0)


class DashboardsSettings(Section):
    """Streamlit."""

    listen: Address = "127.0.0.1:8501"
    url: str | None = None  # where people reach it: links and the way back from sign-in
    token: SecretStr = SecretStr("")  # for asking the API where people do not sign in


class AlertsSettings(Section):
    """Alerting."""

    webhook_url: str | None = (
        None  # where the shipped policy's webhook receiver posts; none: log only
    )
    secrets_dir: Path = Path("/run/secrets")  # ${file:NAME} of a receiver is a file in here
    evaluate_seconds: float = Field(0.75, gt=0)  # with the look itself: within a second
    wait_seconds: float = Field(60.0, gt=0)  # so far behind, deadlines are not judged,
    wait_at_most_seconds: float = Field(300.0, ge=0)  # but for no longer than this
    deliver_seconds: float = Field(1.0, gt=0)  # at most until what another service owes is seen
    lease_seconds: float = Field(2.0, ge=0.4)  # unrenewed so long, another service takes over
    # Signs links to acknowledge, 32 characters or more; several services need the same. Without it
    # a key is made once and kept in the file.
    link_key: SecretStr = Field(SecretStr(""), validate_default=False, min_length=32)
    link_key_file: Path = Path("link.key")  # under data_dir unless absolute
    link_hours: float = Field(72.0, gt=0, le=24 * 90)  # how long such a link holds


class PipelineSettings(Section):
    """Derivation of what the log holds."""

    batch_bytes: int = Field(16 * MIB, ge=1)  # at most so many body bytes are derived at once
    batch_entries: int = Field(20_000, ge=1)  # and at most so many requests
    idle_seconds: float = Field(0.2, gt=0)  # how long an empty log is left alone


class AsOfSettings(Section):
    """Views of past instants: the whole index as it would have been then."""

    views: int = Field(4, ge=1)  # kept at most, the least recently asked for goes first
    disk_bytes: int = Field(2048 * MIB, ge=0)  # kept at most, but one view always
    wait_seconds: float = Field(10.0, ge=0)  # how long a question waits for a view to be built


class Settings(BaseSettings):
    """Everything a deployment sets."""

    model_config = SettingsConfigDict(
        env_prefix="THREADLINE_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    data_dir: Path = Path("data")
    definitions_dir: Path | None = (
        None  # sources/, journeys/, policies/, rotas/, objects.yaml… extend ours
    )
    log: LogSettings = LogSettings()
    intake: IntakeSettings = IntakeSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    control: ControlSettings = ControlSettings()
    api: ApiSettings = ApiSettings()
    dashboards: DashboardsSettings = DashboardsSettings()
    alerts: AlertsSettings = AlertsSettings()
    pipeline: PipelineSettings = PipelineSettings()
    reporting: ReportingSettings = ReportingSettings()
    as_of: AsOfSettings = AsOfSettings()
    retention: RetentionSettings = RetentionSettings()
    disk: DiskSettings = DiskSettings()
    closes: ClosesSettings = ClosesSettings()
    smtp: SmtpSettings = SmtpSettings()
    summaries: tuple[SummarySettings, ...] = ()
    erasure: ErasureSettings = ErasureSettings()
    access: AccessSettings = AccessSettings()
    tls: TlsSettings = TlsSettings()
    limits: LimitsSettings = LimitsSettings()

    @field_validator("summaries")
    @classmethod
    def _apart(cls, summaries: tuple[SummarySettings, ...]) -> tuple[SummarySettings, ...]:
        names = [one.name for one in summaries]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two summaries are called {', '.join(twice)}: give each its own name")
        return summaries

    @property
    def api_url(self) -> str:
        """Where the API is reached, without a slash at the end."""
        return (self.api.url or f"{self.tls.scheme}://{self.api.listen}").rstrip("/")

    @property
    def public_api_url(self) -> str:
        """Where people's browsers reach the API, without a slash at the end."""
        return (self.api.public_url or self.api_url).rstrip("/")

    @property
    def intake_url(self) -> str:
        """Where intake over HTTP listens."""
        return f"{self.tls.scheme}://{self.intake.http}"

    @property
    def dashboards_url(self) -> str:
        """Where people reach the dashboards, without a slash at the end."""
        return (self.dashboards.url or f"{self.tls.scheme}://{self.dashboards.listen}").rstrip("/")

    @property
    def exposed(self) -> dict[str, str]:
        """The service's addresses that other machines reach, by setting."""
        addresses = {
            "intake.http": self.intake.http,
            "intake.grpc": self.intake.grpc,
            "api.listen": self.api.listen,
        }
        return {
            name: text
            for name, text in addresses.items()
            if not is_loopback(host_and_port(text)[0])
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the base class names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the base class names it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load(file: Path | None = None, **overrides: Any) -> Settings:
    """The settings of this deployment, paths made absolute under `data_dir`.

    Raises `SettingsError` naming each key at fault and what it asks for.
    """

    class Deployed(Settings):
        model_config = SettingsConfigDict(yaml_file=file or Path("threadline.yaml"))

    if file is not None and not file.exists():
        raise SettingsError(f"settings file {file} does not exist")
    try:
        settings = Deployed(**overrides)
    except ValidationError as error:
        raise SettingsError(_faults(error)) from error
    return _rooted(settings)


def _rooted(settings: Settings) -> Settings:
    data = settings.data_dir.absolute()
    return settings.model_copy(
        update={
            "data_dir": data,
            "log": settings.log.model_copy(update={"dir": data / settings.log.dir}),
            "telemetry": settings.telemetry.model_copy(
                update={"dir": data / settings.telemetry.dir}
            ),
            "control": settings.control.model_copy(update={"path": data / settings.control.path}),
            "alerts": settings.alerts.model_copy(
                update={"link_key_file": data / settings.alerts.link_key_file}
            ),
        }
    )


def _faults(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        env = "THREADLINE_" + "__".join(str(part).upper() for part in fault["loc"])
        lines.append(f"setting {key} ({env}): {fault['msg']}")
    return "\n".join(lines)
