#@ Is anything still on its way?
queue="$(curl -sSf "$API_URL/admin/queue")"
echo "$queue"
echo "$queue" | grep -Eq '"queue_size": *0, *"inflight": *0, *"retrying": *0,.*"dlq_size": *0,' || {
  echo "not every acknowledged write has arrived" >&2
  exit 1
}

#@ How many products?
labctl --name "$LAB" db query "SELECT COUNT(*) AS total_products FROM products;"

#@ The most recent
labctl --name "$LAB" db query "SELECT id, name, price, quantity, created_at::time(0) AS created FROM products ORDER BY created_at DESC LIMIT 10;"

#@ Statistics
labctl --name "$LAB" db query "SELECT total_products, total_inventory, avg_price, last_update::timestamptz(0) FROM product_stats;"
agree="$(labctl --name "$LAB" exec postgres -- psql -XAtc \
  "SELECT total_products = (SELECT count(*) FROM products) FROM product_stats;")"
[ "$agree" = t ] || { echo "the view does not count what the table holds" >&2; exit 1; }
