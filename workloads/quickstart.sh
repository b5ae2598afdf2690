#!/bin/sh
# The main job on a fresh Debian machine: installs what is missing, builds, and explores bit widths,
# dropout and early exits of a trained network together, on Fashion-MNIST, clean and corrupted; draws
# pictures and writes a page about it under results/. Run again, it resumes, or says that it is done.
#
#   sh workloads/quickstart.sh [options of `pareto run`]
set -eu
cd "$(dirname "$0")/.."
. workloads/packages.sh
install_packages $BUILD_PACKAGES $RUN_PACKAGES
cmake --preset release -DDSE_TESTS=OFF >build-quickstart.log 2>&1 ||
    { cat build-quickstart.log; exit 1; }
cmake --build --preset release >>build-quickstart.log 2>&1 ||
    { cat build-quickstart.log; exit 1; }
rm -f build-quickstart.log
bin=build/release/bin
$bin/pareto run --plot --state results/quickstart "$@" workloads/quickstart.yaml

# Pictures and a page to look at; the daemon that answers for them is gone afterwards.
$bin/paretod --state results/quickstart 2>/dev/null &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait' EXIT
until $bin/pareto ping --state results/quickstart >/dev/null 2>&1; do
    kill -0 $daemon 2>/dev/null || exit 1
done
echo
echo "pictures, and a page with all of it (report.html):"
$bin/pareto plot --state results/quickstart
$bin/pareto report --state results/quickstart
