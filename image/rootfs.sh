#!/bin/sh
# Lays out the image's whole file system: the program, the libraries that it is linked with, the
# certificates, and what glibc reads to resolve names. Nothing else: no shell, no package manager.
#
#     image/rootfs.sh PROGRAM DIRECTORY
set -eu
program=$1
root=$2
mkdir -p "$root/etc/ssl/certs"
install -m 0755 "$program" "$root/mackerel-ecs"
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    install -D -m 0755 "$library" "$root$library"
done
install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
echo 'mackerel:x:65532:65532::/:/mackerel-ecs' > "$root/etc/passwd"
