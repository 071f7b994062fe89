# The IR that docs/architecture.md shows is what the compiler prints today.
. "$SOURCE/tests/cli/lib.sh"

model=$SOURCE/docs/examples/conv_net.c
"$LGPNC" build "$model" --emit=ir -o conv_net.ir
"$LGPNC" build "$model" --cpu=x86-64-v3 --winograd=off --emit=kernel-ir -o conv_net.kir --dump-dir=stages
cat conv_net.ir conv_net.kir stages/* >printed.txt

# The plain blocks but the first one (the picture); comments and `...' are the page's own.
awk '/^```/ { inside = !inside; plain = inside && $0 == "```"; blocks += plain; next }
     plain && blocks > 1' "$SOURCE/docs/architecture.md" |
    sed 's|  *// .*||; /^lgpnc /d; /^ *\.\.\.$/d; /^$/d' >shown.txt
[[ $(wc -l <shown.txt) -gt 30 ]] || fail "the page shows no IR"
while IFS= read -r line; do
    grep -Fxq -- "$line" printed.txt || fail "docs/architecture.md: no longer printed: $line"
done <shown.txt
