# The programs and commands of docs/embedding.md, taken from it word for word, on a small model.
. "$SOURCE/tests/cli/lib.sh"

unset CC # a sanitized build's: programs of users are not

page=$SOURCE/docs/embedding.md
model=lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1

# block LANGUAGE NAME: the block of the page that opens with ```LANGUAGE NAME.
block() {
    sed -n "/^\`\`\`$1 $2\$/,/^\`\`\`\$/p" "$page" | sed '1d;$d'
}

for name in embed.c any.c train.c; do
    block c $name >$name
    [[ -s $name ]] || fail "$page has no block $name"
done
cp "$SOURCE/runtime/artifact.h" .
cp "$SOURCE/tests/goldens/images/photo.jpg" .

# Sizes are the small model's; nothing else changes. The compiler is asked to find fault.
commands() {
    block sh "$1" | sed "s|^lgpnc|\"\$LGPNC\"|; s| lgpn -| $model -|; s|lgpn --|$model --|
        s|image photo.jpg|& --size=32|; s|^cc|cc -std=c17 -Wall -Wextra -Werror|"
}
commands object >object.sh
commands shared >shared.sh
[[ -s object.sh && -s shared.sh ]] || fail "$page has no commands"

expect_exit 0 bash -euo pipefail object.sh
expect_stdout '^fake 0\.[0-9]{4}$'
expect_stdout '^hinge 0\.[0-9]{4}$'
fake=$(sed -n 's/^fake //p' .stdout)
"$LGPNC" predict $model --weights=lgpn.safetensors --json photo.jpg >predicted.json 2>/dev/null
predicted=$(sed -n 's/.*"fake_probability":\([0-9.]*\).*/\1/p' predicted.json)
awk -v a="$fake" -v b="$predicted" 'BEGIN { exit !(a - b < 1e-4 && b - a < 1e-4) }' ||
    fail "the program says fake $fake, predict says $predicted"

expect_exit 0 bash -euo pipefail shared.sh
expect_stdout '^node_logits 1 55 2$'

# Training: the loss goes down, what was learnt is right, and lgpnc goes on from there.
cp "$SOURCE/docs/examples/softmax.ir" .
commands train >train.sh
expect_exit 0 bash -euo pipefail train.sh
first=$(sed -n 's/^step 1 loss //p' .stdout) last=$(sed -n 's/^step 200 loss //p' .stdout)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(a > 1.2 && b < a / 2) }' ||
    fail "the loss goes from $first to $last"
right=$(sed -n 's/ of 64 right$//p' .stdout)
((right >= 56)) || fail "$right of 64 are right"
make_npy x.npy '<f4' '64, 2' "$(printf '\\0\\0\\x80\\x3f%.0s' {1..128})"
make_npy labels.npy '<i4' '64,' "$(printf '\\3\\0\\0\\0%.0s' {1..64})"
block sh step | sed 's|^lgpnc|"$LGPNC"|' >step.sh
expect_exit 0 bash -euo pipefail step.sh
expect_stdout '^step 10: loss 0\.[0-9]+$'
[[ -s after.safetensors ]] || fail "nothing saved"
