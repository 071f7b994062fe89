# What the innermost loops of convolutions look like in assembly, on every CPU: full vectors, many
# independent sums, and no vector that goes through the stack. Whatever tile the schedule chooses.
. "$SOURCE/tests/cli/lib.sh"

# hot_loop FMA SPILL FILE: of the loops without another inside, the one that multiplies most: with
# the most lines that match FMA, weighed by their part of all lines, since the transforms around
# Winograd's products are long and multiply little. Says how many they are, how many different sums
# they add to, and how many lines match SPILL.
hot_loop() {
    awk -v fma="$1" -v spill="$2" '
        { line[NR] = $0 }
        /^\.L[A-Za-z0-9_]+:/ { at[substr($1, 1, index($1, ":") - 1)] = NR }
        $NF ~ /^\.L/ && ($NF in at) && at[$NF] < NR {
            count = sums = spills = inner = 0
            lines = NR - at[$NF]
            delete seen
            for (i = at[$NF]; i <= NR; i++) {
                if (i > at[$NF] && line[i] ~ /^\.L/) inner = 1
                if (line[i] ~ spill) spills++
                if (line[i] !~ fma) continue
                count++
                words = split(line[i], word, /[ \t,]+/)
                sum = line[i] ~ /fmla/ ? word[3] : word[words]
                if (!seen[sum]++) sums++
            }
            weight = count * count / lines
            if (!inner && weight > most) { most = weight; answer = count " " sums " " spills }
        }
        END { print answer ? answer : "0 0 0" }' "$3"
}

# inspect CPU LEAST_SUMS FMA SPILL
inspect() {
    local count sums spills
    "$LGPNC" build net.ir --cpu="$1" --emit=asm -o net.s
    read -r count sums spills < <(hot_loop "$3" "$4" net.s)
    ((count >= 2 * $2 && sums >= $2 && spills == 0)) ||
        fail "$1, $filter: $count multiply-adds into $sums sums, $spills spills"
}

for filter in 64,64,3,3 64,128,1,1 64,3,7,7; do
    IFS=, read -r outputs inputs height width <<<"$filter"
    cat >net.ir <<END
module @net
param @w: f32[$outputs,$inputs,$height,$width]
param @b: f32[1,1,1,$outputs]
func @infer(%x: f32[1,28,28,$inputs]) -> (%y: f32[1,28,28,$outputs]) {
  %0 = conv2d %x, @w {pad=[$((height / 2)),$((width / 2))]} : f32[1,28,28,$outputs]
  %1 = broadcast @b : f32[1,28,28,$outputs]
  %2 = add %0, %1 : f32[1,28,28,$outputs]
  %3 = relu %2 : f32[1,28,28,$outputs]
  return %3
}
END
    inspect x86-64-v3 8 'vfmadd.*%ymm' '%ymm.*%rsp|%rsp.*%ymm'
    inspect x86-64-v4 12 'vfmadd.*%zmm' '%zmm.*%rsp|%rsp.*%zmm'
    inspect aarch64 12 'fmla.*4s' '(\tq|\ts|\td|\tv)[0-9]+.*\[sp'
done
