"""The text of mistakes that no spec and no search alone brings about, word for word: a command for
each code. The others are in tests/diagnostics/bad and in tests/cli/golden.

``ARCHDSL_GOLDEN=write pytest tests/cli`` writes the texts anew; read the difference.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archdsl.diagnostics import codes

TESTS = Path(__file__).parents[1]
STUDY = TESTS.parent / "docs" / "examples" / "small.study"
FILES = {
    "net.arch": """arch net(width = 8 in {8, 16})
input 1x8x8
stem: conv(width, 3) -> relu
head: global_avgpool -> linear(10)
""",
    "pair.arch": "arch pair\ninput a: 1x8x8, b: 1x8x8\nbranch add { a; b }\n",
    "single.arch": "arch single\ninput 1x8x8\nconv(4, 8, pad = 0) -> bn -> linear(10)\n",
    "long.arch": "arch long\ninput 8x32x32\nfor i in 1..1600 { relu }\n",
    "deep.arch": "arch deep\ninput 8x32x32\n"
    + "".join(f"block b{i} {{ conv({i}, 3) -> relu }}\nb{i}\n" for i in range(8, 12)),
    "keras.arch": "arch keras\ninput 32x32x3\nconv(32, 16, 3, pad = 8) -> relu\n",
    "net.search": """search net
spec "net.arch"
vary width in {8, 16}
data digits
train epochs = 9, schedule = one_cycle
prune hyperband
trials 2
""",
    "recorded.search": """search recorded
spec "net.arch"
vary width in {8, 16}
train with table "table.csv", epochs = 1
trials 2
""",
    "warned.arch": """arch warned(width = 12 in {8, 12}, unused = 1 in 1..2)
input 1x3x32x32
block b(x) { conv(8, 1, bias = false, bias_init = zeros) -> x }
maxpool(2, stride = 3) -> conv(width, 3) -> bn
b(conv(in.channels, 1))
output early { linear(10) }
global_avgpool -> linear(10) -> softmax
""",
    "large.arch": """arch large
input 3x8x8
for i in 1..4001 { conv(1 + i % 7, 1) }
""",
    "damaged.study/trials.db": "damaged",
    "table.csv": "a,b\n1,2\n",
    "results.csv": "network;accuracy\n",
    "damaged.pt": "damaged",
    "damaged.pt2": "damaged",
    "damaged.onnx": "damaged",
    "models.py": """import time
import urllib.request

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1)

    def forward(self, x):
        return self.conv(x)


class Fails(Net):
    def forward(self, x):
        return self.conv(x[:, :2])


class Sleeps(Net):
    def forward(self, x):
        time.sleep(60)


class Odd(Net):
    def forward(self, x):
        return torch.sin(self.conv(x))


class Asks(Net):
    def forward(self, x):
        return self.conv(x) if x.sum() > 0 else x


class AsksBatch(Net):
    def forward(self, x):
        return self.conv(x) * len(x)


class Nothing(nn.Module):
    def forward(self, x):
        return x + 1


class Changes(Net):
    def forward(self, x):
        return self.conv(x).relu() if self.training else self.conv(x)


class Downloads(Net):
    def __init__(self):
        super().__init__()
        urllib.request.urlopen("http://example.org/weights.pt")


