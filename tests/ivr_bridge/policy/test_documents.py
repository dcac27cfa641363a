"""The page about rules says what the rules are."""

import re
from pathlib import Path

from ruamel.yaml import YAML

from ivr_bridge.outcome import Reason
from ivr_bridge.policy import HARD, SOFT, PolicyTerms

DOCS = Path(__file__).parents[3] / "docs" / "ivr"
PAGE = (DOCS / "policy.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \|", re.MULTILINE)


def test_every_rule_of_the_page_stands_in_its_order_with_its_reason():
    hard, soft = PAGE.split("## Soft rules")
    for text, rules in ((hard, HARD), (soft, SOFT)):
        told = ROW.findall(text)
        real = [(rule.name, rule.reason.value) for rule in rules]
        assert told
        assert told == [each for each in real if each in told]


def test_the_example_is_a_policy():
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    said = YAML(typ="safe").load(example[1])["policy"]
    terms = PolicyTerms.model_validate(said)
    assert terms.model_fields_set == set(PolicyTerms.model_fields) - {"incident"}


def test_every_reason_of_the_contract_is_explained():
    page = (DOCS / "api.md").read_text()
    table = page[page.index("| reason | meaning |") : page.index("**`reachability`**")]
    assert set(re.findall(r"`(\w+)`", table)) >= {reason.value for reason in Reason}
