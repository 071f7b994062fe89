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
compare $model native 3

# Two bottlenecks of odd sizes, the second of stride 2, whose channels fill no block.
cat >net.ir <<'END'
module @net
param @a: f32[20,40,1,1]
param @b: f32[28,20,3,3]
param @c: f32[40,28,1,1]
func @infer(%x: f32[1,37,19,40]) -> (%y: f32[1,19,10,40]) {
  %0 = tanh %x : f32[1,37,19,40]
  %1 = conv2d %0, @a : f32[1,37,19,20]
  %2 = relu %1 : f32[1,37,19,20]
  %3 = conv2d %2, @b {pad=[1,1]} : f32[1,37,19,28]
  %4 = relu %3 : f32[1,37,19,28]
  %5 = conv2d %4, @c : f32[1,37,19,40]
  %6 = add %5, %0 : f32[1,37,19,40]
  %7 = relu %6 : f32[1,37,19,40]
  %8 = conv2d %7, @a : f32[1,37,19,20]
  %9 = conv2d %8, @b {stride=[2,2], pad=[1,1]} : f32[1,19,10,28]
  %10 = relu %9 : f32[1,19,10,28]
  %11 = conv2d %10, @c : f32[1,19,10,40]
  return %11
}
END
"$LGPNC" init net.ir --seed=7 -o w.safetensors
for cpu in native x86-64-v2 x86-64-v3; do
    compare net.ir $cpu 2
    compare net.ir $cpu 3
done

# ---- what the option says, where a matrix unit does not take what chains would
workspace() {
    "$LGPNC" build "$@" --matrix-unit=off --emit=object -o net.o --report |
        sed -n 's/^  workspace: \([0-9]*\) .*/\1/p' | head -1
}
model=lgpn:image=64,blocks=2-2-1-1
off=$(workspace $model --depth-first=off)
memory=$(workspace $model --depth-first=memory)
((memory * 10 < off * 9)) || fail "$memory bytes of workspace, $off without"
"$LGPNC" build $model --depth-first=on --matrix-unit=off --emit=kernel-ir -o on.kir
[[ $(grep -c '^ *alloc %strip' on.kir) -ge 4 ]] || fail "no chains in on.kir"
"$LGPNC" build $model --depth-first=off --matrix-unit=off --emit=kernel-ir -o off.kir
grep -q 'alloc %strip' off.kir && fail "chains in off.kir"
expect_exit 2 "$LGPNC" build $model --depth-first=never
expect_stderr 'there are auto, memory, on and off'
