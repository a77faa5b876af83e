"""Rules on figures and on silence in a running service: facts in, an incident out."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.timeout(300)  # real processes, two a test

POLICY = """
policy: default
rules:
  - {when: value-at-risk, name: at-risk, above: {EUR: 5000}}
  - {when: silent-source, name: no-payments, systems: [bank]}
escalation: [{after: 0s, receivers: [log]}]
receivers: {log: {type: log}}
"""


def test_facts_that_come_in_open_the_incident_of_a_figure_and_the_log_is_told(
    service, send, definitions
):
    (definitions / "policies").mkdir()
    (definitions / "policies" / "default.yaml").write_text(POLICY)
    service.start()
    service.wait_until_ready()
    for contract, value in (("C-1", "4000.25"), ("C-2", "2000.50")):
        worth = {"contract.value": value, "contract.currency": "EUR"}
        send("clm.contract.approved", contract, **worth)
        # What waits for a system that was never heard of would be unknown.
        for done in ("middleware.fields.validated", "erp.project.created", "psa.project.created"):
            send(done, contract)
    service.wait_until_derived()
    service.stop()  # figures are looked at once a minute, and first of all at a start

    service.start()
    service.wait_until_ready()
    service.wait_until_said("EUR 6,001 in 2 contracts, above EUR 5,000")
    service.wait_until_said("bank is silent")

    said = httpx.get(f"http://{service.api}/api/v1/incidents", timeout=30).json()["items"]
    (value,) = [one for one in said if one["about"] == "value"]
    assert (value["rule"], value["state"]) == ("default/at-risk", "open")
    assert (value["cases"], value["worth"]) == (2, [{"amount": "6000.75", "currency": "EUR"}])
    (silent,) = [one for one in said if one["about"] == "source"]
    assert (silent["rule"], silent["system"]) == ("default/no-payments", "bank")
