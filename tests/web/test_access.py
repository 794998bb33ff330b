"""Every route with every member of the cast and with nobody: default deny."""

import re
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.websockets import WebSocketDisconnect

from proctor.people.tables import Role
from tests.support.service import Service
from web.access import all_routes, policy_of, refuse_open_routes

pytestmark = pytest.mark.db

NOBODY = None


@dataclass(frozen=True)
class Door:
    """One way in: where it is and who may use it (None: anybody)."""

    path: str
    methods: frozenset[str]
    roles: frozenset[Role] | None

    @property
    def address(self) -> str:
        return re.sub(r"\{[^}]+\}", "nothing", self.path)


def routes(service: Service) -> list[Door]:
    app = service.app_client.app
    assert isinstance(app, FastAPI)
    doors = []
    for path, route in all_routes(app):
        if isinstance(route, APIRoute):
            policy = policy_of(route)
            assert policy is not None, path
            doors.append(Door(path, frozenset(route.methods), policy.roles))
    return doors


def test_every_route_declares_a_policy(service: Service) -> None:
    assert len(routes(service)) > 30


def test_a_route_without_a_policy_stops_the_application() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/open")
    def open_to_all() -> str:
        return ""

    with pytest.raises(RuntimeError, match="/open"):
        refuse_open_routes(app)


def test_nobody_gets_past_a_route_that_is_not_public(service: Service) -> None:
    client = service.client(NOBODY)
    let_in = []
    for route in routes(service):
        for method in route.methods if route.roles is not None else ():
            answer = client.request(method, route.address)
            refused = answer.status_code == 401 or answer.headers.get("location") == "/sign-in"
            if not refused:
                let_in.append((method, route.path, answer.status_code))
    assert let_in == []


def test_every_role_is_kept_out_of_the_routes_of_the_others(service: Service) -> None:
    let_in = []
    for name, person in service.cast.people.items():
        client = service.client(name)
        for route in routes(service):
            if route.roles is None or person.role in route.roles:
                continue
            for method in route.methods:
                answer = client.request(method, route.address)
                # a route for tokens asks everybody for theirs
                if answer.status_code != (404 if route.roles else 401):
                    let_in.append((name, method, route.path, answer.status_code))
    assert let_in == []


def test_no_route_breaks_when_asked_for_things_that_do_not_exist(service: Service) -> None:
    broken = []
    for name in (NOBODY, *service.cast.people):
        client = service.client(name)
        for route in routes(service):
            for method in route.methods:
                if route.path != "/sign-out":
                    status = client.request(method, route.address).status_code
                    if status >= 500:
                        broken.append((name, method, route.path, status))
    assert broken == []


def test_the_socket_is_closed_to_others(service: Service) -> None:
    for name in (NOBODY, "paula", "olga", "alice"):
        client = service.client(name)
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/api/sittings/nothing/socket") as socket,
        ):
            socket.receive_json()


def test_a_foreign_page_cannot_make_a_browser_act(service: Service) -> None:
    client = service.client("alice")
    answer = client.post("/sign-out", headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert client.get("/exams").status_code == 200


def test_no_office_or_review_route_lets_students_in(service: Service) -> None:
    student_routes = {
        route.path for route in routes(service) if route.roles and Role.STUDENT in route.roles
    }
    assert all(not path.startswith(("/office", "/review")) for path in student_routes)


@pytest.mark.parametrize("path", ["/certificates/a%00b", "/notices/a%00b", "/api/sittings/%00"])
def test_no_address_holds_a_zero_byte(service: Service, path: str) -> None:
    assert service.client(NOBODY).get(path).status_code == 404
