"""The products that one client of a load created and uses: as many as fit, the newest."""

from collections import OrderedDict
from random import Random


class OwnProducts:
    """Each product with its newest acknowledged version, in bounded memory."""

    def __init__(self, most: int, random: Random) -> None:
        """
        Args:
            most: How many to keep, at least 1.
        """
        self._most = most
        self._random = random.random
        self._ids: list[str] = []
        #: Where each of them is in `_ids`.
        self._place: dict[str, int] = {}
        #: In the order in which they came. The first one of a plain dict takes long to find after deletions.
        self._versions: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ids)

    def any(self) -> str:
        """One of them, by chance. There must be one."""
        return self._ids[int(self._random() * len(self._ids))]

    def version(self, product: str) -> int:
        """The newest version of this product that was acknowledged."""
        return self._versions[product]

    def note(self, product: str, version: int) -> None:
        """A write of this product was acknowledged. A new product may take the place of the oldest."""
        if product not in self._versions:
            self._add(product)
        self._versions[product] = version

    def forget(self, product: str) -> None:
        """Use it no more."""
        at = self._place.pop(product, None)
        if at is None:
            return
        del self._versions[product]
        # The last one takes its place: to close the gap would move all behind it.
        last = self._ids.pop()
        if last != product:
            self._ids[at] = last
            self._place[last] = at

    def _add(self, product: str) -> None:
        if len(self._ids) == self._most:
            self.forget(next(iter(self._versions)))
        self._place[product] = len(self._ids)
        self._ids.append(product)
