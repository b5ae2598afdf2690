#!/bin/sh
# All tests of the labels quick and full, on a fresh Debian machine: installs what is missing,
# builds, runs. With arguments: passes them to ctest instead of the labels (-L quick, -R name).
set -eu
cd "$(dirname "$0")/.."
. workloads/packages.sh
install_packages $BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES
cmake --preset ${PRESET:-release} -DDSE_TESTS=ON >/dev/null
cmake --build --preset ${PRESET:-release}
[ $# -gt 0 ] || set -- -LE long
exec ctest --preset ${PRESET:-release} --output-on-failure "$@"
