#@ Create a product
answer="$(curl -sSf -X POST "$API_URL/products" \
  -H 'Content-Type: application/json' \
  -d '{"name": "Demo Widget", "price": 29.99, "quantity": 100}')"
echo "$answer"
PRODUCT="$(echo "$answer" | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p')"
export PRODUCT

#@ Where it is now
answer="$(curl -sSf "$API_URL/products/$PRODUCT")"
echo "$answer"
echo "$answer" | grep -Eq '"source": *"cache"' || {
  echo "the answer does not come from the cache" >&2
  exit 1
}

#@ The worker brings it to PostgreSQL
deadline=$((SECONDS + 30))
until [ "$(labctl --name "$LAB" exec postgres -- \
  psql -XAtc "SELECT count(*) FROM products WHERE id = '$PRODUCT';")" = 1 ]; do
  [ "$SECONDS" -lt "$deadline" ] || { echo "no row after 30 s" >&2; exit 1; }
  sleep 0.2
done
labctl --name "$LAB" db query "SELECT id, name, price, quantity FROM products WHERE id = '$PRODUCT';"

#@ Was the acknowledgement kept?
curl -sSf "$API_URL/admin/queue"
echo
#@flushed
