"""axe-core on a page: which rules of WCAG 2.0 to 2.2, A and AA, it breaks."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).parents[2] / "web/ui/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    """One line for each broken rule, with the first elements that break it."""
    page.evaluate(_source())
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", TAGS)
    return [
        f"{page.url} {rule['id']}: {[node['target'] for node in rule['nodes'][:3]]}"
        for rule in found["violations"]
    ]


@cache
def _source() -> str:
    return SOURCE.read_text()
