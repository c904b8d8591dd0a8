"""The files of the lab's own page, and the library that draws the charts. Nothing here runs in Python."""

from typing import Final

#: The version of uPlot (https://github.com/leeoniya/uPlot) in this folder. The reports of runs use it too.
UPLOT: Final = "1.6.32"
