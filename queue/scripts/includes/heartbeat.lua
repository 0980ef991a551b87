-- The workers that are alive. `alive` holds until when each session counts as alive; a heartbeat puts that off. How
-- often workers call and report depends on how many there are: an idle fleet costs about the same at any size.
--- @needs clock (now, text), batch (batch)
local WRITES_MS, CALLS_MS = 20, 4 -- ms between two heartbeats of the whole batch, and between two idle calls
local FIRST_MS = 6000
local aliveCount

local function workersAlive()
  aliveCount = aliveCount or call('ZCOUNT', alive, text(now), '+inf')
  return aliveCount
end

local function clamp(number, least, most)
  return math.max(least, math.min(number, most))
end

-- Wait of an idle worker between two calls; twice and a half as long while nothing may be reserved.
local function pollInterval(isPaused)
  if isPaused then return clamp(workersAlive() * CALLS_MS * 2.5, 1000, 30000) end
  return clamp(workersAlive() * CALLS_MS, 200, 15000)
end

-- Wait of a worker between two heartbeats: a power of two, so that it seldom changes.
local function heartbeatInterval()
  local every = 1000
  while every < workersAlive() * WRITES_MS and every < 64000 do every = every * 2 end
  return every
end

-- Sessions that are no longer alive. One that never reserved anything leaves nothing behind. The others leave their
-- reports, since attempts in the records name them.
local function forgetSilentSessions(lease)
  if now < batch.reclaimAfter then return end
  local silent = call('ZRANGEBYSCORE', alive, '-inf', '(' .. text(now), 'WITHSCORES', 'LIMIT', 0, 20)
  for i = 1, #silent, 2 do
    local session, promised = silent[i], silent[i + 1]
    local even, odd = session .. '#0', session .. '#1'
    local calls = call('HMGET', workers, even, odd)
    local workedNever = not calls[1] and not calls[2]
    if workedNever then call('HDEL', workers, session) end
    if workedNever or now - promised > 2 * lease then
      call('HDEL', workers, even, odd)
      call('ZREM', alive, session)
      call('ZREM', failing, session)
    end
  end
end

-- A heartbeat; `row` is what the worker reports of itself, or empty if nothing of it changed. A session that is
-- heard for the first time and reserves nothing is noted by its name only: it may be one of many that never work.
-- Answers how long to wait until the next heartbeat, ms; 0: with the next call.
local function heartbeat(session, row, isWorking, lease)
  if not batch.exists then return 0 end -- a queue that was purged leaves nothing behind
  local isKnown = call('ZSCORE', alive, session)
  local every = heartbeatInterval()
  local isShown = isKnown or isWorking
  local promise = isShown and 3 * every or FIRST_MS + 2 * pollInterval(batch.paused)
  call('ZADD', alive, text(now + promise), session)
  call('ZADD', failing, 'XX', text(now + promise), session) -- its word counts as long
  if row ~= '' and isShown then call('HSET', workers, session, text(now) .. ' ' .. row) end
  forgetSilentSessions(lease)
  return isShown and every or 0
end
