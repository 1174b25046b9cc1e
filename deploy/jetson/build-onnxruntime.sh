#!/usr/bin/env bash
# Builds ONNX Runtime with CUDA, TensorRT and its Node binding on a Jetson with JetPack 6, and puts it into an installed
# l2p-edge. NEVER RUN: no Jetson was at hand. The flags are those of ONNX Runtime's own documentation:
# https://onnxruntime.ai/docs/build/eps.html#nvidia-jetson-tx1tx2nanoxavierorin
#
#   deploy/jetson/build-onnxruntime.sh [FOLDER]   default: ./onnxruntime; 20 GB of disk and, it is said, hours
#
# Needs: JetPack 6.1 or 6.2 (CUDA 12.6, cuDNN 9.3, TensorRT 10.3; 6.0 has older ones) with cuda-toolkit, libcudnn and libnvinfer-dev;
# git, CMake 3.28 (Ubuntu 22.04 has 3.22), Python 3, Node and npm. With less than 16 GB of memory add swap and set JOBS=2. It writes
# into $TARGET, so run it as root. tensorrt-options.patch beside this file is applied first: it is why engines are kept from start to start.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-onnxruntime}
target=${TARGET:-/opt/l2p-edge/current}
# The binding and the JavaScript beside it must be of one version.
version=$(node -p 'require(process.argv[1]).packages["node_modules/onnxruntime-node"].version' "$here/../../package-lock.json")

fail() {
  echo "build-onnxruntime: $1" >&2
  exit 1
}
[[ $(uname -m) == aarch64 ]] || fail "this is no Jetson: $(uname -m)"
[[ -e /etc/nv_tegra_release ]] || fail "there is no /etc/nv_tegra_release: JetPack is not installed"
[[ -x /usr/local/cuda/bin/nvcc ]] || fail "there is no /usr/local/cuda/bin/nvcc: apt install nvidia-jetpack"
include=/usr/include/aarch64-linux-gnu
[[ -e $include/NvInfer.h ]] || fail "there is no NvInfer.h: apt install libnvinfer-dev"
grep -Eq '(NV_TENSORRT_MAJOR|TRT_MAJOR_ENTERPRISE) 10' "$include/NvInferVersion.h" || fail "TensorRT is not of version 10: JetPack 6.1 or newer"

cmake=$(cmake --version 2>/dev/null | head -n 1)
[[ $(printf '%s\n' 3.28 "${cmake##* }" | sort -V | head -n 1) == 3.28 ]] ||
  fail "CMake 3.28 is needed, here is ${cmake:-none}: pip install cmake, or https://apt.kitware.com"
place=$(find "$target/node_modules/onnxruntime-node/bin" -type d -path '*/linux/arm64' | head -n 1)
[[ -n $place ]] || fail "there is no l2p-edge in $target: set TARGET"
[[ -w $place ]] || fail "$place is not yours to write: run this as root, or copy the product and set TARGET"

[[ -d $folder ]] || git clone --recursive --depth 1 --branch "v$version" https://github.com/microsoft/onnxruntime "$folder"
cd "$folder"
patch=$here/tensorrt-options.patch
if ! git apply --reverse --check "$patch" 2>/dev/null; then
  git apply "$patch" || fail "the Node binding of $version is another than the patch is for: see $patch"
fi
# 87: Orin's compute capability; 72 for Xavier, which JetPack 6 does not support.
PATH=/usr/local/cuda/bin:$PATH ./build.sh --config Release --update --build --parallel "${JOBS:-4}" --skip_tests \
  --build_shared_lib --build_nodejs \
  --use_cuda --cuda_home /usr/local/cuda --cudnn_home /usr/lib/aarch64-linux-gnu \
  --use_tensorrt --tensorrt_home /usr/lib/aarch64-linux-gnu \
  --cmake_extra_defines CMAKE_CUDA_ARCHITECTURES=87 onnxruntime_BUILD_UNIT_TESTS=OFF

built=$(find "$PWD/js/node/bin" -type d -path '*/linux/arm64' | head -n 1)
[[ -n $built && -e $built/onnxruntime_binding.node ]] || fail "the build left no Node binding below js/node/bin"
for provider in shared cuda tensorrt; do
  library=libonnxruntime_providers_$provider.so
  [[ -e $built/$library ]] || cp "build/Linux/Release/$library" "$built/"
done
[[ $(basename "$(dirname "$(dirname "$place")")") == $(basename "$(dirname "$(dirname "$built")")") ]] ||
  fail "built for another N-API than the one in $target"
cp -v "$built"/* "$place/"
echo "now: l2p-edge doctor, as deploy/README.md says; then l2p-edge bench"
