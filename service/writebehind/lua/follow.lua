#!lua flags=no-writes
-- Where writes are now, at a cost that does not grow with the queue.
--
-- KEYS  1 pending  2 inflight  3 retry  4 backlog  5 dlq
-- ARGV  1 dead letters to look through  2… for each write, id and version
-- Returns for each write one of
--       'queued'  'in flight'  'retry'  'dead letter'
--       'written'   a newer write waits behind a claim, so a worker has this one or an older one in hand
--       'replaced'  only a newer write of the product is pending
--       'gone'      nothing is pending, and no dead letter holds it
--       'unknown'   nothing is pending, and there are more dead letters than were looked through
local pending_key, inflight_key, retry_key, backlog_key, dlq_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local looked_through = tonumber(ARGV[1])
local letters
expect(pending_key, 'HLEN', inflight_key, 'ZCARD', retry_key, 'ZCARD', backlog_key, 'ZCARD')

local function in_dead_letters(id, version)
  if not letters then
    letters = redis.pcall('LRANGE', dlq_key, -looked_through, -1)
    if letters.err then letters = {} end
  end
  local head = '{"id":"' .. id .. '","version":' .. version .. ','
  for _, letter in ipairs(letters) do
    if string.sub(letter, 1, #head) == head then return 'dead letter' end
  end
  return #letters < looked_through and 'gone' or 'unknown'
end

local function place_of(id, version)
  local entry = redis.call('HGET', pending_key, id)
  if not entry then return in_dead_letters(id, version) end
  local claimed, retries = redis.call('ZSCORE', inflight_key, id), redis.call('ZSCORE', retry_key, id)
  local member = oldest_in_backlog(backlog_key, id)
  local next_version = version_of(member and backlog_entry(member, id) or entry)
  local written_behind = claimed and not member and queued_at(entry) > tonumber(claimed)
  if version == next_version and not written_behind then
    return claimed and 'in flight' or retries and 'retry' or 'queued'
  end
  if version_of(entry) == version or find_in_backlog(backlog_key, id, version) then return 'queued' end
  return written_behind and 'written' or 'replaced'
end

local places = {}
for i = 2, #ARGV, 2 do places[#places + 1] = place_of(ARGV[i], ARGV[i + 1]) end
return places
