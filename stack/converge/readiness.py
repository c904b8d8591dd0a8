"""Waits until a service is fit for work, and says why where it does not become so."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from stack.converge import health
from stack.converge.executor import CancelToken
from stack.errors import DeadlinePassed, EnvironmentFault
from stack.spec.events import ServiceChanged
from stack.spec.hints import labctl
from stack.spec.runtime import Observed, Runtime, RuntimeKind
from stack.spec.service import HealthCheck, ServiceSpec
from stack.wait import wait_until, waiting

#: Lines of a log in an error.
_TAIL: Final = 8
#: s within which a worker notices that an outage is over.
_RECOVERY_SECONDS: Final = 6.0
#: s between two reports that a service is still starting.
_TELL_SECONDS: Final = 2.0
#: s between two looks at a service that starts. An engine has to be asked, which costs it some work.
POLL_SECONDS: Final[Mapping[RuntimeKind, float]] = {"local": 0.02, "docker": 0.1}


class Readiness:
    """Asks services about their health.

    Args:
        runtime: What runs them.
        probe: What a service lacks, given its check and what was seen of it; see `health.probe`.
        trouble: Why one that lacks nothing does not get its work done; see `health.trouble`.
    """

    def __init__(
        self,
        runtime: Runtime,
        probe: Callable[[HealthCheck, Observed], str] = health.probe,
        trouble: Callable[[HealthCheck], str] = health.trouble,
    ) -> None:
        self._runtime = runtime
        self._probe = probe
        self._trouble = trouble
        self._poll = POLL_SECONDS[runtime.kind]

    def await_health(
        self, spec: ServiceSpec, seen: Observed | None, token: CancelToken, *, is_new: bool
    ) -> Observed:
        """Return once the service is fit for work: as what it was seen last.

        Args:
            spec: The service.
            seen: What is known of it; None: nothing. Where that is enough, the runtime is not asked.
            token: Told of waits that last.
            is_new: Whether it was just started, so that its own health check is not of earlier times.

        Raises:
            DeadlinePassed: it is not healthy in time.
            EnvironmentFault: it has ended, or its own health check has given it up.
        """
        current, lack = seen, ""

        def fit() -> bool:
            nonlocal current, lack
            token.raise_if_cancelled()
            current = current or self._runtime.observe_service(spec.name)
            if current is None or current.pid is None:
                raise self._ended(spec)
            lack = self._probe(spec.health, current)
            if lack and current.health_output:
                lack += f" (its own health check says: {current.health_output})"
            # Of one that ran before, the runtime's opinion may be as of before its repair.
            if lack and current.unhealthy and is_new:
                raise self._unhealthy(EnvironmentFault, spec, "", lack)
            return not lack

        told = 0.0
        try:
            for waited in waiting(
                fit, seconds=spec.health.seconds, reason="it is healthy", hint="", poll=self._poll
            ):
                current = None
                if waited - told >= _TELL_SECONDS:
                    told = waited
                    token.report(ServiceChanged(spec.name, "starting", f"{waited:.0f} s: it {lack}"))
        except DeadlinePassed as error:
            raise self._unhealthy(DeadlinePassed, spec, f" after {spec.health.seconds:g} s", lack) from error
        assert current is not None  # it was seen to be fit
        return current

    def lasting_trouble(self, spec: ServiceSpec, token: CancelToken) -> str:
        """Why it does not get its work done; '' if it does. A worker notices within seconds that an outage is
        over: that is waited for; what lasts is not labctl's to mend, such as a lock that somebody holds."""
        trouble = ""

        def over() -> bool:
            nonlocal trouble
            token.raise_if_cancelled()
            trouble = self._trouble(spec.health)
            return not trouble

        with suppress(DeadlinePassed):
            seconds = _RECOVERY_SECONDS if spec.health.protocol == "worker" else 0.0
            wait_until(over, seconds=seconds, reason="it gets its work done", hint="", poll=self._poll)
        return trouble

    def _unhealthy(
        self, kind: type[EnvironmentFault], spec: ServiceSpec, when: str, lack: str
    ) -> EnvironmentFault:
        return kind(
            f"{spec.name} is not healthy{when}: it {lack}{self._tail(spec)}",
            hint=f"{labctl(f'logs {spec.name}')} may say more; {labctl('doctor')} checks the machine",
        )

    def _ended(self, spec: ServiceSpec) -> EnvironmentFault:
        return EnvironmentFault(
            f"{spec.name} ended while it was starting{self._tail(spec)}",
            hint=f"see the last lines of its log above; {labctl('doctor')} checks the machine",
        )

    def _tail(self, spec: ServiceSpec) -> str:
        lines = [line.text for line in self._runtime.logs([spec.name], tail=_TAIL, follow=False) if line]
        return "; its log ends with:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
