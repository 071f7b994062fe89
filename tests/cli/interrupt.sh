# What a signal ends leaves nothing behind: no half of an output, no temporary file or folder.
. "$SOURCE/tests/cli/lib.sh"

export TMPDIR=$PWD/temporary
mkdir temporary out

# A compiler that never ends stands for any long work; it tells when it has started.
cat >slow_cc <<'END'
#!/bin/sh
touch "$STARTED"
exec sleep 60
END
chmod +x slow_cc
export STARTED=$PWD/started CC=$PWD/slow_cc
echo '#include "frontend/lgpnc.h"' >net.c
cat >net.ir <<'END'
func @infer(%x: f32[4]) -> (%y: f32[4]) {
  %0 = relu %x : f32[4]
  return %0
}
END

# interrupt SIGNAL CODE COMMAND...: signals the command when the compiler runs.
interrupt() {
    local signal=$1 want=$2 got=0 process tries
    shift 2
    rm -f started
    "$@" >.stdout 2>.stderr &
    process=$!
    for ((tries = 0; tries < 600; tries++)); do
        [[ ! -e started ]] || break
        sleep 0.05
    done
    [[ -e started ]] || fail "the compiler was never called"
    [[ -n $(find out temporary -name '.lg-*') ]] || fail "no temporary folder: this tests nothing"
    kill -s "$signal" $process
    wait $process 2>.wait || got=$?
    [[ $got == "$want" ]] || fail "exit $got, expected $want"
    no_temporary out temporary
    [[ -z $(find out temporary -mindepth 1) ]] || fail "left behind"
}

interrupt TERM 143 "$LGPNC" build net.ir --emit=shared -o out/net.so
interrupt HUP 129 "$LGPNC" build ./net.c --emit=ir -o out/net.ir
# A shell without job control starts background commands deaf to Ctrl-C.
interrupt INT 130 env --default-signal=INT "$LGPNC" build net.ir --emit=shared -o out/net.so
