-- The fields of the batch as numbers and flags; only what a script changed is written back. `fields` is what was read.
-- Needs keys, clock.
--- @needs clock (now, text)
local NUMBERS = { 'lastId', 'total', 'lastLength', 'externalTaken', 'lost', 'retried', 'startedAt', 'endedAt', 'deadForgiven',
  'lastHeartbeat', 'reclaimAfter', 'silenceProven', 'vanishings' }
local batch, fields

-- Adds to counters of the batch: field, number, field, number ... To be called before loadBatch, so that they are read
-- and written with the rest.
local increments = {}
local function countUp(numbers)
  increments = numbers
  for i = 1, #numbers, 2 do NUMBERS[#NUMBERS + 1] = numbers[i] end
end

-- A table that is made with all its fields at once needs not grow five times.
local function loadBatch()
  local v = call('HMGET', batchKey, 'schema', 'state', 'paused', 'seeded', unpack(NUMBERS))
  fields = v
  batch = {
    exists = v[1], state = v[2], paused = v[3] == '1', seeded = v[4] == '1',
    lastId = tonumber(v[5] or 0), total = tonumber(v[6] or 0), lastLength = tonumber(v[7] or 0),
    externalTaken = tonumber(v[8] or 0), lost = tonumber(v[9] or 0), retried = tonumber(v[10] or 0),
    startedAt = tonumber(v[11] or 0), endedAt = tonumber(v[12] or 0), deadForgiven = tonumber(v[13] or 0),
    lastHeartbeat = tonumber(v[14] or 0), reclaimAfter = tonumber(v[15] or 0), silenceProven = tonumber(v[16] or 0),
    vanishings = tonumber(v[17] or 0), waiting = false,
  }
  for i = 1, #increments, 2 do batch[increments[i]] = tonumber(v[17 + (i + 1) / 2] or 0) + increments[i + 1] end
end

-- Both are seldom needed, so the functions of state.lua are made only then.
local function changeState(event)
--- @include "state": move, adopt
  batch.state = move(event) or batch.state
end

local function adoptList()
--- @include "state": move, adopt
  batch.exists, batch.state, batch.seeded = true, adopt(), true
end

-- Pushes and pops by others since a script last looked at the list. The first look at a list that nobody
-- seeded makes the batch.
local function observeList()
  batch.waiting = call('LLEN', list)
  local more = batch.waiting - batch.lastLength
  if more > 0 then batch.total = batch.total + more else batch.externalTaken = batch.externalTaken - more end
  if not batch.exists and batch.waiting > 0 then adoptList() end
end

-- A run of the batch begins with its first reservation since the last end.
local function noteStart()
  if batch.startedAt <= batch.endedAt then batch.startedAt = now end
end

local function endBatch(event, reason)
  noteStart()
  changeState(event)
  batch.endedAt = now
  -- A pause that outlives its batch would hold up the next items.
  if batch.state == 'finished' then call('HDEL', batchKey, 'paused') end
  if reason then call('HSET', batchKey, 'reason', reason) end
end

local function saveBatch()
  if not batch.exists then return end
  if batch.waiting then batch.lastLength = batch.waiting end
  local changes = {}
  local function set(field, value)
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
  for i, field in ipairs(NUMBERS) do
    local number = batch[field]
    if number ~= tonumber(fields[4 + i] or 0) then set(field, text(number)) end
  end
  if #changes > 0 then call('HSET', batchKey, unpack(changes)) end
end
