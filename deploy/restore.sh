#!/bin/sh
# Put a backup into an empty database:   deploy/restore.sh FILE.dump FILE.secrets.json
# Into DATABASE_URL where it is set, else into VAGUS_HOME, where no Vagus may run meanwhile. A database with rows, and
# secrets that do not open the dump, are refused with one line, and all is as it was.
set -eu
umask 077

[ $# -eq 2 ] || { echo "usage: deploy/restore.sh FILE.dump FILE.secrets.json" >&2; exit 2; }
for file in "$1" "$2"; do
    [ -r "$file" ] || { echo "vagus: $file cannot be read" >&2; exit 1; }
done
deploy=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${VAGUS_PYTHON:-$deploy/../.venv/bin/python}
state() { "$python" -P "$deploy/state.py" "$@"; }

# What `begin` started is stopped whatever happens; our own database is found by its folder, and not by a variable.
trap 'case ${servers:-} in STARTED*) (unset DATABASE_URL; state finish) ;; esac' EXIT
servers=$(state begin)
eval "$servers"

pg_restore --list "$1" >/dev/null 2>&1 || { echo "vagus: $1 is no dump of backup.sh" >&2; exit 1; }
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="$PGDATABASE" "$1"
VAGUS_SECRETS_FILE=$2 state opens "$2" "$SECRETS"
echo "Restored, and what is sealed opens. Start Vagus; grants whose tokens were renewed since the backup ask to be reconnected."
