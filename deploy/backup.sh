#!/bin/sh
# Save the database and the secrets, while everything runs or is stopped:   deploy/backup.sh FOLDER
# Of DATABASE_URL where it is set, else of the Vagus in VAGUS_HOME. One line and exit code 1 where it cannot.
set -eu
umask 077

[ $# -eq 1 ] || { echo "usage: deploy/backup.sh FOLDER" >&2; exit 2; }
deploy=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${VAGUS_PYTHON:-$deploy/../.venv/bin/python}
mkdir -p -- "$1"
dump=$1/vagus-$(date -u +%Y-%m-%dT%H%M%SZ).dump
secrets=${dump%.dump}.secrets.json

state() { "$python" -P "$deploy/state.py" "$@"; }

# What `where` started is stopped whatever happens; our own database is found by its folder, and not by a variable.
trap 'rm -f -- "$dump.part" "$secrets.part"; case ${servers:-} in STARTED*) (unset DATABASE_URL; state finish) ;; esac' EXIT
servers=$(state where)
eval "$servers"

# The keys before and after are compared: a dump made while they were turned may need the ones that went, or came.
cp -- "$SECRETS" "$secrets.part"
pg_dump --format=custom --no-owner --no-privileges --file="$dump.part"
pg_restore --list "$dump.part" >/dev/null
cmp -s -- "$SECRETS" "$secrets.part" || { echo "vagus: the keys were turned meanwhile: run this again" >&2; exit 1; }
mv -- "$secrets.part" "$secrets"
mv -- "$dump.part" "$dump"

echo "$dump"
echo "$secrets"
echo "WITHOUT THE SECRETS FILE THE DUMP IS WORTHLESS: no token in it and nothing that a vendor sent can be opened." >&2
echo "With it, it is everything about everybody. Keep both, encrypted, and not in one place." >&2
