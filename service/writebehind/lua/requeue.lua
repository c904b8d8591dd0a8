#!lua
-- Put one dead letter back under its own version, unless something newer is known. The caller has looked in
-- PostgreSQL; this script looks at the cache and the pending entries.
--
-- KEYS  1 dlq  2 pending  3 queue  4 inflight  5 signal  6 totals  7 cache:product:<id>  8 clock
--       9 cache:fill:<id>  10 backlog
-- ARGV  1 letter as it stands in the queue  2 id, or '' if the letter can't be put back: it goes to the end
--       of the queue  3 version  4 document, or '' if PostgreSQL holds this version or a newer one
--       5 writes that it stands for  6 traceparent, or ''
-- Returns {outcome, 1 if a flush must be signalled}; outcome is 1 if it is pending again, 0 if it was dropped
--       for something newer, -1 if it was taken already or stays in the queue.
local dlq_key, pending_key, queue_key, inflight_key, signal_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local totals_key, cache_key, clock_key, fill_key, backlog_key = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local letter, id, version, document = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local writes, trace = tonumber(ARGV[5]), ARGV[6]
for key, kind in pairs({[dlq_key] = 'list', [pending_key] = 'hash', [queue_key] = 'list',
                        [inflight_key] = 'zset', [backlog_key] = 'zset'}) do
  drop_unless(key, kind)
end
if redis.call('LREM', dlq_key, 1, letter) == 0 then return {-1, 0} end
if id == '' then
  redis.call('RPUSH', dlq_key, letter)
  return {-1, 0}
end
add_to_total(totals_key, 'dead_lettered', -1)
add_to_total(totals_key, 'requeued', 1)
local pending, cached = entry_at('HGET', pending_key, id), entry_at('GET', cache_key)
if document == ''
  or (pending and tonumber(version_of(pending)) >= version)
  or (cached and tonumber(version_of(cached)) >= version) then
  add_to_total(totals_key, 'coalesced', 1)
  return {0, 0}
end
-- Something newer may have reached PostgreSQL since the caller looked, so readers look there as well until this
-- version has arrived, and a reader that has looked already may not cache what it found.
local mark, moment = parse_mark(text('GET', fill_key)), tick(clock_key)
if not mark or mark.version < version then
  set_mark(fill_key, version, moment, mark and mark.version or 0, 'begun', mark ~= nil)
end
redis.call('DEL', cache_key)
add_to_total(totals_key, 'settled', -writes)
if pending then
  writes = writes + writes_of(pending)
  replace_pending(pending_key, inflight_key, backlog_key, totals_key, id, pending, document, writes, trace)
  return {1, 0}
end
local claimed_at = tonumber(redis.call('ZSCORE', inflight_key, id) or '0')
redis.call('HSET', pending_key, id, to_entry(document, math.max(moment, claimed_at + 1), 0, writes, 0, trace))
if claimed_at > 0 then return {1, 0} end
redis.call('RPUSH', queue_key, id)
return {1, redis.call('SET', signal_key, '1', 'NX') and 1 or 0}
