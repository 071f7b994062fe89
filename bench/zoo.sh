#!/usr/bin/env bash
# The benchmark of model parsing, from photographs to the tables of docs/benchmark.md: a zoo is
# made, LGPN, its ablations and its baseline are trained on every fold and seed, several at a time
# on one thread each, and scored on the models that they have not seen. What is done is kept: the
# same command goes on where it was interrupted.
set -euo pipefail

here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
root=$(dirname -- "$here")
lgpnc=$root/build/lgpnc
folder=$root/build/benchmark
photos='' jobs=$(nproc) update=0 zoo_seed=1 size=64
models=48 images=60 reals=960 steps=300
folds=(1 2 3 4) seeds=(1 2)

# Constant rates for so many epochs, the second a tenth of the first. Nothing is chosen by looking
# at test images: neither an epoch (the last checkpoint counts) nor when the rate falls.
epochs=6 last_epochs=1

# What LGPN is here: its smallest stem, one bottleneck a stage; heads and nodes are large, since they
# cost little. Real or fake weighs 30 instead of 0.0005: beside a node loss of 15 it is not learned
# with less. The rates are those with the lowest loss of training images: of 0.0001 ... 0.008 after
# two and a half epochs, of the baseline's 0.0002 ... 0.001 after half a minute.
network=width=8,feat=128,dim=64,blocks=1-1-1-1,continuous=1,detection_weight=60000
baseline=width=16,layers=9,channels=16
rate=0.0005 baseline_rate=0.001

# Photographs in Debian's archive; the patterns leave out what is drawn.
packages=(mate-backgrounds lomiri-wallpapers-16.04)
patterns=('*/backgrounds/mate/nature/*.jpg' '*/backgrounds/*_by_*.jpg')

usage() {
    cat <<END
Usage: bench/zoo.sh [OPTION...]
Makes a zoo of generative models, trains LGPN, its ablations and its baseline on it, and scores
them on models that they have not seen.

  --photos=DIR     photographs to learn from; default: those of the Debian packages
                   ${packages[*]}, which apt-get downloads
  --jobs=N         trainings and models at a time, one thread each (one a core)
  --quick          twelve models of 32 pixels, one seed, one fold: a minute or two, to try it out
  --models=N --images=N --steps=N --size=N
                   of the zoo ($models, $images, $steps, $size)
  --zoo-seed=N     of the zoo ($zoo_seed)
  --seeds=LIST     of trainings (${seeds[*]})
  --folds=LIST     test sets (${folds[*]})
  --epochs=N       before the learning rate falls to a tenth ($epochs)
  --last-epochs=N  after that ($last_epochs)
  --rates=A,B      learning rates of LGPN and of the baseline ($rate,$baseline_rate)
  --only=LIST      only these rows: lgpn, stacked, trunk, no-node, no-hierarchy, no-detection, fen-pn
  --folder=DIR     where everything is kept (build/benchmark)
  --lgpnc=FILE     the compiler (build/lgpnc)
  --update         write the tables into docs/benchmark.md
END
}

die() {
    printf 'benchmark: %s\n' "$*" >&2
    exit 1
}

quick() {
    models=12 images=16 reals=40 steps=30 size=32 epochs=2 last_epochs=1
    folds=(1) seeds=(1)
}

only=''
for argument; do
    value=${argument#*=}
    case $argument in
    --photos=*) photos=$(realpath -- "$value") ;;
    --jobs=*) jobs=$value ;;
    --quick) quick ;;
    --models=*) models=$value ;;
    --images=*) images=$value ;;
    --steps=*) steps=$value ;;
    --size=*) size=$value ;;
    --zoo-seed=*) zoo_seed=$value ;;
    --seeds=*) read -ra seeds <<<"${value//,/ }" ;;
    --folds=*) read -ra folds <<<"${value//,/ }" ;;
    --epochs=*) epochs=$value ;;
    --last-epochs=*) last_epochs=$value ;;
    --rates=*) IFS=, read -r rate baseline_rate <<<"$value" ;;
    --only=*) only=,$value, ;;
    --folder=*) folder=$(realpath -m -- "$value") ;;
    --lgpnc=*) lgpnc=$(realpath -- "$value") ;;
    --update) update=1 ;;
    --help | -h) usage; exit ;;
    *)
        printf 'benchmark: unknown option %s\n' "$argument" >&2
        usage >&2
        exit 2
        ;;
    esac
