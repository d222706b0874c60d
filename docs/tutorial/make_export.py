"""Make the export of the tutorial: what the ERP of a supplier of packaging, Nordhafen, tells of its sales.

Its customers are those of a simulated market under the usual key account program, so that the laws in it are those of
a book: few large customers, orders by size, arrivals and leavers, a season. The names are made up. Run it from the
root of the project; the same version of kamsim makes the same file:

    python docs/tutorial/make_export.py docs/tutorial/nordhafen_sales.csv
"""

import datetime
import sys
from pathlib import Path

import numpy as np

import kamsim

ACCOUNTS, YEARS, FIRST_YEAR, SEED = 90, 4, 2022, 41
MEDIAN_CATEGORY_SPEND = 260_000.0  # EUR a year, of all suppliers
GROUPS = ("Alster-Gruppe", "Borwin Holding", "Kjaer Group", "Stellmacher Gruppe", "Vanderhout Beheer")
PLACES = (
    "Ahlbeck", "Bremen", "Celle", "Dokkum", "Emden", "Flensburg", "Göttingen", "Husum", "Itzehoe", "Jülich", "Köln",
    "Lübeck", "Münster", "Neuss", "Oldenburg", "Passau", "Quedlinburg", "Rostock", "Soest", "Trier", "Ulm", "Verden",
)  # fmt: skip
FAMILIES = (
    "Adamczyk", "Böhme", "Claasen", "Dörfler", "Eggers", "Fröhlich", "Grünwald", "Hinrichs", "Iversen", "Jürgens",
    "Köster", "Lütjens", "Meinhardt", "Niebuhr", "Ohlendorf", "Petersen", "Quandt", "Rüther", "Schäfer", "Thomsen",
)  # fmt: skip
TRADES = (
    "Backwaren", "Feinkost", "Fischwerke", "Getränke", "Kaffeerösterei", "Konserven", "Kosmetik", "Molkerei",
    "Pharma", "Saatgut", "Süßwaren", "Teekontor", "Tiernahrung", "Versand",
)  # fmt: skip
FORMS = ("GmbH", "GmbH & Co. KG", "AG", "KG", "e. K.", "SE")
MANAGERS = ("Frauke Behn", "Henning Ott", "Mirja Söderlund", "Jan-Ole Tietz")
NO_SALES = (
    ("Order", "Cancelled", 9, 9_000_000), ("Quotation", "Lost", 14, 9_000_000), ("Quotation", "Open", 6, 9_000_000),
    ("Invoice", "Posted", 17, 60_000),
)  # fmt: skip
HEADER = (
    "Customer No.", "Customer Name", "Parent Account", "Customer Segment", "Account Manager", "Document",
    "Document Type", "Posting Date", "Status", "Net Amount", "Currency",
)  # fmt: skip


def main(path: Path) -> None:
    """Simulate, write down what was bought as documents, and spoil it as reports of an ERP do."""
    generator = np.random.default_rng(SEED)
    spend, tier, kam = simulated()
    documents, names = documents_of(spend, generator), names_of(len(spend))
    lines = [line_of(number, document, tier, kam, names) for number, document in enumerate(documents)]
    total = sum(document[3] for document in documents)
    above = ["Nordhafen Verpackungen GmbH", "Sales by document, 01.01.2022 - 31.12.2025", ""]
    below = [";".join(("Grand Total", *[""] * 8, german(total), "EUR")), "", "Report SD-412, printed 09.01.2026 07:12"]
    # Windows and its code page 1252: what a German system exports to this day.
    path.write_bytes("".join(f"{line}\r\n" for line in (*above, ";".join(HEADER), *lines, *below)).encode("cp1252"))


