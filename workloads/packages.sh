# Debian packages that paretod needs, and how they are installed; read by other scripts.
BUILD_PACKAGES="cmake ninja-build gcc pkg-config libc6-dev libuv1-dev libyaml-dev libsqlite3-dev
    libjansson-dev libssl-dev zlib1g-dev libjpeg62-turbo-dev libpng-dev libopenblas-dev
    libdnnl-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev"
RUN_PACKAGES="dataset-fashion-mnist gnuplot-nox"
TEST_PACKAGES="libcmocka-dev clang-format mandoc zsh fish libonnx-testdata"

# install_packages NAME ...: those that are not installed yet.
install_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends \
        $missing >/dev/null
}
