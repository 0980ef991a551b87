-- Idempotence: a session's calls have numbers, and the last one of each parity is kept with what it answered. Two calls
-- may be in flight, one even and one odd. A call that changed nothing is not kept, unless it was sent before: only then
-- may another copy of it be on its way.
--- @needs clock (text), records (recordOf, payloadOf, attemptCounts, careFor, withoutTake)
local parityField, token

-- Gives an item that was reserved before, by its record without a running attempt. Answers its failures, losses, bytes.
local function giveAgain(id, record)
  local failures, losses = attemptCounts(record)
  local payload, care, again = payloadOf(id, record), careFor(record, request.maxLosses), reply.again
  for _, value in ipairs({ id, failures, losses, care, payload }) do again[#again + 1] = value end
  return failures, losses, #payload
end

-- Answers a call that was already made: the same as far as it still holds, or nothing to a copy that was stuck in a
-- dead connection. False for a new call.
local function replay()
  parityField = request.session .. '#' .. request.number % 2
  token = ':' .. request.session .. '.' .. text(request.number)
  local last = call('HGET', workers, parityField)
  if not last then return false end
  local number, stale, ids = last:match('^(%d+) (%S+) (%S+)$')
  number = tonumber(number)
  if request.number > number then return false end
  reply.kind = request.number < number and 'old' or 'again'
  if reply.kind == 'old' then return true end
  reply.stale = stale
  for first, last in ids:gmatch('(%d+)%-?(%d*)') do
    for number = first, last == '' and first or last do
      local id = text(number)
      local deadline = call('ZSCORE', leases, id .. token)
      local record = deadline and recordOf(id)
      if record then
        reply.deadline = tonumber(deadline)
        giveAgain(id, withoutTake(record))
      end
    end
  end
  return true
end

-- `ids` are ids and ranges of them.
local function remember(stale, ids)
  local answer = text(request.number) .. ' ' .. stale .. ' ' .. (#ids > 0 and table.concat(ids, ',') or '-')
  call('HSET', workers, parityField, answer)
end
