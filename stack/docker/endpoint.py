"""Which engine to use: the one that the environment names, else that of the Docker context.

The files are read as the docker command reads them. The client library does not find a context where there
is no config.json, and ignores a damaged config.json.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from stack.errors import EnvironmentFault
from stack.refusals import explain
from stack.settings import StackSettings

_DEFAULT: Final = "unix:///var/run/docker.sock"
_CONTEXT_HINT: Final = "`docker context ls` shows them; without one, DOCKER_CONTEXT=default is this machine's"
_KEYS_HINT: Final = "correct DOCKER_CERT_PATH, or unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
_KEYS: Final = ("ca.pem", "cert.pem", "key.pem")


def endpoint(settings: StackSettings) -> tuple[str, object]:
    """The engine's URL, and the keys for it: False for none.

    Raises:
        EnvironmentFault: a context or key that was named does not exist, or can't be read.
    """
    if settings.docker_host:
        return settings.docker_host, _environment_keys(settings)
    name = settings.docker_context or _current(settings.docker_config)
    if name == "default":
        return _DEFAULT, _environment_keys(settings)
    digest = hashlib.sha256(name.encode()).hexdigest()
    contexts = settings.docker_config / "contexts"
    meta = contexts / "meta" / digest / "meta.json"
    with _readable(meta, f"there is no Docker context {name!r}"):
        host, skips = _host_of(json.loads(meta.read_text()))
    keys = contexts / "tls" / digest / "docker"
    return host, _keys(keys, verify=not skips) if keys.is_dir() else False


def _host_of(meta: Mapping[str, Any]) -> tuple[str, bool]:
    docker = meta["Endpoints"]["docker"]
    return str(docker.get("Host") or _DEFAULT), bool(docker.get("SkipTLSVerify", False))


def _current(directory: Path) -> str:
    """The context that the user's configuration names."""
    config = directory / "config.json"
    try:
        if not config.exists():
            return "default"
    except OSError:
        # A home that this user may not read names no context.
        return "default"
    with _readable(config, ""):
        return str(json.loads(config.read_text()).get("currentContext") or "default")


@contextmanager
def _readable(path: Path, missing: str) -> Iterator[None]:
    """Raises EnvironmentFault where the file is `missing`, unreadable or damaged."""
    try:
        yield
    except FileNotFoundError as error:
        raise EnvironmentFault(missing, hint=_CONTEXT_HINT) from error
    except OSError as error:
        raise EnvironmentFault(
            f"the Docker context can't be read: {explain(error, path)}", hint=_CONTEXT_HINT
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFault(
            f"the Docker context can't be read: {path} is damaged", hint=_CONTEXT_HINT
        ) from error


def _environment_keys(settings: StackSettings) -> object:
    if not (settings.docker_tls_verify or settings.docker_cert_path):
        return False
    directory = Path(settings.docker_cert_path) if settings.docker_cert_path else settings.docker_config
    return _keys(directory, verify=settings.docker_tls_verify)


def _keys(directory: Path, *, verify: bool) -> object:
    from docker.errors import DockerException
    from docker.tls import TLSConfig

    ca, cert, key = (directory / name for name in _KEYS)
    for path in (ca, cert, key):
        if not path.is_file():
            raise EnvironmentFault(
                f"the keys of the Docker engine can't be used: there is no {path}",
                hint=f"put them there, or {_KEYS_HINT}",
            )
    try:
        return TLSConfig(client_cert=(str(cert), str(key)), ca_cert=str(ca), verify=verify)
    except DockerException as error:
        raise EnvironmentFault(
            f"the keys of the Docker engine in {directory} can't be used: {error}",
            hint=_KEYS_HINT,
        ) from error
