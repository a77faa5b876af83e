"""The command `threadline`: parse, call, return a code.

Exit codes: 0 done; 1 the answer is no (not found, invalid, different); 2 wrong usage or settings;
3 a service that is needed does not answer.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from threadline.cli.outcomes import AWAY, WRONG, Away
from threadline.errors import ThreadlineError
from threadline.model.people import ROLES


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
    _access_commands(commands_of)
    _close_commands(commands_of)
    _alerts_commands(commands_of)
    _duty_commands(commands_of)
    return parser


def _instant(text: str) -> datetime:
    """A day, which means its end, or an instant; in UTC where no zone is named."""
    at = datetime.fromisoformat(text)
    if len(text) == len("2026-09-30"):
        at = at.replace(hour=23, minute=59, second=59)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _beginning(text: str) -> datetime:
    """A day, which means its beginning, or an instant; in UTC where no zone is named."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


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
    kpis.add_argument("--window", help="instead, by name: this-quarter, last-month, fiscal-year…")
    kpis.add_argument("--journey", help="only this journey")
    kpis.set_defaults(run=_later("questions", "kpis"))
    compare = _comparison(to)
    for command in (trace, kpis, compare):
        command.add_argument(
            "--as-of", type=_instant, help="what was known then: 2026-09-30 (its end) or RFC 3339"
        )
    told = to.add_parser("summary", help="print an executive summary as it would be mailed")
    told.add_argument("--name", help="which, where several are set up")
    told.add_argument("--out", type=Path, help="write it as HTML instead, to look at in a browser")
    told.add_argument("--send", action="store_true", help="send it now to whom it is for")
    told.set_defaults(run=_later("summary", "summary"))
    differing = to.add_parser("mismatches", help="print copies that differ from their master")
    differing.add_argument("--attribute", help="only of this one, as objects.yaml names it")
    differing.add_argument("--system", help="only copies in this system")
    differing.add_argument("--state", help="open (default), within, closed, unknown; with commas")
    differing.set_defaults(run=_later("questions", "mismatches"))
    for command in (trace, kpis, compare, told, differing):
        command.add_argument("--json", action="store_true", help="as JSON, for scripts")
        command.add_argument("--api", help="address of the API (default: from the settings)")


