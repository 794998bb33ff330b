import numpy as np
import pytest

from biometrics.ids import ModelId
from biometrics.types import Box, Gaze, Presentation, Quality, Thing
from proctor.analysis.scene import Scene
from proctor.inference import FaceFinding, FrameAssessment

pytestmark = pytest.mark.unit

FACE = FaceFinding(Box(200, 100, 200, 200), 0.9, False, None)


def seen(
    level: int = 100, *, faces: tuple[FaceFinding, ...] = (FACE,), far: int | None = None
) -> FrameAssessment:
    return FrameAssessment(
        width=640,
        height=480,
        quality=Quality(100.0, 50.0, 100.0, False, False, False),
        faces=faces,
        model_ids=(ModelId("test", "1"),),
        fingerprint=np.full(768, level, np.uint8).tobytes(),
        far_faces=far,
    )


def test_the_slow_looks_keep_their_own_rhythm() -> None:
    scene = Scene()
    looks = [scene.due(float(s), embed=False, load=0.0) for s in range(21)]
    assert [s for s, look in enumerate(looks) if look.far] == [0, 10, 20]
    assert [s for s, look in enumerate(looks) if look.gaze] == list(range(0, 21, 2))
    assert [s for s, look in enumerate(looks) if look.things] == [5, 20]


def test_a_full_line_stretches_the_far_look_and_stops_the_gaze() -> None:
    scene = Scene()
    looks = [scene.due(float(s), embed=True, load=1.0) for s in range(81)]
    assert [s for s, look in enumerate(looks) if look.far] == [0, 40, 80]
    assert [s for s, look in enumerate(looks) if look.things] == [50]
    assert not any(look.gaze for look in looks)
    assert all(look.embed for look in looks)


def test_somebody_behind_is_looked_at_again_at_once() -> None:
    scene = Scene()
    assert scene.due(0.0, embed=False, load=0.0).far
    scene.take(seen(far=1))
    assert scene.due(1.0, embed=False, load=0.0).far
    scene.take(seen(far=0))
    assert not scene.due(2.0, embed=False, load=0.0).far


def test_what_was_taken_for_a_face_wrongly_is_left_alone_for_a_while() -> None:
    scene, asked = Scene(), []
    for s in range(13):
        look = scene.due(float(s), embed=False, load=0.0)
        asked += [s] if look.doubtful or look.far else []
        # a poster that only the closer look tells from a face
        scene.take(seen(far=0 if look.doubtful or look.far else None))
    assert asked == [0, 1, 6, 10, 11]
    assert not scene.due(20.0, embed=False, load=1.0).doubtful


def test_a_telephone_seen_once_is_looked_for_again_at_once() -> None:
    scene, phone = Scene(), (Thing("phone", Box(0, 0, 40, 80), 0.5),)
    shown = {5: phone, 7: phone}
    due, sure = [], []
    for s in range(24):
        if scene.due(float(s), embed=False, load=0.0).things:
            due.append(s)
            if scene.shows_phone(shown.get(s, ())):
                sure.append(s)
    assert due == [5, 6, 7, 8, 9, 10, 11, 12]
    assert sure == [7, 8, 9]


def test_a_loop_is_told_for_a_minute_after_its_last_row() -> None:
    scene = Scene()
    looped = [scene.repeats(seen(level), float(s)) for s, level in enumerate([10, 20, 30, 40] * 2)]
    assert looped == [False] * 6 + [True] * 2
    assert scene.repeats(seen(50), 66.9)
    assert not scene.repeats(seen(60), 67.0)


def test_an_empty_room_that_comes_back_is_no_loop() -> None:
    scene, levels = Scene(), [10, 20, 30, 40] * 3
    assert not any(scene.repeats(seen(x, faces=()), float(s)) for s, x in enumerate(levels))


def test_two_of_five_looks_show_a_screen() -> None:
    scene, screen, nothing = Scene(), Presentation(0.4, 0), Presentation(0.0, 1)
    looks = [screen, nothing, nothing, screen, nothing, nothing, nothing]
    assert [scene.shows_screen(each) for each in looks] == [*[False] * 3, True, True, *[False] * 2]


def test_the_same_picture_of_a_face_is_still_and_another_is_not() -> None:
    scene = Scene()
    assert [scene.take(seen(level)) for level in (100, 100, 101, 101)] == [False, True, False, True]


def test_an_empty_room_may_look_the_same() -> None:
    scene = Scene()
    assert [scene.take(seen(faces=())) for _ in range(3)] == [False, False, False]


def test_aside_is_measured_from_where_this_person_mostly_looks() -> None:
    scene = Scene()
    assert [scene.is_away(Gaze(20.0, 0.0, 0.30)) for _ in range(9)] == [None] * 9
    assert scene.is_away(Gaze(20.0, 0.0, 0.30)) is False
    assert scene.is_away(Gaze(20.0, 0.0, 0.43)) is True
    assert scene.is_away(Gaze(-10.0, 0.0, 0.30)) is True
    assert scene.is_away(Gaze(20.0, 0.0, None)) is None
