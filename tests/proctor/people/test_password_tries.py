import pytest

from proctor.people.password_tries import MOST, WINDOW, PasswordTries, TooManyTries
from tests.support.cast import NOON
from tests.support.clock import SetClock

pytestmark = pytest.mark.unit

OLGA = "olga@example.org"


def test_the_eleventh_try_waits_for_the_window_to_pass() -> None:
    clock = SetClock(NOON)
    tries = PasswordTries(clock)
    for _ in range(MOST):
        tries.take(OLGA, "10.0.0.1")
    with pytest.raises(TooManyTries):
        tries.take(" Olga@Example.org", "10.0.0.1")
    clock.advance(WINDOW.total_seconds())
    tries.take(OLGA, "10.0.0.1")


def test_nobody_uses_up_the_tries_of_others() -> None:
    tries = PasswordTries(SetClock(NOON))
    for _ in range(MOST):
        tries.take(OLGA, "10.0.0.1")
    tries.take(OLGA, "10.0.0.2")
    tries.take("tom@example.org", "10.0.0.1")


def test_a_right_password_begins_anew() -> None:
    tries = PasswordTries(SetClock(NOON))
    for _ in range(3 * MOST):
        tries.take(OLGA, "10.0.0.1")
        tries.forget(OLGA, "10.0.0.1")
