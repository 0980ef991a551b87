-- Acknowledges the outcomes of attempts. An outcome whose lease is not there is stale, unless its item was only taken
-- for lost and nobody else has it.
--- @needs clock (now, text), batch (batch), records (reschedule, bury, lose), silence (takeBack)
local stale = {}

local function recordOfLate(member)
  local record = takeBack(member)
  if not record then stale[#stale + 1] = member end
  return record
end

-- All that succeeded and have no log.
local function acknowledgeDone(ids, members, lines)
  local count = #ids
  if count == 0 then return end
  local scores = call('ZMSCORE', leases, unpack(members))
  local records = call('HMGET', items, unpack(ids))
  local done, n = {}, 0
  for i = 1, count do
    local record = scores[i] and records[i] or recordOfLate(members[i])
    if record then
      n = n + 1
      -- Stale outcomes are left out of the columns; nearly always there are none.
      if n < i then ids[n], members[n] = ids[i], members[i] end
      done[2 * n - 1] = ids[n]
      done[2 * n] = lines[i] .. record
    end
  end
  if n == 0 then return end
  batch.vanishings = 0
  call('ZREM', leases, unpack(members, 1, n))
  call('HDEL', items, unpack(ids, 1, n))
  call('HSET', results, unpack(done))
  -- Earlier attempts that failed may have left a log.
  if not request.keepLogs and call('EXISTS', logs) == 1 then call('HDEL', logs, unpack(ids, 1, n)) end
end

-- Most times in a row that an item is put off.
local MAX_LATER = 1000

-- An item that its handler puts off, which is no attempt. If it is put off several times in a row, the last time stays
-- on record.
local function putOff(id, outcome, record)
  local take, earlier, count, rest = record:match('^([^\n]*\n)(r%d+ later (%d+)\n[^\n]*\n)()')
  local times = tonumber(count or 0) + 1
  if earlier then record = take .. record:sub(rest) end
  if times > MAX_LATER then
    bury(id, outcome.line:gsub('^r(%d+) later\n', 'f%1 "put off more than ' .. MAX_LATER .. ' times in a row"\n') .. record)
  else
    record = outcome.line:sub(1, -2) .. ' ' .. text(times) .. '\n' .. record
    reschedule(id, record, request.maxLosses, now + outcome.delay)
  end
end

-- A single outcome: its item is `done` with a log, tried again after a delay (`retry`), given up (`dead`), put off
-- (`later`), not at fault (`released`), or one of several that may have broken their worker (`lost`).
local function acknowledge(outcome)
  local id = outcome.id
  local record
  if call('ZREM', leases, outcome.member) == 1 then
    record = call('HGET', items, id)
  else
    record = recordOfLate(outcome.member)
  end
  if not record then return end
  if outcome.kind ~= 'released' and outcome.kind ~= 'lost' then batch.vanishings = 0 end
  if outcome.kind == 'done' then
    call('HDEL', items, id)
    call('HSET', results, id, outcome.line .. record)
  elseif outcome.kind == 'dead' then
    bury(id, outcome.line .. record)
  elseif outcome.kind == 'later' then
    putOff(id, outcome, record)
  elseif outcome.kind == 'lost' then
    local line = 'l' .. text(now) .. ' ' .. text(now) .. ' ' .. outcome.line
    lose(id, record, line, request.maxLosses, request.lease)
  else
    reschedule(id, outcome.line .. record, request.maxLosses, now + (outcome.delay or 0))
    if outcome.kind == 'retry' then batch.retried = batch.retried + 1 end
  end
  if outcome.log then call('HSET', logs, id, outcome.log) end
end
