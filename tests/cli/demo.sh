# ./run demo, on a small model.
. "$SOURCE/tests/cli/lib.sh"

# It works beside the program: an empty folder with links stands for the build folder.
mkdir build
ln -s "$(dirname -- "$LGPNC")/lib" build/lib
cp "$LGPNC" build/lgpnc
export LGPNC_INCLUDE=$SOURCE LGPNC_LIB=$PWD/build/lib
expect_exit 0 bash "$SOURCE/tools/demo.sh" build/lgpnc \
    lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1
expect_stdout '^\$ lgpnc build '
expect_stdout 'real or fake '
expect_stdout 'weights are untrained'
expect_stdout 'for 3 images'
expect_stderr 'writing lgpn'
