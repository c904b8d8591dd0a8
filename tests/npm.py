"""Packages from npm that checks need, and labctl does not: fetched once, and only these contents."""

import base64
import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final


class Missing(Exception):
    """The package is neither here nor to be fetched."""


@dataclass(frozen=True, slots=True)
class Package:
    """One release of a package without dependencies."""

    name: str
    version: str
    #: Of its archive, in Base64, as the registry states it.
    sha512: str

    @property
    def _file(self) -> str:
        return f"{self.name}-{self.version}.tgz"

    def archive(self, kept: Path) -> Path:
        """Its archive.

        Args:
            kept: A folder that outlives the caller: the package is fetched once.

        Raises:
            Missing: npm is not installed, or does not deliver it.
        """
        archive = kept / self._file
        if not archive.exists():
            command = ["npm", "pack", "--silent", f"{self.name}@{self.version}"]
            try:
                subprocess.run(command, cwd=kept, check=True, capture_output=True, timeout=120)
            except (OSError, subprocess.SubprocessError) as error:
                raise Missing(f"{self.name}@{self.version} can't be fetched with npm: {error}") from error
        if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != self.sha512:
            archive.unlink()
            raise Missing(f"{self._file} is not the package that was expected")
        return archive

    def unpacked(self, kept: Path) -> Path:
        """The folder with its files, for which `archive` says the rest."""
        folder = kept / f"{self.name}-{self.version}"
        if not folder.exists():
            with tarfile.open(self.archive(kept)) as package:
                package.extractall(folder, filter="data")
        return folder / "package"


AXE: Final = Package(
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
TYPESCRIPT: Final = Package(
    "typescript",
    "5.9.3",
    "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw==",
)
#: For its types; the page has its own copy of the library.
UPLOT: Final = Package(
    "uplot",
    "1.6.32",
    "KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
)


def axe_core(kept: Path) -> str:
    """The script of axe-core, which finds what keeps people from using a page.

    Raises:
        Missing: as `Package.archive`.
    """
    return (AXE.unpacked(kept) / "axe.min.js").read_text("utf-8")
