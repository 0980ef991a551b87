-- Records: a stack of lines, newest first, an empty line, the payload (grammar: docs/queue/keys.md).
--- @needs clock (now), batch (batch)
local MAX_HEAD = 64 * 1024

-- Long payloads do not move with their records: they lie in a hash of their own, from the first reservation on. Each
-- lies there in two parts: as one value with its header, it might need the next larger size of memory.
local LONG_PAYLOAD, LAST_PART = 32 * 1024, 64

-- Keeps a long payload. Answers what its record has in place of an empty line and the payload.
local function keepPayload(id, payload)
  call('HSET', payloads, id, payload:sub(1, -LAST_PART - 1), id .. '+', payload:sub(-LAST_PART))
  return 'p\n\n'
end

-- The lines above the payload.
local function headOf(record)
  if record:sub(1, 1) == '\n' then return '' end
  return record:sub(1, (record:find('\n\n', 1, true)))
end

local function hasLongPayload(head)
  return head == 'p\n' or head:sub(-3) == '\np\n'
end

-- The record of an item that is not settled; nothing if Redis lost it, or a part of it, by eviction or by hand. Such
-- an item is nowhere any more: the verdict tells how many are missing.
local function recordOf(id)
  local record = call('HGET', items, id)
  if record and not (hasLongPayload(headOf(record)) and call('HEXISTS', payloads, id) == 0) then return record end
end

local function payloadOf(id, record)
  local head = headOf(record)
  if not hasLongPayload(head) then return record:sub(#head + 2) end
  local parts = call('HMGET', payloads, id, id .. '+')
  return parts[1] .. parts[2]
end

-- Number of failed and of lost attempts at an item, from the lines on top of its record.
local function attemptCounts(record)
  local outcome, failures, losses = record:match('^(%l)[^\n]*\n(%d+) (%d+) ')
  if outcome then
    local failed = outcome == 'f' or outcome == 't'
    return failures + (failed and 1 or 0), losses + (outcome == 'l' and 1 or 0)
  end
  if record:sub(1, 2) == 'q\n' then -- it was put back
    local _, before = attemptCounts(record:sub(3))
    return 0, math.min(1, before)
  end
  failures, losses = record:match('^(%d+) (%d+) ')
  return tonumber(failures or 0), tonumber(losses or 0)
end

-- How a worker begins an item, by its record without a running attempt. PLAIN: at once. TOLD: after it has told Redis,
-- since an earlier worker vanished with the item, begun or not. ALONE: the same, and with nothing beside it, since the
-- item was lost twice, would be dead at its next loss, may have broken its process, or was lost and put back.
local PLAIN, TOLD, ALONE = 0, 1, 2
local function careFor(record, maxLosses)
  local _, losses = attemptCounts(record)
  if losses == 0 then return record:match('^r0 unbegun\n') and TOLD or PLAIN end
  local isSuspect = losses >= math.min(2, maxLosses - 1) or record:match('^l%d+ %d+ "') or record:match('^q\n')
  return isSuspect and ALONE or TOLD
end

-- Time when the running attempt was reserved, ms.
local function startOf(record)
  return tonumber(record:match('^%d+ %d+ (%d+) '))
end

-- A record as it was before its running attempt.
local function withoutTake(record)
  return (record:gsub('^%d+ %d+ %d+ %S+\n', ''))
end

-- An item that is tried again and again loses its oldest attempts: each move copies its record.
local function withoutOldAttempts(record)
  if #record <= MAX_HEAD then return record end
  local head = headOf(record)
  if #head <= MAX_HEAD then return record end
  local recent = head:sub(1, MAX_HEAD / 2):match('^(.*\n%d+ %d+ %d+ %S+\n)')
  if not recent then return record end
  return recent .. (hasLongPayload(head) and 'p\n' or '') .. record:sub(#head + 1)
end

-- Puts an item where it can be reserved again, from the time `at` on.
local function reschedule(id, record, maxLosses, at)
  call('HSET', items, id, withoutOldAttempts(record))
  call('ZADD', careFor(record, maxLosses) == ALONE and suspects or delayed, at, id)
end

-- Ends an item that is given up. A cancelled one has a negative time, so that a seeding does not put it back.
local function bury(id, record, time)
  call('HDEL', items, id)
  call('HSET', results, id, record)
  call('ZADD', dead, time or now, id)
end

-- An attempt ended with its worker: the item may be what ended it, so it is tried only a limited number of times.
local function lose(id, record, line, maxLosses, lease)
  local _, losses = attemptCounts(record)
  record = line .. record
  batch.lost = batch.lost + 1
  if losses + 1 >= maxLosses then
    bury(id, record)
  else
    reschedule(id, record, maxLosses, now + lease / 10)
  end
end
