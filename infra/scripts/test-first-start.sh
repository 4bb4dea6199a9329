#!/usr/bin/env bash
# Follows the README in a new minimal Debian: what it says to install, then its two commands, then a
# purchase. `make test-first-start` calls it, as root, because it makes that Debian with debootstrap.
# It fails if a command fails, if nothing is printed for 10 s, or if Ctrl-C leaves anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ((EUID != 0)); then
  exec sudo --preserve-env "$0" "$@"
fi
suite=${SUITE:-bookworm}
# The mirror of this machine, if it is a Debian.
mirror=${MIRROR:-$(find /etc/apt -name '*.list' -print0 -o -name '*.sources' -print0 | xargs -0 sed -nE \
  's#^(deb|URIs:) +(\[.*\] +)?([a-z]+://[^ ]+/debian/?)( .*)?$#\3#p' | sed -n 1p)}
folder=$(mktemp --directory -t first-start.XXXXXX)
root=$folder/root
trap 'rm -rf --one-file-system "$folder"' EXIT

echo "Making a minimal Debian $suite ..."
debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$folder/debootstrap.log" ||
  { tail -n 20 "$folder/debootstrap.log" && exit 1; }

# The network of this machine: its resolver, its certificate authorities and its mirrors.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mkdir -p "$root/etc/ssl/certs" "$root/etc/xdg/pip" "$root/root"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -rL /usr/local/share/ca-certificates "$root/usr/local/share/" # `git` brings the package that adds them
for file in /etc/pip.conf /root/.npmrc; do
  [[ ! -e $file ]] || cp "$file" "$root$file"
done

# The tracked files, with the changes in this work tree, in a folder whose name is not plain.
source="$root/root/Konzert Börse, 100% 'odd'"
mkdir -p "$source"
git ls-files -z | while IFS= read -r -d '' file; do
  [[ ! -e $file ]] || printf '%s\0' "$file"
done | tar --create --null --files-from=- --file=- | tar --extract --file=- --directory="$source"

cp infra/scripts/first-start-steps.sh "$root/root/first-start-steps.sh"
# In namespaces of its own, so that every process ends with this one, and no mount is left.
# shellcheck disable=SC2016 # the inner shell expands it
unshare --mount --pid --fork --kill-child bash -c '
  root=$1
  mount --types proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  exec chroot "$root" /bin/bash /root/first-start-steps.sh "$2"
' - "$root" "${source#"$root"}" &
trap 'kill -KILL $!' INT TERM # it ignores other signals
wait $!