done
[[ -x $lgpnc ]] || die "$lgpnc is not there: ./run build makes it"
for number in "$jobs" "$models" "$images" "$steps" "$size" "$epochs" "${seeds[@]}" "${folds[@]}"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || {
        printf 'benchmark: %s is not a number from 1 on\n' "$number" >&2
        exit 2
    }
done
# NAME|what it is|model without its image size|learning rate
variants=(
    "lgpn|LGPN|lgpn:$network|$rate"
    "stacked|stacked GCN: without pooling|lgpn:$network,pooling=0|$rate"
    "trunk|the same trunk without a graph|lgpn:$network,gcn=0|$rate"
    "no-node|LGPN without the node loss|lgpn:$network,node_loss=0|$rate"
    "no-hierarchy|LGPN without the hierarchy loss|lgpn:$network,hierarchy_loss=0|$rate"
    "no-detection|LGPN without the detection loss|lgpn:$network,detection_loss=0|$rate"
    "fen-pn|FEN and PN|fen_pn:$baseline|$baseline_rate"
)

mkdir -p -- "$folder"/{lib,weights,runs,results,log}
cd -- "$folder"

# ---- photographs

fetch_photos() {
    local package pattern
    [[ -d fetched/whole ]] && return
    rm -rf -- fetched packages
    mkdir -p -- packages/files fetched
    command -v apt-get dpkg >/dev/null || die "no apt-get here: give photographs with --photos=DIR"
    for package in "${packages[@]}"; do
        (cd packages && apt-get download "$package") >log/photos.log 2>&1 ||
            die "$package could not be downloaded (log/photos.log): --photos=DIR takes others"
        dpkg -x packages/"$package"_*.deb packages/files
    done
    for pattern in "${patterns[@]}"; do
        find packages/files -type f -path "$pattern" -exec cp -t fetched -- {} +
    done
    rm -rf -- packages
    mkdir fetched/whole
}

# ---- trainings

# variant NAME: title, model and options of it.
variant() {
    local row
    for row in "${variants[@]}"; do
        IFS='|' read -r name _ model learning_rate <<<"$row"
        [[ $name != "$1" ]] || break
    done
    model=${model/:/:image=$size,batch=16,}
}

# quietly LOG COMMAND...: shows the end of the log if it fails.
quietly() {
    local log=log/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null && return
    tail -n 20 -- "$log" >&2
    die "failed: $*"
}

# Each network is compiled once, for all folds and seeds.
compile() {
    variant "$1"
    local infer=$model seed
    [[ $1 == fen-pn || $1 == trunk ]] || infer+=,generated_graph=1
    [[ -f lib/$1.so ]] ||
        quietly "$1-build" "$lgpnc" build "$infer" --emit=shared -o "lib/$1.so"
    [[ -f lib/$1-train.so ]] ||
        quietly "$1-train" "$lgpnc" build "$model" --emit=shared --function=train_step \
            --function=infer -o "lib/$1-train.so"
    for seed in "${seeds[@]}"; do
        [[ -f weights/$1-$seed.safetensors ]] ||
            quietly "$1-init" "$lgpnc" init "$model" --seed="$seed" -o "weights/$1-$seed.safetensors"
    done
}

# teach OUT EPOCHS WEIGHTS RATE
teach() {
    quietly "${1//\//-}" "$lgpnc" train "lib/$name-train.so" --data=zoo --cross-val="$fold" \
        --model-dir="$1" --epochs="$2" --weights="$3" --lr="$4" --seed="$seed" --batch-size=16 \
        --threads=1 --workers=1 --schedule=constant --val-every=0 --display-step=1000
}

