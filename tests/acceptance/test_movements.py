"""The movements asked for before an exam, as the page shows them in the three languages."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from proctor.catalogue import translate
from proctor.clock import Clock
from proctor.commands import visits
from proctor.commands.seed import seed_demo
from proctor.identity.challenge import Ask
from tests.acceptance.conftest import RunningService
from tests.support.axe import violations
from tests.support.chromium import signed_in

pytestmark = pytest.mark.acceptance

LANGUAGES = ["kk", "ru", "en"]


class Asked:
    """What the service would say of the identity of whoever sits before the camera."""

    def __init__(self, page: Page) -> None:
        self._routes: list[WebSocketRoute] = []
        self._said: str | None = None
        page.route_web_socket(re.compile("/socket$"), self._pass_on)

    def say(self, **word: object) -> None:
        self._said = json.dumps({"type": "identity", **word})
        self._routes[-1].send(self._said)

    def _pass_on(self, route: WebSocketRoute) -> None:
        """All but the service's own opinion, which would take the place of what is said here."""
        self._routes.append(route)
        server = route.connect_to_server()

        def hear(message: str | bytes) -> None:
            if '"identity"' not in str(message):
                route.send(message)
            elif self._said is not None:
                # a page that connected again hears it again
                route.send(self._said)

        server.on_message(hear)


def test_movements_asked_for_before_an_exam(
    service_to_break: RunningService, browser: Browser
) -> None:
    service = service_to_break
    with service.db.transaction() as tx:
        now = Clock().now()
        seeded = seed_demo(tx, service.settings.institution, now, exam_s=600)
        visits.consent(visits.Desk(tx, service.vault, seeded.office, now), seeded.learners[2])
        form = f"form[action='/exams/{seeded.final_id}/sittings']"
    context = signed_in(browser, service.link("moldir"), "en")
    page = context.new_page()
    asked, found = Asked(page), []
    page.goto(service.url + "/exams")
    page.locator(f"{form} button").click()
    page.wait_for_url("**/sittings/*")
    for language in LANGUAGES:
        context.add_cookies([{"name": "tanu_language", "value": language, "url": service.url}])
        page.reload()
        share(page)
        steps: dict[str, Any] = {"state": "challenge", "step": 1, "steps": 3}
        for ask in (None, *Ask):
            asked.say(**steps, ask=ask)
            sentence = translate(language, f"challenge.{ask or 'ahead'}", n=1, of=3)
            expect(page.locator("#identity-status")).to_have_text(sentence)
            dots = page.locator(".challenge-dot:visible")
            expect(dots).to_have_count(1 if ask in (Ask.LOOK_LEFT, Ask.LOOK_RIGHT) else 0)
        found += violations(page)
        expect(page.locator("#challenge-decline")).to_be_visible()
        for width in (375, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) <= 0
        asked.say(state="manual")
        expect(page.locator("#challenge")).to_be_hidden()
        found += violations(page)
    assert found == []
    context.close()


def share(page: Page) -> None:
    """Camera and screen, up to the identity check."""
    for source in ("camera", "screen"):
        page.locator(f"#{source}-button:enabled").click()
        page.locator(f"#{source}-check[data-state=ok]").wait_for()
    page.locator("#connect-button:enabled").click()
    expect(page.locator("#identity-status")).to_be_visible()