def simulated() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What customers spent by quarter in EUR, (customers, quarters), their tier and their manager at the end."""
    scenario = kamsim.load_scenario("steady").changed(
        world={"accounts": ACCOUNTS, "median_wallet": MEDIAN_CATEGORY_SPEND, "accounts_per_kam": 4.0},
        tiers={"ordered": {"key": {"seats": 9}, "strategic": {"seats": 3}}},
        timeline={"history_years": 2, "warmup_years": 1, "window_years": YEARS - 1},
    )
    world = kamsim.draw_world(scenario, seed=SEED)
    run = kamsim.simulate(world, scenario, trace=True)
    spend = MEDIAN_CATEGORY_SPEND * run.trace.accounts["spend"][-4 * YEARS :].T
    bought = spend.sum(axis=1) >= 100.0
    last = run.history.accounts[-1]
    return spend[bought], last["tier"][bought], last["kam"][bought]


# ---------------------------------------------------------------- documents

Document = tuple[int, datetime.date, str, int, str]  # customer, day, kind, cents, status


def documents_of(spend: np.ndarray, generator: np.random.Generator) -> list[Document]:
    """Invoices and credit notes that net to what was bought, by day; and documents that are no sales."""
    documents: list[Document] = []
    for customer, quarters in enumerate(spend):
        for quarter, amount in enumerate(quarters):
            if amount >= 50.0:
                documents += invoices(customer, quarter, round(100 * amount), generator)
    # Offers that were lost or are open, cancelled orders, and sales over the counter that no customer stands behind.
    for kind, status, number, most in NO_SALES:
        for _ in range(number):
            who = -1 if kind == "Invoice" else int(generator.integers(len(spend)))
            day, cents = day_in(int(generator.integers(4 * YEARS)), generator), int(generator.integers(4_000, most))
            documents.append((who, day, kind, cents, status))
    return sorted(documents, key=lambda document: document[1])


def invoices(customer: int, quarter: int, cents: int, generator: np.random.Generator) -> list[Document]:
    """Documents of a customer in a quarter, one in twenty of them corrected by a credit note."""
    number = 1 + int(generator.poisson(0.4 + min(1.6, cents / 4e6)))
    parts = np.round(generator.dirichlet(np.full(number, 3.0)) * cents).astype(int)
    parts[-1] += cents - parts.sum()
    found: list[Document] = []
    for part in parts.tolist():
        returned = round(part * 0.1) if generator.random() < 0.05 else 0
        day = day_in(quarter, generator)
        found.append((customer, day, "Invoice", part + returned, "Posted"))
        if returned:
            found.append((customer, day, "Credit Note", -returned, "Posted"))
    return found


def day_in(quarter: int, generator: np.random.Generator) -> datetime.date:
    """Find a day of a quarter, counted from the first of the export."""
    month = 3 * (quarter % 4) + 1 + int(generator.integers(3))
    return datetime.date(FIRST_YEAR + quarter // 4, month, 1 + int(generator.integers(28)))


# ---------------------------------------------------------------- as an ERP writes it


def names_of(customers: int) -> list[tuple[str, str, str]]:
    """Number, name and parent of each customer; one in four belongs to a group."""
    own = np.random.default_rng(SEED + 1)
    names: dict[str, tuple[str, str, str]] = {}
    while len(names) < customers:
        family, trade, place = (words[int(own.integers(len(words)))] for words in (FAMILIES, TRADES, PLACES))
        name = f"{family} {trade} {place if own.random() < 0.3 else ''}".strip()
        name = f"{name} {FORMS[int(own.integers(len(FORMS)))]}"
        parent = GROUPS[int(own.integers(len(GROUPS)))] if own.random() < 0.25 else ""
        names.setdefault(name, (f"{10_000 + 37 * len(names):07d}", name, parent))
    return list(names.values())


def line_of(
    place: int, document: Document, tier: np.ndarray, kam: np.ndarray, names: list[tuple[str, str, str]]
) -> str:
    """Write a document as a line of the report."""
    customer, day, kind, cents, status = document
    number, name, parent = names[customer] if customer >= 0 else ("", "", "")
    segment = ("", "Key Account", "Strategic")[max(0, int(tier[customer]))] if customer >= 0 else ""
    manager = MANAGERS[int(kam[customer]) % len(MANAGERS)] if segment else ""
    cells = (
        number,
        name,
        parent,
        segment,
        manager,
        f"{90_000_000 + 11 * place}",
        kind,
        f"{day:%d.%m.%Y}",
        status,
        german(cents),
        "EUR",
    )
    return ";".join(cells)


def german(cents: int) -> str:
    """Write an amount as SAP does: dots for thousands, a comma for cents, the minus behind."""
    text = f"{abs(cents) / 100:,.2f}".translate(str.maketrans(",.", ".,"))
    return f"{text}-" if cents < 0 else text


if __name__ == "__main__":
    main(Path(sys.argv[1]))
