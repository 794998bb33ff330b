"""A student types the sentence of the enrolment, with slips, in a real browser."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from keystroke.sentence import REPETITIONS
from proctor.catalogue import translate
from proctor.clock import Clock
from proctor.identity.tables import Modality, Reference, ReferenceState, SentenceSample
from proctor.inference import keystroke_verifier
from proctor.people import accounts
from tests.acceptance.conftest import RunningService
from tests.support.axe import violations
from tests.support.chromium import signed_in

pytestmark = pytest.mark.acceptance


def waiting_texts(service: RunningService) -> str:
    """A visit whose texts are typed and wait to be confirmed; the learner's account."""
    now = Clock().now()
    with service.db.transaction() as tx:
        account_id = accounts.by_email(tx, "aigerim@example.org").id
        row = Reference(
            account_id=account_id,
            modality=Modality.KEYSTROKE,
            model_id=keystroke_verifier().model_id,
            samples=300,
            sealed=b"",
            state=ReferenceState.PENDING,
            created_at=now,
            expires_at=now + timedelta(days=1),
        )
        tx.add(row)
        tx.flush()
        return row.id


def test_a_slip_is_typed_again_and_five_repetitions_are_a_sample(
    service_to_break: RunningService, browser: Browser
) -> None:
    reference_id = waiting_texts(service_to_break)
    context = signed_in(browser, service_to_break.link("aigerim"), "en")
    page = context.new_page()
    page.goto(service_to_break.url + "/enrolment")
    assert violations(page) == []
    hint, text = page.locator("#sentence-hint"), page.locator("#sentence-text").inner_text()
    page.locator("#sentence-box").click()

    def type_out(keys: str, said: str, **values: object) -> None:
        page.keyboard.type(keys)
        page.keyboard.press("Enter")
        expect(hint).to_have_text(translate("en", said, **values))

    type_out(text[:-1], "sentence.again")
    type_out(text, "sentence.practice")
    type_out(text, "sentence.progress", n=1, needed=REPETITIONS)
    # a slip that was corrected, then one after which the box was emptied
    page.keyboard.type("x")
    page.keyboard.press("Control+A")
    page.keyboard.type(text[0])
    type_out(text[1:], "sentence.again")
    page.keyboard.type("x")
    page.keyboard.press("Backspace")
    for n in range(2, REPETITIONS):
        type_out(text, "sentence.progress", n=n, needed=REPETITIONS)
    type_out(text, "sentence.done")
    expect(page.locator("#sentence-form")).to_be_hidden()
    context.close()
    with service_to_break.db.reading() as tx:
        assert tx.get_one(SentenceSample, reference_id).repetitions == REPETITIONS