# run_one NAME FOLD SEED: both parts of a training, then the scores, which appear at once. Pairs of
# images are compared for the heat map alone.
run_one() {
    local fold=$2 seed=$3 run=runs/$1-$2-$3 name model learning_rate pairs=0
    variant "$1"
    [[ $1-$fold-$seed != "lgpn-${folds[0]}-${seeds[0]}" ]] || pairs=2000
    rm -rf -- "$run"
    mkdir -- "$run"
    teach "$run/a" "$epochs" "weights/$1-$seed.safetensors" "$learning_rate"
    teach "$run/b" "$last_epochs" "$run/a/last.safetensors" "${learning_rate}e-1"
    quietly "$1-$2-$3-eval" "$lgpnc" eval "lib/$1.so" --weights="$run/b/last.safetensors" \
        --data=zoo --cross-val="$fold" --threads=1 --pairs="$pairs" --json \
        --output="$run/result.json"
    mv -- "$run/result.json" "results/$1-$2-$3.json"
    rm -rf -- "$run"
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# Prints how many of the trainings that are wanted are done.
count_done() {
    local name fold seed count=0
    for name in "${names[@]}"; do
        for fold in "${folds[@]}"; do
            for seed in "${seeds[@]}"; do
                [[ ! -f results/$name-$fold-$seed.json ]] || count=$((count + 1))
            done
        done
    done
    printf '%d\n' "$count"
}

# Tells what is done and how long the rest will take, after every training.
tell() {
    local count seconds=$((SECONDS - began)) left=''
    count=$(count_done)
    ((count <= before)) || left=", left $(clock $((seconds * (total - count) / (count - before))))"
    printf '%s  %d of %d trainings%s\n' "$(clock "$SECONDS")" "$count" "$total" "$left"
}

train_all() {
    local name fold seed row names=() running=0 failed=0
    for row in "${variants[@]}"; do
        name=${row%%|*}
        [[ -n $only && $only != *",$name,"* ]] || names+=("$name")
    done
    ((${#names[@]})) || die "--only names no row"
    for name in "${names[@]}"; do
        ((running++ < jobs)) || wait -n || exit
        compile "$name" &
    done
    while ((running-- > 0)); do wait -n || { (($? == 127)) && break || exit 1; }; done
    total=$((${#names[@]} * ${#folds[@]} * ${#seeds[@]}))
    before=$(count_done) began=$SECONDS running=0
    for seed in "${seeds[@]}"; do
        for fold in "${folds[@]}"; do
            for name in "${names[@]}"; do
                [[ ! -f results/$name-$fold-$seed.json ]] || continue
                if ((running >= jobs)); then
                    wait -n || failed=$((failed + 1))
                    tell
                    ((running--))
                fi
                run_one "$name" "$fold" "$seed" &
                running=$((running + 1))
            done
        done
    done
    while ((running-- > 0)); do
        wait -n || failed=$((failed + 1))
        tell
    done
    ((!failed)) || die "$failed trainings failed; the same command tries them again"
}

trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

settings="zoo: models=$models images=$images steps=$steps size=$size seed=$zoo_seed photos=$photos
network: $network $baseline epochs=$epochs+$last_epochs rates=$rate,$baseline_rate"
if [[ -f settings ]]; then
    [[ $(<settings) == "$settings" ]] ||
        die "$folder was begun with other settings; choose another --folder or remove it"
fi
printf '%s\n' "$settings" >settings

# The table of labels is written last.
if [[ ! -f zoo/labels.tsv ]]; then
    if [[ -z $photos ]]; then
        fetch_photos
        photos=fetched
    fi
    printf '%s  the zoo: %d models of %d images, %d x %d pixels\n' "$(clock "$SECONDS")" \
        "$models" "$images" "$size" "$size"
    "$lgpnc" zoo make -o zoo --models="$models" --images="$images" --real-images="$reals" \
        --size="$size" --steps="$steps" --photos="$photos" --seed="$zoo_seed" --threads="$jobs" |
        tee log/zoo.log | sed -u 's/:.*//; s/^/  /'
fi
printf '%s  compiling and training\n' "$(clock "$SECONDS")"
train_all
titles=()
for row in "${variants[@]}"; do
    titles+=("${row%|*|*}")
done
report=(python3 "$here/zoo_report.py" zoo results "$folder" "${titles[@]}")
((!update)) || report+=(--update="$root/docs/benchmark.md")
"${report[@]}"
