"""What an empty installation shows: how to send the first trace."""

from __future__ import annotations

import os

import streamlit as st

DEFAULT_INTAKE = "http://127.0.0.1:4318"


def welcome() -> None:
    """Two ways to the first contract, ready to be pasted."""
    intake = os.environ.get("THREADLINE_INTAKE_URL", DEFAULT_INTAKE)
    st.subheader("Nothing has arrived yet")
    st.write("Threadline is running and waits for its first trace or event. Two ways to send one:")
    event, sdk = st.columns(2, gap="large")
    with event:
        st.markdown("**1. A business event** (CloudEvents), from any terminal")
        st.code(_event(intake), language="bash", wrap_lines=True)
        st.caption("Then search for `C-100001` on the Contract page.")
    with sdk:
        st.markdown("**2. Traces**, from a service that has an OpenTelemetry SDK")
        st.code(_sdk(intake), language="bash", wrap_lines=True)
        st.caption(
            "Spans find their contract by the attribute `contract.id`: set it where the contract is"
            " known, or put it into W3C baggage and let the SDK copy it onto every span."
        )
    st.button("Look again", type="primary", icon=":material/refresh:")


def _event(intake: str) -> str:
    return f"""curl {intake}/v1/events \\
  -H 'content-type: application/cloudevents+json' \\
  -d '{{"specversion": "1.0", "id": "1", "source": "/clm",
       "type": "clm.contract.approved",
       "time": "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'",
       "data": {{"contract.id": "C-100001",
                "contract.value": "125000.00",
                "contract.currency": "EUR"}}}}'"""


def _sdk(intake: str) -> str:
    return f"""export OTEL_EXPORTER_OTLP_ENDPOINT={intake}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_SERVICE_NAME=erp
# and start your service as usual"""
