-- Shared by the scripts of this folder: what a script uses of it is put in front of it when it is loaded. So
-- every function stands in a paragraph of its own, below its comment.
--
-- A *document* is what readers get:      {"id":…, …,"version":V}
-- An *entry* is a document that waits:   {"id":…, …,"version":V,"queued_at":Q,"attempts":A}
-- Both are built here, so their tail is known and matching it is safe: inside a JSON string every
-- quote is escaped, so `"version":` cannot occur there.

-- Integers above 2^31 must not go through Lua's own number formatting (it would print 1.7e+15).
local function digits(number)
  return string.format('%.0f', number)
end

-- The clock key holds `<moment> <wall> <epoch>`, all in µs: the last lab moment, Redis' TIME at that moment,
-- and TIME when this memory began. nil for anything else, and for what is beyond the year 2200.
local latest_us = 7.3e15
local function parse_clock(held)
  if type(held) ~= 'string' then return nil end
  local moment, wall, epoch = string.match(held, '^(%d+) (%d+) (%d+)$')
  if moment and tonumber(moment) < 7.3e15 and tonumber(wall) < 7.3e15 then
    return tonumber(moment), tonumber(wall), epoch
  end
end

-- The next moment of the lab's clock: never the same or an earlier one twice. It runs with Redis' TIME, is
-- never behind it, and takes a step back of TIME for no time at all. A version is such a moment, or one more
-- than the product's previous version, where that is later. Returned as a number and as text.
local function tick(clock_key)
  local time = redis.call('TIME')
  local wall = time[1] * 1000000 + time[2]
  local wall_text = digits(wall)
  local moment, last_wall, epoch = parse_clock(redis.pcall('GET', clock_key))
  if moment then
    moment = math.max(moment + math.max(1, wall - last_wall), wall)
  else
    moment, epoch = wall, wall_text
  end
  local moment_text = moment == wall and wall_text or digits(moment)
  redis.call('SET', clock_key, moment_text .. ' ' .. wall_text .. ' ' .. epoch)
  return moment, moment_text
end

-- The lab's time for a script that may not write.
local function look_at(clock_key)
  local time = redis.call('TIME')
  local wall = time[1] * 1000000 + time[2]
  local moment, last_wall = parse_clock(redis.pcall('GET', clock_key))
  return moment and math.max(moment + math.max(0, wall - last_wall), wall) or wall
end

-- '0' for text that is not a document of ours. The version stands in the last 80 characters of both kinds, and
-- without leading zeros: it is compared as text.
local function version_of(document)
  return string.match(document, '"version":([1-9]%d*)', -80) or '0'
end

local function is_tombstone(document)
  return string.find(document, '"deleted":true', 1, true) ~= nil
end

local function queued_at(entry)
  return tonumber(string.match(entry, '"queued_at":(%d+),"attempts":%d+}$', -60) or '0')
end

local function to_entry(document, since, attempts)
  return string.sub(document, 1, -2) .. ',"queued_at":' .. digits(since) .. ',"attempts":' .. attempts .. '}'
end

local function to_document(entry)
  return (string.gsub(entry, ',"queued_at":%d+,"attempts":%d+}$', '}'))
end

-- The backlog orders a product's older entries by version: all versions have 16 digits until 2286.
local function backlog_member(id, entry)
  return id .. ':' .. string.format('%016.0f', tonumber(version_of(entry))) .. ':' .. entry
end

-- Ends the script, before it has changed anything, where a key holds something else: key and a command that
-- only a key of the right kind answers, in turn.
local function expect(...)
  local wanted = {...}
  for i = 1, #wanted, 2 do redis.call(wanted[i + 1], wanted[i]) end
end

-- Count something. A counter that holds junk begins anew: it must not stop anybody.
local function add_to_total(totals_key, name, number)
  if type(redis.pcall('HINCRBY', totals_key, name, number)) == 'number' then return end
  if type(redis.pcall('HDEL', totals_key, name)) ~= 'number' then redis.call('DEL', totals_key) end
  redis.call('HINCRBY', totals_key, name, number)
end

local function oldest_in_backlog(backlog_key, id)
  return redis.call('ZRANGEBYLEX', backlog_key, '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)[1]
end

local function backlog_entry(member, id)
  return string.sub(member, #id + 19)
end

-- What is written next of a product: the oldest of its backlog, else its pending entry.
local function next_entry(backlog_key, id, pending)
  local member = oldest_in_backlog(backlog_key, id)
  return member and backlog_entry(member, id) or pending
end

-- The same with its version, as its place in the backlog says, and that place where it has one.
local function next_version(backlog_key, id, pending)
  local member = oldest_in_backlog(backlog_key, id)
  while member and #(string.match(member, '^(%d+):', #id + 2) or '') ~= 16 do
    redis.call('ZREM', backlog_key, member)
    member = oldest_in_backlog(backlog_key, id)
  end
  if not member then return pending, version_of(pending) end
  return backlog_entry(member, id), digits(tonumber(string.sub(member, #id + 2, #id + 17))), member
end

local function find_in_backlog(backlog_key, id, version)
  local prefix = id .. ':' .. string.format('%016.0f', tonumber(version))
  return redis.call('ZRANGEBYLEX', backlog_key, '[' .. prefix .. ':', '(' .. prefix .. ';', 'LIMIT', 0, 1)[1]
end

-- Whether a worker is writing just this entry: it was there when the id was claimed.
local function in_hand(inflight_key, backlog_key, id, entry)
  local claimed_at = tonumber(redis.call('ZSCORE', inflight_key, id) or '0')
  return queued_at(entry) <= claimed_at and not oldest_in_backlog(backlog_key, id)
end

-- The value, if it is one of two; nil otherwise.
local function one_of(value, one, another)
  return (value == one or value == another) and value or nil
end

-- The text of a whole number from 1 to `high`; nil for anything else.
local function within(value, high)
  return value and string.match(value, '^[1-9]%d*$') and tonumber(value) <= high and value or nil
end

-- Lua can pass some 8,000 values to one call.
local function in_chunks(values, size, act)
  for first = 1, #values, size do
    act(unpack(values, first, math.min(first + size - 1, #values)))
  end
end
