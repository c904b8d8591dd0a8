"""Checks the types of the page's scripts: `python -m tests.page_types`, which `make check` does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.npm import TYPESCRIPT, UPLOT, Missing

_ROOT: Final = Path(__file__).parents[1]
#: Packages are kept here; `make clean` removes it.
_KEPT: Final = _ROOT / ".npm_cache"


def _configuration(uplot: Path) -> dict[str, Any]:
    """What tsc is told: everything that it can find wrong without a build."""
    return {
        "compilerOptions": {
            "allowJs": True,
            "checkJs": True,
            "noEmit": True,
            "strict": True,
            "noUnusedLocals": True,
            "noUnusedParameters": True,
            "noImplicitReturns": True,
            "noFallthroughCasesInSwitch": True,
            "allowUmdGlobalAccess": True,
            "target": "es2023",
            "module": "es2022",
            "moduleResolution": "bundler",
            "lib": ["es2023", "dom", "dom.iterable"],
            "types": [],
        },
        "include": [str(_ROOT / "service/page/*.js"), str(_ROOT / "service/page/*.d.ts"), str(uplot)],
        "exclude": [str(_ROOT / "service/page/uPlot.*")],
    }


def main() -> int:
    """The exit code. Without Node or npm nothing is checked, which is only right outside of CI."""
    node = shutil.which("node")
    try:
        if node is None:
            raise Missing("Node is not installed")
        _KEPT.mkdir(exist_ok=True)
        typescript, uplot = TYPESCRIPT.unpacked(_KEPT), UPLOT.unpacked(_KEPT)
    except Missing as missing:
        sys.stderr.write(f"the types of the page's scripts are not checked: {missing}\n")
        return 1 if os.environ.get("CI") else 0
    configuration = _KEPT / "tsconfig.json"
    configuration.write_text(json.dumps(_configuration(uplot / "dist/uPlot.d.ts")))
    return subprocess.run([node, typescript / "bin/tsc", "-p", configuration], cwd=_ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
