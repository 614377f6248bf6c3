#!/usr/bin/env bash
# Runs a command on a machine whose kernel is Debian's: scripts/virtual_machine.sh .venv/bin/pytest tests/execution/test_control_group.py
#
# For what this machine's kernel, or the container that we are in, does not give: control groups of version 2 that are
# ours to divide. It is emulated where there is no KVM, and then some ten times slower. It sees all files of this machine
# and can change none of them; /tmp, /var/tmp and /dev/shm are its own. As root, with on Debian:
#     apt-get install --no-install-recommends qemu-system-x86 linux-image-amd64
#
# The command runs in a group that is delegated to its user, as systemd does it.
#
# Variables: AS, the user by number (0); MEMORY, MiB (6000); KERNEL, a version in /boot (the newest); ACCEL, kvm or tcg
# (tcg).
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }

kernel=${KERNEL:-$(ls /boot/vmlinuz-* | sort -V | tail -n 1 | cut -d- -f2-)}
work=$(mktemp -d /var/tmp/virtual-machine.XXXXXX)
trap 'rm -rf "$work"' EXIT
job=$(printf '%q ' "$@") user=${AS:-0}

# The first process there. Its own disk is memory: what the command needs is read through the 9p file system.
cat > "$work/init" <<INIT
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc 2>/dev/null; mount -t sysfs sys /sys 2>/dev/null; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts
for folder in /dev/shm /tmp /var/tmp /run; do mount -t tmpfs -o mode=1777 own \$folder; done
mount -t devpts pts /dev/pts; mount -t cgroup2 groups /sys/fs/cgroup; ip link set lo up
echo "+memory +pids" > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/run /tmp/home
chown -R $user:$user /sys/fs/cgroup/run /tmp/home
python3 -c 'import os; os.setxattr("/sys/fs/cgroup/run", "user.delegate", b"1")'
(
    echo \$BASHPID > /sys/fs/cgroup/run/cgroup.procs
    export HOME=/tmp/home
    cd $(printf %q "$PWD") && exec setpriv --reuid=$user --regid=$user --clear-groups $job
)
echo "exit status of the command: \$?"
echo o > /proc/sysrq-trigger; sleep 60
INIT
chmod +x "$work/init"

# An initial file system with the modules that its root needs, made without changing this machine's own.
cp -r /etc/initramfs-tools "$work/settings"
printf '9p\n9pnet_virtio\nvirtio_pci\n' > "$work/settings/modules"
sed -i 's/^MODULES=.*/MODULES=list/' "$work/settings/initramfs.conf"
mkinitramfs -d "$work/settings" -o "$work/initrd" "$kernel"

qemu-system-x86_64 -accel "${ACCEL:-tcg}" -cpu max -m "${MEMORY:-6000}" -smp "$(nproc)" -nographic -no-reboot \
    -kernel "/boot/vmlinuz-$kernel" -initrd "$work/initrd" \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
    -append "console=ttyS0 quiet root=host rootfstype=9p \
rootflags=trans=virtio,version=9p2000.L,msize=512000,cache=loose ro init=$work/init panic=-1" \
    < /dev/null | tee "$work/output"
grep -q "^exit status of the command: 0" "$work/output"
