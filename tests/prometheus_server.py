"""A real Prometheus that scrapes a lab of this machine."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml

from stack.package_files import asset_path
from stack.ports import choose_free
from stack.wait import wait_until
from tests.programs import program

_ASSETS: Final = asset_path("assets/prometheus")
#: Shorter than the lab's own two seconds, so that a test need not wait for them.
_INTERVAL: Final = "500ms"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Its HTTP API."""

    client: httpx.Client

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that an expression gives now, each with `metric` and `value`."""
        answer = self.client.post("/api/v1/query", data={"query": expr}).json()
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    def values(self, expr: str) -> list[float]:
        """The values of those series."""
        return [float(series["value"][1]) for series in self.query(expr)]

    def exemplars(self, expr: str) -> set[str]:
        """The traces that the series of an expression lead to, over the last minute."""
        now = time.time()
        data = {"query": expr, "start": str(now - 60), "end": str(now + 1)}
        answer = self.client.post("/api/v1/query_exemplars", data=data).json()
        assert answer["status"] == "success", answer
        return {each["labels"]["trace_id"] for series in answer["data"] for each in series["exemplars"]}

    def get(self, path: str) -> Any:
        """The data of an answer of its API."""
        answer = self.client.get(path).json()
        assert answer["status"] == "success", answer
        return answer["data"]


@contextmanager
def running_prometheus(directory: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[Prometheus]:
    """Run it with the lab's configuration and rules, and stop it whatever happens.

    Args:
        directory: An empty one for its files.
        targets: By job, the URLs to scrape instead of those in the network of containers.
    """
    path = program("prometheus")
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(targets)))
    (port,) = choose_free(1)
    with ExitStack() as opened:
        log = opened.enter_context((directory / "log").open("wb"))
        process = subprocess.Popen(
            [
                path,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=log,
            stderr=log,
        )
        opened.callback(process.wait)
        opened.callback(process.kill)
        client = opened.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
        )
        wait_until(
            lambda: _is_ready(client),
            seconds=30,
            reason="Prometheus is ready",
            hint=str(directory / "log"),
        )
        yield Prometheus(client)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.HTTPError:
        return False


def _config(targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The lab's configuration, but for where it finds its targets and how often it asks them."""
    config: dict[str, Any] = yaml.safe_load((_ASSETS / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), _INTERVAL)
    config["rule_files"] = [str(_ASSETS / name) for name in config["rule_files"]]
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    assert set(targets) <= jobs
    config["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": [urlsplit(url).netloc for url in urls]}]}
        for job, urls in targets.items()
    ]
    return config
