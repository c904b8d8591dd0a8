#!lua flags=allow-oom
-- Look one product up: its cache entry, then its pending entry. On a miss the caller gets the right to
-- fill the cache from PostgreSQL: a token that any write to the product takes away.
-- (The lease of Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, §3.2.1.)
--
-- KEYS  1 cache:product:<id>  2 pending  3 cache:fill:<id>
-- ARGV  1 id  2 token to use
-- Returns {'cache' | 'pending', document} or {'miss', 1 if the token holds}
local cached = redis.call('GET', KEYS[1])
if cached then
  return {'cache', cached}
end
local pending = redis.call('HGET', KEYS[2], ARGV[1])
if pending then
  return {'pending', to_document(pending)}
end
-- A write to PostgreSQL that is under way (begin.lua) holds the key: nobody fills until it is settled.
if redis.call('GET', KEYS[3]) == 'writing' then
  return {'miss', 0}
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', 5000)
return {'miss', 1}
