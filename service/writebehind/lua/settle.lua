#!lua flags=allow-oom
-- A write to PostgreSQL is committed: cache it, unless something newer was written meanwhile. An older
-- pending entry is replaced by it, so that no read can find the old one; flushing it again changes nothing.
--
-- KEYS  1 cache:product:<id>  2 pending  3 cache:fill:<id>  4 totals  5 inflight  6 backlog
-- ARGV  1 id  2 version  3 document  4 TTL in s
local version = tonumber(ARGV[2])
redis.call('HINCRBY', KEYS[4], 'written_through', 1)
redis.call('DEL', KEYS[3])
local pending = redis.call('HGET', KEYS[2], ARGV[1])
if pending and tonumber(version_of(pending)) < version then
  local claimed_at, since = tonumber(redis.call('ZSCORE', KEYS[5], ARGV[1]) or '0'), queued_at(pending)
  redis.call('HINCRBY', KEYS[4], 'accepted', 1)
  if in_hand(KEYS[5], KEYS[6], ARGV[1], pending) then
    since = claimed_at + 1
  else
    redis.call('HINCRBY', KEYS[4], 'coalesced', 1)
  end
  redis.call('HSET', KEYS[2], ARGV[1], to_entry(ARGV[3], since, 0))
end
local cached = redis.call('GET', KEYS[1])
if (not pending or tonumber(version_of(pending)) < version)
  and (not cached or tonumber(version_of(cached)) < version) then
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
end
