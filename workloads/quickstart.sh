#!/bin/sh
# The main job on a fresh Debian machine: installs what is missing, builds, and explores the bit
# widths of a trained network on Fashion-MNIST, clean and corrupted. Run again, it resumes, or says
# that it is done.
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
exec build/release/bin/pareto run --state results/quickstart "$@" workloads/quickstart.yaml
