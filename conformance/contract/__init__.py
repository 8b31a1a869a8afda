"""Everything under ``specs/`` as immutable values; it knows nothing of HTTP libraries or of verdicts."""
