#@ 100 pairs of writes, in turns
# The first five pairs are not counted: connections open and statements are prepared.
TIMES="$(
  for n in $(seq 105); do
    i=$((n - 5))
    # Each goes first in every second pair, so that neither gains from its place.
    if [ $((i % 2)) = 0 ]; then order="write_through write_behind"; else order="write_behind write_through"; fi
    for policy in $order; do
      seconds="$(curl -sSf -o /dev/null -w '%{time_total}' -X POST "$API_URL/products" \
        -H 'Content-Type: application/json' \
        -H "X-Write-Policy: $policy" \
        -d '{"name": "Latency-'"$policy-$i"'", "price": 19.99, "quantity": 50}')"
      echo "$i $policy $seconds"
    done
  done
)"
wins="$(echo "$TIMES" | LC_ALL=C awk '
  $1 > 0 { took[$1, $2] = $3 }
  END { for (i = 1; i <= 100; i++) wins += took[i, "write_behind"] < took[i, "write_through"]; print wins + 0 }')"
for policy in write_behind write_through; do
  median="$(echo "$TIMES" | LC_ALL=C awk -v policy="$policy" '$1 > 0 && $2 == policy { print 1000 * $3 }' |
    LC_ALL=C sort -n | sed -n 50p)"
  echo "$policy: p50 $median ms"
done
echo "write-behind answers sooner in $wins of 100 pairs"
[ "$wins" -ge 65 ] || { echo "not in 65 or more" >&2; exit 1; }

#@ What each answer was worth
rows="$(labctl --name "$LAB" exec postgres -- psql -XAtc \
  "SELECT count(*) FROM products WHERE name LIKE 'Latency-write\\_through-%' AND created_at >= '$STARTED';")"
echo "write-through: $rows of 105 rows are there"
[ "$rows" = 105 ] || { echo "a write-through write was answered before its row was there" >&2; exit 1; }

#@ In the end both are there
curl -sSf "$API_URL/admin/queue"
echo
#@flushed
rows="$(labctl --name "$LAB" exec postgres -- psql -XAtc \
  "SELECT count(*) FROM products WHERE name LIKE 'Latency-%' AND created_at >= '$STARTED';")"
echo "rows: $rows of 210"
[ "$rows" = 210 ] || { echo "$((210 - rows)) acknowledged writes are missing" >&2; exit 1; }
