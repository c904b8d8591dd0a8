"""How our processes connect to PostgreSQL: with every parameter that libpq would otherwise look up elsewhere.

libpq takes missing parameters from the caller's `PG*` variables, from `~/.pgpass` and from `~/.postgresql/`.
Some can't be given: the service name and the session defaults `PGDATESTYLE`, `PGTZ` and `PGGEQO`. They
must not be in the environment at all, which stack/environment.py ensures.
https://www.postgresql.org/docs/18/libpq-envars.html
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Final

#: An empty value counts as given, and means the built-in default.
_FIXED: Final = {
    "hostaddr": "",
    "passfile": os.devnull,
    "client_encoding": "UTF8",
    "options": "",
    "sslmode": "disable",
    "sslnegotiation": "postgres",
    "sslcertmode": "disable",
    "gssencmode": "disable",
    "channel_binding": "disable",
    "require_auth": "scram-sha-256,md5,password,none",
    "requirepeer": "",
    "target_session_attrs": "any",
    "load_balance_hosts": "disable",
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
    "ssl_min_protocol_version": "",
    "ssl_max_protocol_version": "",
}


def dsn(database_url: str, *, application: str, connect_seconds: int, options: str = "") -> str:
    """The connection string for `psycopg.connect`; parameters of the URL itself take precedence.

    Args:
        application: The session's `application_name`, shown in pg_stat_activity.
        connect_seconds: How long connecting may take.
        options: Session settings, such as `-c lock_timeout=5s`.

    Raises:
        psycopg.ProgrammingError: the URL is malformed.
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    own = {
        **_known(),
        "application_name": application,
        "connect_timeout": str(connect_seconds),
        **({"options": options} if options else {}),
    }
    named = {name: str(value) for name, value in conninfo_to_dict(database_url).items()}
    return make_conninfo(**{**own, **named})


@cache
def _known() -> Mapping[str, str]:
    """The parameters that this libpq knows: an older one refuses newer ones."""
    from psycopg.pq import Conninfo

    names = {option.keyword.decode() for option in Conninfo.get_defaults()}
    return {name: value for name, value in _FIXED.items() if name in names}
