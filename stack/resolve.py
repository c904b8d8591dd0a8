"""What is known of a lab: what its directory remembers, else what its runtime shows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stack.backend import Backend
from stack.errors import NotRunning, UsageError
from stack.ports import choose_free
from stack.spec.hints import labctl
from stack.spec.names import DEFAULT_NAME
from stack.spec.runtime import Observed
from stack.spec.services import OBSERVABILITY
from stack.state import directory as lab_directory
from stack.state import lab as lab_state
from stack.state.lab import LabState


@dataclass(frozen=True, slots=True)
class KnownState:
    """The state of a lab by name; looks anew at each call, because other commands may change it meanwhile.

    Methods that are not given the services look at them only where nothing is remembered.
    """

    name: str
    directory: Path
    backend: Backend
    #: Ports by endpoint that the user wants instead of those that are known or chosen.
    wanted_ports: Mapping[str, int]

    def find(self, services: Mapping[str, Observed] | None = None) -> LabState | None:
        """What is remembered, or seen to be there; None where there is no lab."""
        if state := lab_state.load(self.directory):
            return state
        seen = self.backend.runtime.observe() if services is None else services
        return self.unremembered(seen) if seen else None

    def required(self) -> LabState:
        """The state of a lab that has to be there; raises NotRunning where there is none."""
        if state := self.find():
            return state
        raise NotRunning(f"there is no lab {self.name}", hint=f"start one with {labctl('up')}")

    def unremembered(self, services: Mapping[str, Observed]) -> LabState:
        """The state of a lab without a state file: new, or started by compose or from elsewhere."""
        seen = {name: each.port for name, each in services.items() if each.port}
        watched = not seen or any(name in seen for name in OBSERVABILITY)
        ports = {**self.backend.ports, **seen, **self.wanted_ports}
        return LabState(runtime=self.backend.runtime.kind, ports=ports, observability=watched)

    def for_up(self, services: Mapping[str, Observed], observability: bool | None) -> LabState:
        """The state that `up` is to bring the lab into.

        Raises:
            UsageError: two services would have the same port.
        """
        state = self.find(services) or replace(self.unremembered({}), ports=self._chosen_ports())
        watched = state.observability if observability is None else observability
        state = replace(state, ports={**state.ports, **self.wanted_ports}, observability=watched)
        _check_distinct(state.ports)
        return state

    def ports(self) -> Mapping[str, int]:
        """Ports by endpoint; raises NotRunning while none are chosen."""
        state = self.find()
        if state is None and self.name != DEFAULT_NAME and set(self.wanted_ports) < set(self.backend.ports):
            raise NotRunning(
                f"there is no lab {self.name}, so its ports are not chosen yet",
                hint=f"start it with {labctl('up')}",
            )
        unwanted = OBSERVABILITY if state and not state.observability else ()
        known = {**(state or self.unremembered({})).ports, **self.wanted_ports}
        return {name: port for name, port in known.items() if name not in unwanted}

    def _chosen_ports(self) -> Mapping[str, int]:
        if self.name == DEFAULT_NAME:
            return self.backend.ports
        taken = lab_directory.ports_of_labs(self.directory.parent)
        return dict(zip(self.backend.ports, choose_free(len(self.backend.ports), taken=taken), strict=True))


def _check_distinct(ports: Mapping[str, int]) -> None:
    holders: dict[int, str] = {}
    for name, port in ports.items():
        if port in holders:
            raise UsageError(
                f"{name} can't have port {port}: it is that of {holders[port]}",
                hint=f"choose another one with --port {name}=PORT",
            )
        holders[port] = name
