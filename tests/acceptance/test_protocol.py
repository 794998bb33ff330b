"""An invigilator fills in a protocol while there is no line; it goes when there is one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from proctor.centres.tables import Centre, Protocol, ProtocolEntry
from proctor.people import sign_in
from proctor.people.tables import Account
from proctor.settings import Settings
from tests.support.axe import violations
from tests.support.cast import assemble
from tests.support.service import on_a_port, port_of
from web.access import COOKIE, Services
from web.app import create_app

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Services]]:
    """A service with the cast: its address, Paula's cookie. Paula is an invigilator."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("centre"), min_free_mib=0)
    app = create_app(settings)
    with on_a_port(app, ws="none") as server:
        services: Services = app.state.services
        with services.db.transaction() as tx:
            cast = assemble(tx, services.clock.now())
            tx.get_one(Account, cast.alice.id).learner_number = "N-1"
            tx.add(
                Centre(
                    institution_id=cast.institution.id,
                    code="ATY-1",
                    name="Атырау тест орталығы",
                    region="Атырау",
                    workplaces=["1", "2"],
                    invigilators=["Paula"],
                )
            )
            token = sign_in.begin(tx, cast.paula.id, services.clock.now())
        yield (
            f"http://localhost:{port_of(server)}/proctor/protocols/{cast.final.id}",
            token,
            services,
        )


def paula(browser: Browser, address: str, token: str, language: str) -> BrowserContext:
    context = browser.new_context()
    url = address.split("/proctor/")[0]
    cookies = {COOKIE: token, "tanu_language": language}
    context.add_cookies([{"name": n, "value": v, "url": url} for n, v in cookies.items()])
    return context


def kept(page: Page) -> int:
    count: int = page.evaluate("localStorage.length")
    return count


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_pages_break_no_rule_and_fit_a_telephone(
    browser: Browser, room: tuple[str, str, Services], language: str
) -> None:
    address, token, _ = room
    context = paula(browser, address, token, language)
    page = context.new_page()
    page.goto(address.rpartition("/")[0])
    found = violations(page)
    page.set_viewport_size({"width": 375, "height": 740})
    page.goto(address)
    page.locator("[name^=attended-]").first.select_option("yes")
    found += violations(page)
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    context.close()


def test_what_was_filled_in_without_a_line_is_sent_with_one(
    browser: Browser, room: tuple[str, str, Services]
) -> None:
    address, token, services = room
    context = paula(browser, address, token, "en")
    page = context.new_page()
    page.goto(address)
    context.set_offline(True)
    page.fill("#number", "2026-17")
    page.fill("#held-at", "2026-11-02T10:00")
    row = page.locator("[data-learner]").first
    learner = row.get_attribute("data-learner")
    name = row.locator("legend").inner_text()
    row.locator("[name^=attended-]").select_option("yes")
    row.locator("[name^=document-]").select_option("passport")
    row.locator("[name^=conditions-]").select_option("yes")
    row.locator("[name^=workplace-]").select_option("2")
    page.click("#sign")
    expect(page.locator("#status")).to_contain_text("There is no line", timeout=30_000)
    assert name.split()[0] not in page.evaluate("JSON.stringify(localStorage)")
    page.close()
    # another time, with a line: it goes by itself and leaves nothing
    context.set_offline(False)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#status")).to_contain_text("Signed and sent", timeout=30_000)
    assert kept(page) == 0
    with services.db.reading() as tx:
        protocol = tx.scalars(select(Protocol)).one()
        (entry,) = tx.scalars(select(ProtocolEntry))
        assert (protocol.number, protocol.signed_on is not None) == ("2026-17", True)
        assert (entry.account_id, entry.document, entry.workplace) == (learner, "passport", "2")
    context.close()
