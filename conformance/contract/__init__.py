"""Everything under ``specs/`` as immutable values; it loads files and knows nothing of HTTP libraries or verdict logic."""
