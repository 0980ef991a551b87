-- Reserves items: a suspect by itself, else what is due again, then the head of the list.
--- @needs clock (time, now, HELD, text), batch (batch, noteStart), replay (token, giveAgain)
--- @needs records (LONG_PAYLOAD, keepPayload, recordOf), heartbeat (workersAlive, clamp)
local MAX_BYTES = 4 * 1024 * 1024 -- in one call
local MAX_STEP = 16 -- items of unknown size taken from the list at once
-- The batch ends after workers vanished this many times, a lease apart.
local VANISHINGS = 6
-- Reserved items: ids, and `first-last` of those in a row; their number, and their bytes.
local reserved, reservedCount, reservedBytes = {}, 0, 0
local leaseArgs, deadline, take = {}, nil, nil

-- An item that had been reserved before.
local function reserveAgain(from, id, record)
  call('ZREM', from, id)
  local failures, losses, bytes = giveAgain(id, record)
  call('HSET', items, id, text(failures) .. ' ' .. text(losses) .. take .. record)
  reservedBytes = reservedBytes + bytes
  reservedCount = reservedCount + 1
  reserved[reservedCount] = id
  leaseArgs[2 * reservedCount - 1] = deadline
  leaseArgs[2 * reservedCount] = id .. token
end

-- True if the last attempt at an item failed or was lost here: in this process, or in this pod before its container was
-- restarted.
local function wentWrongHere(record)
  local session = record:match('^[ftl]%d+ [^\n]*\n%d+ %d+ %d+ ([^. ]+)')
  if session == request.session or not session then return session ~= nil end
  local row = request.pod and call('HGET', workers, session)
  return row and row:match('"pod":"([^"]+)"') == request.pod
end

-- Up to so many items that are due: ids, and records. An item that went wrong here is left to other live workers, for
-- three leases at most. The third answer says if there was one.
local function due(from, count)
  local found = call('ZRANGEBYSCORE', from, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, count + 20)
  local ids, records, bytes, isLeft = {}, {}, 0, false
  for i = 1, #found, 2 do
    local id, n = found[i], #ids
    if n == count then break end
    local length = call('HSTRLEN', items, id) + call('HSTRLEN', payloads, id)
    if n > 0 and bytes + length > MAX_BYTES then break end
    local record = recordOf(id)
    if not record then
      call('ZREM', from, id)
    elseif now - found[i + 1] < 3 * request.lease and workersAlive() > 1 and wentWrongHere(record) then
      isLeft = true
    else
      ids[n + 1], records[n + 1] = id, record
      bytes = bytes + length
    end
  end
  return ids, records, isLeft
end

-- Redis keeps a small set as one string and searches it from end to end, which costs a third of the time when many
-- items are in flight. A long member, added for a moment, makes it keep a table until the set is empty again.
local function keepTables()
  if call('EXISTS', items, leases) > 0 then return end
  local long = string.rep('-', 100)
  call('HSET', items, long, '')
  call('ZADD', leases, 0, long)
  return long
end

-- Takes payloads from the list, a few at a time: nobody knows how long they are. `largest` is the longest that the
-- worker has seen of late.
local function popFresh(count)
  local fresh, n, bytes, largest = {}, 0, reservedBytes, request.largest or 0
  while n < count and bytes < MAX_BYTES do
    local step = largest == 0 and 1 or clamp(math.floor((MAX_BYTES - bytes) / largest), 1, MAX_STEP)
    local popped = call('LPOP', list, math.min(step, count - n))
    if not popped then break end
    for i = 1, #popped do
      local length = #popped[i]
      if n > 0 and bytes + length > MAX_BYTES then
        for back = #popped, i, -1 do call('LPUSH', list, popped[back]) end
        return fresh
      end
      n = n + 1
      fresh[n] = popped[i]
      bytes = bytes + length
      if length >= largest then largest = length + 1 end
    end
  end
  return fresh
end

-- Gives ids to payloads that are reserved for the first time.
local function reserveFresh(fresh)
  local count = #fresh
  if count == 0 then return end
  local records, before, lastId = {}, reservedCount, batch.lastId
  local head, format = '0 0' .. take, string.format
  for i = 1, count do
    local id = format('%d', lastId + i)
    local payload = fresh[i]
    records[2 * i - 1] = id
    records[2 * i] = #payload < LONG_PAYLOAD and head .. '\n' .. payload or head .. keepPayload(id, payload)
    local n = before + i
    leaseArgs[2 * n - 1] = deadline
    leaseArgs[2 * n] = id .. token
  end
  call('HSET', items, unpack(records))
  reserved[before + 1] = text(lastId + 1) .. '-' .. text(lastId + count)
  reservedCount = before + count
  reply.firstId, reply.fresh = lastId + 1, fresh
  batch.lastId = lastId + count
  batch.waiting = batch.waiting - count
end

-- An item from anywhere in the list: it tells if the worker or the items are at fault. The sample changes places with
-- the first item, unless only one of the two was pushed by hand: the seeder knows items by their place.
local function popSample()
  local known, ranges = unpack(call('HMGET', batchKey, 'knownUpTo', 'externalRanges'))
  local function isExternal(place)
    for from, to in (ranges or ''):gmatch('(%d+)-(%d+),') do
      if tonumber(from) <= place and place <= tonumber(to) then return true end
    end
    return place > tonumber(known or 0)
  end
  local head, index = batch.lastId + 1, time[2] * 104729 % batch.waiting
  if isExternal(head) == isExternal(head + index) then
    local sample = call('LINDEX', list, index)
    call('LSET', list, index, call('LINDEX', list, 0))
    call('LSET', list, 0, sample)
  end
  return { call('LPOP', list) or nil }
end

-- Up to so many items that are due. Answers whether any was left to others.
local function reserveDue(from, count)
  local ids, records, isLeft = due(from, count)
  for i, id in ipairs(ids) do reserveAgain(from, id, records[i]) end
  return isLeft
end

-- Answers whether something due was left to others.
local function reserve()
  reply.deadline = now + request.lease * HELD
  deadline = text(reply.deadline)
  take = ' ' .. text(now) .. ' ' .. token:sub(2) .. '\n'
  local isLeft = false
  local long = batch.waiting > 0 and request.reserve >= 64 and keepTables()
  local isAside = call('EXISTS', delayed, suspects) > 0 -- seldom: one look for both
  if batch.waiting > 0 and (request.sample or batch.vanishings >= VANISHINGS / 2) then
    reserveFresh(popSample())
  else
    if isAside and request.exclusive then isLeft = reserveDue(suspects, 1) end
    if reservedCount == 0 then
      if isAside then isLeft = reserveDue(delayed, request.reserve) or isLeft end
      local more = request.reserve - reservedCount
      if more > 0 and batch.waiting > 0 then reserveFresh(popFresh(more)) end
    end
  end
  if #leaseArgs > 0 then
    call('ZADD', leases, unpack(leaseArgs))
    noteStart()
  end
  if long then
    call('HDEL', items, long)
    call('ZREM', leases, long)
  end
  return isLeft
end
