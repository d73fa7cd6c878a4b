"""The lowest version of each package that pyproject.toml allows for a search, as pip's constraints.

python .ci/lowest.py > lowest.txt && pip install -c lowest.txt -e '.[search]'
"""

import re
import tomllib
from pathlib import Path

EXTRAS = ("torch", "study", "search")
project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
for needed in (*project["dependencies"], *(p for name in EXTRAS for p in extras[name])):
    if found := re.match(r"([\w-]+)>=([\d.]+)[^;]*(;.*)?$", needed):
        name, lowest, marker = found.groups(default="")
        print(f"{name}=={lowest}{marker}")
