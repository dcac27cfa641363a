"""A small flow that every test of the bot may bend."""

from collections.abc import Callable

import pytest

from handoff.triage.flow import Flow
from handoff.triage.reading import parse
from handoff.triage.trial import Trial

SHOP = """\
flow: shop
languages: [ru, en]
limits: {max_bot_turns: 20, max_misses: 2, max_visits_per_node: 3}
start: greet
entry: {order_status: ask_order}
nodes:
  greet: {say: t.hello, next: menu}
  menu:
    menu: t.pick_topic
    options:
      - {id: status, text: t.o_status, to: ask_order, topic: order_status}
      - {id: hours, text: t.o_hours, to: hours, tag: asked_hours}
      - {id: human, text: t.o_human, to: handoff}
  ask_order:
    slot: order_no
    ask: t.ask_order
    match: '(?<!\\d)(\\d{6,10})(?!\\d)'
    retries: 1
    else: handoff
    next: orders
  hours: {answer: t.hours, helped: solved, not_helped: handoff, topic: hours}
  delivery: {answer: t.delivery, helped: solved, not_helped: handoff, tag: delivery}
  solved: {end: solved, say: t.glad}
  orders: {handoff: {queue: orders, priority: 2, tags: [with_number]}, say: t.found}
  handoff: {handoff: {queue: support, skill: toys, tags: [from_bot]}}
keywords:
  delivery: {to: delivery, topic: delivery, words: {ru: [достав*, курьер], en: [delivery]}}
  order: {to: ask_order, words: {ru: [мой заказ], en: [my order]}}
texts:
  ru:
    hello: "Это бот магазина. Вы звонили: {line|нам}."
    pick_topic: "Чем помочь?"
    o_status: "Где заказ?"
    o_hours: "Часы работы"
    o_human: "Оператор"
    ask_order: "Какой номер заказа?"
    hours: "С 10 до 22."
    delivery: "За 3 дня."
    glad: "Рад помочь."
    found: "Заказ {order_no|ваш}: зову оператора."
  en:
    hello: "This is the shop's bot. You called {line|us}."
    pick_topic: "How can I help?"
    o_status: "Where is my order?"
    o_hours: "Opening hours"
    o_human: "Operator"
    ask_order: "Which order number?"
    hours: "From 10 to 22."
    delivery: "In 3 days."
    glad: "Glad to help."
    found: "Order {order_no|yours}: calling an operator."
"""


@pytest.fixture
def shop() -> Flow:
    return parse(SHOP)


@pytest.fixture
def bent() -> Callable[..., str]:
    """The shop's file with some passages replaced; each must be there."""

    def bend(*changes: tuple[str, str]) -> str:
        text = SHOP
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return bend


@pytest.fixture
def chat(shop: Flow) -> Trial:
    """A chat whose customer tapped Continue and sees the menu."""
    trial = Trial(shop, context={"line": "Горячая линия"})
    trial.tap("continue")
    return trial
