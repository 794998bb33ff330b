"""The film of a webcam: any footage in, the same motion JPEG for the same seed out."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from proctor.commands.camera_film import (
    CANVAS,
    Footage,
    FootageUnreadable,
    make_film,
    read_footage,
)

pytestmark = pytest.mark.unit

TURNED = Path(__file__).parents[2] / "data" / "film" / "turned.mp4"
BLUE, RED = (255, 0, 0), (0, 0, 255)


def picture(jpeg: bytes) -> NDArray[np.uint8]:
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8)


def is_near(pixel: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 40)


def still(tmp_path: Path, size: tuple[int, int], colour: tuple[int, int, int]) -> Path:
    path = tmp_path / "still.png"
    Image.new("RGB", size, colour).save(path)
    return path


def video(path: Path, times_ms: list[int], size: tuple[int, int] = (64, 48)) -> Path:
    """A video whose picture at each time is forty steps brighter than the last."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, at_ms in enumerate(times_ms):
            grey = np.full((size[1], size[0], 3), number * 40 % 250, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="bgr24")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def film_frames(path: Path) -> list[bytes]:
    return [b"\xff\xd8\xff" + rest for rest in path.read_bytes().split(b"\xff\xd8\xff")[1:]]


def test_rotation_metadata_turns_the_picture_upright() -> None:
    shown = picture(read_footage(TURNED, 5.0).frames[0])
    assert is_near(shown[60, CANVAS[0] // 2], RED)
    assert is_near(shown[480, CANVAS[0] // 2], BLUE)


def test_exif_orientation_turns_a_photograph_upright(tmp_path: Path) -> None:
    sideways = Image.new("RGB", (120, 80), (255, 0, 0))
    sideways.paste((0, 0, 255), (60, 0, 120, 80))
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    shown = picture(read_footage(tmp_path / "phone.jpg", 5.0).frames[0])
    assert is_near(shown[60, CANVAS[0] // 2], RED)
    assert is_near(shown[480, CANVAS[0] // 2], BLUE)


@pytest.mark.parametrize("size", [(30, 900), (900, 30), (1, 1), (641, 479), (2400, 1800)])
def test_footage_of_any_size_fills_the_canvas(tmp_path: Path, size: tuple[int, int]) -> None:
    shown = picture(read_footage(still(tmp_path, size, (255, 0, 0)), 5.0).frames[0])
    assert shown.shape == (CANVAS[1], CANVAS[0], 3)
    assert is_near(shown[5, 5], RED)
    assert is_near(shown[-5, -5], RED)


def test_variable_frame_rate_is_shown_at_its_own_times(tmp_path: Path) -> None:
    footage = read_footage(video(tmp_path / "v.mkv", [0, 90, 990, 1190]), 5.0)
    levels = [round(float(picture(jpeg)[264, 352].mean()) / 40) for jpeg in footage.frames]
    # 15 a second: until 90 ms two ticks, until 990 ms thirteen more, until 1190 ms three
    assert levels == [0] * 2 + [1] * 13 + [2] * 3 + [3]


def test_no_more_of_a_video_is_read_than_is_shown(tmp_path: Path) -> None:
    footage = read_footage(video(tmp_path / "v.mp4", list(range(0, 4000, 40))), 1.0)
    assert len(footage.frames) == 15


def test_a_torn_video_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = video(tmp_path / "v.mkv", list(range(0, 2000, 40)))
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert 2 <= len(read_footage(torn, 5.0).frames) < len(read_footage(whole, 5.0).frames)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 torn", b"\x89PNG\r\n"])
def test_a_file_without_a_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(content)
    with pytest.raises(FootageUnreadable, match="no picture can be read from"):
        read_footage(path, 5.0)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FootageUnreadable, match="no picture can be read from"):
        read_footage(tmp_path / "nothing.mp4", 5.0)


def test_short_footage_runs_forwards_and_back() -> None:
    footage = Footage((b"a", b"b", b"c"))
    assert [footage.index_at(tick) for tick in range(9)] == [0, 1, 2, 1, 0, 1, 2, 1, 0]


def test_film_has_thirty_pictures_a_second_of_640_by_480(tmp_path: Path) -> None:
    camera = read_footage(still(tmp_path, (64, 48), (0, 255, 0)), 5.0)
    make_film(tmp_path / "film.mjpeg", 2.0, camera, seed=1)
    frames = film_frames(tmp_path / "film.mjpeg")
    assert len(frames) == 60
    assert picture(frames[0]).shape == (480, 640, 3)


def test_impostor_takes_over_at_the_given_second(tmp_path: Path) -> None:
    camera = read_footage(still(tmp_path, (64, 48), (255, 0, 0)), 5.0)
    impostor = read_footage(still(tmp_path, (64, 48), (0, 0, 255)), 5.0)
    make_film(tmp_path / "film.mjpeg", 2.0, camera, seed=1, impostor=impostor, impostor_from_s=1.0)
    reds = [is_near(picture(jpeg)[240, 320], RED) for jpeg in film_frames(tmp_path / "film.mjpeg")]
    assert reds == [True] * 30 + [False] * 30


def test_the_same_seed_shoots_the_same_film_and_no_two_pictures_are_alike(tmp_path: Path) -> None:
    camera = read_footage(still(tmp_path, (64, 48), (90, 120, 150)), 5.0)
    for name in ("a", "b"):
        make_film(tmp_path / name, 1.0, camera, seed=7)
    make_film(tmp_path / "c", 1.0, camera, seed=8)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()
    assert len(set(film_frames(tmp_path / "a"))) == 15
