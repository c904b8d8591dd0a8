#!lua flags=allow-oom
-- A read found a mark and looked into PostgreSQL. Where the marked write is there, settle it: its writer was
-- killed, or could not reach Redis, or is about to do the same. Where it is not, and is older than any
-- statement can get, doubt it; where it still is not there a while later, forget it. (Twice, because a
-- PostgreSQL that was frozen goes on with what it was sent when it wakes up, after that first look maybe.)
--
-- KEYS  1 cache:product:<id>  2 pending  3 cache:fill:<id>  4 totals  5 inflight  6 backlog  7 config  8 clock
-- ARGV  1 id  2 mark as the read found it  3 its age then, µs  4 version in PostgreSQL, 0 for none
--       5 its document, a tombstone where it is deleted, '' for none  6 the process's own cache TTL in s
local cache_key, fill_key = KEYS[1], KEYS[3]
local id, found, age, version, document = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
if text('GET', fill_key) ~= found then return end
local mark = parse_mark(found)
local committed = version >= mark.version
if not committed and age < (mark.stage == 'doubted' and 10e6 or 60e6) then return end
if not committed and mark.stage ~= 'doubted' then
  set_mark(fill_key, mark.version, tick(KEYS[8]), mark.earlier, 'doubted', true)
  return
end
redis.call('DEL', fill_key)
if version > 0 and supersede(KEYS[2], KEYS[5], KEYS[6], KEYS[4], id, version, document) and committed then
  redis.call('SET', cache_key, document, 'EX', cache_ttl(KEYS[7], ARGV[6]))
end
