"""Maintenance windows: announced times at which nobody is told. They act as silences do."""
