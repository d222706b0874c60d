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
        "what one simulated supplier goes through, year by year: sales, quotas, rebuilds, managers who leave.",
        "the rules, and one draw of luck (`--seed`).",
        "judging a program: another seed may tell the opposite.",
    ),
    "compare": ContextOfUse(
        "which of several programs earns more, against no program or another one; from which lines of profit; at which "
        "gross margin and price concessions it breaks even.",
        "the same market scenarios for all programs, at the best fit, then at every parameter set that fits. Whether a "
        "program pays depends on prices and costs that nobody has published: give your own with `--set`.",
        "a profit plan, for no overhead is in any figure; a verdict at default prices; a ranking that it calls "
        "undecided; whether programs pay at all.",
    ),
    "compare --uncertainty": ContextOfUse(
        "which differences hold for all parameters that fit the evidence, what a wrong choice would cost, and on which "
        "assumed values the answer depends.",
        "the posterior: parameter sets that reproduce the published survey within its sampling error, in one meaning "
        "of its 51 %, and whose programs pay on average.",
        "the chance that a program works in a firm: percentages count parameter sets of this model, and what it leaves "
        "out is in none of them. Nor for whether programs pay at all: sets were chosen so.",
    ),
    "compare --accounts": ContextOfUse(
        "how far an answer changes with your own accounts: their history, and how they order, grow, come and leave "
        "(also in every other command that plays).",
        "what your file tells of each account, every assumption noted, in a market fitted to it. What it does not tell "
        "(category spend, share of wallet, fit, trust, cost to serve) is drawn at random.",
        "picking accounts: which of them looks promising is mostly drawn at random, and differs between market "
        "scenarios.",
    ),
    "decide": ContextOfUse(
        "which program your own accounts are expected to gain most from, at what risk; which accounts it makes "
        "key by what is read of them; and what to find out before.",
        "your file; parameter sets that fit the evidence; draws of what neither tells. Probabilities count these cases "
        "of this model.",
        "the last word on a name: where share of wallet and fit are drawn, who is picked by them is picked by chance, "
        "and the list says how surely; or on profit at prices that are not yours.",
    ),
    "survey": ContextOfUse(
        "what the published survey would find among simulated suppliers, in each meaning that its 51 % may have, and "
        "how far samples of its size differ by luck.",
        "an assumed mix of suppliers, and a fit to these very figures.",
        "proving the model right, a benchmark for a firm, or advice: what goes together in a survey need not be what a "
        "program does.",
    ),
    "explain": ContextOfUse(
        "which part of a published figure is an effect of the program, in this model, and which comes from accounts "
        "chosen or compared, or from luck; what each choice of a program adds to profit, by line of profit.",
        "counterfactuals (twins): the same market scenario played again with one thing changed. No such split was "
        "fitted to; what parts do only together is shared out by convention.",
        "saying what caused the answers of the firms that were asked: other rules that fit as well may split them "
        "otherwise.",
    ),
    "validate": ContextOfUse(
        "which known facts about accounts and programs a scenario shows or misses, and with `--accounts` which facts "
        "of your own accounts.",
        "published figures and two real account books, many of which were used in the fit as well.",
        "a seal of approval: no fact is about a firm that changed its program, so a scenario may show all of them and "
        "still answer wrongly.",
    ),
    "calibrate": ContextOfUse(
        "which values reproduce the published figures, in the meaning of the 51 % that you choose, and which values "
        "the evidence tells at all; with `--world`, which make a market like that of the two real account books.",
        "the sampling error of so small a survey, and plausible ranges, within which no value is preferred.",
        "measuring a firm: a fitted turnover or margin is what makes this model agree with the survey, and nobody's "
        "turnover or margin.",
    ),
    "sweep": ContextOfUse(
        "how a measure changes with levers and conditions, alone and together.",
        "the same market scenarios for every variant; what is not varied stays at its default, however uncertain that "
        "is.",
        "naming an optimum: the best of many variants is partly the luckiest, unless `--confidence` tells it from the "
        "others, and beyond the values played nothing is known.",
    ),
    "optimize": ContextOfUse(
        "which programs, of all that may be chosen within honest ranges, earn more than those that ship, at how many "
        "missed quotas and what investment.",
        "one search in the same market scenarios for all; its winners are told again by luck and parameter sets that "
        "it never saw. What costs nothing in this model, or buys nothing, goes to an end of its range.",
        "copying a program digit by digit: many near it do as well; or a choice whose use is only assumed here, such "
        "as an incubator's.",
    ),
    "sensitivity": ContextOfUse(
        "on which uncertain parameters the gain of a program, or another measure, depends: what to find out first.",
        "the range of each parameter, by default where most sets lie that fit the evidence. All values in it are taken "
        "as equally likely and independent; a wider range weighs more.",
        "how likely an outcome is, or what to change in a firm: most parameters are nobody's to choose.",
    ),
    "discover": ContextOfUse(
        "under which few conditions a program does worse than another, or misses a threshold.",
        "combinations of values spread evenly over the ranges that are varied, by default those of the posterior; and "
        "a check on combinations that were left out of the search.",
        "the probability that it fails, for no firm was drawn from these ranges; nor for safety where the conditions "
        "found do not hold.",
    ),
}


def contexts_of(command: str) -> dict[str, ContextOfUse]:
    """Contexts of use of a command by the words that are typed: its own, then those of its options."""
    return {words: context for words, context in CONTEXTS.items() if words.partition(" ")[0] == command}
