-- The state of the batch. Only this file changes it. Pause is a flag beside it.
local MOVES = {
  -- A list without a batch is looked at; a seeding begins, or a new `run`, which first takes everything away.
  fill     = { none = 'open' },
  seed     = { none = 'seeding' },
  -- The source grew at its end; it was edited elsewhere; everything is in.
  grow     = { open = 'open', aborted = 'open', finished = 'open' },
  edit     = { seeding = 'seeding', open = 'seeding', aborted = 'seeding', finished = 'seeding' },
  seeded   = { seeding = 'open' },
  -- The last item ended; nobody goes on, or somebody says so.
  complete = { open = 'finished' },
  abort    = { open = 'aborted', seeding = 'aborted' },
  -- Somebody resumes or retries; items were pushed or put back.
  resume   = { aborted = 'open' },
  refill   = { finished = 'open' },
}

-- Answers the state after an event, or nothing if it changes nothing.
local function move(event)
  local to = MOVES[event][call('HGET', batchKey, 'state') or 'none']
  if to then call('HSET', batchKey, 'state', to) end
  return to
end

-- An edit came to nothing: unless the batch was aborted meanwhile, its state is the one before the edit.
local function undoEdit(before)
  if call('HGET', batchKey, 'state') ~= 'seeding' then return false end
  call('HSET', batchKey, 'state', before)
  return true
end

-- A list that was filled by hand becomes a batch.
local function adopt()
  call('HSET', batchKey, 'schema', 1, 'owner', '', 'epoch', 1, 'seeded', 1)
  redis.pcall('SADD', 'wq:queues', list)
  return move('fill')
end
