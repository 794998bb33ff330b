"""Everything installs by pip alone, from wheels, and both face backends then see a face."""

import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from proctor.settings import Settings

# 137 packages three times over
pytestmark = [pytest.mark.media, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
# of the processor, as the machine may be busy; on a quiet one it is the time by the clock too
PIP_S = 60.0
SEES_A_FACE = """
import sys
from pathlib import Path
from proctor.inference.pool import InferencePool
if __name__ == "__main__":
    still = Path("proctor/commands/material/portrait_honest.jpg").read_bytes()
    for backend in ("opencv", "dlib"):
        pool = InferencePool(workers=1, models_dir=Path(sys.argv[1]), backend=backend)
        (face,) = pool.submit_image(still, embed=True).result().faces
        print("saw", face.template.model_id)
        pool.close()
"""


def interpreter(version: str) -> Path:
    """A Python of *version* that makes environments; skips the test when there is none."""
    name = f"python{version}"
    on_path = [Path(found)] if (found := shutil.which(name)) else []
    built = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/{name}"))
    for path in [*built, *on_path]:
        if subprocess.run([path, "-c", "import ensurepip"], capture_output=True).returncode == 0:
            return path
    pytest.skip(f"no Python {version} with ensurepip on this machine")


def install(python: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the processor and by the clock that pip took."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for pins, extra in (("requirements.lock", []), ("requirements-nodeps.lock", ["--no-deps"])):
        # as in the Makefile
        command: list[str | Path] = [python, "-m", "pip", "install", "-q", "--no-compile"]
        # a package without a wheel would be compiled: it is refused
        command += ["--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
        command += [*extra, "-r", ROOT / pins]
        subprocess.run(command, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, time.monotonic() - began


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_everything_installs_within_a_minute_without_a_compiler(
    version: str, tmp_path: Path
) -> None:
    base = interpreter(version)
    # nothing else is found: no compiler, no other environment
    environment = {"HOME": str(Path.home()), "PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    spent = by_the_clock = 0.0
    # the first fills pip's cache
    for number in range(2):
        python = tmp_path / f"{number}" / "bin" / "python"
        subprocess.run([base, "-m", "venv", tmp_path / f"{number}"], check=True)
        spent, by_the_clock = install(python, environment)
        if number == 0:
            shutil.rmtree(tmp_path / f"{number}")
    print(f"\nPython {version}: pip took {by_the_clock:.0f} s, {spent:.0f} s of the processor")
    models_dir = Settings().models_dir.resolve()
    seen = subprocess.run(
        [python, "-W", "ignore", "-c", SEES_A_FACE, models_dir],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    saw = [line for line in seen.stdout.splitlines() if line.startswith("saw ")]
    assert saw == ["saw sface/2021dec-int8bq", "saw dlib-resnet/v1"], seen.stderr
    shutil.rmtree(tmp_path)
    assert spent <= PIP_S
