"""Which networks of torchvision and timm `archdsl import` turns into specs that are the same, and
in how many lines: a table, as Markdown.

    python benchmarks/import.py                       # torchvision's classification networks
    python benchmarks/import.py segmentation          # torchvision's networks for segmentation
    python benchmarks/import.py timm                  # one network of each family of timm
    python benchmarks/import.py timm resnet50 dla34   # some
    python benchmarks/import.py specs                 # archdsl's own specs, compiled and imported
    python benchmarks/import.py specs/resnet.arch     # some of them, or those of a folder

Of specs the table has the lines of the spec, too, without comments, its paper and its variants,
which no module has, and how many times as many the import has.

Networks are made without memory for their weights; their graphs, parameters and multiply-adds are
proven equal, and nothing is run.
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import archdsl
from archdsl.importing.convert import Imported
from archdsl.importing.proof import pairs

FAMILIES = """
resnet50 resnet50d seresnet50 ecaresnet50d resnet51q resnetblur50 skresnet50 resnest50d
gcresnet50t resnext50_32x4d resnetv2_50 resnetv2_50x1_bit res2net50_26w_4s resnetaa50 tresnet_m
densenet121 rdnet_tiny dla34 dla60_res2next dpn68 dpn92 vgg16_bn repvgg_b0 gernet_m mobileone_s0
ese_vovnet39b vovnet39a cspresnet50 cspdarknet53 darknet53 darknetaa53 cspresnext50 hrnet_w18
hrnet_w18_small_v2 inception_v3 inception_v4 inception_resnet_v2 nasnetalarge pnasnet5large
xception41 xception65 xception71 legacy_xception selecsls42b efficientnet_b0 tf_efficientnet_b0
efficientnet_lite0 efficientnet_es efficientnetv2_rw_t tf_efficientnetv2_s mixnet_s tinynet_a
mnasnet_100 fbnetc_100 fbnetv3_b spnasnet_100 semnasnet_100 hardcorenas_a mobilenetv1_100
mobilenetv2_100 mobilenetv3_large_100 mobilenetv4_conv_small mobilenet_edgetpu_v2_m lcnet_050
rexnet_100 rexnetr_200 ghostnet_100 ghostnetv2_100 repghostnet_100 hgnet_tiny hgnetv2_b0
regnetx_032 regnety_032 regnetz_b16 regnetv_040 dm_nfnet_f0 nf_resnet50 eca_nfnet_l0 nf_regnet_b1
convnext_tiny convnextv2_tiny convnext_zepto_rms inception_next_tiny convmixer_768_32
convformer_s18 poolformer_s12 poolformerv2_s12 focalnet_tiny_srf starnet_s1 fasternet_t0
mambaout_tiny repvit_m0_9 cspnext_nano legacy_seresnet50 legacy_senet154 test_convnext
test_efficientnet test_resnet
""".split()


LARGE = 10**9  # parameters

MODULES = {
    "torchvision": lambda: importlib.import_module("torchvision.models"),
    "segmentation": lambda: importlib.import_module("torchvision.models.segmentation"),
}


def main() -> None:
    import torchvision

    warnings.simplefilter("ignore")
    if sys.argv[1:] and (paths := specs_of(sys.argv[1:])):
        again(paths)
        return
    library, *names = [*sys.argv[1:], "torchvision"][: max(len(sys.argv) - 1, 1)]
    if not names and library == "timm":
        names = FAMILIES
    elif not names:
        names = torchvision.models.list_models(module=MODULES[library]())
    print("| network | lines | parameters | seconds | |\n| --- | --- | --- | --- | --- |")
    lines, missing = [], Counter[str]()
    for name in names:
        start = time.process_time()
        try:
            imported = spec_of(library, name)
        except archdsl.ArchError as problem:
            reasons = list(dict.fromkeys(d.message for d in problem.diagnostics))
            missing.update(reasons)
            print(f"| {name} | | | | {'; '.join(reasons)} |", flush=True)
            continue
        count = sum(1 for line in imported.text.split("\n") if line)
        lines.append(count)
        params = f"{imported.architecture.params:,}"
        seconds = f"{time.process_time() - start:.1f}"
        print(f"| {name} | {count} | {params} | {seconds} | |", flush=True)
    found = f"\n{len(lines)} of {len(names)} are the same network"
    print(f"{found}, in a median of {median(lines):g} lines." if lines else f"{found}.")
    for reason, times in missing.most_common():
        print(f"- {times}: {reason}")


def specs_of(arguments: list[str]) -> list[Path]:
    """The specs that are meant: those of the package, of folders, and files."""
    package = Path(archdsl.__file__).parents[1]
    found: list[Path] = []
    for argument in arguments:
        path = package / "specs" if argument == "specs" else Path(argument)
        if path.is_dir():
            found += sorted(path.glob("*.arch"))
        elif path.suffix == ".arch":
            found.append(path)
    return found


def again(paths: list[Path]) -> None:
    """Prints specs that were compiled and imported: whether each is the same network, whether it
    has the same hash, which how weights start is a part of, and its lines."""
    print("| spec | lines | imported | times | hash | |\n| --- | --- | --- | --- | --- | --- |")
    ratios: list[float] = []
    for path in paths:
        try:
            wanted = archdsl.read(path).with_knobs()
            shapes = wanted.inputs if len(wanted.inputs) > 1 else wanted.input
            made = archdsl.import_module(_built(wanted), shapes, name=path.stem, run=False)
        except archdsl.ArchError as problem:
            reasons = list(dict.fromkeys(d.message for d in problem.diagnostics))
            print(f"| {path.stem} | | | | | {'; '.join(reasons)} |", flush=True)
            continue
        if pairs(wanted.flat, made.architecture.flat) is None:
            print(f"| {path.stem} | | | | | another network |", flush=True)
            continue
        before, after = said(path.read_text()), said(made.text)
        ratios.append(after / before)
        same = "same" if made.architecture.hash == wanted.hash else "but for the start"
        cells = f"{path.stem} | {before} | {after} | {after / before:.2f} | {same}"
        print(f"| {cells} | |", flush=True)
    within = sum(ratio <= 1.3 for ratio in ratios)
    found = f"{len(ratios)} of {len(paths)} are the same network"
    print(f"\n{found}, {within} in at most 1.3 times the lines.")


def _built(arch: archdsl.Architecture) -> Any:
    """The network of a spec: a large one without memory for its weights."""
    import torch

    with torch.device("meta" if arch.params > LARGE else "cpu"):
        return arch.build()


def said(text: str) -> int:
    """The lines of a spec that say something of a network."""
    count, left_out = 0, False
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not line.startswith((" ", "}", ")")):
            left_out = words[0] in ("paper", "variant")
        count += not left_out
    return count


def spec_of(library: str, name: str) -> Imported:
    """A network as a spec; with numbers where a fixed filter is asked for them."""
    model, shape = made(library, name)
    try:
        return archdsl.import_module(model, shape, name=name, run=False)
    except archdsl.ArchError as problem:
        if not any("are not known" in d.message for d in problem.diagnostics):
            raise
    model, shape = made(library, name, device="cpu")
    return archdsl.import_module(model, shape, name=name, run=False)


def made(library: str, name: str, device: str = "meta") -> tuple[Any, tuple[int, ...]]:
    """A network, by default without memory for its weights, and the shape of its images."""
    import torch

    from archdsl.importing.sources import ModelSource, input_of, load_model

    module = "timm" if library == "timm" else MODULES[library]().__name__
    source = ModelSource(module, name)
    try:
        with torch.device(device):
            model = load_model(source, None)
    except (NotImplementedError, RuntimeError):  # its code wants numbers
        model = load_model(source, None)
    return model, input_of(source, model)


if __name__ == "__main__":
    main()
