#!/usr/bin/env bash
# Installs this clone as a service below /opt/l2p-edge, each version in a folder of its own, `current` pointing to one.
#
#   deploy/install.sh                  install, or upgrade to this clone; done before, it changes nothing
#   deploy/install.sh rollback         back to the version before, with what was learned since
#   deploy/install.sh rollback --state the same, with the state as it was before the upgrade
#   deploy/install.sh uninstall        keeps /etc/l2p-edge and /var/lib/l2p-edge
#   deploy/install.sh uninstall --purge  takes these too, and the user
#
# As root, after `npm ci`. $DESTDIR installs into another root folder, where nothing is started.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$(cd "$here/.." && pwd)
root=${DESTDIR:-}
home=$root/opt/l2p-edge
state=$root/var/lib/l2p-edge
unit=$root/etc/systemd/system/l2p-edge.service

say() { echo "install: $1"; }
fail() {
  echo "install: $1" >&2
  exit 1
}

# Whether there is a running systemd that this installation is for.
live() { [[ -z $root && -d /run/systemd/system ]]; }
active() { live && systemctl is-active --quiet l2p-edge.service; }
stop() { if live && [[ -e $unit ]]; then systemctl stop l2p-edge.service; fi; }

# The version a link points to; nothing where it does not.
version_at() { if [[ -L $home/$1 ]]; then basename "$(readlink "$home/$1")"; fi; }

# Sets a link in one step: there is no moment without it.
point() {
  ln -sfn "versions/$2" "$home/.$1.new"
  mv -T "$home/.$1.new" "$home/$1"
}

# What the files are: package.json's version and a hash of the program and of the packages it was built for.
identity() {
  local hash
  hash=$(cd "$source" && { cat package-lock.json; find dist src/edge/dashboard/page models deploy -type f \
    ! -name .tsbuildinfo ! -name '*.map' -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum)
  echo "$(node -p 'require(process.argv[1]).version' "$source/package.json")-${hash:0:8}"
}

node_path() {
  local path
  path=$(readlink -f "$(command -v node)") || fail "there is no node on the PATH: install Node 20.19 or newer"
  case $path in
    /home/* | /root/* | /run/user/*) [[ -n $root ]] || fail "the service may not read $path: install Node system-wide" ;;
  esac
  echo "$path"
}

# $1: the path of node
install_system_files() {
  local files=$home/current/deploy/systemd
  install -D -m 644 "$files/l2p-edge.sysusers" "$root/usr/lib/sysusers.d/l2p-edge.conf"
  install -D -m 644 "$files/l2p-edge.tmpfiles" "$root/usr/lib/tmpfiles.d/l2p-edge.conf"
  mkdir -p "$(dirname "$unit")"
  sed "s#^ExecStart=/usr/bin/node #ExecStart=$1 #" "$files/l2p-edge.service" >"$unit.new"
  chmod 644 "$unit.new"
  mv "$unit.new" "$unit"
  # The administrator's from the first day: never overwritten.
  [[ -e $root/etc/l2p-edge/config.yaml ]] ||
    install -D -m 640 "$home/current/deploy/config.yaml" "$root/etc/l2p-edge/config.yaml"
  mkdir -p "$root/usr/local/bin"
  ln -sfn /opt/l2p-edge/current/dist/cli/main.js "$root/usr/local/bin/l2p-edge"
  if [[ -z $root ]]; then
    systemd-sysusers l2p-edge.conf
    systemd-tmpfiles --create l2p-edge.conf || true
  fi
  if live; then systemctl daemon-reload; fi
}

# Beside the state, once: what `rollback --state` goes back to.
save_state() {
  [[ -d $state ]] || return 0
  rm -rf "$state.before.new"
  cp -a --reflink=auto "$state" "$state.before.new" || {
    rm -rf "$state.before.new"
    fail "no copy of $state could be made: is there space for one?"
  }
  rm -rf "$state.before"
  mv "$state.before.new" "$state.before"
}

# Starts a new version; where it does not come up, the one before comes back, with its state.
start_or_go_back() {
  live || return 0
  if systemctl enable --quiet l2p-edge.service && systemctl start l2p-edge.service; then return 0; fi
  journalctl -u l2p-edge -n 5 -o cat --no-pager >&2 || true
  [[ -n $(version_at previous) ]] || fail "it does not start: see above, and \`journalctl -u l2p-edge\`"
  go_back --state
  fail "the new version does not start (see above): $(version_at current) is back"
}

do_install() {
  local id before node was_active=false
  node=$(node_path)
  id=$(identity)
  before=$(version_at current)
  mkdir -p "$home/versions"
  if [[ ! -d $home/versions/$id ]]; then
    rm -rf "$home/versions/.new"
    bash "$here/stage.sh" "$home/versions/.new"
    node "$home/versions/.new/dist/cli/main.js" --version >/dev/null || fail "what was copied does not run"
    mv "$home/versions/.new" "$home/versions/$id"
  fi
  if [[ $before == "$id" ]]; then
    install_system_files "$node"
    # An installation that broke off may have left it stopped.
    if live && systemctl is-enabled --quiet l2p-edge.service && ! active; then systemctl start l2p-edge.service; fi
    say "$id is installed already"
    return
  fi
  if active || [[ -z $before ]]; then was_active=true; fi
  # Whatever breaks off from here on: what `current` points to runs again.
  if active; then trap 'systemctl start l2p-edge.service || true' EXIT; fi
  stop
  if [[ -n $before ]]; then
    save_state
    point previous "$before"
  fi
  point current "$id"
  install_system_files "$node"
  if $was_active; then start_or_go_back; fi
  trap - EXIT
  for old in "$home"/versions/*; do
    case ${old##*/} in "$id" | "$before") ;; *) rm -rf "$old" ;; esac
  done
  say "${before:+from $before to }$id"
}

