"""What the first view of Conversions costs with many sales in SQLite, against few.

    python -m benchmarks.dashboard [SALES …]        (1000 1000000; the books of a million take a minute or two)

The rows of sales and commissions are written straight into each file; then the page is asked for by turns, as a
signed-in person does, and the ratio is that of the medians, the last books against the first.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from attrs import evolve
from sqlalchemy import insert

from adapters.persistence.queries import micros
from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine, migrate
from adapters.persistence.sqlalchemy.rows import commission_to_row, sale_to_row
from adapters.persistence.sqlalchemy.tables import commissions, sales
from benchmarks.goals import Goal, judged
from refport.ids import TimeOrderedIds
from tests.contract.http.dashboard.people import Person, books, people
from tests.contract.http.host import NOW, SHOP
from tests.contract.persistence.books import a_commission, a_sale

ROUNDS = 40
AT_ONCE = 10_000
SECOND = 1_000_000  # in microseconds
GOALS = {"page": Goal("first view of Conversions, most sales / fewest", 2, at_most=True)}


@contextmanager
def books_of(number: int, folder: Path) -> Iterator[Person]:
    """A person before books with so many sales, a second apart, each with its commission."""
    engine = make_engine(f"sqlite:///{folder}/books-{number}.db")
    migrate(engine)
    sale, commission = sale_to_row(a_sale(scope=SHOP)), commission_to_row(evolve(a_commission(), scope=SHOP))
    begin = micros(NOW) - number * SECOND
    for first in range(0, number, AT_ONCE):
        some = range(first, min(first + AT_ONCE, number))
        times = {place: {"occurred_at": begin + place * SECOND} for place in some}
        with engine.begin() as connection:
            connection.execute(insert(sales), [{**sale, **times[place], "id": f"sale_{place:09}"} for place in some])
            rows = [
                {**commission, **times[place], "id": f"com_{place:09}", "subject_id": f"sale_{place:09}"}
                for place in some
            ]
            connection.execute(insert(commissions), rows)
    unit_of_work = SqlUnitOfWork(engine, TimeOrderedIds())
    with people(unit_of_work=unit_of_work) as crowd:
        yield crowd.person()
    unit_of_work.close()


def seconds(person: Person) -> float:
    began = time.perf_counter()
    answer = person.get(books("conversions"))
    took = time.perf_counter() - began
    assert answer.text.count("data-row=") == 50, answer.status_code
    return took


def main(numbers: list[int]) -> int:
    with TemporaryDirectory() as folder, ExitStack() as open_books:
        persons = {number: open_books.enter_context(books_of(number, Path(folder))) for number in numbers}
        took: dict[int, list[float]] = {number: [] for number in numbers}
        for _ in range(ROUNDS):
            for number, person in persons.items():
                took[number].append(seconds(person))
        for number in numbers:
            print(f"{number:>9,} sales: {median(took[number]) * 1000:.1f} ms", flush=True)
        ratio = median(took[numbers[-1]]) / median(took[numbers[0]])
    return 0 if judged(GOALS, {"page": ratio}) else 1


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]] or [1000, 1_000_000]))
