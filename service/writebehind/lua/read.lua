#!lua flags=allow-oom
-- Look one product up: its cache entry, then its pending entry. On a miss, the caller may fill the cache from
-- PostgreSQL: it has a token, which any write to the product revokes.
-- (The lease of Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, §3.2.1.)
--
-- KEYS  1 cache:product:<id>  2 pending  3 cache:fill:<id>  4 clock
-- ARGV  1 id  2 token to use
-- Returns {'cache' | 'pending', document}, or {'miss'} with the token set. If a write to PostgreSQL is under
--       way, {'look', pending document or '', mark, its age in µs}: the answer is the newer of that document
--       and the row in PostgreSQL, and resolve.lua must be called with the row.
local cache_key, pending_key, fill_key, clock_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, token = ARGV[1], ARGV[2]
local cached = entry_at('GET', cache_key)
if cached then
  return {'cache', cached}
end
local pending = entry_at('HGET', pending_key, id)
local held = text('GET', fill_key)
local mark = parse_mark(held)
if mark then
  local age = math.max(0, look_at(clock_key) - mark.since)
  return {'look', pending and to_document(pending) or '', held, digits(age)}
elseif pending then
  return {'pending', to_document(pending)}
end
redis.call('DEL', cache_key)
redis.call('SET', fill_key, token, 'PX', 5000)
return {'miss'}
