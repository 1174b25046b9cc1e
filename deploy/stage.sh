#!/usr/bin/env bash
# Puts what a box needs to run into a new folder: the compiled program, its pictures and models, and the packages it
# depends on, for one architecture. install.sh and debian/build.sh call it.
#
#   deploy/stage.sh FOLDER               with the packages of this clone's node_modules: nothing is downloaded
#   deploy/stage.sh FOLDER amd64|arm64   with packages from npm's registry, by package-lock.json, for that architecture
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:?usage: deploy/stage.sh FOLDER [amd64|arm64]}
arch=${2:-}

fail() {
  echo "stage: $1" >&2
  exit 1
}
[[ -e $source/dist/cli/main.js ]] || fail "there is no dist/cli/main.js: run \`npm ci\` or \`npm run build\` first"
[[ ! -e $folder ]] || fail "$folder is there already"

case $arch in
  '') cpu=$(node -p process.arch) ;;
  amd64) cpu=x64 ;;
  arm64) cpu=arm64 ;;
  *) fail "$arch is no architecture that this is built for: amd64 or arm64" ;;
esac

# What package.json's `files` names, as `npm publish` would take it.
mkdir -p "$folder"
pack=$(mktemp -d)
trap 'rm -rf "$pack"' EXIT
(cd "$source" && npm pack --silent --ignore-scripts --pack-destination "$pack" >/dev/null)
tar -xzf "$pack"/*.tgz -C "$folder" --strip-components=1 --no-same-owner
rm -f "$folder/dist/.tsbuildinfo"
find "$folder/dist" -name '*.map' -delete
chmod 755 "$folder/dist/cli/main.js"

cp "$source/package-lock.json" "$folder/"
if [[ -z $arch ]]; then
  [[ -d $source/node_modules ]] && cp -a --no-preserve=ownership "$source/node_modules" "$folder/"
  (cd "$folder" && npm prune --silent --omit=dev --ignore-scripts --no-audit --no-fund --offline >/dev/null)
else
  # tfjs-node's library is downloaded at install, for this machine: it cannot be packed for another.
  (cd "$folder" && npm pkg delete devDependencies scripts 'optionalDependencies' &&
    npm install --silent --omit=dev --ignore-scripts --no-audit --no-fund --prefer-offline \
      --os=linux --cpu="$cpu" --libc=glibc >/dev/null)
fi

# ONNX Runtime brings its libraries for all systems.
for libraries in "$folder"/node_modules/onnxruntime-node/bin/napi-v*/*; do
  case ${libraries##*/} in
    linux) find "$libraries" -mindepth 1 -maxdepth 1 ! -name "$cpu" -exec rm -rf {} + ;;
    *) rm -rf "$libraries" ;;
  esac
done

# Other native files, such as prebuilds that a package brings for all systems: those of another machine go.
case $cpu in x64) machine=3e ;; arm64) machine=b7 ;; *) machine= ;; esac
if [[ -n $machine && -d $folder/node_modules ]]; then
  while IFS= read -r -d '' file; do
    # e_machine of an ELF header (elf(5)); other formats are other systems'.
    found=$(od -An -tx1 -N20 "$file" | tr -d ' \n')
    [[ ${found:0:8} == 7f454c46 && ${found:36:2} == "$machine" ]] || rm -f "$file"
  done < <(find "$folder/node_modules" -type f \( -name '*.node' -o -name '*.so' -o -name '*.so.*' \) -print0)
fi
