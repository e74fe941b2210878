"""axe-core in the page: what it finds wrong with what is shown."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "vendor" / "axe.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SETTLED = "(a) => a.playState !== 'running' || a.effect.getTiming().iterations === Infinity"
SERIOUS = ("serious", "critical")


def findings(page: Page) -> list[str]:
    """The serious findings, each with where it is; empty when there are none."""
    # What moves has no settled colours yet.
    page.wait_for_function(f"document.getAnimations().every({SETTLED})")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    result: dict[str, Any] = page.evaluate(
        "(rules) => axe.run(document, { runOnly: { type: 'tag', values: rules }, resultTypes: ['violations'] })", RULES
    )
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]
