"""The products that one client of a load created and uses: as many as fit, the newest."""

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
        self._versions: dict[str, int] = {}
        #: Where the oldest one is, once there are as many as fit.
        self._oldest = 0

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
        if self._versions.pop(product, None) is not None:
            at = self._ids.index(product)
            # The last one takes its place: to close the gap would move all behind it.
            self._ids[at] = self._ids[-1]
            self._ids.pop()

    def _add(self, product: str) -> None:
        if len(self._ids) < self._most:
            self._ids.append(product)
            return
        self._oldest %= self._most
        del self._versions[self._ids[self._oldest]]
        self._ids[self._oldest] = product
        self._oldest += 1
