"""One phone for each behaviour, so that a newcomer can try them all at once."""

from sandbox.specs import Behaviour, NumberSpec

# A little unevenness makes a demo look alive; the seed keeps it the same.
_JITTER = 0.25

NUMBERS: tuple[NumberSpec, ...] = tuple(
    NumberSpec(number=number, behaviour=behaviour, name=name, jitter=_JITTER)
    for number, behaviour, name in (
        ("+79005550101", Behaviour.REACHABLE, "Анна Смирнова"),
        ("+79005550102", Behaviour.NOT_ON_WHATSAPP, "Борис Котов"),
        ("+79005550103", Behaviour.NOT_ON_WHATSAPP_AFTER_SENT, "Вера Лужина"),
        ("+79005550104", Behaviour.OFFLINE, "Глеб Орлов"),
        ("+79005550105", Behaviour.LATE, "Дарья Белова"),
        ("+79005550106", Behaviour.DUPLICATES, "Егор Жуков"),
        ("+79005550107", Behaviour.REORDER, "Жанна Зимина"),
        ("+79005550108", Behaviour.THROTTLED, "Зоя Ильина"),
        ("+79005550109", Behaviour.SLOW, "Иван Крылов"),
        ("+79005550110", Behaviour.BREAKS, "Клара Лис"),
        ("+79005550111", Behaviour.SILENT, "Лев Мороз"),
        ("+79005550112", Behaviour.BLOCKED, "Мила Нестерова"),
        ("+79005550113", Behaviour.ECOSYSTEM, "Олег Панин"),
        ("+77015550114", Behaviour.REACHABLE, "Айгерим Сапарова"),
        ("+5531987650115", Behaviour.REACHABLE, "João Almeida"),
        ("+447400555016", Behaviour.REACHABLE, "Grace Hopkins"),
    )
)


def by_behaviour() -> dict[str, str]:
    """The first preset number of each behaviour, for `demo.json` and for tests."""
    found: dict[str, str] = {}
    for spec in NUMBERS:
        found.setdefault(spec.behaviour.value, spec.number)
    return found
