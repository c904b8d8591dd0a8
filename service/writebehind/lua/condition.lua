#!lua flags=no-writes
-- The facts that tell whether due work gets done, at one moment and at a cost that does not grow with the
-- queue. A key of the wrong type counts as empty.
--
-- KEYS  1 queue  2 pending  3 inflight  4 retry  5 backlog  6 clock  7 workers  8 config  9 flush_now
-- Returns {TIME in s, its µs, clock, flush_now, workers and config (each name, value, …), entry at the head of
--       the queue, entry of the oldest claim, when that was claimed, when the first retry is due, how many
--       entries are only in Redis}: numbers as text, '' for what does not exist.
local queue_key, pending_key, inflight_key, retry_key, backlog_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local clock_key, workers_key, config_key, flush_now_key = KEYS[6], KEYS[7], KEYS[8], KEYS[9]

local function ask(missing, ...)
  local answer = redis.pcall(...)
  if not answer or type(answer) == 'table' and answer.err then return missing end
  return answer
end

-- The entry of this product that is written next (as in entry.lua).
local function entry_of(id)
  if not id then return '' end
  local older = ask({}, 'ZRANGEBYLEX', backlog_key, '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)[1]
  return older or ask('', 'HGET', pending_key, id)
end

local time = redis.call('TIME')
local claim = ask({}, 'ZRANGE', inflight_key, 0, 0, 'WITHSCORES')
local retry = ask({}, 'ZRANGE', retry_key, 0, 0, 'WITHSCORES')
return {time[1], time[2], ask('', 'GET', clock_key), ask('', 'GET', flush_now_key), ask({}, 'HGETALL', workers_key),
  ask({}, 'HGETALL', config_key), entry_of(ask(false, 'LINDEX', queue_key, 0)), entry_of(claim[1]), claim[2] or '',
  retry[2] or '', ask(0, 'HLEN', pending_key) + ask(0, 'ZCARD', backlog_key)}
