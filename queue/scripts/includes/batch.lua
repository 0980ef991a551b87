-- The fields of the batch as numbers and flags; only what a script changed is written back.
local NUMBERS = { 'lastId', 'total', 'lastLength', 'externalTaken', 'lost', 'retried', 'startedAt', 'endedAt', 'deadForgiven',
  'lastHeartbeat', 'reclaimAfter', 'silenceProven', 'vanishings', 'vanishedSince', 'vanishedItems', 'vanishedMs', 'vanishedAt' }
local batch, loaded

local function loadBatch()
  local values = call('HMGET', batchKey, 'schema', 'state', 'paused', 'seeded', unpack(NUMBERS))
  batch = { exists = values[1], state = values[2], paused = values[3] == '1', seeded = values[4] == '1' }
  loaded = { state = batch.state }
  for i, field in ipairs(NUMBERS) do
    local number = tonumber(values[4 + i] or 0)
    batch[field] = number
    loaded[field] = number
  end
end

-- What others pushed to the list and popped from it since a script last looked. The first look at a list that nobody
-- seeded makes the batch.
local function observeList()
  batch.waiting = call('LLEN', list)
  local more = batch.waiting - batch.lastLength
  if more > 0 then batch.total = batch.total + more else batch.externalTaken = batch.externalTaken - more end
  if not batch.exists and batch.waiting > 0 then
    batch.exists, batch.state, batch.seeded = true, 'open', true
    redis.pcall('SADD', 'wq:queues', list)
    call('HSET', batchKey, 'schema', 1, 'owner', '', 'epoch', 1, 'seeded', 1)
    redis.pcall('SADD', 'wq:queues', list)
  end
end

local function endBatch(state, reason)
  batch.state = state
  batch.endedAt = now
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
  if batch.state ~= loaded.state then set('state', batch.state) end
  for _, field in ipairs(NUMBERS) do
    if batch[field] ~= loaded[field] then set(field, text(batch[field])) end
  end
  if #changes > 0 then call('HSET', batchKey, unpack(changes)) end
end
