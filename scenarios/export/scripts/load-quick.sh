#@ 50 rapid writes
codes="$(
  for i in $(seq 50); do
    curl -sS -o /dev/null -w '%{http_code}\n' -X POST "$API_URL/products" \
      -H 'Content-Type: application/json' \
      -d '{"name": "Load-'"$i"'", "price": '"0.$(printf %02d "$i")"', "quantity": '"$i"'}' &
  done
  wait
)"
acknowledged="$(echo "$codes" | grep -c '^201$' || true)"
echo "acknowledged: $acknowledged of 50"
[ "$acknowledged" = 50 ] || { echo "not all writes were acknowledged" >&2; exit 1; }

#@ Wait until everything is flushed
curl -sSf "$API_URL/admin/queue"
echo
#@flushed

#@ The verdict
labctl --name "$LAB" db query "SELECT count(*), max(updated_at) FROM products WHERE name LIKE 'Load-%' AND created_at >= '$STARTED';"
rows="$(labctl --name "$LAB" exec postgres -- psql -XAtc \
  "SELECT count(*) FROM products WHERE name LIKE 'Load-%' AND created_at >= '$STARTED';")"
[ "$rows" = 50 ] || { echo "$((50 - rows)) acknowledged writes are lost" >&2; exit 1; }
