"""The command `threadline`: parse, call, return a code.

Exit codes: 0 done; 1 the answer is no (not found, invalid, different); 2 wrong usage or settings;
3 a service that is needed does not answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from threadline.cli.outcomes import AWAY, WRONG, Away
from threadline.errors import ThreadlineError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the code it ends with."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except Away as error:
        print(f"threadline: {error}", file=sys.stderr)
        return AWAY
    except ThreadlineError as error:
        print(f"threadline: {error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return 130
    return code


def _later(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """The command `name` of `module`, imported when it runs: asking needs no database engine."""

    def run(arguments: argparse.Namespace) -> int:
        command: Callable[[argparse.Namespace], int] = getattr(
            import_module(f"threadline.cli.{module}"), name
        )
        return command(arguments)

    return run


def parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    parser = argparse.ArgumentParser(
        prog="threadline",
        description="Follows every contract through every system it crosses.",
    )
    parser.add_argument("--settings", type=Path, help="settings file (default: threadline.yaml)")
    commands_of = parser.add_subparsers(required=True, metavar="COMMAND")
    _service_commands(commands_of)
    _question_commands(commands_of)
    _store_commands(commands_of)
    return parser


def _service_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    up = to.add_parser("up", help="run the service and the dashboards")
    up.set_defaults(run=_later("service", "up"))
    serve = to.add_parser("serve", help="run the service alone")
    serve.set_defaults(run=_later("service", "serve"))
    dashboards = to.add_parser("dashboards", help="run the dashboards alone")
    dashboards.set_defaults(run=_later("service", "dashboards"))
    play = to.add_parser("demo", help="run everything and play a small world of contracts")
    play.add_argument("--seed", type=int, default=7, help="another world (default: 7)")
    play.add_argument("--contracts", type=int, default=0, help="how many (default: 180)")
    play.add_argument("--seconds", type=float, help="end by itself after so many seconds")
    play.set_defaults(run=_later("demo", "demo"))


def _question_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    trace = to.add_parser("trace", help="print a contract's thread, found by any id")
    trace.add_argument("id", help="contract, project, invoice or PO number, trace id…")
    trace.add_argument("--why", action="store_true", help="what ties that id to what, and why")
    trace.set_defaults(run=_later("questions", "trace"))
    kpis = to.add_parser("kpis", help="print the KPIs")
    kpis.add_argument("--days", type=int, default=30, help="window, ending now (default: 30)")
    kpis.add_argument("--journey", help="only this journey")
    kpis.set_defaults(run=_later("questions", "kpis"))
    for command in (trace, kpis):
        command.add_argument("--json", action="store_true", help="as JSON, for scripts")
        command.add_argument("--api", help="address of the API (default: from the settings)")


def _store_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = to.add_parser("check", help="check settings and definitions")
    check.set_defaults(run=_later("stores", "check"))
    load = to.add_parser("import", help="send an OCEL 2.0 log or a CSV file to the running service")
    load.add_argument("file", type=Path)
    load.add_argument("--mapping", type=Path, required=True, help="what its types or columns mean")
    load.add_argument("--intake", help="address of the intake (default: from the settings)")
    load.set_defaults(run=_later("stores", "import_log"))
    rebuild = to.add_parser(
        "rebuild", help="derive everything anew from the log and compare (service stopped)"
    )
    rebuild.set_defaults(run=_later("stores", "rebuild"))
    migrate = to.add_parser("migrate", help="bring the control store to this version's schema")
    migrate.set_defaults(run=_later("stores", "migrate"))
