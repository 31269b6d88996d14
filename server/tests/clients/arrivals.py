"""What arrives from each client, as docs/clients.md says it."""

from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/clients.md"
HEAD = """# What arrives from which client

Made by `cargo xtask clients`, which runs these clients against the real server and fails where this page differs from what arrived.
Each makes one call with 600 tokens of input, 400 from the cache, and 100 of output, to a server that plays the provider.

| client | version tried | cost | counts | further |
|---|---|---|---|---|
"""
ROWS = {}


def arrived(client, package, event, cost):
    """Notes what came of a client's call that costs so much; every call of a client must come alike."""
    fields = {"Feature": "feature", "Latency": "latency_ms", "Reported cost": "reported_cost"}
    known = set(event["attributes"]) | {name for name, field in fields.items() if event[field] is not None}
    row = (
        f"{package} {version(package)}",
        said(event["cost"], cost),
        ", ".join(event["meters"]),
        ", ".join(sorted(known)),
    )
    assert ROWS.setdefault(client, row) == row, f"{client}: {row} is not {ROWS[client]}"


def said(found, right):
    """How far a cost is from the right one."""
    off = (Decimal(found) / Decimal(right) - 1) * 100
    return "right" if off == 0 else f"{abs(off):.0f} % too {'high' if off > 0 else 'low'}"


def page():
    return HEAD + "".join(f"| {client} | {' | '.join(row)} |\n" for client, row in sorted(ROWS.items()))


def check():
    """Whether the page is what was seen; says what it should be."""
    written = PAGE.read_text() if PAGE.exists() else ""
    if written != page():
        print(f"docs/clients.md should be:\n{page()}")
    return written == page()
