"""What a parcel costs: the tariff, and what is wrong with a parcel that has no price."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
LONGEST = 200
HEAVIEST = Decimal(30)


@dataclass(frozen=True)
class Zone:
    """Where a parcel goes: the price for the first kilogram, for each further one, and the days."""

    first: Decimal
    further: Decimal
    days: int


ZONES = {
    "domestic": Zone(Decimal("4.90"), Decimal("0.80"), 2),
    "europe": Zone(Decimal("11.50"), Decimal("2.10"), 4),
    "world": Zone(Decimal("24.00"), Decimal("6.40"), 9),
}
EXPRESS = Decimal("1.75")


class InvalidParcelError(ValueError):
    """A parcel that cannot be sent; `problems` tells for each field why."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {why}" for field, why in problems.items()))
        self.problems = problems


def quote(parcel: Any) -> dict[str, Any]:
    """Return the price of a parcel, as JSON's numbers and words.

    A parcel has `weight_kg`, `length_cm`, `width_cm`, `height_cm`, a `zone`, and may be `express`.
    Large light parcels are charged as if they weighed a kilogram per five litres.
    """
    problems: dict[str, str] = {}
    if not isinstance(parcel, dict):
        raise InvalidParcelError({"parcel": "give a JSON object"})
    for name in sorted(set(parcel) - KNOWN):
        problems[name] = "is not known"
    weight = _number(parcel, "weight_kg", HEAVIEST, problems)
    sides = [_number(parcel, name, Decimal(LONGEST), problems) for name in SIDES]
    zone = parcel.get("zone")
    if not isinstance(zone, str) or zone not in ZONES:
        problems["zone"] = f"choose one of {', '.join(ZONES)}"
    express = parcel.get("express", False)
    if not isinstance(express, bool):
        problems["express"] = "give true or false"
    if problems:
        raise InvalidParcelError(problems)
    return _priced(weight, sides, ZONES[str(zone)], express=bool(express))


SIDES = ("length_cm", "width_cm", "height_cm")
KNOWN = {"weight_kg", "zone", "express", *SIDES}


def _number(parcel: dict[str, Any], name: str, most: Decimal, problems: dict[str, str]) -> Decimal:
    value = parcel.get(name)
    # True is a number to Python, and NaN is one to JSON's parser.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        problems[name] = "give a number"
        return Decimal(0)
    if not 0 < value <= most:
        problems[name] = f"give more than 0 and at most {most}"
        return Decimal(0)
    return Decimal(str(value))


def _priced(weight: Decimal, sides: list[Decimal], zone: Zone, *, express: bool) -> dict[str, Any]:
    charged = max(weight, sides[0] * sides[1] * sides[2] / 5000)
    further = max(Decimal(0), charged - 1)
    price = zone.first + zone.further * further.to_integral_value(rounding="ROUND_CEILING")
    if express:
        price *= EXPRESS
    return {
        "price": str(price.quantize(CENT, rounding=ROUND_HALF_UP)),
        "currency": "EUR",
        "charged_weight_kg": str(charged.quantize(CENT, rounding=ROUND_HALF_UP)),
        "days": 1 if express else zone.days,
    }
