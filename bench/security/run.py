"""Attacks a service on loopback as an outsider, a machine, a role or a file's owner would.

    make security       (or: python bench/security/run.py floods pages)

Prints one line for each attack: how it was refused or shown harmless. Exit code 1 if any got
through. docs/security.md lists the outcomes.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterable
from contextlib import ExitStack

import floods
import injections
import links
import outbound
import pages
import people
import proofs
import records
from outcomes import Attack, Outcome
from target import Target, target

GROUPS = {
    "proofs": proofs.ATTACKS,
    "injections": injections.ATTACKS,
    "floods": floods.ATTACKS,
    "outbound": outbound.ATTACKS,
    "links": links.ATTACKS,
    "pages": pages.ATTACKS,
    "records": records.ATTACKS,
}


def main(wanted: list[str]) -> int:
    unknown = sorted(set(wanted) - set(GROUPS))
    if unknown:
        sys.exit(f"{', '.join(unknown)}: is none of {', '.join(GROUPS)}")
    through = 0
    with ExitStack() as stack:
        issuer = stack.enter_context(people.provider())
        receiver = stack.enter_context(outbound.Listener().listening())
        aimed = stack.enter_context(
            target(
                THREADLINE_ACCESS__OIDC__ISSUER=issuer,
                THREADLINE_ACCESS__OIDC__CLIENT_ID=people.CLIENT,
                THREADLINE_ACCESS__OIDC__LEEWAY_SECONDS="0",
                THREADLINE_LIMITS__BODY_SECONDS="15",  # the usual 120 would take as long to show
                THREADLINE_ALERTS__WEBHOOK_URL=receiver.url,
            )
        )
        aimed.issuer, aimed.receiver = issuer, receiver
        aimed.start()
        for name in wanted or GROUPS:
            print(f"\n{name}")
            through += _tried(GROUPS[name], aimed)
    print(f"\n{through} got through" if through else "\nnothing got through")
    return 1 if through else 0


def _tried(attacks: Iterable[Attack], aimed: Target) -> int:
    through = 0
    for attack in attacks:
        started = time.monotonic()
        try:
            for outcome in attack(aimed):
                through += not outcome.held
                _say(outcome)
        except Exception:
            traceback.print_exc()
            through += 1
            _say(Outcome(attack.__name__, False, "could not be carried out"))
        if "-v" in sys.argv:
            print(f"  ({attack.__name__}: {time.monotonic() - started:.1f} s)")
    return through


def _say(outcome: Outcome) -> None:
    sign = "held    " if outcome.held else "THROUGH "
    print(f"  {sign} {outcome.attack}: {outcome.how}", flush=True)


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name != "-v"]))
