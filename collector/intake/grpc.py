"""Port 4317: OTLP/gRPC."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc

from collector.intake.clearing import Appends
from collector.intake.counts import IntakeCounts
from collector.intake.media import PROTOBUF
from collector.intake.otlp import LOGS, TRACES
from collector.intake.problems import status
from collector.intake.reception import Authenticate, Reception, open_source
from collector.intake.refusals import Refusal
from collector.intake.submissions import Signal, Submission
from threadline.clock import Clock
from threadline.errors import SettingsError
from threadline.sections import PLAIN, USUAL, LimitsSettings, TlsSettings
from threadline.settings import IntakeSettings

_SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": TRACES,
    "opentelemetry.proto.collector.logs.v1.LogsService": LOGS,
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}

Export = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]


@dataclass(frozen=True, kw_only=True)
class GrpcIntake:
    """A server that takes requests until it is stopped."""

    server: grpc.aio.Server
    port: int

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new requests and finish those at hand for so long."""
        await self.server.stop(grace_seconds)


async def serve(
    log: Appends,
    settings: IntakeSettings,
    *,
    clock: Clock,
    counts: IntakeCounts,
    authenticate: Authenticate = open_source,
    tls: TlsSettings = PLAIN,
    limits: LimitsSettings = USUAL,
) -> GrpcIntake:
    """Listen on `settings.grpc`; an OK from it means that the request is in `log`, durable.

    Raises `SettingsError` when the address cannot be used.
    """
    reception = Reception(
        log, settings.max_body_bytes, clock=clock, counts=counts, authenticate=authenticate
    )
    server = grpc.aio.server(
        maximum_concurrent_rpcs=limits.connections,
        options=(
            ("grpc.max_receive_message_length", settings.max_body_bytes),
            ("grpc.max_metadata_size", limits.head_bytes),
            ("grpc.absolute_max_metadata_size", limits.head_bytes),
            ("grpc.server_handshake_timeout_ms", int(limits.head_seconds * 1000)),
            # A message that never ends is cut off with its line: gRPC has no time limit for one.
            # Who is in the middle of a request at that age gets as long again to finish it.
            ("grpc.max_connection_age_ms", int(limits.body_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", int(limits.body_seconds * 1000)),
            ("grpc.so_reuseport", 0),  # a second service on the port is an error, not half of it
        ),
    )
    server.add_generic_rpc_handlers(
        tuple(_service(name, reception, signal) for name, signal in _SERVICES.items())
    )
    try:
        port = _bound(server, settings.grpc, tls)
    except RuntimeError as error:
        raise SettingsError(
            f"{settings.grpc} for OTLP/gRPC cannot be used: stop the program that has it, or set"
            " intake.grpc (THREADLINE_INTAKE__GRPC) to another address"
        ) from error
    await server.start()
    return GrpcIntake(server=server, port=port)


def _bound(server: grpc.aio.Server, address: str, tls: TlsSettings) -> int:
    if tls.certificate is None or tls.key is None:
        return int(server.add_insecure_port(address))
    pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
    return int(server.add_secure_port(address, grpc.ssl_server_credentials((pair,))))


def _service(name: str, reception: Reception, signal: Signal) -> grpc.GenericRpcHandler:
    method = grpc.unary_unary_rpc_method_handler(_export(reception, signal))
    return grpc.method_handlers_generic_handler(name, {"Export": method})


def _export(reception: Reception, signal: Signal) -> Export:
    async def export(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        submission = Submission(content_type=PROTOBUF, content_encoding="", body=request)
        try:
            source = reception.authenticate(_text_metadata(context))
            verdict = await reception.take(signal, source, submission)
        except Refusal as refusal:
            reception.counts.refuse(signal.name, refusal.outcome)
            details = (("grpc-status-details-bin", status(refusal).SerializeToString()),)
            await context.abort(_CODES[refusal.code], refusal.detail, details)
        return signal.answer(PROTOBUF, verdict)

    return export


def _text_metadata(context: grpc.aio.ServicerContext) -> dict[str, str]:
    return {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
