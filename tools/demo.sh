#!/usr/bin/env bash
# ./run demo: makes generative models, trains LGPN on images of three quarters of them, compiles it
# to one executable file, and asks that about images of models it has never seen.
#
# Every step is a command of lgpnc as one would type it. Each can be interrupted and goes on where
# it was, so the whole does: what is done is found in the folder.
set -euo pipefail

usage() {
    cat <<END
Usage: ./run demo [OPTION...], or tools/demo.sh LGPNC [OPTION...]
  --photos=DIR   photographs to begin with; default: those of Debian's mate-backgrounds
  --dir=DIR      folder to work in; default: build/demo, beside LGPNC
  --models=N     generative models to make ($models)
  --images=N     images of each ($images)
  --steps=N      training steps of each ($steps)
  --epochs=N     times that LGPN sees the images ($epochs)
  --lgpn=MODEL   the LGPN to train
END
}

photos=/usr/share/backgrounds/mate/nature
models=48 images=24 steps=60 epochs=6
size=32
lgpn=lgpn:image=$size,width=16,feat=128,dim=64,blocks=1-1-1-1,continuous=1,detection_weight=20000
fold=1 # the test set

wrong() {
    printf 'demo: %s\n' "$1" >&2
    usage >&2
    exit 2
}

[[ ${1-} != --help ]] || { usage; exit; }
[[ -x ${1-} ]] || wrong "the first argument is the program lgpnc"
lgpnc=$(realpath -- "$1")
folder=$(dirname -- "$lgpnc")/demo
shift
for option; do
    value=${option#*=}
    case $option in
    --photos=?*) photos=$value ;;
    --dir=?*) folder=$value ;;
    --models=?*) models=$value ;;
    --images=?*) images=$value ;;
    --steps=?*) steps=$value ;;
    --epochs=?*) epochs=$value ;;
    --lgpn=?*) lgpn=$value ;;
    --help) usage; exit ;;
    *) wrong "no such option: $option" ;;
    esac
done
[[ -d $photos ]] || {
    printf 'demo: %s is no folder; name one of photographs with --photos=DIR\n' "$photos" >&2
    exit 1
}
photos=$(realpath -- "$photos")

bold='' dim='' red='' plain='' columns=100
if [[ -t 1 ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
    columns=$(tput cols 2>/dev/null) || columns=80
fi

# A step that is interrupted keeps what it has done, and ends by itself before this runs.
stopped() {
    printf '\nStopped. The same command goes on where it was.\n'
    exit 130
}
trap stopped INT TERM

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# command_line WORDS...: prints the command as one would type it.
command_line() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }

# show WORDS...: prints the command, then runs it.
show() {
    command_line "$@"
    "$@"
}

# show_to FILE WORDS...: the same, its output into FILE.
show_to() {
    command_line "${@:2}" ">$1"
    "${@:2}" >"$1"
}

# The lines of `zoo make`, without what is the same in all, as wide as the screen. A signal to all
# that runs here is not for what prints.
narrow() (
    trap '' INT TERM
    exec sed -u -e 's/zoo-[a-z]*:image=[0-9]*,batch=[0-9]*,//' -e "s/^\(.\{$columns\}\).*/\1/"
)

lgpnc() { "$lgpnc" "$@"; }
seconds() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(seconds)" 'BEGIN { printf "%.1f", b - a }'; }

mkdir -p -- "$folder"
folder=$(realpath -- "$folder")
cd -- "$folder"

# ---- from photographs to a program

step "1. Make generative models: $models small ones of six families, trained on photographs."
printf 'This compiler makes them, so their hyperparameters are known. The photographs: %s\n' "$photos"
show lgpnc zoo make --output=zoo --models="$models" --images="$images" --size=$size \
    --steps="$steps" --photos="$photos" | narrow
show_to data.txt lgpnc data check zoo
head -n 1 data.txt

step "2. Train LGPN on the images of folds 2, 3 and 4. Fold $fold is left out, with its models."
resume=()
[[ ! -e trained/last.safetensors ]] || resume=(--resume)
show lgpnc train "$lgpn" --data=zoo --cross-val=$fold --epochs="$epochs" --batch-size=32 \
    --lr=0.001 --schedule=constant --val-every=0 --model-dir=trained "${resume[@]}"

step "3. Score it on fold $fold: images of models that it has never seen."
show lgpnc eval "$lgpn" --weights=trained/last.safetensors --data=zoo --cross-val=$fold \
    --batch-size=32 --report=eval.html --output=eval.txt
sed -n '2p' eval.txt

step "4. Compile network, weights and image decoding to one file."
show_to build.txt lgpnc build "$lgpn" --weights=trained/last.safetensors --report -o parse
tail -n 1 build.txt

# ---- what was held out

# The models of the fold, in the order of the table; every tenth real image, as `train` has it.
mapfile -t unseen < <(awk -F '\t' -v fold=$fold 'NR > 1 && $NF == fold { print $1 }' zoo/labels.tsv)
mapfile -t real < <(printf '%s\n' zoo/real/*.png | awk -v fold=$fold 'NR % 10 == fold')
held_out=("${real[@]}")
for name in "${unseen[@]}"; do
    held_out+=("zoo/$name"/*.png)
done

step "5. Run it on all of fold $fold: ${#held_out[@]} images."
command_line ./parse --labels=zoo/labels.tsv IMAGE... '>parsed.txt'
began=$(seconds)
./parse --labels=zoo/labels.tsv "${held_out[@]}" >parsed.txt
took=$(since "$began")

# ---- the last screen

# The first images of some models, spread over the fold, as many as fit beside each other.
shown=() most=$(((columns - 30) / 26))
((most > 3)) && most=3
((most < 1)) && most=1
((most > ${#unseen[@]})) && most=${#unseen[@]}
for ((i = 0; i < most; i++)); do
    shown+=("zoo/${unseen[i * ${#unseen[@]} / most]}/00000.png")
done

# beside FILE IMAGE...: truth and prediction of the images, row by row, and how often a row is right
# in all of FILE. In it are labels from column 3, truths from 28, a mark at 52, predictions from 54.
beside() {
    awk -v images="${*:2}" -v red="$red" -v bold="$bold" -v plain="$plain" '
        function trim(text) { sub(/ +$/, "", text); return text }
        function short(text) {
            if (length(text) > 11) sub(/ .*/, "", text)
            return substr(text, 1, 11)
        }
        BEGIN { count = split(images, chosen, " ") }
        /^[^ ]/ { image = $0; next }
        /^  right / { right[image] = trim(substr($0, 28)); next }
        length($0) < 50 || $1 == "truth" { next }
        {
            label = trim(substr($0, 3, 24)); truth = trim(substr($0, 28, 24))
            if (!(label in known)) { known[label] = 1; labels[++rows] = label }
            if (truth == "-") next
            wrong = substr($0, 52, 1) == "*"
            cell[label, image] = sprintf("%-11s %s%-12s%s", short(truth), wrong ? red "*" : " ",
                                         short(trim(substr($0, 54, 24))), wrong ? plain : "")
            all[label]++; good[label] += !wrong
        }
        END {
            printf "%s%-24s", bold, ""
            for (i = 1; i <= count; i++) printf "%-25s ", substr(chosen[i], 5, 25)
            printf "%6s\n%-24s", "right,", "hyperparameter"
            for (i = 1; i <= count; i++) printf "%-11s  %-12s ", "truth", "prediction"
            printf "%6s%s\n", "of all", plain
            for (r = 1; r <= rows; r++) {
                printf "%-24s", labels[r]
                for (i = 1; i <= count; i++) printf "%s ", cell[labels[r], chosen[i]]
                printf "%4.0f %%\n", 100 * good[labels[r]] / all[labels[r]]
            }
            printf "%-24s", "right"
            for (i = 1; i <= count; i++) printf "%-26s", right[chosen[i]]
            print ""
        }' "$1"
}

