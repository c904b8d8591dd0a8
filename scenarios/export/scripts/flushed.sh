deadline=$((SECONDS + 60))
until curl -sSf "$API_URL/admin/queue" |
  grep -E '"queue_size": *0, *"inflight": *0, *"retrying": *0,' >/dev/null; do
  [ "$SECONDS" -lt "$deadline" ] || { echo "not everything is flushed after 60 s" >&2; exit 1; }
  sleep 0.2
done
