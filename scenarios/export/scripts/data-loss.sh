#@ 10 products, persisted
for i in $(seq 10); do
  curl -sSf -X POST "$API_URL/products" \
    -H 'Content-Type: application/json' \
    -d '{"name": "AtRisk-'"$i"'", "price": 99.99, "quantity": '"$i"'}'
  echo
done
#@flushed

#@ Stop the worker
labctl --name "$LAB" worker stop

#@ 5 more products
for i in $(seq 5); do
  curl -sSf -X POST "$API_URL/products" \
    -H 'Content-Type: application/json' \
    -d '{"name": "WillBeLost-'"$i"'", "price": 99.99, "quantity": '"$i"'}'
  echo
done
queued="$(curl -sSf "$API_URL/admin/queue" | grep -Eo '"queue_size": *[0-9]+' | tr -dc 0-9)"
echo "queue size before the crash: $queued"
[ "$queued" -ge 5 ] || { echo "only $queued products wait: is another worker running?" >&2; exit 1; }

#@ Redis loses its memory: FLUSHALL @if crash=flushall
labctl --name "$LAB" exec redis -- redis-cli FLUSHALL
queued="$(curl -sSf "$API_URL/admin/queue" | grep -Eo '"queue_size": *[0-9]+' | tr -dc 0-9)"
echo "queue size after the crash: $queued"
[ "$queued" = 0 ] || { echo "Redis still has its queue" >&2; exit 1; }

#@ Redis is killed and starts without its memory @if crash=kill
labctl --name "$LAB" fault kill redis
labctl --name "$LAB" fault start redis
queued="$(curl -sSf "$API_URL/admin/queue" | grep -Eo '"queue_size": *[0-9]+' | tr -dc 0-9)"
echo "queue size after the crash: $queued"
[ "$queued" = 0 ] || { echo "Redis still has its queue" >&2; exit 1; }

#@ Start the worker again
labctl --name "$LAB" worker start

#@ Compare the ledger with PostgreSQL
#@flushed
labctl --name "$LAB" db query "SELECT name FROM products WHERE name LIKE 'WillBeLost-%' AND created_at >= '$STARTED';"
counts="$(labctl --name "$LAB" exec postgres -- psql -XAt -F ' ' -c "
  SELECT count(*) FILTER (WHERE name LIKE 'AtRisk-%'), 5 - count(*) FILTER (WHERE name LIKE 'WillBeLost-%')
  FROM products WHERE created_at >= '$STARTED';")"
read -r kept lost <<<"$counts"
echo "kept: $kept of 10, lost: $lost of 5"
[ "$kept" = 10 ] || { echo "persisted products are missing" >&2; exit 1; }
[ "$lost" = 5 ] || { echo "not all of the 5 queued writes are lost" >&2; exit 1; }

#@ cleanup
labctl --name "$LAB" fault start redis
labctl --name "$LAB" worker start