# scores FILE: what eval says of the groups, beside the majority.
scores() {
    awk '
        function row(name, mine, theirs) { printf "  %-42s %10s %10s\n", name, mine, theirs }
        /^   loss functions / { row("losses, F1", $(NF - 5), $(NF - 1)) }
        /^   continuous values / { row("numbers in intervals, F1", $(NF - 5), $(NF - 1)) }
        /^   discrete choices / { row("discrete choices, F1", $(NF - 5), $(NF - 1)) }
        /^   mean over the values / { row("numbers, L1 (less is better)", $(NF - 1), $NF) }
        /^AUC / { sub(/,/, "", $2); row("generated or real, AUC", $2, "0.5000") }
        /^   feature f +AUC / {
            sub(/,/, "", $4)
            row("two images of one model or not, AUC", $4, "0.5000")
        }' "$1"
}

printf '\n%s%s%s\n' "$bold" "TRUTH BESIDE PREDICTION, of models that it has never seen (* wrong)" "$plain"
beside parsed.txt "${shown[@]}"
printf '\n%s%-44s %10s %10s%s\n' "$bold" "OF ALL IMAGES OF FOLD $fold" "this LGPN" "majority" "$plain"
scores eval.txt
cat <<END
  The majority says of every image what most training models have (L1: their median; AUC: as likely as
  not). What lies beyond that was learned from images.

${bold}COMPILED$plain  LGPN as $folder/parse: $(awk '
    /^ +[0-9]+ kernels / && !count++ { printf "%s kernels in %s launches", $1, $3 }
    /^parse: / { printf ",\n  %s %s %s, nothing beside it but libc and libm", $(NF - 2), $(NF - 1), $NF }
    ' build.txt)
  ${#held_out[@]} images in $took s, from files to answers

${bold}WHAT THIS IS$plain  Minutes of training on $models tiny models, a quarter of them unseen: the whole way, not its end.
  A label that few models have cannot be learned from them; of a loss that none of fold $fold has, one wrong image
  halves F1. More of everything: ./run demo --help

${bold}YOURS$plain
  on a photo       $folder/parse photo.jpg
  models' images   $folder/zoo/contact.html
  all scores       $folder/eval.html
END
