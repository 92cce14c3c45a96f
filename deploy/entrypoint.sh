#!/bin/sh
# In a container: take secrets from the files that `NAME_FILE` names, then become the command.
set -eu

for name in DATABASE_URL REDIS_URL VAGUS_SMTP_URL PGPASSWORD; do
    eval "file=\${${name}_FILE:-}"
    [ -n "$file" ] || continue
    [ -r "$file" ] || { echo "vagus: ${name}_FILE names $file, which cannot be read: see docs/operations.md" >&2; exit 1; }
    value=$(cat "$file")
    export "$name=$value"
done
exec "$@"
