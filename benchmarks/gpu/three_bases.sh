#!/usr/bin/env bash
# Pretrain the three shipped bases side by side on one card, and copy each to OUT as soon as it is finished.
#   triga corpus build recipes/corpus/bases.yaml … ; triga corpus build recipes/corpus/bases-gen.yaml …
#   benchmarks/gpu/three_bases.sh CORPORA OUT [STEPS_MINI STEPS_NANO STEPS_GEN]
# CORPORA holds both corpora's folders. With the steps below one H200 needs about nine minutes (mini, beside the others, makes 0.75 M tokens
# a second, nano 1.3, gen-nano 1.0); compilation and data take half a minute more. OUT must outlive the machine.
set -euo pipefail
corpora=$1 out=$2 work=${WORK:-/tmp/three-bases}
steps=(${3:-5800} ${4:-9000} ${5:-5000})
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work" "$out"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-4} PYTHONUNBUFFERED=1

one() { # corpus size objective steps name
  python3 "$here/pretrain_bases.py" train --corpus "$corpora/$1" --size "$2" --objective "$3" --steps "$4" \
    --learning-rate 2.5e-3 --work "$work/work-$5" --out "$work/$5" > "$work/$5.log" 2>&1 && cp -r "$work/$5" "$out/"
  cp "$work/$5.log" "$out/"
}

one bases mini mlm "${steps[0]}" triga-mini &
one bases nano mlm "${steps[1]}" triga-nano &
one bases-gen nano clm "${steps[2]}" triga-gen-nano &
wait
tail -n 2 "$out"/*.log
