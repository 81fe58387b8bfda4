"""The expense tracker after a busy afternoon: somebody added a route and forgot its dependency."""

from __future__ import annotations

from expense_tracker.app import app

__all__ = ["app"]


@app.get("/reports/all")
def all_expenses() -> dict[str, str]:
    """Would show everybody's expenses to anybody, were it not for the gate."""
    return {"report": "everybody's expenses"}
