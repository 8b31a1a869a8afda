"""Recorded traffic: cassettes and HAR files read into exchanges, and judged like any other exchange."""
