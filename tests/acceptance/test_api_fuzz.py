"""Whatever anybody sends to the service, it never answers with a fault of its own."""

from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as effort
from hypothesis import strategies as st
from schemathesis import Case
from sqlalchemy import select

from proctor.commands.seed import FINAL_CODE
from proctor.exams.tables import AssessmentEvent, Course, Question
from proctor.identity.tables import Reference
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.tables import Recording
from proctor.reports.tables import IssuedReport
from tests.acceptance.conftest import RunningService

pytestmark = pytest.mark.acceptance

# what WHIP takes is text
schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")

STUDENT = "moldir"
USERS = [None, STUDENT, "proctor", "reviewer", "teacher", "office"]
EFFORT = effort(
    max_examples=6,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# encodes a whole clip each time
SLOW = "/review/clips/{clip_id}/mp4"
PATIENCE_S = 90.0
KINDS_OF_ID = {
    "course_id": Course.id,
    "recording_id": Recording.id,
    "clip_id": ClipRow.id,
    "reference_id": Reference.id,
    "report_id": IssuedReport.id,
    "question_id": Question.id,
}


def cookies_of(service: RunningService, user: str | None) -> dict[str, str]:
    if user is None:
        return {}
    answer = httpx2.post(service.link(user))
    cookie = SimpleCookie(answer.headers["set-cookie"])
    return {name: morsel.value for name, morsel in cookie.items()}


def known_ids(service: RunningService, user: str | None, cookies: dict[str, str]) -> dict[str, str]:
    """Ids that exist, so that more than "not found" is tried; a student's sitting is open."""
    with service.db.transaction() as tx:
        known = {name: tx.scalars(select(row)).first() for name, row in KINDS_OF_ID.items()}
        incident = tx.scalars(select(IncidentRow)).first()
        # that of the demonstration: other tests may have made some since
        final = select(AssessmentEvent.id).where(AssessmentEvent.code == FINAL_CODE)
        final_id = tx.scalars(final.order_by(AssessmentEvent.opens_at)).first()
    assert incident is not None
    known |= {"incident_id": incident.id, "sitting_id": incident.sitting_id}
    if user == STUDENT:
        with httpx2.Client(base_url=service.url, cookies=cookies) as client:
            client.post("/consent", data=dict.fromkeys(("face", "typing", "recording"), "yes"))
            opened = client.post(f"/exams/{final_id}/sittings")
        known["sitting_id"] = opened.headers["location"].rsplit("/", 1)[1]
    return {name: value for name, value in known.items() if value is not None}


def schema_of(service: RunningService) -> Any:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


@pytest.mark.parametrize("user", USERS)
def test_no_operation_answers_with_a_fault(service_to_break: RunningService, user: str) -> None:
    cookies = cookies_of(service_to_break, user)
    known = known_ids(service_to_break, user, cookies)
    statuses: set[int] = set()
    faults: list[str] = []
    operations = [found.ok() for found in schema_of(service_to_break).get_all_operations()]
    assert len(operations) >= 20
    for operation in operations:

        @seed(20261122)
        @(effort(EFFORT, max_examples=2) if operation.path == SLOW else EFFORT)
        @given(case=operation.as_strategy(), is_real=st.sampled_from([True, True, False]))
        def send(case: Case, is_real: bool) -> None:
            if is_real:
                case.path_parameters |= {
                    name: known[name] for name in case.path_parameters if name in known
                }
            answer = case.call(cookies=cookies, timeout=PATIENCE_S)
            statuses.add(answer.status_code)
            if answer.status_code >= 500:
                faults.append(f"{case.method} {case.formatted_path}: {answer.status_code}")

        send()
    assert faults == []
    assert 200 in statuses


@pytest.mark.parametrize("user", [STUDENT, "office"])
def test_no_chain_of_operations_ends_in_a_fault(
    service_to_break: RunningService, user: str
) -> None:
    cookies = cookies_of(service_to_break, user)
    faults: list[str] = []

    class Chain(schema_of(service_to_break).as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"cookies": cookies, "timeout": PATIENCE_S}

        def validate_response(self, response: Any, case: Case, **_: Any) -> None:
            if response.status_code >= 500:
                faults.append(f"{case.method} {case.formatted_path}: {response.status_code}")

    Chain.run(settings=effort(EFFORT, stateful_step_count=6))
    assert faults == []
