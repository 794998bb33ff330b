import asyncio
import hashlib
import io
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from biometrics.ids import ModelId
from models.onnx_graph import model, node
from models.registry import ModelRefused, fetch
from proctor.inference import Backend, FrameAssessment, Looks, OwnPad, worker
from proctor.inference.pool import InferencePool
from proctor.observations import NotAssessed
from proctor.settings import Settings
from tests.support.sittings import pictures

pytestmark = pytest.mark.unit

FACES = Path("tests/data/faces")
MAN = (FACES / "family2-man1.jpg").read_bytes()


@pytest.fixture(scope="module")
def models_dir() -> Path:
    target = Settings().models_dir
    fetch(target)
    return target


@pytest.fixture(scope="module")
def pool(models_dir: Path) -> Iterator[InferencePool]:
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv")
    yield pool
    pool.close()


def assess(pool: InferencePool, data: bytes, *, embed: bool = False) -> FrameAssessment:
    found = pool.submit_image(data, embed=embed).result()
    assert isinstance(found, FrameAssessment), found
    return found


def refusal(found: object) -> str:
    assert isinstance(found, NotAssessed), found
    assert found.check == "face"
    return found.reason


def still(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def slow_still() -> bytes:
    """A legal PNG that takes a worker long enough to be caught at it."""
    return still(Image.new("RGB", (5000, 4900)), compress_level=1)


def encoded(codec: str, count: int = 1, width: int = 160, light: float = 1.0) -> list[bytes]:
    """Frames of a man on a 320x240 picture as a browser's encoder would make them."""
    canvas = Image.new("RGB", (320, 240), (128, 128, 128))
    man = Image.open(io.BytesIO(MAN)).resize((width, width * 7 // 5))
    canvas.paste(man, ((320 - man.width) // 2, (240 - man.height) // 2))
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 240, "yuv420p"
    context.framerate, context.bit_rate = Fraction(15), 1_000_000
    packets = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(
            (np.asarray(canvas) * light).astype(np.uint8), format="rgb24"
        )
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    return [bytes(packet) for packet in packets]


@pytest.mark.parametrize(
    ("module", "strangers"),
    [
        ("proctor.inference.pool", {"dlib", "cv2", "av", "PIL", "face_recognition"}),
        ("proctor.inference.worker", {"asyncio", "structlog", "rich", "sqlalchemy"}),
    ],
)
def test_service_holds_no_decoder_or_model_and_a_worker_nothing_of_the_service(
    module: str, strangers: set[str]
) -> None:
    code = f"import {module}, sys; print({strangers} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_worker_does_not_run_the_script_that_started_the_service(
    tmp_path: Path, models_dir: Path
) -> None:
    script = tmp_path / "started"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "print('ran', flush=True)\n"
        "if __name__ == '__main__':\n"
        "    from proctor.inference.pool import InferencePool\n"
        "    pool = InferencePool(workers=1, models_dir=Path(sys.argv[1]), backend='opencv')\n"
        "    pool.start()\n"
        "    assert pool.submit(len, 'a picture').result() == 9\n"
        "    pool.close()\n"
        "    assert __file__\n"
    )
    started = subprocess.run(
        [sys.executable, script, models_dir],
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (started.returncode, started.stdout) == (0, "ran\n"), started.stderr


def test_still_of_one_person(pool: InferencePool) -> None:
    found = assess(pool, MAN, embed=True)
    assert (found.width, found.height) == (197, 276)
    (face,) = found.faces
    assert not face.too_small
    assert face.template is not None
    assert face.template.model_id == ModelId("sface", "2021dec-int8bq")
    assert found.model_ids == (ModelId("yunet", "2023mar-int8bq"), face.template.model_id)


def test_only_the_largest_face_has_a_template(pool: InferencePool) -> None:
    canvas = Image.effect_noise((640, 480), 30).convert("RGB")
    man = Image.open(io.BytesIO(MAN))
    canvas.paste(man.resize((138, 193)), (20, 100))
    canvas.paste(man, (320, 100))
    first, second = assess(pool, still(canvas), embed=True).faces
    assert first.template is not None
    assert second.template is None


def test_own_network_is_asked_beside_the_other_signs(tmp_path: Path) -> None:
    file = tmp_path / "colours.onnx"
    mean = node("ReduceMean", ["face"], ["logits"], {"axes": (2, 3), "keepdims": 0})
    file.write_bytes(model([mean], {}, {"face": (1, 3, 80, 80)}, {"logits": (1, 3)}))
    right = OwnPad(file, hashlib.sha256(file.read_bytes()).hexdigest())
    models_dir = Settings().models_dir
    with pytest.raises(ModelRefused, match=r"colours\.onnx is not the file"):
        InferencePool(
            workers=1, models_dir=models_dir, backend="opencv", own_pad=OwnPad(file, "0" * 64)
        )
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv", own_pad=right)
    looked, plain = (
        pool.submit_frame("VP8", encoded("libvpx")[0], looks).result()
        for looks in (Looks(presentation=True), Looks())
    )
    pool.close()
    assert isinstance(looked, FrameAssessment)
    assert looked.liveness is not None
    assert looked.liveness.model_id == ModelId("colours", right.sha256[:8])
    # skin has more red than green
    assert 0.0 <= looked.liveness.score < 0.5
    assert (looked.failed, plain.liveness) == ((), None)  # type: ignore[union-attr]


def test_template_is_made_only_when_asked_for(pool: InferencePool) -> None:
    assert assess(pool, MAN).faces[0].template is None


def test_face_too_small_says_so_and_has_no_template(pool: InferencePool) -> None:
    canvas = Image.new("RGB", (320, 240), (128, 128, 128))
    canvas.paste(Image.open(io.BytesIO(MAN)).resize((28, 39)), (140, 100))
    (face,) = assess(pool, still(canvas), embed=True).faces
    assert face.too_small
    assert face.template is None


def test_empty_room_has_no_face(pool: InferencePool) -> None:
    found = assess(pool, still(Image.effect_noise((320, 240), 60)))
    assert found.faces == ()
    assert not found.quality.covered


@pytest.mark.parametrize(("codec", "name"), [("VP8", "libvpx"), ("H264", "libx264")])
def test_encoded_keyframe_shows_the_same_face(pool: InferencePool, codec: str, name: str) -> None:
    reference = assess(pool, MAN, embed=True).faces[0].template
    found = pool.submit_frame(codec, encoded(name)[0], Looks(embed=True)).result()
    assert isinstance(found, FrameAssessment), found
    assert (found.width, found.height) == (320, 240)
    probe = found.faces[0].template
    assert reference is not None
    assert probe is not None
    assert pool.comparison.accepts(pool.comparison.compare(reference, probe), "verification")


@pytest.mark.asyncio
async def test_awaited_answers_are_the_same(pool: InferencePool) -> None:
    found = await pool.assess_image(MAN, embed=False)
    assert isinstance(found, FrameAssessment)
    assert len(found.faces) == 1
    assert await pool.assess_frame("VP9", b"", Looks()) == NotAssessed("face", "unsupported_codec")


@pytest.mark.asyncio
async def test_a_marked_picture_is_the_face_or_all_of_it(pool: InferencePool) -> None:
    frame = encoded("libvpx", width=80)[0]
    face = await pool.mark_frame("VP8", frame, "0f3a91c2", face_only=True)
    whole = await pool.mark_frame("VP8", frame, "0f3a91c2", face_only=False)
    unmarked = await pool.mark_frame("VP8", frame, "", face_only=False)
    assert isinstance(face, bytes)
    assert isinstance(whole, bytes)
    assert isinstance(unmarked, bytes)
    assert Image.open(io.BytesIO(whole)).size == (320, 240)
    (shown,) = assess(pool, face).faces
    assert shown.box.height > assess(pool, whole).faces[0].box.height
    marked, plain = (
        np.asarray(Image.open(io.BytesIO(each)), float)[220:236, 4:80] for each in (whole, unmarked)
    )
    assert np.abs(marked - plain).max() > 100
    nobody = await pool.mark_frame("VP8", pictures(plain=True)[0], "0f3a91c2", face_only=True)
    assert refusal(nobody) == "no_face"


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((320, 240), (320, 240)),
        ((1920, 1080), (320, 180)),
        ((642, 250), (320, 124)),
        ((641, 481), (320, 240)),
    ],
)
def test_picture_is_made_small_as_it_looks(size, small) -> None:
    shown = Image.linear_gradient("L").resize(size).convert("RGB")
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.options = Fraction(1, 5), {"crf": "4", "lag-in-frames": "0"}
    (packet,) = encoder.encode(av.VideoFrame.from_image(shown))

    made = Image.open(io.BytesIO(worker.shrink_frame("VP8", bytes(packet)))).convert("RGB")

    assert made.size == small
    difference = np.asarray(made, int) - np.asarray(shown.resize(small), int)
    assert np.abs(difference).mean() < 4


def test_frame_that_is_too_dark_to_compare_has_no_template(pool: InferencePool) -> None:
    (bright,) = encoded("libvpx")
    (dark,) = encoded("libvpx", light=0.12)
    found = [pool.submit_frame("VP8", each, Looks(embed=True)).result() for each in (bright, dark)]
    assert all(isinstance(each, FrameAssessment) and each.faces for each in found)
    assert [each.quality.dark for each in found] == [False, True]  # type: ignore[union-attr]
    assert found[0].faces[0].template is not None  # type: ignore[union-attr]
    assert found[1].faces[0].template is None  # type: ignore[union-attr]


def test_frame_between_keyframes_is_refused(pool: InferencePool) -> None:
    between = encoded("libvpx", 2)[1]
    assert refusal(pool.submit_frame("VP8", between, Looks()).result()) == "not_a_keyframe"


@pytest.mark.parametrize(
    ("codec", "data", "reason"),
    [
        ("VP8", b"", "undecodable"),
        ("VP8", b"\x10\x02\x00" + bytes(40), "undecodable"),
        ("VP8", b"\x10\x02\x00\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(40), "too_large"),
        ("VP8", bytes(2 * 1024 * 1024 + 1), "too_large"),
        ("H264", b"\x00\x00\x00\x01\x67" + bytes(40), "undecodable"),
        ("H264", b"", "undecodable"),
    ],
)
def test_hostile_frame_is_refused(
    pool: InferencePool, codec: str, data: bytes, reason: str
) -> None:
    assert refusal(pool.submit_frame(codec, data, Looks()).result()) == reason


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row of it at most."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "undecodable"),
        (b"not a picture", "undecodable"),
        (MAN[:4000], "undecodable"),
        (still(Image.new("RGB", (8, 8)), "GIF"), "undecodable"),
        (png_of(5001, 5000), "too_large"),
        (png_of(60000, 60000), "too_large"),
        (png_of(100, 100), "undecodable"),
        (bytes(10 * 1024 * 1024 + 1), "too_large"),
    ],
    ids=["empty", "text", "torn", "gif", "over 25 Mpx", "bomb", "no pixels", "over 10 MiB"],
)
def test_wrong_still_is_refused(pool: InferencePool, data: bytes, reason: str) -> None:
    assert refusal(pool.submit_image(data, embed=False).result()) == reason


def test_still_is_turned_upright_as_its_exif_says(pool: InferencePool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.open(io.BytesIO(MAN)).transpose(Image.Transpose.ROTATE_90)
    found = assess(pool, still(turned, "JPEG", exif=exif))
    assert (found.width, found.height) == (197, 276)
    assert len(found.faces) == 1


@pytest.mark.parametrize("backend", ["dlib", "dlib-compat"])
def test_dlib_backend_tells_two_people_apart_and_refuses_torn_stills(
    models_dir: Path, backend: Backend
) -> None:
    pool = InferencePool(workers=1, models_dir=models_dir, backend=backend)
    names = ("family1-dad1", "family1-dad2", "family2-man1")
    one, same, other = (
        assess(pool, (FACES / f"{name}.jpg").read_bytes(), embed=True).faces[0].template
        for name in names
    )
    torn = pool.submit_image(MAN[:4000], embed=False).result()
    pool.close()
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.model_id == ModelId("dlib-resnet", "v1")
    assert pool.comparison.accepts(pool.comparison.compare(one, same), "verification")
    assert not pool.comparison.accepts(pool.comparison.compare(one, other), "verification")
    assert refusal(torn) == "undecodable"


def test_killed_worker_costs_one_picture_and_is_replaced(models_dir: Path) -> None:
    others = {child.pid for child in multiprocessing.active_children()}
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv")
    assess(pool, MAN)
    (worker,) = {child.pid for child in multiprocessing.active_children()} - others
    assert worker is not None
    held = pool.submit_image(slow_still(), embed=False)
    os.kill(worker, signal.SIGKILL)
    assert refusal(held.result()) == "worker_crashed"
    assert len(assess(pool, MAN).faces) == 1
    pool.close()


def test_job_without_end_is_given_up(models_dir: Path) -> None:
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv", timeout_s=2.0)
    # native code that holds the interpreter all the while
    assert refusal(pool.submit(sum, range(10**12)).result(60.0)) == "timeout"
    assert len(assess(pool, MAN).faces) == 1
    pool.close()


def test_worker_that_is_stopped_holds_nobody(models_dir: Path) -> None:
    others = {child.pid for child in multiprocessing.active_children()}
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv", timeout_s=1.0)
    pool.submit(worker.be_ready).result()
    (process,) = {child.pid for child in multiprocessing.active_children()} - others
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    # more than a pipe takes up while nobody reads
    assert refusal(pool.submit(len, bytes(4 * 1024 * 1024)).result(60.0)) == "timeout"
    assert pool.submit(len, b"four").result(60.0) == 4
    pool.close()


def test_full_line_refuses_the_next_picture(models_dir: Path) -> None:
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv", stills_limit=1)
    taken = [pool.submit_image(MAN, embed=False) for _ in range(2)]
    assert refusal(pool.submit_image(MAN, embed=False).result()) == "overloaded"
    frame = pool.submit_frame("VP8", encoded("libvpx", 1)[0], Looks())
    assert isinstance(frame.result(), FrameAssessment)
    assert [isinstance(found.result(), FrameAssessment) for found in taken] == [True, True]
    assert len(assess(pool, MAN).faces) == 1
    pool.close()


def test_all_pictures_of_a_wall_are_made(pool: InferencePool) -> None:
    (keyframe,) = encoded("libvpx", 1)

    async def make() -> list[bytes | NotAssessed]:
        return await asyncio.gather(*(pool.shrink_frame("VP8", keyframe) for _ in range(60)))

    assert {type(each) for each in asyncio.run(make())} == {bytes}


def test_closed_pool_assesses_nothing(models_dir: Path) -> None:
    pool = InferencePool(workers=1, models_dir=models_dir, backend="opencv")
    pool.close()
    assert refusal(pool.submit_image(MAN, embed=False).result()) == "closed"


def test_pool_does_not_start_without_its_models(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="yunet"):
        InferencePool(workers=1, models_dir=tmp_path, backend="opencv")


ORPHANING = """
import os, signal, sys
from pathlib import Path
from proctor.inference.pool import InferencePool

if __name__ == "__main__":
    pool = InferencePool(workers=1, models_dir=Path(sys.argv[1]), backend="opencv")
    found = pool.submit_image(Path(sys.argv[2]).read_bytes(), embed=False).result()
    print(len(found.faces), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_when_the_service_is_killed(models_dir: Path, tmp_path: Path) -> None:
    script = tmp_path / "orphaning.py"
    script.write_text(ORPHANING)
    command = [sys.executable, str(script), str(models_dir), str(FACES / "family1-dad1.jpg")]
    # the worker holds the pipe too: reading ends only when it has gone
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b"1\n"
