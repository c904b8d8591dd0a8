"""Metrics as Prometheus reads them."""

import http.client
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of a /metrics."""

    text: str
    #: By name and labels.
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series of this name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (known, held), value in self.samples.items() if known == name and wanted <= held)

    def has(self, name: str) -> bool:
        return any(known == name for known, _ in self.samples)

    def counters(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What may never fall, but for what reading /metrics itself counts."""
        endings = ("_total", "_count", "_sum", "_bucket")
        return {
            key: value
            for key, value in self.samples.items()
            if key[0].endswith(endings) and ("route", "/metrics") not in key[1]
        }


def scrape(port: int, *, seconds: float = 10) -> Scrape:
    """Read the metrics of this port over a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
    assert answer.status == http.client.OK, text
    return parse(text)


def parse(text: str) -> Scrape:
    """Metrics in Prometheus' text format."""
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return Scrape(text, samples)
