#!lua
-- Cache a document that was read from PostgreSQL, if nothing was written to the product meanwhile.
--
-- KEYS  1 cache:product:<id>  2 cache:fill:<id>  3 pending
-- ARGV  1 id  2 token  3 document  4 TTL in s
-- Returns 1 if it was cached.
if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 1
