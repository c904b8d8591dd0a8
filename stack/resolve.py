"""What is known of a lab: what its directory remembers, else what its runtime shows."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stack.backend import Backend
from stack.errors import NotRunning, StateUnusable, UsageError
from stack.ports import choose_free
from stack.spec.names import DEFAULT_NAME
from stack.spec.services import OBSERVABILITY
from stack.state import directory as lab_directory
from stack.state import lab as lab_state
from stack.state.lab import LabState


class KnownState:
    """Looks anew at each call: other commands may change the lab meanwhile.

    Args:
        ports: Ports by endpoint that the user wants instead of those that are known or chosen.
    """

    def __init__(self, name: str, directory: Path, backend: Backend, ports: Mapping[str, int]) -> None:
        self._name = name
        self._directory = directory
        self._backend = backend
        self._ports = ports

    def exists(self) -> bool:
        """Whether there is a lab, be it broken, or one that compose started."""
        return lab_directory.holds_lab(self._directory) or bool(self._backend.runtime.observe())

    def remembered_or_default(self) -> LabState:
        return lab_state.load(self._directory) or self.default()

    def required(self) -> LabState:
        """The state of a lab that has to be there; raises NotRunning where there is none."""
        state = self._found()
        if state is None:
            raise NotRunning(f"there is no lab {self._name}", hint="start one with `labctl up`")
        return state

    def default(self) -> LabState:
        """What a lab is of which nothing is remembered: new, or started by compose or from elsewhere."""
        runtime = self._backend.runtime
        seen = {name: found.port for name, found in runtime.observe().items() if found.port}
        watched = not seen or any(name in seen for name in OBSERVABILITY)
        ports = {**self._backend.ports, **seen, **self._ports}
        return LabState(runtime=runtime.kind, ports=ports, observability=watched)

    def for_up(self, observability: bool | None) -> LabState:
        """The state in which `up` is to bring the lab; None: with what watches it as before.

        Raises:
            UsageError: two services would have the same port.
        """
        state = self._found() or replace(self.default(), ports=self._chosen_ports())
        state = replace(state, ports={**state.ports, **self._ports})
        _check_distinct(state.ports)
        return state if observability is None else replace(state, observability=observability)

    def for_down(self) -> LabState:
        """A lab that can't be understood any more must still be possible to take away."""
        with suppress(StateUnusable):
            if state := lab_state.load(self._directory):
                return state
        return self.default()

    def ports(self) -> Mapping[str, int]:
        """Ports by endpoint; raises NotRunning while none are chosen."""
        state = self._found()
        default = self._backend.ports if self._name == DEFAULT_NAME else {}
        known = {**default, **(state.ports if state else {}), **self._ports}
        if set(known) < set(self._backend.ports):
            raise NotRunning(
                f"there is no lab {self._name}, so its ports are not chosen yet",
                hint="start it with `labctl up`",
            )
        unwanted = OBSERVABILITY if state and not state.observability else ()
        return {name: port for name, port in known.items() if name not in unwanted}

    def _found(self) -> LabState | None:
        """What is remembered, or seen to be there; None where there is no lab."""
        state = lab_state.load(self._directory)
        return self.default() if state is None and self._backend.runtime.observe() else state

    def _chosen_ports(self) -> Mapping[str, int]:
        if self._name == DEFAULT_NAME:
            return self._backend.ports
        taken = lab_directory.ports_of_labs(self._directory.parent)
        return dict(zip(self._backend.ports, choose_free(len(self._backend.ports), taken=taken), strict=True))


def _check_distinct(ports: Mapping[str, int]) -> None:
    holders: dict[int, str] = {}
    for name, port in ports.items():
        if port in holders:
            raise UsageError(
                f"{name} can't have port {port}: it is that of {holders[port]}",
                hint=f"choose another one with --port {name}=PORT",
            )
        holders[port] = name
