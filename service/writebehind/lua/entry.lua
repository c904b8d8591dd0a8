-- Functions that the scripts share. When a script is loaded, those that it uses are put in front of it, so each
-- function is one paragraph together with its comment, and stands below those that it uses.
--
-- A *document* is what readers get:            {"id":…, …,"version":V}
-- An *entry* is a document waiting to flush:   {"id":…, …,"version":V,"queued_at":Q,"attempts":A,"writes":W}
-- W is how many acknowledged writes are lost if the entry is. `"claimed":C` may follow: so many of them are in
-- an older entry, which this one replaced while a worker was writing it. `"traceparent":"…"` of the entry's
-- write may be last.
-- The tails have a known form, and matching them is safe: every quote inside a JSON string is escaped, so
-- `"version":` can't occur there. Matching takes time by the character, so the shorter tail of an entry without
-- traceparent is tried first.

-- Lua's own formatting would print large integers as 1.7e+15.
local function digits(number)
  return string.format('%.0f', number)
end

-- The clock key holds `<moment> <wall> <epoch>`, all in µs: the last lab moment, Redis' TIME at that moment,
-- and TIME when this memory began. Returns nil for anything else, and for times beyond the year 2200.
local latest_us = 7.3e15
local function parse_clock(held)
  if type(held) ~= 'string' then return nil end
  local moment, wall, epoch = string.match(held, '^(%d+) (%d+) (%d+)$')
  if moment and tonumber(moment) < 7.3e15 and tonumber(wall) < 7.3e15 then
    return tonumber(moment), tonumber(wall), epoch
  end
end

-- The next moment of the lab's clock, as a number and as text. It is always later than the one before. The
-- clock runs with Redis' TIME, is never behind it, and stands almost still when TIME steps back. A version is
-- such a moment, or the product's previous version plus one if that is later.
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

-- The lab's time, for a script that may not write.
local function look_at(clock_key)
  local time = redis.call('TIME')
  local wall = time[1] * 1000000 + time[2]
  local moment, last_wall = parse_clock(redis.pcall('GET', clock_key))
  return moment and math.max(moment + math.max(0, wall - last_wall), wall) or wall
end

-- '0' for text that is not one of our documents. It has no leading zeros, since it is compared as text.
local function version_of(document)
  return string.match(document, '"version":([1-9]%d*)', -88)
    or string.match(document, '"version":([1-9]%d*)', -220) or '0'
end

local function is_tombstone(document)
  return string.find(document, '"deleted":true', 1, true) ~= nil
end

-- Since when an entry waits, for how many writes it stands, and what follows in its tail: 0, 1 and '' if it is
-- junk.
local function queued_at(entry)
  local pattern = '"queued_at":(%d+),"attempts":%d+,"writes":(%d+)([^}]*)}$'
  local since, writes, rest = string.match(entry, pattern, -88)
  if not since then
    since, writes, rest = string.match(entry, pattern, -200)
    since = since or string.match(entry, '"queued_at":(%d+),"attempts":%d+}$', -60)
  end
  writes = tonumber(writes or '1')
  return tonumber(since or '0'), writes <= 1e9 and writes or 1, rest or ''
end

local function writes_of(entry)
  local _, writes = queued_at(entry)
  return writes
end

-- How many of its writes are in an older entry that a worker was writing.
local function claimed_of(entry)
  local _, writes, rest = queued_at(entry)
  return math.min(writes, tonumber(string.match(rest, '^,"claimed":(%d+)') or '0'))
end

-- '' if there is none.
local function trace_of(entry)
  local _, _, rest = queued_at(entry)
  return string.match(rest, '"traceparent":"([%x-]+)"$') or ''
end

local function to_entry(document, since, attempts, writes, claimed, trace)
  return string.sub(document, 1, -2) .. ',"queued_at":' .. digits(since) .. ',"attempts":' .. attempts
    .. ',"writes":' .. digits(writes) .. (claimed > 0 and ',"claimed":' .. digits(claimed) or '')
    .. (trace ~= '' and ',"traceparent":"' .. trace .. '"}' or '}')
end

local function to_document(entry)
  return (string.gsub(entry, ',"queued_at":%d+,"attempts":%d+[^}]*}$', '}'))
end

-- The same entry with other times.
local function with_times(entry, since, attempts)
  return to_entry(to_document(entry), since, attempts, writes_of(entry), claimed_of(entry), trace_of(entry))
end

-- The same entry, when the writes are settled that a worker had claimed in an older one.
local function without_claimed(entry)
  local attempts = string.match(entry, '"queued_at":%d+,"attempts":(%d+)', -200) or 0
  local writes = writes_of(entry) - claimed_of(entry)
  return to_entry(to_document(entry), queued_at(entry), attempts, writes, 0, trace_of(entry))
end

-- The backlog orders a product's older entries by version: all versions have 16 digits until 2286.
local function backlog_member(id, entry)
  return id .. ':' .. string.format('%016.0f', tonumber(version_of(entry))) .. ':' .. entry
end

-- Ends the script if a key holds the wrong type. The arguments are pairs of a key and a command that fails on
-- any other type. Call it before anything is changed.
local function expect(...)
  local wanted = {...}
  for i = 1, #wanted, 2 do redis.call(wanted[i + 1], wanted[i]) end
end

-- Add to a counter. One that holds junk starts again from zero: it must not stop a script.
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

-- The entry of a product that is written next: the oldest of its backlog, or its pending entry.
local function next_entry(backlog_key, id, pending)
  local member = oldest_in_backlog(backlog_key, id)
  return member and backlog_entry(member, id) or pending
end

-- The same entry, its version, and its member in the backlog if it has one. Junk in the backlog is removed.
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

-- Whether a worker is writing this very entry: it existed when the id was claimed.
local function in_hand(inflight_key, backlog_key, id, entry)
  local claimed_at = tonumber(redis.call('ZSCORE', inflight_key, id) or '0')
  return queued_at(entry) <= claimed_at and not oldest_in_backlog(backlog_key, id)
end

-- A claimed entry is persisted, but a newer one replaced it meanwhile and stands for its writes too: not any
-- longer. Returns how many they are.
local function settle_claimed(pending_key, backlog_key, id, pending)
  local member = oldest_in_backlog(backlog_key, id)
  local entry = member and backlog_entry(member, id) or pending
  local claimed = claimed_of(entry)
  if claimed > 0 and member then
    redis.call('ZREM', backlog_key, member)
    redis.call('ZADD', backlog_key, 0, backlog_member(id, without_claimed(entry)))
  elseif claimed > 0 then
    redis.call('HSET', pending_key, id, without_claimed(entry))
  end
  return claimed
end

-- The value if it is one of the two, or nil.
local function one_of(value, one, another)
  return (value == one or value == another) and value or nil
end

-- The value if it is the text of a whole number from 1 to `high`, or nil.
local function within(value, high)
  return value and string.match(value, '^[1-9]%d*$') and tonumber(value) <= high and value or nil
end

-- Lua can pass about 8,000 values to one call.
local function in_chunks(values, size, act)
  for first = 1, #values, size do
    act(unpack(values, first, math.min(first + size - 1, #values)))
  end
end