go_back() {
  local before now node
  node=$(node_path)
  before=$(version_at previous)
  now=$(version_at current)
  [[ -n $before && -d $home/versions/$before ]] || fail "there is no version before"
  stop
  if [[ ${1:-} == --state ]]; then
    [[ -d $state.before ]] || fail "there is no state from before the upgrade"
    rm -rf "$state.after"
    if [[ -d $state ]]; then mv "$state" "$state.after"; fi
    mv "$state.before" "$state"
    say "what was learned since is in ${state#"$root"}.after"
  fi
  point current "$before"
  point previous "$now"
  install_system_files "$node"
  if live; then systemctl start l2p-edge.service; fi
  say "from $now back to $before"
}

do_uninstall() {
  if live && [[ -e $unit ]]; then systemctl disable --now --quiet l2p-edge.service; fi
  rm -rf "$home/versions" "$home/current" "$home/previous"
  rm -f "$unit" "$root"/usr/lib/{sysusers,tmpfiles}.d/l2p-edge.conf "$root/usr/local/bin/l2p-edge"
  rm -f "$home/.lock"
  # Models of the administrator's may be there.
  if [[ -d $home ]]; then rmdir --ignore-fail-on-non-empty "$home"; fi
  if live; then systemctl daemon-reload; fi
  if [[ ${1:-} == --purge ]]; then
    rm -rf "$root/etc/l2p-edge" "$unit.d" "$state" "$state.before" "$state.after"
    rm -f "$root"/etc/credstore/l2p-edge.{mqtt-password,mqtt-key,dashboard-token}
    if [[ -z $root ]] && id l2p-edge >/dev/null 2>&1; then userdel l2p-edge; fi
  else
    say "/etc/l2p-edge and /var/lib/l2p-edge are kept"
  fi
}

[[ -n $root || $(id -u) == 0 ]] || fail "it needs root: sudo deploy/install.sh"
mkdir -p "$home"
exec 9>"$home/.lock"
flock --nonblock 9 || fail "another installation is going on"
case "${1:-install}:${2:-}" in
  install:) do_install ;;
  rollback: | rollback:--state) go_back "${2:-}" ;;
  uninstall: | uninstall:--purge) do_uninstall "${2:-}" ;;
  *) fail "usage: deploy/install.sh [install | rollback [--state] | uninstall [--purge]]" ;;
esac
