"""Executive summaries by mail: what the executive page shows, told on a schedule."""
