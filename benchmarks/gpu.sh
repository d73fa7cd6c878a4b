#!/usr/bin/env bash
# What was never seen on a GPU, on one machine that has one and no network, in at most 8 minutes.
#
#   benchmarks/gpu.sh pack [PYTHON]   here: archdsl and what it needs, into build/gpu (3.12, if not said)
#   benchmarks/gpu.sh run [--tiny]    there: measures, and prints Markdown; --tiny tries it on a CPU
#
# The machine brings Python, PyTorch and numpy. Its own scipy and torchvision are taken where it has
# them. Carry build/gpu there with the tree: git ignores it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pack=build/gpu
minutes=8

pure=(
  alembic click cmaes colorlog lark mako markdown-it-py markupsafe mdurl networkx optuna packaging
  pygments pyyaml rich sqlalchemy tqdm typing-extensions
)

fetch() { # FOLDER PYTHON PACKAGE...: unpacked wheels for Linux, without what they need themselves
  local folder=$1 python=$2
  shift 2
  python3 -m pip install --quiet --no-deps --upgrade --target "$folder" --python-version "$python" \
    --only-binary :all: --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 "$@"
}

case "${1:-}" in
  pack)
    python=${2:-3.12}
    rm -rf "$pack"
    mkdir -p "$pack"
    python3 -m pip wheel --quiet --no-deps --wheel-dir "$pack/wheels" .
    fetch "$pack/pure" "$python" "${pure[@]}" "$pack"/wheels/archdsl-*.whl
    fetch "$pack/scipy" "$python" scipy
    find "$pack" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
    for part in pure scipy; do
      (cd "$pack/$part" && python3 -m zipfile -c "../$part.zip" ./*)
    done
    rm -rf "$pack/wheels" "$pack/pure" "$pack/scipy"
    du -sh "$pack"
    ;;
  run)
    shift
    python=${PYTHON:-python3}
    unpacked() { # PART: its folder
      [ -d "$pack/$1" ] || "$python" -m zipfile -e "$pack/$1.zip" "$pack/$1"
      echo "$PWD/$pack/$1"
    }
    if [ -e "$pack/pure.zip" ]; then
      PYTHONPATH=$(unpacked pure)
      "$python" -c 'import scipy' 2>/dev/null || PYTHONPATH=$PYTHONPATH:$(unpacked scipy)
      export PYTHONPATH
    fi
    timeout --signal=INT --kill-after=10 $((minutes * 60)) \
      "$python" benchmarks/gpu.py --minutes $minutes "$@"
    ;;
  *)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
