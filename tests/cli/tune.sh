# lgpnc tune: measures, keeps, and builds use what it kept.
. "$SOURCE/tests/cli/lib.sh"

cat >net.ir <<'END'
module @net
param @w: f32[64,32,3,3]
func @infer(%x: f32[1,16,16,32]) -> (%y: f32[1,8,8,64]) {
  %0 = conv2d %x, @w {stride=[2,2], pad=[1,1]} : f32[1,8,8,64]
  %1 = relu %0 : f32[1,8,8,64]
  return %1
}
END

# End to end; what it finds is the machine's business.
# The matrix unit's kernels have no choices.
expect_exit 0 "$LGPNC" tune net.ir --matrix-unit=off --time=2 --threads=1 --tune-cache=folder/cache
expect_stdout '^kernel +launches +ms +gain +choice$'
expect_stdout 'direct\{rows=[0-9]+,vectors='
expect_stdout '^[0-9]+ kernels? with choices: .* reaches [0-9.]+% of the tuned speed$'
expect_stdout '^folder/cache: [0-9]+ entries for this model$'
grep -q '^# processor' folder/cache
no_temporary folder

# choice OPTION...: the comment on the choice.
choice() {
    "$LGPNC" build net.ir --cpu=x86-64-v3 --emit=kernel-ir -o - "$@" |
        grep -o '// direct{.*'
}
[[ $(choice --no-tune-cache) == *', by the cost model' ]]

# An entry for this processor is used, one of another is not.
processor=$(awk -F': *' '/^(model name|cpu family|model|CPU implementer|CPU part|CPU variant)[ \t]*:/ {
    sub(/[ \t]+$/, "", $1); if (!($1 in v)) v[$1] = $2 }
    END { n = split("model name|cpu family|model|CPU implementer|CPU part|CPU variant", names, "|")
          for (i = 1; i <= n; i++) if (names[i] in v) { printf "%s%s", s, v[names[i]]; s = " " } }' /proc/cpuinfo)
key='conv2d{result=1x8x8x64,filter=64x32x3x3,stride=2x2,dilation=1x1,groups=1,results=1,reads=0}'
mine='direct{rows=4,vectors=1,chunk=2,columns=8,lines=2,splits=1,unroll=2}'
version=$("$LGPNC" --version)
entry() {
    printf '%s\tx86-64-v3\t1\t%s\t%s\t%s\t1.500\n' "$1" "${version#lgpnc }" "$key" "$2"
}
entry "$processor" "$mine" >cache
[[ $(choice --tune-cache=cache) == "// $mine, measured" ]]
entry "another" "$mine" >cache
[[ $(choice --tune-cache=cache) == *', by the cost model' ]]
entry "$processor" 'direct{rows=99,vectors=1,chunk=2,columns=8,lines=2,splits=1,unroll=2}' >cache
[[ $(choice --tune-cache=cache) == *', by the cost model' ]]

# The user's own file is found, and can be left out.
mkdir -p xdg/lgpnc
entry "$processor" "$mine" >xdg/lgpnc/tune
export XDG_CACHE_HOME=$PWD/xdg
[[ $(choice) == "// $mine, measured" ]]
[[ $(choice --no-tune-cache) == *', by the cost model' ]]

# Damage is told, and no fault.
echo 'not an entry' >>cache
expect_exit 0 "$LGPNC" build net.ir --emit=kernel-ir -o net.kir --tune-cache=cache
expect_stderr 'cache:2: no entry of'
expect_exit 1 "$LGPNC" build net.ir --emit=kernel-ir -o net.kir --tune-cache=none
one_error 'none'
