"""Event logs for process mining: what is known of contracts as OCEL 2.0 and XES."""
