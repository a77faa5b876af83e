"""Who is on duty when, and when somebody is at work."""
