"""labctl as a wheel, far from its checkout: the wheel has to hold everything that it starts."""

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from stack.docker.build_context import context_hash
from tests.acceptance.terminal import environment

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel's content; its dependencies are this environment's."""
    place = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(_build("wheel", place)) as archive:
        archive.extractall(place / "site")
    return place / "site"


def _build(target: str, place: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(place)],
        cwd=_ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = place.iterdir()
    return built


def _python(installed: Path, place: Path, *words: str, engine: bool = False) -> str:
    env = environment(place / "home", PYTHONPATH=str(installed))
    if engine:
        del env["DOCKER_HOST"]
    done = subprocess.run(
        [sys.executable, *words],
        env=env,
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.skipif(not (_ROOT / ".git").exists(), reason="only a checkout says which files are its own")
def test_the_sdist_holds_the_whole_checkout(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    checkout = {name for name in listed.stdout.splitlines() if (_ROOT / name).exists()}
    with tarfile.open(_build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names == checkout | {"PKG-INFO"}


def test_the_image_is_built_from_the_same_files(installed: Path, tmp_path: Path) -> None:
    script = "import stack.docker.build_context as c; print(c.__file__, c.context_hash())"
    where, digest = _python(installed, tmp_path, "-c", script).split()
    assert where.startswith(str(installed))
    assert digest == context_hash()


def test_compose_finds_all_that_it_mounts(installed: Path, tmp_path: Path) -> None:
    directory = Path(_python(installed, tmp_path, "-m", "labctl", "compose", "--directory").strip())
    assert directory == installed / "stack"
    assert (directory / ".env").is_file()
    for mounted in ("assets/k6/basic.js", "assets/prometheus/prometheus.yml", "assets/grafana/provisioning"):
        assert (directory / mounted).exists()


def test_a_scenario_file_is_begun_and_checked(installed: Path, tmp_path: Path) -> None:
    _python(installed, tmp_path, "-m", "labctl", "scenario", "new", "mine")
    told = json.loads(_python(installed, tmp_path, "-m", "labctl", "scenario", "lint", "mine.yaml", "--json"))
    assert told["files"] == [{"file": "mine.yaml", "problems": []}]
    schema = (tmp_path / "mine.yaml").read_text().partition("$schema=")[2].partition("\n")[0]
    assert Path(schema).is_relative_to(installed)
    assert json.loads(Path(schema).read_text())["title"] == "A scenario of labctl"


@pytest.mark.parametrize(
    "kind", ["local", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow])]
)
def test_a_lab_of_an_installed_labctl(
    kind: str, installed: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    engine = kind == "docker"
    if engine:
        request.getfixturevalue("engine")
    tmp_path.chmod(0o755)
    labctl = ("-m", "labctl")
    lab = ("--name", f"wheel-{tmp_path.name[-8:].strip('_')}".lower(), "--runtime", kind)
    try:
        _python(installed, tmp_path, *labctl, "up", "--no-observability", *lab, engine=engine)
        for words in (("demo", "coalescing"), ("load", "coalescing", "--engine", "k6", "--duration", "1")):
            told = json.loads(_python(installed, tmp_path, *labctl, *words, "--json", *lab, engine=engine))
            assert told["outcome"] == "expected"
        page = tmp_path / "run.html"
        _python(installed, tmp_path, *labctl, "report", "coalescing", "-o", str(page))
        assert "</html>" in page.read_text()
    finally:
        _python(installed, tmp_path, *labctl, "down", *lab, engine=engine)
