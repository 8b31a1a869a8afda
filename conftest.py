"""Wires the plugin for runs inside this repository, where the package may not be installed."""

from __future__ import annotations

from importlib.metadata import entry_points

pytest_plugins = ["pytester"]

# An installed package brings the plugin by its entry point, and pytest takes no plugin twice.
if not any(entry.name == "klarna_conformance" for entry in entry_points(group="pytest11")):
    pytest_plugins.append("conformance.pytest_plugin")
