"""`python -m service`: the API under its server, with the settings of the environment."""

import sys

from service.server import serve
from service.writebehind.errors import InvalidSettings
from service.writebehind.settings import Settings


def main() -> int:
    try:
        settings = Settings.from_env()
    except InvalidSettings as error:
        sys.stderr.write(f"service: {error}\n")
        return 2
    return serve("service.app:from_env", settings)


if __name__ == "__main__":
    sys.exit(main())
