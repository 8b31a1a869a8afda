"""Driving a client under test: adapters, scenarios, and verdicts from what it sent, what it moved and what it said."""
