"""The sample shows and tickets of `make seed`. The artists and venues do not exist."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

TICKETS_PER_SHOW: Final = 5
SHARES_OF_FACE_VALUE: Final = (1, 1, 0.9, 0.8, 0.8)


@dataclass(frozen=True)
class SampleShow:
    """A show in some weeks.

    Attributes:
        name: its name.
        category: its category.
        place: its venue, city, country and time zone.
        when: how many weeks ahead, on which weekday, its start in local time, and its hours.
        sections: the section of its better seats, and that of the others.
        face_value: the price printed on the better tickets, in dollars.
    """

    name: str
    category: str
    place: tuple[str, str, str, str]
    when: tuple[int, int, time, int]
    sections: tuple[str, str]
    face_value: int

    def body(self, today: date) -> dict[str, Any]:
        """Return the request that creates the show."""
        venue, city, country, time_zone = self.place
        weeks, weekday, starts, hours = self.when
        day = today + timedelta(weeks=weeks, days=weekday - today.weekday())
        starts_at = datetime.combine(day, starts)
        return {
            "name": self.name,
            "category": self.category,
            "venue": {"name": venue, "city": city, "country": country},
            "timeZone": time_zone,
            "startsAt": starts_at.isoformat(),
            "endsAt": (starts_at + timedelta(hours=hours)).isoformat(),
        }

    def tickets(self) -> Iterator[dict[str, Any]]:
        """Generate the requests that list its tickets: two seats side by side, one, and two."""
        better, other = self.sections
        for n, share in enumerate(SHARES_OF_FACE_VALUE):
            is_better = n < TICKETS_PER_SHOW - 2
            section = better if is_better else other
            face_value = self.face_value if is_better else round(self.face_value * 0.6)
            seat = {"section": section}
            if section != "Standing":
                seat |= {"row": "FFJCC"[n], "seat": str((11, 12, 3, 24, 25)[n])}
            title = f"{self.name}, {section.lower()}"
            yield {
                "title": title if section != "Standing" else f"{title} {n + 1}",
                "price": round(face_value * share, 2),
                "faceValue": face_value,
                "seat": seat,
            }


BERLIN: Final = ("Halle am Ufer", "Berlin", "DE", "Europe/Berlin")
HAMBURG: Final = ("Kontorsaal", "Hamburg", "DE", "Europe/Berlin")
VIENNA: Final = ("Theater am Graben", "Wien", "AT", "Europe/Vienna")
ZURICH: Final = ("Limmatbühne", "Zürich", "CH", "Europe/Zurich")
LONDON: Final = ("Foundry Hall", "London", "GB", "Europe/London")
NEW_YORK: Final = ("Harbor Stage", "New York", "US", "America/New_York")
TOKYO: Final = ("青葉ホール", "東京", "JP", "Asia/Tokyo")
SYDNEY: Final = ("Wattle Arena", "Sydney", "AU", "Australia/Sydney")
WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(2, 7)
SELLERS: Final = {
    "ada@example.com": (
        SampleShow(
            "Nordlicht: Winterreise",
            "concert",
            BERLIN,
            (1, SATURDAY, time(20), 3),
            ("Stalls", "Balcony"),
            48,
        ),
        SampleShow(
            "Die Brieftaube",
            "theatre",
            VIENNA,
            (2, FRIDAY, time(19, 30), 3),
            ("Stalls", "Gallery"),
            62,
        ),
        SampleShow(
            "Cello Suites by Candlelight",
            "concert",
            LONDON,
            (3, THURSDAY, time(19), 2),
            ("Nave", "Aisle"),
            40,
        ),
        SampleShow(
            "Cherry Blossom Jazz",
            "concert",
            TOKYO,
            (4, SUNDAY, time(18), 3),
            ("Floor", "Balcony"),
            75,
        ),
    ),
    "ben@example.com": (
        SampleShow(
            "Harbour Derby",
            "sport",
            HAMBURG,
            (1, SUNDAY, time(15, 30), 2),
            ("East stand", "Standing"),
            55,
        ),
        SampleShow(
            "Riverside Open Air",
            "festival",
            ZURICH,
            (10, FRIDAY, time(16), 54),
            ("Standing", "Standing"),
            160,
        ),
        SampleShow(
            "Harbor Lights Tour",
            "concert",
            NEW_YORK,
            (3, SATURDAY, time(20), 3),
            ("Orchestra", "Mezzanine"),
            95,
        ),
        SampleShow(
            "Southern Cross Sevens",
            "sport",
            SYDNEY,
            (6, SATURDAY, time(12), 8),
            ("Bay 12", "Bay 40"),
            70,
        ),
    ),
    "eve@example.com": (
        SampleShow(
            "Improv Night",
            "comedy",
            BERLIN,
            (1, SATURDAY, time(21), 2),
            ("Front tables", "Standing"),
            18,
        ),
        SampleShow(
            "The Paper Dragon", "family", LONDON, (2, SUNDAY, time(14), 2), ("Stalls", "Circle"), 24
        ),
        SampleShow(
            "Midnight in Brass",
            "concert",
            HAMBURG,
            (5, FRIDAY, time(22), 4),
            ("Gallery", "Standing"),
            32,
        ),
        SampleShow(
            "Short Films, Long Night",
            "other",
            NEW_YORK,
            (2, WEDNESDAY, time(19, 30), 5),
            ("Orchestra", "Balcony"),
            20,
        ),
    ),
}
"""The shows that each seller enters and sells tickets for."""
