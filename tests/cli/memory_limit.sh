# --memory-limit: what it takes, what it says, and that it holds. That values are computed again with
# the same bits is tested where functions are trained.
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
