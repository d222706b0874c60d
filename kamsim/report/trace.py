"""The elements of TRACE, the standard of documenting a model for those who decide by it, each with where to see it.

TRAnsparent and Comprehensive model Evaluation: Grimm et al. 2014, Ecological Modelling 280, 129-139.
"""

from typing import NamedTuple


class Element(NamedTuple):
    """An element of TRACE: its name in the standard, and a paragraph of Markdown."""

    name: str
    says: str


TRACE: tuple[Element, ...] = (
    Element(
        "Problem formulation",
        "Which key account program does better, by how much and how surely: which accounts to elevate, how functions "
        "are aligned, what is agreed with customers, when accounts leave the program, how large it is. It is asked by "
        "those who design such programs at suppliers with dozens to thousands of accounts, and by those who teach it. "
        "Answers are differences between programs over some ten years, on average over many simulated suppliers. "
        "Competitors who act are not in the model; contracts, tenders and people who leave on the customer's side are "
        "off unless a scenario turns them on. Where these decide, do not ask the defaults.",
    ),
    Element(
        "Model description",
        "`docs/odd.md` follows the ODD protocol, and lists what the specification left open and where the model "
        "departs from it. `kamsim/model/plan.py` has the order of events; each rule is one function in `kamsim/rules`; "
        "each parameter stands below with range, unit and source. `docs/version_1.md` says which answers of the first "
        "model changed, and why.",
    ),
    Element(
        "Data evaluation",
        "How customers buy, grow, come and leave is fitted to two real account books, those of a wholesaler of "
        "spirits and one of gifts (`kamsim/evidence/book_facts.toml`). The default market keeps within the range of "
        "these two, but for what `tests/test_world_facts.py` names, and knows of no other trade; how near it is to "
        "yours, `kamsim validate --accounts` tells. What programs do is fitted to one press release about a survey of "
        '69 chief sales officers, whose questions are not known; how its "51 % less likely" is understood is a '
        "choice made here. About money hardly anything is published: gross margin, concessions, the cost of hours, "
        "support, elevations and of serving accounts have wide ranges. That programs pay on average is no finding: the "
        "fit was made so, after a survey of firms that prioritize customers (Homburg, Droll & Totzek 2008).",
    ),
    Element(
        "Conceptual model evaluation",
        "The direction of some conclusions is built in: a cross-functional team makes functions commit more and "
        "estimates accounts better, talks with customers tell their fit better, trust and collaboration raise the "
        "share of wallet, a rebuild selects anew by the same criteria and tires functions. How much each is worth "
        "against what it costs is a result. Managers and customers follow rules of thumb; nobody foresees what others "
        "will do, or games a rule. Rules that nothing broke without were taken out, and `docs/odd.md` lists them.",
    ),
    Element(
        "Implementation verification",
        "Two drivers, Mesa agents and a compiled ensemble, play the same rules and agree to the last bit "
        "(`tests/test_drivers.py`). Rules and laws are held against numbers worked out by hand "
        "(`tests/test_rules.py`); money, hours and seats add up in random scenarios (`tests/test_conservation.py`); "
        "neither a policy nor one more account changes any other draw (`tests/test_world.py`). `tests/mutants.py` "
        "plants faults and counts those that no test notices.",
    ),
    Element(
        "Model output verification",
        "For suppliers that no fit has seen, the four published figures (58 %, 46 %, 51 % and 3 x, below) come out "
        "within their tolerance, and most parameter sets of the posterior fit again (`tests/test_emergence.py`); "
        "`docs/calibration.md` has the figures, and where the evidence pulls apart. All four were fitted to, the 51 % "
        "in one reading, with many more free parameters than figures: that they come out shows what the model can do, "
        "and corroborates nothing.",
    ),
    Element(
        "Model analysis",
        "`kamsim explain` takes figures apart, `kamsim sensitivity` tells what an answer depends on, `kamsim discover` "
        "where a policy fails, and `kamsim compare --uncertainty` which rankings hold, also with assumed values moved. "
        "Each finds what was planted, or known beforehand (`tests/test_explain.py`, `tests/test_sensitivity.py`, "
        "`tests/test_discovery.py`, `tests/test_uncertainty.py`, `tests/test_statistics.py`).",
    ),
    Element(
        "Model output corroboration",
        "There is little. Of the patterns that `kamsim validate` shows, retention and growth by size and the sales of "
        "the largest accounts were used in fitting the market, how many rebuild at least once and what a departing KAM "
        "costs in fitting programs. Not fitted to are, among others, who is new at the top, how steady buyers grow, "
        "and whether demotion hurts more than promotion helps; known beforehand were these too. No forecast of kamsim "
        "has been held against what became of a real program.",
    ),
)
