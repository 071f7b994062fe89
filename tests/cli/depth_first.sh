# Fused chains of convolutions: the same bits as the layers one after another, on every CPU and
# number of threads, and less workspace where it was asked for.
. "$SOURCE/tests/cli/lib.sh"

# Without Winograd, which a fused convolution gives up, and sums over pixels, which follow the
# kernels' jobs: both are other ways to round.
passes() {
    echo "fold-bn,inline,simplify,fold,cse,dce,stack-siblings,merge-siblings,simplify,cse,dce,legalize,depth-first{mode=$1,winograd=0},prepack,fuse{sums=0},layout,merge-kernels,lower,plan-memory"
}

# compare MODEL CPU MODE
compare() {
    local run=("$LGPNC" run "$1" --weights=w.safetensors --random-inputs=3 --cpu="$2") file
    "${run[@]}" --passes="$(passes 0)" --threads=2 --output-dir=apart >.stdout 2>.stderr
    "${run[@]}" --passes="$(passes "$3")" --threads=1 --output-dir=one >.stdout 2>.stderr
    "${run[@]}" --passes="$(passes "$3")" --threads=2 --output-dir=two >.stdout 2>.stderr
    for file in apart/*.npy; do
        same "$file" "one/${file##*/}"
        same "$file" "two/${file##*/}"
    done
}

model=lgpn:image=34,width=16,feat=32,dim=16,blocks=2-2-1-1
"$LGPNC" init $model --seed=7 -o w.safetensors
compare $model native 2
compare $model native 3
compare $model x86-64-v2 3
compare $model x86-64-v3 3
"$LGPNC" init resnet:image=36 --seed=7 -o w.safetensors
compare resnet:image=36 native 3

# ---- what the option says
workspace() {
    "$LGPNC" build "$@" --emit=object -o net.o --report |
        sed -n 's/^  workspace: \([0-9]*\) .*/\1/p' | head -1
}
model=lgpn:image=64,blocks=2-2-2-2
off=$(workspace $model --depth-first=off)
memory=$(workspace $model --depth-first=memory)
((memory * 10 < off * 9)) || fail "$memory bytes of workspace, $off without"
"$LGPNC" build $model --depth-first=on --emit=kernel-ir -o on.kir
[[ $(grep -c '^ *alloc %strip' on.kir) -ge 6 ]] || fail "no chains in on.kir"
"$LGPNC" build $model --depth-first=off --emit=kernel-ir -o off.kir
grep -q 'alloc %strip' off.kir && fail "chains in off.kir"
expect_exit 2 "$LGPNC" build $model --depth-first=never
expect_stderr 'there are auto, memory, on and off'