def _comparison(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    compare = to.add_parser("compare", help="did a fix work: a KPI before and after, or two parts")
    compare.add_argument("kpi", help="as `GET /api/v1/kpis` names it: sla-attainment…")
    two = compare.add_mutually_exclusive_group(required=True)
    two.add_argument("--at", type=_beginning, help="of the change: 2026-09-30 or RFC 3339")
    two.add_argument("--by", help="instead, a dimension: region, alternative, version…")
    compare.add_argument("--before", help="with --by: the part on the one side")
    compare.add_argument("--after", help="with --by: the part on the other")
    compare.add_argument("--from", dest="since", type=_beginning, help="the window, from")
    compare.add_argument("--to", type=_beginning, help="and to (default: now)")
    compare.add_argument("--journey", help="only this journey")
    compare.add_argument("--currency", help="of money: only in this one")
    compare.set_defaults(run=_later("questions", "compare"))
    return compare


def _close_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    close = to.add_parser("close", help="freeze what is published of a month")
    close.add_argument("period", help="the month: 2026-09")
    close.add_argument(
        "--at", type=_instant, help="what was known then: 2026-10-05 (its end) or RFC 3339"
    )
    close.add_argument("--note", default="", help="kept with it, for whoever reads it later")
    close.add_argument("--again", action="store_true", help="add a revision to a closed month")
    close.set_defaults(run=_later("closes", "close"))
    closes = to.add_parser("closes", help="what was published of months, and what is known since")
    closes.add_argument("period", nargs="?", help="one month: each figure beside today's knowledge")
    closes.add_argument("--kpi", help="of that one what counts otherwise now, and why")
    closes.add_argument("--revision", type=int, help="of the month's close (default: the last)")
    closes.add_argument(
        "--as-of", type=_instant, help="beside what was known then, instead of today"
    )
    closes.set_defaults(run=_later("closes", "closes"))
    for command in (close, closes):
        command.add_argument("--json", action="store_true", help="as JSON, for scripts")
        command.add_argument("--api", help="address of the API (default: from the settings)")


def _duty_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    oncall = to.add_parser("oncall", help="who is on duty now, until when, and who follows")
    oncall.add_argument("rota", nargs="?", help="of this one what is to come as well")
    oncall.add_argument("--at", type=_beginning, help="then instead: 2026-12-24 or RFC 3339")
    oncall.add_argument("--json", action="store_true", help="as JSON, for scripts")
    oncall.add_argument("--api", help="address of the API (default: from the settings)")
    oncall.set_defaults(run=_later("duty", "rotas"))


def _days(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,3}d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days such as 90d")
    return text


def _store_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = to.add_parser("check", help="check settings and definitions")
    check.add_argument(
        "--against",
        metavar="API",
        nargs="?",
        const="",
        help="show what activating them would do to the cases of a running service"
        " (default: the one of the settings)",
    )
    check.add_argument(
        "--claims",
        choices=("new", "open", "all"),
        default="",
        help="with --against: as if changed journeys claimed these cases",
    )
    check.add_argument(
        "--replay",
        metavar="API",
        nargs="?",
        const="",
        help="show what the alert rules would have done over what a running service knows"
        " (default: the one of the settings)",
    )
    check.add_argument("--rule", default="", help="with --replay: only this one, policy/rule")
    check.add_argument(
        "--since", type=_days, default="90d", help="with --replay: from so long ago (default 90d)"
    )
    check.add_argument("--json", action="store_true", help="with these: as JSON, for scripts")
    check.set_defaults(run=_later("checking", "check"))
    load = to.add_parser("import", help="send an event log or a CSV file to the running service")
    load.add_argument("file", type=Path, help="OCEL 2.0 or 1.0, XES (also .gz), or CSV")
    load.add_argument("--mapping", type=Path, help="what its types or columns mean; CSV needs it")
    load.add_argument("--intake", help="address of the intake (default: from the settings)")
    load.add_argument("--source", help="which of the token's sources sends it, if it has several")
    load.set_defaults(run=_later("stores", "import_log"))
    unload = to.add_parser("export", help="write the facts of contracts as an event log")
    unload.add_argument("file", type=Path, help="where to; its ending names the format")
    unload.add_argument("--format", help="jsonocel, xmlocel, sqlite (OCEL 2.0), xes or xes.gz")
    unload.add_argument("--journey", help="only contracts with a case of this journey")
    unload.add_argument(
        "--from", dest="since", type=_beginning, help="… that started then or later"
    )
    unload.add_argument("--to", dest="until", type=_instant, help="… and before then")
    unload.add_argument("--contract", help="only this one, by any of its ids")
    unload.add_argument("--log", help="instead, the log that was imported as this source")
    unload.add_argument("--as-of", type=_instant, help="what was known then")
    unload.add_argument("--api", help="address of the API (default: from the settings)")
    unload.set_defaults(run=_later("exports", "export"))
    rebuild = to.add_parser(
        "rebuild", help="derive everything anew from the log and compare (service stopped)"
    )
    rebuild.set_defaults(run=_later("stores", "rebuild"))
    backup = to.add_parser("backup", help="copy log and control store while the service runs")
    backup.add_argument("directory", type=Path, help="a new one is made")
    backup.set_defaults(run=_later("keeping", "backup"))
    restore = to.add_parser("restore", help="put a backup into an empty data directory")
    restore.add_argument("directory", type=Path, help="what `backup` made")
    restore.add_argument(
        "--force", action="store_true", help="delete what the data directory holds now"
    )
    restore.set_defaults(run=_later("keeping", "restore"))
    retain = to.add_parser(
        "retain", help="what is kept; drop inputs as received that were kept long enough"
    )
    retain.add_argument("--dry-run", action="store_true", help="only say what would go")
    retain.set_defaults(run=_later("retaining", "retain"))
    erase = to.add_parser(
        "erase", help="take a person's identifiers out of everything; figures stay"
    )
    erase.add_argument("identifier", nargs="+", help="user ids, mail addresses… of one person")
    erase.add_argument("--reason", required=True, help="why, for the audit, without the identifier")
    erase.add_argument("--dry-run", action="store_true", help="only say where they stand")
    erase.set_defaults(run=_later("retaining", "erase"))
    for one in (retain, erase):
        one.add_argument("--json", action="store_true", help="as JSON, for scripts")
        one.add_argument("--api", help="address of the API (default: from the settings)")
    migrate = to.add_parser("migrate", help="bring the control store to this version's schema")
    migrate.set_defaults(run=_later("stores", "migrate"))


def _alerts_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    alerts = to.add_parser("alerts", help="try out where notifications go")
    acts = alerts.add_subparsers(required=True, metavar="ACT")
    test = acts.add_parser("test", help="send a test message through the running service")
    test.add_argument("receiver", nargs="?", help="policy/name (default: list them)")
    test.add_argument("--json", action="store_true", help="as JSON, for scripts")
    test.add_argument("--api", help="address of the API (default: from the settings)")
    test.set_defaults(run=_later("receivers", "test"))


def _access_commands(to: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    token = to.add_parser("token", help="make, list and revoke tokens of machines")
    acts = token.add_subparsers(required=True, metavar="ACT")
    create = acts.add_parser("create", help="make a token; its text is shown once")
    create.add_argument("name", help="whose it is, as histories call it")
    create.add_argument(
        "--source", action="append", default=[], help="it may send input as this source; repeatable"
    )
    create.add_argument(
        "--role", action="append", default=[], choices=ROLES, help="it may ask the API; repeatable"
    )
    create.add_argument("--days", type=int, default=90, help="valid for so long (default: 90)")
    create.set_defaults(run=_later("access", "create"))
    acts.add_parser("list", help="all tokens there ever were").set_defaults(
        run=_later("access", "listing")
    )
    revoke = acts.add_parser("revoke", help="stop a token from working, within seconds")
    revoke.add_argument("id", help="the part between the underscores")
    revoke.set_defaults(run=_later("access", "revoke"))
    audit = to.add_parser("audit", help="export or verify who did what")
    ways = audit.add_subparsers(required=True, metavar="ACT")
    export = ways.add_parser("export", help="write every record as a line of JSON, verified")
    export.add_argument("file", type=Path, help="where to; - is the terminal")
    export.set_defaults(run=_later("access", "export_audit"))
    verify = ways.add_parser("verify", help="follow the chain of hashes to its end")
    verify.add_argument("file", type=Path, nargs="?", help="an export (default: the store itself)")
    verify.set_defaults(run=_later("access", "verify_audit"))
    for one in (export, verify):
        one.add_argument("--anchor", default="", help="the hash an earlier export ended with")
    for one in (*acts.choices.values(), *ways.choices.values()):
        one.add_argument("--json", action="store_true", help="as JSON, for scripts")
