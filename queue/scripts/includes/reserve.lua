-- Reserves items: at most one suspect and then alone, else what is due again, then the head of the list.
local reservedIds, leaseArgs = {}, {}
local deadline = text(now + request.lease * 0.8)
local take = ' ' .. text(now) .. ' ' .. request.session .. '\n'

-- An item that had been reserved before.
local function reserveAgain(from, id)
  call('ZREM', from, id)
  local record = call('HGET', items, id)
  local failures, losses = attemptCounts(record)
  for _, value in ipairs({ id, failures, losses, payloadOf(record) }) do reply[#reply + 1] = value end
  call('HSET', items, id, text(failures) .. ' ' .. text(losses) .. take .. record)
  reservedIds[#reservedIds + 1] = id
  leaseArgs[#leaseArgs + 1] = deadline
  leaseArgs[#leaseArgs + 1] = id .. token
end

-- Redis keeps small sets as one string and searches it from end to end, which costs a third of all where many items are
-- in flight. A long member, for a moment, makes it keep a table, until the set is empty again.
local function keepTables()
  if call('EXISTS', items, leases) > 0 then return end
  local long = string.rep('-', 100)
  call('HSET', items, long, '')
  call('ZADD', leases, 0, long)
  return long
end

-- Items from the head of the list. Each gets its id now.
local function reserveFresh(count)
  local payloads = call('LPOP', list, count)
  if not payloads then return end
  local records = {}
  local head = '0 0' .. take .. '\n'
  local n, m = #reservedIds, #leaseArgs
  for i = 1, #payloads do
    local id = text(batch.lastId + i)
    reservedIds[n + i] = id
    records[2 * i - 1] = id
    records[2 * i] = head .. payloads[i]
    leaseArgs[m + 2 * i - 1] = deadline
    leaseArgs[m + 2 * i] = id .. token
  end
  call('HSET', items, unpack(records))
  reply[4] = batch.lastId + 1
  reply[5] = payloads
  batch.lastId = batch.lastId + #payloads
  batch.waiting = batch.waiting - #payloads
end

local function reserve()
  local suspect = request.exclusive and call('ZRANGEBYSCORE', suspects, '-inf', now, 'LIMIT', 0, 1)[1]
  local long
  if suspect then
    reserveAgain(suspects, suspect)
  else
    for _, id in ipairs(call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, request.reserve)) do reserveAgain(delayed, id) end
    local more = request.reserve - #reservedIds
    if more > 0 and batch.waiting > 0 then
      if request.reserve >= 64 then long = keepTables() end
      reserveFresh(more)
    end
  end
  if #leaseArgs == 0 then return end
  call('ZADD', leases, unpack(leaseArgs))
  if long then
    call('HDEL', items, long)
    call('ZREM', leases, long)
  end
  if batch.startedAt == 0 then batch.startedAt = now end
end
