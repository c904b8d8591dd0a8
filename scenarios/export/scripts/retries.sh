#@ Three writes in ten fail
# As they are now, to put them back.
BEFORE="{$(curl -sSf "$API_URL/admin/config" |
  grep -Eo '"(simulate_db_failure|failure_rate|max_retries|retry_delay_ms)": *[^,}]*' | paste -s -d , -)}"
export BEFORE
dead="$(labctl --name "$LAB" exec redis -- redis-cli LLEN write_behind:dlq)"
[ "$dead" = 0 ] || { echo "there are dead letters from before: see labctl dlq list" >&2; exit 1; }
labctl --name "$LAB" config set SIMULATE_DB_FAILURE=true FAILURE_RATE=0.3 MAX_RETRIES=10 RETRY_DELAY_MS=50
for i in $(seq 20); do
  curl -sSf -X POST "$API_URL/products" \
    -H 'Content-Type: application/json' \
    -d '{"name": "Retried-'"$i"'", "price": 19.99, "quantity": '"$i"'}'
  echo
done
#@flushed
rows="$(labctl --name "$LAB" exec postgres -- psql -XAtc \
  "SELECT count(*) FROM products WHERE name LIKE 'Retried-%' AND created_at >= '$STARTED';")"
echo "rows: $rows of 20"
[ "$rows" = 20 ] || { echo "a retry did not repair what failed for a moment" >&2; exit 1; }

#@ Every write fails
labctl --name "$LAB" config set FAILURE_RATE=1 MAX_RETRIES=3
for i in $(seq 5); do
  curl -sSf -X POST "$API_URL/products" \
    -H 'Content-Type: application/json' \
    -d '{"name": "Doomed-'"$i"'", "price": 19.99, "quantity": '"$i"'}'
  echo
done
deadline=$((SECONDS + 30))
until [ "$(labctl --name "$LAB" exec redis -- redis-cli LLEN write_behind:dlq)" = 5 ]; do
  [ "$SECONDS" -lt "$deadline" ] || { echo "not all of them are set aside after 30 s" >&2; exit 1; }
  sleep 0.2
done

#@ The dead letter queue
letters="$(labctl --name "$LAB" exec redis -- redis-cli LRANGE write_behind:dlq 0 -1)"
echo "$letters"
tried="$(echo "$letters" | grep -Ec '"attempts": *4[,}]' || true)"
[ "$tried" = 5 ] || { echo "$tried of 5 were tried once and retried three times" >&2; exit 1; }

#@ The database works again: put them back
curl -sSf -X PATCH "$API_URL/admin/config" -H 'Content-Type: application/json' -d "$BEFORE"
echo
curl -sSf -X POST "$API_URL/admin/dlq/requeue"
echo

#@ Nothing is lost
curl -sSf "$API_URL/admin/queue"
echo
#@flushed
rows="$(labctl --name "$LAB" exec postgres -- psql -XAtc \
  "SELECT count(*) FROM products
   WHERE (name LIKE 'Retried-%' OR name LIKE 'Doomed-%') AND created_at >= '$STARTED';")"
echo "rows: $rows of 25"
[ "$rows" = 25 ] || { echo "$((25 - rows)) acknowledged writes are missing" >&2; exit 1; }

#@ cleanup
labctl --name "$LAB" config set SIMULATE_DB_FAILURE=false
curl -sSf -X PATCH "$API_URL/admin/config" -H 'Content-Type: application/json' -d "${BEFORE:-"{}"}"
curl -sSf -X POST "$API_URL/admin/dlq/requeue"
