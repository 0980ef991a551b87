-- Idempotence: a session's calls have numbers, and the last one of each parity is kept with what it answered. Two calls
-- may be under way, one even and one odd.
local parityField = request.session .. '#' .. request.number % 2
local token = ':' .. request.session .. '.' .. text(request.number)

-- The answer to a call that was already made: the same as far as it still holds, or none for a copy that was stuck in a
-- dead connection. Nothing for a new call.
local function replay()
  local last = call('HGET', workers, parityField)
  if not last then return end
  local number, stale, ids = last:match('^(%d+) (%S+) (%S+)$')
  number = tonumber(number)
  if request.number > number then return end
  if request.number < number then return { 'old', 0, '-', 0, {} } end
  local reply = { 'again', 0, stale, 0, {} }
  for id in ids:gmatch('%d+') do
    if call('ZSCORE', leases, id .. token) then
      local record = call('HGET', items, id)
      local failures, losses = attemptCounts(record)
      for _, value in ipairs({ id, failures, losses, payloadOf(record) }) do reply[#reply + 1] = value end
    end
  end
  return reply
end

local function remember(stale, ids)
  local answered = text(request.number) .. ' ' .. stale .. ' ' .. (#ids > 0 and table.concat(ids, ',') or '-')
  if request.heartbeat then
    call('HSET', workers, parityField, answered, request.session, text(now) .. ' ' .. request.heartbeat)
  else
    call('HSET', workers, parityField, answered)
  end
end
