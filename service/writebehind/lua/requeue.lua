#!lua
-- Put one dead letter back, under its own version, unless something newer is known. The caller has
-- looked into PostgreSQL already; here the cache and the pending entries are asked.
--
-- KEYS  1 dlq  2 pending  3 queue  4 inflight  5 signal  6 totals  7 cache:product:<id>  8 clock
-- ARGV  1 letter as it stands in the queue  2 id  3 version  4 document, '' where a newer row is known
-- Returns {1 if it is pending again, 1 if a flush must be signalled}; {-1, 0} if it was taken already.
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then
  return {-1, 0}
end
redis.call('HINCRBY', KEYS[6], 'dead_lettered', -1)
local id, version = ARGV[2], tonumber(ARGV[3])
local pending = redis.call('HGET', KEYS[2], id)
local cached = redis.call('GET', KEYS[7])
if ARGV[4] == ''
  or (pending and tonumber(version_of(pending)) >= version)
  or (cached and tonumber(version_of(cached)) >= version) then
  redis.call('HINCRBY', KEYS[6], 'coalesced', 1)
  return {0, 0}
end
redis.call('HSET', KEYS[2], id, to_entry(ARGV[4], tick(KEYS[8]), 0))
if pending or redis.call('ZSCORE', KEYS[4], id) then
  return {1, 0}
end
redis.call('RPUSH', KEYS[3], id)
return {1, redis.call('SET', KEYS[5], '1', 'NX') and 1 or 0}
