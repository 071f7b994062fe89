# --memory-limit: what it takes, what it says, and that it holds; training within it changes no bit.
. "$SOURCE/tests/cli/lib.sh"

model=lgpn:image=64,width=16,feat=32,dim=16,blocks=1-1-1-1
expect_exit 2 "$LGPNC" build $model --memory-limit=100 -o x.so
expect_stderr 'a size like 800M or 2G is wanted'
expect_exit 2 "$LGPNC" build $model --memory-limit=0M -o x.so
expect_exit 2 "$LGPNC" build $model --memory-limit=9999999G -o x.so
expect_exit 2 "$LGPNC" build $model --memory-limit=100M -O0 -o x.so
expect_stderr 'needs -O1 or more'
expect_exit 2 "$LGPNC" build $model --memory-limit=100M --passes=lower -o x.so
expect_stderr 'recompute\{limit=MIB\}'
expect_exit 1 "$LGPNC" build $model --memory-limit=1M --emit=object -o x.o
expect_stderr 'does not fit into 1 MiB'
expect_exit 0 "$LGPNC" build $model --memory-limit=1G --emit=object -o x.o

# Eight residual layers of 2 MiB an image: a third of the workspace costs nothing but time, though
# convolutions are computed again after their batch norms' averages would have been updated.
cat >deep.c <<'END'
#include "frontend/lgpnc.h"

static void build(lg_name_scope *s)
{
    lg_value *image = input(s, "image", LG_F32, 32, 32, 32, 3);
    lg_value *x = relu(s, conv2d(s, "stem", image, .filters = 16, .kernel = 3));
    for (int i = 0; i < 8; i++) {
        lg_name_scope *layer = scope(s, "layer%d", i);
        lg_value *y = conv2d(layer, "conv", x, .filters = 16, .kernel = 3);
        x = relu(s, add(s, x, batch_norm(layer, "bn", y)));
    }
    lg_value *logits = linear(s, "classes", dropout(s, global_average_pool(s, x), 0.1), 4);
    if (is_training(s))
        loss(s, "classes", mean_all(s, cross_entropy(s, logits, input(s, "labels", LG_I32, 32))));
    output(s, "logits", logits);
}

LG_MODEL("deep", build, "eight residual layers");
END
expect_exit 0 "$LGPNC" init ./deep.c -o w.safetensors
train=("$LGPNC" run ./deep.c --function=train_step --weights=w.safetensors --random-inputs=3
    --learning-rate=1e-2 --steps=3)
expect_exit 0 "${train[@]}" --save=free.safetensors
cp .stdout free
# need: the bytes that the largest function of the report needs, all in all.
need() { sed -n 's/^  in all, .*: \([0-9]*\) bytes$/\1/p' .stdout | sort -n | tail -1; }
for limit in 30 16; do
    expect_exit 0 "${train[@]}" --memory-limit=${limit}M --save=limited.safetensors
    same free.safetensors limited.safetensors
    diff <(grep '^step' free) <(grep '^step' .stdout) || fail "the losses differ within ${limit}M"
    expect_exit 0 "$LGPNC" build ./deep.c --function=train_step --memory-limit=${limit}M --report \
        --emit=kernel-ir -o deep.kir
    (($(need) > limit << 19 && $(need) <= limit << 20)) || fail "$(need) bytes within ${limit}M"
done
expect_exit 1 "$LGPNC" build ./deep.c --function=train_step --memory-limit=1M --emit=object -o x.o
expect_stderr 'does not fit into 1 MiB, .* it needs 1[0-9] MiB'
# What is said to be needed is enough, and less is not. The plan is larger than what is alive at once,
# and holds all the same.
least=$(sed -n 's/.* it needs \([0-9]*\) MiB.*/\1/p' .stderr)
build=("$LGPNC" build ./deep.c --function=train_step --report --emit=kernel-ir -o deep.kir)
for limit in 36 33 24 "$least"; do
    expect_exit 0 "${build[@]}" --memory-limit="${limit}M"
    (($(need) > 0 && $(need) <= limit << 20)) || fail "$(need) bytes within ${limit}M"
done
expect_exit 1 "${build[@]}" --memory-limit=$((least - 1))M
expect_stderr "it needs $least MiB"
