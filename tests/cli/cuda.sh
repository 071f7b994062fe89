# Every kernel of LGPN inference, at full size and at a small one with a batch, as CUDA C and, where
# NVRTC is installed, as PTX for compute_80.
. "$SOURCE/tests/cli/lib.sh"

small=lgpn:image=37,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=2
expect_exit 0 "$LGPNC" build "$small" --emit=cuda -o small.cu
expect_exit 0 "$LGPNC" build lgpn --emit=cuda -o full.cu
for name in small full; do
    kernels=$(grep -c '__global__' $name.cu)
    [[ $kernels -ge 20 ]] || fail "$name.cu has $kernels kernels only"
    [[ $kernels == "$(grep -c '"symbol"' $name.json)" ]] || fail "$name.json lists other kernels"
done

# A block a reduction, and the pooling in one kernel with barriers.
grep -q '__shared__' full.cu || fail "no kernel uses shared memory"
grep -q '__syncthreads()' full.cu || fail "no kernel has a barrier"

# More images at a time need no more shared memory, and training is spelled too.
expect_exit 0 "$LGPNC" build lgpn:batch=8 --emit=cuda -o batch.cu
expect_exit 0 "$LGPNC" build "$small" --function=train_step --emit=cuda -o step.cu

# It runs where there is a GPU; elsewhere the user is told what is missing.
if "$LGPNC" bench "$small" --cpu=cuda --repeat=1 >.stdout 2>.stderr; then
    grep -q 'for cuda, entry point infer: 1 run, .* (sm_' .stdout || fail "no GPU named: $(cat .stdout)"
else
    grep -Eq 'CUDA driver|NVRTC' .stderr || fail "not for want of a GPU: $(cat .stderr)"
fi

"$LGPNC" build "$small" --emit=ptx -o small.ptx 2>.stderr || {
    grep -q NVRTC .stderr || fail "no PTX, and not for want of NVRTC: $(cat .stderr)"
    no_file small.ptx
    echo "NVRTC is not installed: the kernels were not compiled" >&2
    exit 0
}
expect_exit 0 "$LGPNC" build lgpn --emit=ptx -o full.ptx
for name in small full; do
    grep -q 'target sm_80' $name.ptx || fail "$name.ptx is for another target"
    [[ $(grep -c '\.entry' $name.ptx) == "$(grep -c '__global__' $name.cu)" ]] ||
        fail "$name.ptx lacks kernels"
done
