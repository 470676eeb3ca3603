import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/**
 * A stand-in for `zfs` on hosts whose ZFS lacks volumes, such as zfs-fuse. It creates a dataset with a file in place of
 * a volume, links to that file where the device would be, and passes every other command on to the real zfs.
 */
const script = (real: string, devices: string): string => `#!/bin/bash
real=${real}
devices=${devices}
sizeProperty=mistify-test:volsize

# In every command for volumes, the last argument is the dataset.
dataset=\${!#}
fileOf() { echo "$($real get -H -o value mountpoint "$1")/disk"; }

link() {
  $real list -H -t filesystem -o name,mountpoint,mounted,$sizeProperty | while IFS=$'\\t' read -r name mountpoint mounted size; do
    [ "$size" = - ] || [ "$mounted" = no ] && continue
    mkdir -p "$devices/$(dirname "$name")"
    ln -sfn "$mountpoint/disk" "$devices/$name"
  done
  # Links to destroyed datasets.
  find "$devices" -xtype l -delete
}

case "$1" in
  create)
    options=()
    size=
    shift
    while [ $# -gt 0 ]; do
      case "$1" in
        -V) size=$2; shift 2 ;;
        -s) shift ;;
        *) options+=("$1"); shift ;;
      esac
    done
    [ -z "$size" ] && exec $real create "\${options[@]}"
    $real create -o $sizeProperty=$size "\${options[@]}" && truncate -s "$size" "$(fileOf "$dataset")" && link
    ;;
  clone)
    origin=\${@:$#-1:1}
    size=$($real get -H -o value $sizeProperty "\${origin%@*}")
    shift
    $real clone -o $sizeProperty=$size "$@" && link
    ;;
  set)
    [[ "$2" == volsize=* ]] || exec $real "$@"
    $real set $sizeProperty=\${2#volsize=} "$dataset" && truncate -s "\${2#volsize=}" "$(fileOf "$dataset")"
    ;;
  get)
    [[ " $* " == *" volsize "* ]] || exec $real "$@"
    stat -c %s "$(fileOf "$dataset")"
    ;;
  rename | mount | unmount | destroy | rollback)
    $real "$@"
    status=$?
    link
    exit $status
    ;;
  *) exec $real "$@" ;;
esac
`;

/**
 * Puts the stand-in first in this process's path.
 * @returns the directory of the volumes' devices
 */
export const useZvolStandIn = async (dir: string): Promise<string> => {
  const [bin, devices] = [join(dir, 'bin'), join(dir, 'zvol')];
  await mkdir(bin);
  await mkdir(devices);
  const { stdout: real } = await execa('sh', ['-c', 'command -v zfs']);
  await writeFile(join(bin, 'zfs'), script(real, devices));
  await chmod(join(bin, 'zfs'), 0o755);
  process.env.PATH = `${bin}:${process.env.PATH}`;
  return devices;
};
