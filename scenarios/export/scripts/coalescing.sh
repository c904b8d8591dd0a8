#@ 20 concurrent updates of seed-001
BEFORE="$(curl -sSf "$API_URL/admin/queue")"
export BEFORE
answers="$(
  for i in $(seq 20); do
    cents=$((1000 + 99 * i))
    (
      answer="$(curl -sSf -X PUT "$API_URL/products/seed-001" \
        -H 'Content-Type: application/json' \
        -d "{\"name\": \"Coalesced-Update-$i\", \"price\": $((cents / 100)).$(printf %02d $((cents % 100))), \"quantity\": $i}")"
      echo "$answer"
    ) &
  done
  wait
)"
echo "$answers"
[ "$(echo "$answers" | grep -c '"version"')" = 20 ] || { echo "not all updates were acknowledged" >&2; exit 1; }
# The name of the update with the highest version: the last one that was accepted.
LAST="$(echo "$answers" | sed -n 's/.*"name": *"\([^"]*\)".*"version": *\([0-9]*\).*/\2 \1/p' |
  sort -n | tail -n 1 | cut -d ' ' -f 2)"
export LAST

#@ The queue right after
curl -sSf "$API_URL/admin/queue"
echo

#@ What reached PostgreSQL
#@flushed
labctl --name "$LAB" db query "SELECT name, quantity, version FROM products WHERE id = 'seed-001';"
# The running totals after the updates, less those before.
total() { echo "$1" | grep -Eo "\"$2\": *[0-9]+" | tr -dc 0-9; }
after="$(curl -sSf "$API_URL/admin/queue")"
rows=$(($(total "$after" rows_written) - $(total "$BEFORE" rows_written)))
coalesced=$(($(total "$after" coalesced) - $(total "$BEFORE" coalesced)))
echo "coalesced: $coalesced writes, database writes: $rows"
[ "$rows" -ge 1 ] && [ "$rows" -le 5 ] || { echo "20 updates became $rows database writes, not 1 to 5" >&2; exit 1; }
[ $((rows + coalesced)) = 20 ] || { echo "$rows written + $coalesced coalesced are not 20" >&2; exit 1; }

#@ The last accepted value is the row
curl -sSf "$API_URL/products/seed-001"
echo
row="$(labctl --name "$LAB" exec postgres -- psql -XAtc "SELECT name FROM products WHERE id = 'seed-001';")"
[ "$row" = "$LAST" ] || { echo "the row holds $row, and the last accepted update was $LAST" >&2; exit 1; }
