#!lua flags=allow-oom
-- A write to PostgreSQL is committed: cache it, unless another write began meanwhile.
--
-- KEYS  1 cache:product:<id>  2 pending  3 cache:fill:<id>  4 totals  5 inflight  6 backlog  7 config
-- ARGV  1 id  2 version  3 document  4 rows that SQL changed  5 the process's own cache TTL, s
local cache_key, pending_key, fill_key, totals_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inflight_key, backlog_key, config_key = KEYS[5], KEYS[6], KEYS[7]
local id, version, document = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local changed, own_ttl = tonumber(ARGV[4]), ARGV[5]
local is_newest = supersede(pending_key, inflight_key, backlog_key, totals_key, id, version, document)
local mark = parse_mark(text('GET', fill_key))
if not mark then
  -- It was replaced by a newer write, or lost. In the latter case a reader may have looked before the commit.
  redis.call('DEL', fill_key)
  local cached = text('GET', cache_key)
  if not cached or tonumber(version_of(cached)) < version then redis.call('DEL', cache_key) end
elseif mark.version == version and changed > 0 then
  redis.call('DEL', fill_key)
  if is_newest then redis.call('SET', cache_key, document, 'EX', cache_ttl(config_key, own_ttl)) end
end
-- If SQL changed nothing, the row is this one (the statement was repeated) or a newer one. The mark stays, and
-- the next read finds out.
add_to_total(totals_key, 'written_through', 1)
