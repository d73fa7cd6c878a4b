"""What the trained networks say: wider or deeper, by how much, and how sure that is."""

from archdsl.verdict.answer import Verdict, words
from archdsl.verdict.exchange import from_json, to_json
from archdsl.verdict.judge import judge
from archdsl.verdict.results import Arm, Question, Result
from archdsl.verdict.settled import choose_arms, to_settle

__all__ = [
    "Arm",
    "Question",
    "Result",
    "Verdict",
    "choose_arms",
    "from_json",
    "judge",
    "to_json",
    "to_settle",
    "words",
]
