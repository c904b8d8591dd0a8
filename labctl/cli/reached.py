"""Where a person reaches what the lab offers."""

from stack.lab import Lab
from stack.spec.names import HOST


def reached(lab: Lab) -> dict[str, str]:
    """URLs by name: of the services, and of the workers' metrics unless those are in containers, where only
    Prometheus reaches them.
    """
    urls = dict(lab.urls())
    condition = lab.condition() if lab.kind == "local" else None
    ports = [worker.metrics_port for worker in condition.workers if worker.metrics_port] if condition else []
    for number, port in enumerate(ports, 1):
        name = "worker-metrics" if number == 1 else f"worker-metrics-{number}"
        urls[name] = f"http://{HOST}:{port}/metrics"
    return urls
