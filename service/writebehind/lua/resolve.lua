#!lua flags=allow-oom
-- A read found a mark and looked in PostgreSQL. If the marked write is there, settle it: its writer was killed,
-- could not reach Redis, or is about to settle it too. If it is not there, and the mark is older than any
-- statement can run, doubt it; if it is still not there a while later, forget it. (Two looks, because a frozen
-- PostgreSQL goes on with what it was sent when it wakes up, perhaps after the first look.)
--
-- KEYS  1 cache:product:<id>  2 pending  3 cache:fill:<id>  4 totals  5 inflight  6 backlog  7 config  8 clock
-- ARGV  1 id  2 mark as the read found it  3 its age then, µs  4 version in PostgreSQL, or 0
--       5 its document (a tombstone if it is deleted), or ''  6 the process's own cache TTL, s
local cache_key, pending_key, fill_key, totals_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local inflight_key, backlog_key, config_key, clock_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local id, found, age, version = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local document, own_ttl = ARGV[5], ARGV[6]
if text('GET', fill_key) ~= found then return end
local mark = parse_mark(found)
local committed = version >= mark.version
if not committed and age < (mark.stage == 'doubted' and 10e6 or 60e6) then return end
if not committed and mark.stage ~= 'doubted' then
  set_mark(fill_key, mark.version, tick(clock_key), mark.earlier, 'doubted', true)
  return
end
redis.call('DEL', fill_key)
if version > 0 and supersede(pending_key, inflight_key, backlog_key, totals_key, id, version, document)
  and committed then
  redis.call('SET', cache_key, document, 'EX', cache_ttl(config_key, own_ttl))
end
