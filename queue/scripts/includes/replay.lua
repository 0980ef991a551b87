-- Idempotence: a session's calls have numbers, and the last one of each parity is kept with what it answered. Two calls
-- may be in flight, one even and one odd. A call that changed nothing is not kept, unless it was sent before: only then
-- may another copy of it be on its way.
--- @needs clock (text), records (recordOf, payloadOf, attemptCounts, runsAlone)
local parityField, token

-- The answer to a call that was already made: the same, as far as its leases still hold; an empty one for a copy that
-- was stuck in a dead connection. Nothing for a new call.
local function replay()
  parityField = request.session .. '#' .. request.number % 2
  token = ':' .. request.session .. '.' .. text(request.number)
  local last = call('HGET', workers, parityField)
  if not last then return end
  local number, stale, ids = last:match('^(%d+) (%S+) (%S+)$')
  number = tonumber(number)
  if request.number > number then return end
  local reply = {
    kind = 'old', pollMs = 0, dueMs = -1, heartbeatMs = 0, drain = 0, stale = '-', firstId = 0, fresh = {}, again = {},
    judgement = '-', done = 0, failed = 0, deadline = 0,
  }
  if request.number < number then return reply end
  local again = {}
  local function giveAgain(id)
    local deadline = call('ZSCORE', leases, id .. token)
    local record = deadline and recordOf(id)
    if not record then return end
    reply.deadline = tonumber(deadline)
    local failures, losses = attemptCounts(record)
    local alone = runsAlone(record) and 1 or 0
    for _, value in ipairs({ id, failures, losses, alone, payloadOf(id, record) }) do again[#again + 1] = value end
  end
  for first, last in ids:gmatch('(%d+)%-?(%d*)') do
    for id = first, last == '' and first or last do giveAgain(text(id)) end
  end
  reply.kind, reply.stale, reply.again = 'again', stale, again
  return reply
end

-- `ids` are ids and ranges of them.
local function remember(stale, ids)
  local answer = text(request.number) .. ' ' .. stale .. ' ' .. (#ids > 0 and table.concat(ids, ',') or '-')
  call('HSET', workers, parityField, answer)
end