class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x).relu()
""",
}
MODEL = "--input 3x8x8 --allow-python"

COMMANDS = {
    "A515": "fit net.arch --macs 100K",
    "A516": "fit net.arch --macs 100K --params 5K --by width",
    "A517": "fit net.arch --macs lots --by width",
    "A601": "draw net.arch -o net.pdf",
    "A663": "import damaged.onnx",
    "A711": "verdict nothing.study",
    "A714": "verdict damaged.study",
    "A720": "search net.search --study small.study",
    "A732": "search recorded.search",
    "A901": "draw net.arch -o net.gif",
    "A902": "summary 'resnet(34)'",
    "A903": "compare unet -o costs.svg",
    "A904": "compare net.arch --results results.csv",
    "A905": "compare resnet --chart contours --over depth -o costs.svg",
    "A906": "draw large.arch -o large.svg",
    "A907": "draw pair.arch --volumes -o pair.svg",
    "A908": "draw deep.arch --within 12x900 -o deep.svg",
    "A909": "draw long.arch -o long.png",
    "A971": "check warned.arch --gpu",
    "A978": "check net.search",
    "A980": "check keras.arch",
}
SLOW = {
    "A602": "compile net.arch --weights damaged.pt -o net.pt2",
    "A651": "import models.py:Nett --input 3x8x8 --allow-python",
    "A652": f"import models.py:Fails {MODEL}",
    "A653": f"import models.py:Sleeps {MODEL} --timeout 5",
    "A654": f"import models.py:Odd {MODEL}",
    "A655": f"import models.py:Asks {MODEL}",
    "A656": f"import models.py:AsksBatch {MODEL}",
    "A657": f"import models.py:Nothing {MODEL}",
    "A658": f"import models.py:Downloads {MODEL}",
    "A660": "import models.py:Net --input 3x8x8",
    "A661": f"import models.py:Changes {MODEL}",
    "A665": f"import models.py:Odd {MODEL} --partial -o odd.arch",
    "A667": f"import models.py:Net models.py:Other {MODEL} -o family.arch",
    "A806": "train single.arch --data digits --recipe 'batch = 1'",
    "A807": "train net.arch --data digits --resume --checkpoint damaged.pt",
    "A808": "train net.arch --data digits --checkpoint damaged.pt",
    "A821": "predict damaged.pt net.arch",
    "A823": "train net.arch --data digits --freeze nothing",
}


@pytest.mark.parametrize(
    "code", [*COMMANDS, *(pytest.param(code, marks=pytest.mark.slow) for code in SLOW)]
)
def test_its_text(
    code: str,
    run: Any,
    golden: Callable[[str, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, "utf-8")
    shutil.copytree(STUDY, "small.study")
    shutil.copy(STUDY / "study.json", "damaged.study")
    if code == "A601":
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    command = (COMMANDS | SLOW)[code]
    ran = run(*shlex.split(command))
    assert f"[{code}]" in ran.err + ran.out
    text = f"$ archdsl {command}\n{ran.out}------ {ran.code}\n{ran.err}"
    golden(f"mistake_{code}.txt", text.replace(str(tmp_path), "HERE"))


# What no short command brings about; the tests that read these texts are beside each.
ELSEWHERE = {
    "A009": "graph/test_verify.py",  # of the Python interface
    "A603": "backend/test_transfer.py",
    "A604": "cli/test_compile_command.py",
    "A608": "backend/test_own_modules.py",
    "A609": "backend/test_own_modules.py",
    "A659": "importing/test_import_module.py",  # a fault of archdsl's own
    "A662": "importing/test_import_module.py",
    "A664": "importing/test_import_partial.py",
    "A668": "importing/test_import_strange.py",
    "A669": "importing/test_import_ungraded.py",
    "A712": "search/test_going_on.py",
    "A713": "search/test_nothing_lost.py",
    "A715": "search/test_nothing_lost.py",
    "A716": "search/test_asking.py",
    "A717": "search/test_search_commands.py",
    "A718": "report/test_report_live.py",
    "A731": "search/test_own_training.py",
    "A733": "search/test_ray.py",
    "A804": "training/test_datasets.py",
    "A809": "training/test_loop.py",
    "A810": "training/test_loop.py",
    "A822": "cli/test_model_cards.py",
    "A825": "training/test_scores.py",
}


def test_every_code_has_its_text() -> None:
    texts = [*TESTS.glob("*/golden/*.txt"), *TESTS.glob("diagnostics/*/*.err")]
    texts += TESTS.glob("diagnostics/expected/*.txt")
    told = {c for t in texts for c in re.findall(r"\[(A\d{3})\]", t.read_text("utf-8"))}
    assert sorted(codes.ALL.keys() - told) == sorted(ELSEWHERE)
    unread = [c for c, path in ELSEWHERE.items() if c not in (TESTS / path).read_text("utf-8")]
    assert unread == []
