#!/bin/sh
# simclr, from an archive that `npm run pack` made: everything it needs is beside this file, but for the GPU's driver.
set -eu
PATH="${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin"

file=$0
while [ -L "$file" ]; do
  target=$(readlink "$file")
  case $target in
    /*) file=$target ;;
    *) file=${file%/*}/$target ;;
  esac
done
case $file in
  */*) here=$(cd "${file%/*}" && pwd -P) ;;
  *) here=$(pwd -P) ;;
esac

# The system's Vulkan loader fits its drivers best; ours is for machines that have a driver and no loader, as containers do.
has_loader() {
  if command -v ldconfig >/dev/null 2>&1 && cache=$(ldconfig -p 2>/dev/null); then
    case $cache in *"libvulkan.so.1 (libc6,@LIBRARIES@"*) return 0 ;; esac
    return 1
  fi
  for folder in /usr/lib/*-linux-gnu /lib/*-linux-gnu /usr/lib64 /lib64 /usr/lib /usr/local/lib; do
    if [ -e "$folder/libvulkan.so.1" ]; then return 0; fi
  done
  return 1
}
if ! has_loader; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/vulkan"
fi

# Some hosts mount NVIDIA's driver where no Vulkan loader looks.
nvidia=/usr/local/nvidia
if [ -d "$nvidia/share/vulkan/icd.d" ]; then
  export XDG_DATA_DIRS="${XDG_DATA_DIRS:-/usr/local/share:/usr/share}:$nvidia/share"
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$nvidia/lib64"
fi

if [ -d "$here/golden" ]; then
  folders=$(printf '%s:' "$here"/golden/*)
  export GOLDEN_DIR="${GOLDEN_DIR:-${folders%:}}"
fi
# What the program says that one may type next, and what the benchmark writes into its reports.
export SIMCLR_PROGRAM="$0" SIMCLR_COMMIT="@COMMIT@"

case ${1-} in
  bench | test)
    part=$1
    shift
    exec "$here/bin/node" "$here/lib/$part/main.js" "$@"
    ;;
  *) exec "$here/bin/node" "$here/lib/cli/cli.js" "$@" ;;
esac
