#!/usr/bin/env bash
# A small certificate authority for one plant, with openssl. Everything goes to the current folder.
#
#   make-certificates.sh ca                      ca.crt, ca.key: 10 years; keep ca.key away from the network
#   make-certificates.sh server NAME|IP…         server.crt, server.key: the broker, under all the names clients use for it
#   make-certificates.sh client NAME             NAME.crt, NAME.key: a node (its node.id) or a camera (its user name)
#   make-certificates.sh revoke NAME             all that NAME ever got, no longer valid: writes ca.crl for the broker (`crlfile`)
#
# Certificates last 825 days: $DAYS says otherwise. Made again, they are renewed with a new key; an authority is never made twice.
set -euo pipefail
umask 077
days=${DAYS:-825}

fail() {
  echo "make-certificates: $1" >&2
  exit 1
}
usage() { fail "usage: make-certificates.sh ca | server NAME|IP… | client NAME | revoke NAME"; }
needs_ca() { [[ -e ca.key && -e ca.crt ]] || fail "there is no ca.key here: make-certificates.sh ca"; }

# What `openssl ca` keeps its list in, for revocation.
config() {
  cat <<EOF
[ca]
default_ca = plant
[plant]
database = ca.index
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_crl_days = 3650
rand_serial = yes
policy = any
unique_subject = no
[any]
commonName = supplied
[extensions]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
$1
EOF
}

# $1: file name, $2: common name, $3: lines of extensions
sign() {
  local request
  request=$(mktemp)
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$1.key.new" -out "$request" 2>/dev/null
  [[ -e ca.index ]] || : >ca.index
  openssl ca -batch -notext -config <(config "$3") -extensions extensions -days "$days" -in "$request" -out "$1.crt.new" 2>/dev/null ||
    { rm -f "$request" "$1.key.new" "$1.crt.new" && fail "openssl did not sign $1"; }
  rm -f "$request"
  # `openssl ca` leaves a copy under its serial number, by which an older one can be revoked when it was renewed.
  chmod 644 "$1.crt.new"
  mv "$1.key.new" "$1.key"
  mv "$1.crt.new" "$1.crt"
  echo "$1.crt $1.key"
}

is_name() { [[ $1 =~ ^[A-Za-z0-9._-]{1,64}$ ]]; }

case ${1:-} in
  ca)
    [[ $# == 1 ]] || usage
    [[ ! -e ca.key ]] || fail "ca.key is here already: a new one would make all certificates worthless"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=l2p-edge plant CA" \
      -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
      -keyout ca.key -out ca.crt 2>/dev/null
    chmod 644 ca.crt
    echo "ca.crt ca.key"
    ;;
  server)
    [[ $# -ge 2 ]] || usage
    needs_ca
    names=
    for name in "${@:2}"; do
      if [[ $name =~ ^[0-9]+(\.[0-9]+){3}$ || $name =~ ^[0-9a-fA-F:]*:[0-9a-fA-F:]*$ ]]; then names+=,IP:$name; else
        is_name "$name" || fail "$name is no host name"
        names+=,DNS:$name
      fi
    done
    sign server "$2" "extendedKeyUsage = serverAuth
subjectAltName = ${names#,}"
    ;;
  client)
    [[ $# == 2 ]] || usage
    needs_ca
    is_name "$2" || fail "$2: a name is 1 to 64 of A-Z a-z 0-9 . _ -"
    [[ $2 != ca && $2 != server ]] || fail "$2 is the name of another file here"
    sign "$2" "$2" "extendedKeyUsage = clientAuth"
    ;;
  revoke)
    [[ $# == 2 && -e $2.crt ]] || usage
    needs_ca
    # A line of ca.index: V for valid, …, the serial number, the file, the subject; tabs between.
    subject=$(openssl x509 -in "$2.crt" -noout -subject -nameopt compat)
    serials=$(awk -F '\t' -v subject="/${subject#*/}" '$1 == "V" && $6 == subject { print $4 }' ca.index)
    [[ -n $serials ]] || fail "$2.crt is not of this authority, or revoked already"
    for serial in $serials; do
      # Those of an earlier version of this script left no copy but the newest.
      certificate=$serial.pem
      [[ -e $certificate ]] || certificate=$2.crt
      openssl ca -config <(config "") -revoke "$certificate" 2>/dev/null || fail "$certificate could not be revoked"
    done
    openssl ca -config <(config "") -gencrl -out ca.crl 2>/dev/null
    chmod 644 ca.crl
    echo "ca.crl"
    ;;
  *) usage ;;
esac
