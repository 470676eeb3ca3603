#!/bin/sh
# The first process of a system under test, in namespaces of its own: mounts the system's root, makes it its own, and
# waits. When it ends, the kernel ends the other processes and removes the mounts, bridges and devices.
#
# Variables: BASE the root that stays as it is, RUN a directory for what is written, CGROUPS the hierarchies as lines
# NAME:MOUNT-ARGUMENTS, SHARED files and directories of the host as lines SOURCE TARGET, HOST_NAME.
set -eu

# Opened by this shell in the host's /proc, so it is the host's number of this process.
read -r pid _ < /proc/self/stat

mount --make-rprivate /
mkdir -p "$RUN/upper" "$RUN/work" "$RUN/root"
# Without waiting for the disk, where the kernel can (5.10): nothing written here outlives the run.
options=lowerdir=$BASE,upperdir=$RUN/upper,workdir=$RUN/work
mount -t overlay overlay -o "$options,volatile" "$RUN/root" 2> /dev/null ||
  mount -t overlay overlay -o "$options" "$RUN/root"
cd "$RUN/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --bind /dev dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run

# Storage of the engines and of the tests: an overlay cannot hold another overlay's files, nor files opened directly.
for directory in tmp var/tmp var/lib/containers var/lib/docker var/lib/mistify; do
  mkdir -p "$RUN/disk/$directory" "$directory"
  mount --bind "$RUN/disk/$directory" "$directory"
done
chmod 1777 tmp var/tmp

echo "$SHARED" | while read -r source target; do
  [ -n "$source" ] || continue
  if [ -d "$source" ]; then mkdir -p ".$target"; else mkdir -p ".${target%/*}" && touch ".$target"; fi
  mount --bind "$source" ".$target"
done

cp /etc/resolv.conf /etc/hosts etc/
echo "$HOST_NAME" > etc/hostname
hostname "$HOST_NAME"
echo "127.0.1.1 $HOST_NAME" >> etc/hosts

# Version 2 alone is mounted on the directory itself, which is the line without a name.
case "$CGROUPS" in :*) ;; *) mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup ;; esac
echo "$CGROUPS" | while IFS=: read -r name arguments; do
  mkdir -p "sys/fs/cgroup/$name"
  # shellcheck disable=SC2086 # words
  mount -t $arguments cgroup "sys/fs/cgroup/$name"
done

ip link set lo up
mkdir -p mnt
# Since forky, util-linux has no pivot_root.
if command -v pivot_root > /dev/null; then pivot_root . mnt; else busybox pivot_root . mnt; fi
cd /
umount -l /mnt
echo "$pid"

while :; do
  sleep 3600 &
  wait
done
