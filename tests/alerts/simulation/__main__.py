"""Plays many runs and tells of those that broke a rule."""

from __future__ import annotations

import sys

from simulation.many import main

sys.exit(main())
