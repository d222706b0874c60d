"""Context of use of each command that plays: which question it may answer, on what evidence, and what it is not for.

Said here once: the help of commands and ``docs/evidence.md`` are made from it.
"""

from typing import NamedTuple


class ContextOfUse(NamedTuple):
    """What a command may be used for; each text goes on from its label and ends with a period."""

    may_answer: str
    rests_on: str
    not_for: str


LABELS = ContextOfUse("May answer", "Rests on", "Not for")

NEVER = (
    "No command foretells a year, an account or a person. Neither a manager's quota or bonus, nor the elevation or "
    "demotion of a named customer, nor anybody's job may rest on a figure of kamsim. A firm that can try a change with "
    "some of its accounts first learns more from that trial."
)

# By the words that are typed after `kamsim`.
CONTEXTS: dict[str, ContextOfUse] = {
    "run": ContextOfUse(
        "what one simulated organization goes through, year by year: sales, quotas, rebuilds, managers who leave.",
        "the rules, and one draw of luck (`--seed`).",
        "judging a policy: another seed may tell the opposite.",
    ),
    "compare": ContextOfUse(
        "which of several policies earns more, against no program or another policy, from which terms, and at which "
        "gross margin and price concessions it breaks even.",
        "the same drawn worlds for all policies, at the best fit, then at every parameter set that fits. Whether a "
        "policy pays hangs on prices and costs that nobody has published: give your own with `--set`.",
        "a profit plan, for no overhead is in any figure; a verdict at default prices; a ranking that it calls "
        "undecided; whether programs pay at all.",
    ),
    "compare --uncertainty": ContextOfUse(
        "which differences hold whatever the parameters that fit the evidence, what a wrong choice would cost, and on "
        "which assumed values the answer leans.",
        "the posterior: parameter sets that bring forth the published survey within its sampling error, in one reading "
        "of its 51 %, and whose programs pay on average.",
        "the chance that a policy works in a firm: percentages count parameter sets of this model, and what it leaves "
        "out is in none of them. Nor for whether programs pay at all, which was asked of the sets.",
    ),
    "compare --accounts": ContextOfUse(
        "how far an answer changes with the sizes, trend and volatility of your own book (`run` and `sweep` alike).",
        "what your file tells of each account, every assumption noted. What it does not tell (wallet, share, fit, "
        "trust, cost to serve) is drawn, and customers come and leave as in the default world, or in that of "
        "`--world`.",
        "picking accounts: which of them looks promising is mostly drawn by lot, and another in the next world.",
    ),
    "survey": ContextOfUse(
        "what the published survey would find among simulated organizations, in each reading of its 51 %, and how far "
        "samples of its size differ by luck.",
        "a population whose mix of policies is assumed, and a fit to these very figures.",
        "proving the model right, a benchmark for a firm, or advice: what goes together in a survey need not be what a "
        "program does.",
    ),
    "explain": ContextOfUse(
        "which part of a published figure is an effect of the program, in this model, and which comes from who is "
        "chosen, compared or lucky; and what each choice of a program adds to total profit, by which term.",
        "twins: the same world played again with one thing changed. No such split was fitted to, for none is "
        "published; what parts do only together is shared out by convention.",
        "saying what caused the answers of the firms that were asked: other rules that fit as well may split them "
        "otherwise.",
    ),
    "validate": ContextOfUse(
        "which known patterns of accounts and programs a scenario shows or misses, and with `--accounts` which of "
        "those of your own book.",
        "published figures and two real books, many of which the fit has used as well.",
        "a seal of approval: no pattern is a firm that changed its policy, so a world may show all of them and still "
        "answer wrongly.",
    ),
    "calibrate": ContextOfUse(
        "which values bring forth the published figures, in the reading you choose, and which of them the evidence "
        "tells at all; with `--world`, which make a world like the two known books.",
        "the sampling error of so small a survey, and plausible ranges; the posterior prefers no value within them.",
        "measuring a firm: a fitted turnover or margin is what makes this model agree, and nobody's turnover or "
        "margin.",
    ),
    "sweep": ContextOfUse(
        "how a measure changes with levers and conditions, alone and together.",
        "the same worlds at every point; what is not varied stays at its default, however uncertain that is.",
        "naming an optimum: the best of many points is partly the luckiest, unless `--confidence` separates it, and "
        "beyond the levels played nothing is known.",
    ),
    "sensitivity": ContextOfUse(
        "on which uncertain parameters the gain of a policy, or another measure, hangs: what to find out first.",
        "the range of each parameter, by default where most sets of the posterior lie, in which all values are equally "
        "likely and independent; a wider range weighs more.",
        "how likely an outcome is, or what to change in a firm: most parameters are nobody's to choose.",
    ),
    "discover": ContextOfUse(
        "under which few conditions a policy does worse than another, or misses a threshold.",
        "cases spread evenly over the ranges that are varied, by default those of the posterior, each parameter by "
        "itself; and a check on cases that were left out of the search.",
        "the probability that it fails, for no firm was drawn from these ranges; nor for safety outside of the corner "
        "that is found.",
    ),
}


def contexts_of(command: str) -> dict[str, ContextOfUse]:
    """Contexts of use of a command by the words that are typed: its own, then those of its options."""
    return {words: context for words, context in CONTEXTS.items() if words.partition(" ")[0] == command}
