"""Packs the extension: ``python editors/vscode/pack.py`` writes build/archdsl-VERSION.vsix.

The client of the language server comes from npm; once built, the file installs without a network:
``code --install-extension build/archdsl-0.1.0.vsix``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GRAMMARS = ("arch.tmLanguage.json", "search.tmLanguage.json")
TYPES = """\
<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="json" ContentType="application/json"/>\
<Default Extension="js" ContentType="application/javascript"/>\
<Default Extension="md" ContentType="text/markdown"/>\
<Default Extension="txt" ContentType="text/plain"/>\
<Default Extension="vsixmanifest" ContentType="text/xml"/></Types>
"""


class CannotPack(Exception):
    """What the extension needs is not there."""


def bundle(folder: Path) -> Path:
    """The extension and the client of the language server as one script."""
    npm = shutil.which("npm")
    if npm is None:
        raise CannotPack("npm is not installed, which fetches the client of the language server")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "src.js", "run.js", "chosen.js", "preview.js"):
        shutil.copy(HERE / name, folder)
    if not (folder / "node_modules" / "esbuild").exists():
        run(npm, "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", cwd=folder)
    esbuild = folder / "node_modules" / ".bin" / "esbuild"
    options = ("--bundle", "--platform=node", "--external:vscode", "--minify", "--log-level=error")
    run(str(esbuild), "src.js", *options, "--outfile=extension.js", cwd=folder)
    return folder / "extension.js"


def run(*command: str, cwd: Path) -> None:
    ran = subprocess.run(command, cwd=cwd, text=True, capture_output=True, check=False)
    if ran.returncode:
        raise CannotPack(f"{Path(command[0]).name} fails: {(ran.stderr or ran.stdout)[-500:]}")


def manifest(package: dict[str, Any]) -> str:
    """What installs the file has to know of it."""
    engine = package["engines"]["vscode"]
    name, version, publisher = (quoteattr(package[k]) for k in ("name", "version", "publisher"))
    return f"""\
<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata>
<Identity Language="en-US" Id={name} Version={version} Publisher={publisher}/>
<DisplayName>{package["displayName"]}</DisplayName>
<Description xml:space="preserve">{package["description"]}</Description>
<Categories>{",".join(package["categories"])}</Categories>
<Properties>
<Property Id="Microsoft.VisualStudio.Code.Engine" Value={quoteattr(engine)}/>
</Properties>
</Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
<Dependencies/>
<Assets>
<Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json"
 Addressable="true"/>
</Assets>
</PackageManifest>
"""


def pack(into: Path) -> Path:
    """Writes the .vsix into a folder. Raises ``CannotPack``."""
    package = json.loads((HERE / "package.json").read_text("utf-8"))
    script = bundle(ROOT / "build" / "vscode")
    into.mkdir(parents=True, exist_ok=True)
    file = into / f"archdsl-{package['version']}.vsix"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", TYPES)
        packed.writestr("extension.vsixmanifest", manifest(package))
        packed.write(script, "extension/extension.js")
        packed.write(ROOT / "LICENSE", "extension/LICENSE.txt")
        for name in ("package.json", "language-configuration.json"):
            packed.write(HERE / name, f"extension/{name}")
        for name in GRAMMARS:
            packed.write(ROOT / "grammars" / name, f"extension/{name}")
    return file


if __name__ == "__main__":
    try:
        print(pack(ROOT / "build").relative_to(ROOT))
    except CannotPack as problem:
        sys.exit(f"error: {problem}")
