import cv2
import numpy as np
import pytest

from biometrics.face import presentation
from biometrics.types import Box, Image, Thing

pytestmark = pytest.mark.unit

FACE = Box(270, 120, 100, 140)


def room() -> Image:
    """Noise, as in a picture without a straight edge."""
    noise = np.random.default_rng(0).integers(110, 140, (480, 640, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (9, 9), 0), dtype=np.uint8)


def with_line(start: tuple[int, int], end: tuple[int, int]) -> Image:
    picture = room()
    cv2.line(picture, start, end, (10, 10, 10), 5)
    return picture


def test_a_room_without_edges_has_none() -> None:
    assert presentation.edges_through(room(), FACE) == frozenset()


@pytest.mark.parametrize(
    ("start", "end", "side"),
    [
        ((230, 40), (230, 470), "left"),
        ((420, 40), (425, 470), "right"),
        ((200, 360), (460, 370), "below"),
    ],
)
def test_an_edge_where_the_body_should_hide_it_is_found(
    start: tuple[int, int], end: tuple[int, int], side: str
) -> None:
    assert presentation.edges_through(with_line(start, end), FACE) == {side}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((230, 10), (230, 250)),  # a door frame that ends at the shoulder
        ((60, 10), (60, 470)),  # the corner of the room
        ((200, 60), (460, 60)),  # a shelf above the head
        ((200, 470), (460, 300)),  # a lapel
    ],
)
def test_an_edge_behind_a_person_is_none(start: tuple[int, int], end: tuple[int, int]) -> None:
    assert presentation.edges_through(with_line(start, end), FACE) == frozenset()


def test_an_edge_above_the_head_counts_beside_a_parallel_one_below() -> None:
    picture = with_line((200, 366), (460, 366))
    cv2.line(picture, (200, 60), (460, 54), (10, 10, 10), 5)
    assert presentation.edges_through(picture, FACE) == {"below", "above"}
    cv2.line(picture, (200, 60), (460, 54), (120, 120, 120), 9)
    cv2.line(picture, (190, 30), (470, 80), (10, 10, 10), 5)
    assert presentation.edges_through(picture, FACE) == {"below"}


def test_a_curtain_that_ends_at_a_wide_shoulder_is_no_edge() -> None:
    # 1.4 face widths aside: the shoulder is lower there than beside the neck
    assert presentation.edges_through(with_line((180, 60), (180, 310)), FACE) == frozenset()
    assert presentation.edges_through(with_line((180, 60), (180, 400)), FACE) == {"left"}


def test_only_a_screen_that_holds_the_whole_face_counts() -> None:
    around = Thing("phone", Box(240, 60, 160, 300), 0.3)
    aside = Thing("tv", Box(0, 0, 250, 200), 0.9)
    chip = Thing("laptop", FACE, 0.9)
    remote = Thing("remote", Box(240, 60, 160, 300), 0.9)
    assert presentation.screen_around(FACE, [around, aside, chip, remote]) == 0.3
    assert presentation.screen_around(FACE, [aside, chip, remote]) == 0.0
