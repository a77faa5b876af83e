"""Threadline's dashboards as a server: `streamlit run dashboards/served.py`."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from dashboards.doorway import Doorway

# Whether browsers come over TLS is known to who starts the dashboards.
SECURE = os.environ.get("THREADLINE_DASHBOARDS_SECURE") == "1"

app = App(
    Path(__file__).with_name("app.py"),
    middleware=[Middleware(Doorway, secure=SECURE)],
)
