"""What `labctl explain` tells of the writes of a run, held against the verdict."""

from collections.abc import Mapping
from itertools import islice

import httpx
import msgspec

from scenarios.journal.reader import Journal
from scenarios.judge.checks.fates import Class
from scenarios.judge.verdict import Verdict
from scenarios.life.facts import ProductFacts
from scenarios.life.gather import gather
from scenarios.life.story import tell
from service.traces.life import Life
from stack.lab import Lab
from stack.wait import wait_until

#: Of so many products, traces are asked for, too; and as many of the others are told from the journal alone.
_LOOKED_AT = 20


def explain(lab: Lab, journal: Journal, product: str) -> ProductFacts:
    """The facts of a product, once all its writes in the journal have their traces."""
    url = f"{lab.urls()['api']}/products/{product}/life"

    def look() -> ProductFacts:
        answer = httpx.get(url, trust_env=False).raise_for_status()
        return gather(product, journal, msgspec.json.decode(answer.content, type=Life))

    def is_traced() -> bool:
        return all(write.traced for write in look().writes if write.answer == "acknowledged")

    wait_until(is_traced, seconds=10, reason=f"the traces of {product} have arrived", hint="")
    return look()


def assert_explained_as_judged(lab: Lab, journal: Journal, verdict: Verdict) -> None:
    """Every acknowledged write is told as the judge has judged it."""
    judged: dict[str, dict[int, Class]] = {}
    for one in verdict.judged:
        judged.setdefault(one.product, {})[one.version] = one.fate
    for number, (product, fates) in enumerate(islice(judged.items(), 2 * _LOOKED_AT)):
        facts = explain(lab, journal, product) if number < _LOOKED_AT else gather(product, journal, None)
        assert _classes(facts) == fates
        # The store may have traces of other runs' writes to this product, which this verdict does not judge.
        single = {told.version: told.fate for told in tell(facts).writes if told.version in fates}
        assert single.items() <= fates.items()


def _classes(facts: ProductFacts) -> Mapping[int, Class]:
    return {one.version: one.fate for one in facts.writes if one.version is not None and one.fate is not None}
