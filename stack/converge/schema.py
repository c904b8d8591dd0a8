"""The lab's tables: applied whenever PostgreSQL was started, because running them again does no harm."""

from importlib.resources import files
from typing import Final

from stack.errors import EnvironmentFault
from stack.spec.hints import labctl

#: s
_CONNECT_SECONDS: Final = 5
#: ms that another session's lock is waited for.
_LOCK_MS: Final = 1000


def apply_schema(url: str) -> str:
    """Create what is missing of tables, views and seed rows. What could not be seen to, for a person: tables
    that another session has locked are there.

    Raises:
        EnvironmentFault: PostgreSQL refuses.
    """
    import psycopg

    from service.writebehind.postgres_dsn import dsn

    schema = (files("service.writebehind") / "schema.sql").read_bytes()
    given = dsn(url, application="labctl", connect_seconds=_CONNECT_SECONDS)
    try:
        with psycopg.connect(given) as connection:
            connection.execute(f"SET lock_timeout = {_LOCK_MS}")
            connection.execute(schema)
    except psycopg.errors.LockNotAvailable:
        return "its tables are locked by another session, so they were not checked"
    except psycopg.Error as error:
        raise EnvironmentFault(
            f"the database could not be set up: {str(error).strip()}",
            hint=f"{labctl('logs postgres')} says more; {labctl('down')} and {labctl('up')} start anew",
        ) from error
    return ""
