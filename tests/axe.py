"""axe-core, which finds what keeps people from using a page. It comes from npm, and is no part of labctl."""

import base64
import hashlib
import subprocess
import tarfile
from pathlib import Path
from typing import Final

_PACKAGE: Final = "axe-core@4.14.1"
_FILE: Final = "axe-core-4.14.1.tgz"
_SHA512: Final = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="


class Missing(Exception):
    """It is neither here nor to be fetched."""


def axe_core(kept: Path) -> str:
    """The script.

    Args:
        kept: A folder that outlives the tests: the package is fetched once.

    Raises:
        Missing: npm is not installed, or does not deliver it.
    """
    archive = kept / _FILE
    if not archive.exists():
        try:
            subprocess.run(
                ["npm", "pack", "--silent", _PACKAGE], cwd=kept, check=True, capture_output=True, timeout=120
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Missing(f"{_PACKAGE} can't be fetched with npm: {error}") from error
    content = archive.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != _SHA512:
        archive.unlink()
        raise Missing(f"{_FILE} is not the package that was expected")
    with tarfile.open(archive) as package:
        script = package.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()
