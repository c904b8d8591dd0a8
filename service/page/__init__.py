"""The files of the lab's own page, and the library that draws the charts. Nothing here runs in Python."""

from typing import Final

#: The version of uPlot in this folder (https://github.com/leeoniya/uPlot). The reports of runs use it as well.
UPLOT: Final = "1.6.32"
