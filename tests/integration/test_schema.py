"""The API against its own OpenAPI document, asked by Schemathesis.

Whatever the document allows is accepted, what it forbids is refused, and it describes every answer.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from service.live.stream import PATH
from tests.api_process import running_api
from tests.servers import Servers


@pytest.mark.parametrize(
    ("phases", "examples"),
    [
        pytest.param("fuzzing", 5, id="quick"),
        pytest.param("examples,coverage,fuzzing,stateful", 150, id="thorough", marks=pytest.mark.slow),
    ],
)
def test_schemathesis_finds_nothing(servers: Servers, tmp_path: Path, phases: str, examples: int) -> None:
    with running_api(servers) as api:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file", str(Path(__file__).with_name("schemathesis.toml")),
                "run", f"http://127.0.0.1:{api.port}/openapi.json",
                # It does not end.
                "--exclude-path", PATH,
                "--phases", phases, "--max-examples", str(examples), "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
