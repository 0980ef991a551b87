#!lua flags=no-writes
-- One consistent read of the whole batch. See queue/README.md.
local list, batch = KEYS[1], KEYS[2]
-- A pod starts within this time, about.
local DUE_SOON_MS = 10000
local b = redis.call('HMGET', batch, 'schema', 'state', 'paused', 'reason', 'owner', 'total', 'lastLength', 'lost', 'retried',
  'externalTaken', 'startedAt', 'endedAt')
local time = redis.call('TIME')
local waiting = redis.call('LLEN', list)
local dead = redis.call('ZCARD', KEYS[8])
local total, seen, foreign = tonumber(b[6] or 0), tonumber(b[7] or 0), tonumber(b[10] or 0)
local state = b[2] or 'open'

-- What the last script left in the list and what is there now: somebody else's pushes and pops.
if waiting > seen then total = total + waiting - seen else foreign = foreign + seen - waiting end
if state == 'finished' and waiting > 0 then state = 'open' end
if state == 'open' and b[3] == '1' then state = 'paused' end

local function dueWithin(key, ms)
  return redis.call('ZCOUNT', key, '-inf', time[1] * 1000 + ms)
end

return {
  state, b[4] or '', b[5] or '', total, waiting,
  redis.call('ZCARD', KEYS[3]), redis.call('ZCARD', KEYS[4]) + redis.call('ZCARD', KEYS[5]),
  redis.call('HLEN', KEYS[7]) - dead, dead,
  tonumber(b[8] or 0), tonumber(b[9] or 0), foreign, tonumber(b[11] or 0), tonumber(b[12] or 0),
  dueWithin(KEYS[4], DUE_SOON_MS) + dueWithin(KEYS[5], DUE_SOON_MS),
  time[1] * 1000 + math.floor(time[2] / 1000),
}
