-- Acknowledges the outcomes of attempts. An outcome whose lease is not there is stale: its item is not touched.
local stale = {}

-- All that succeeded at once.
local function acknowledgeDone(ids, members, lines)
  local count = #ids
  if count == 0 then return end
  local scores = call('ZMSCORE', leases, unpack(members))
  local records = call('HMGET', items, unpack(ids))
  local held, settled, done, n = {}, {}, {}, 0
  for i = 1, count do
    if scores[i] then
      n = n + 1
      held[n] = members[i]
      settled[n] = ids[i]
      done[2 * n - 1] = ids[i]
      done[2 * n] = lines[i] .. records[i]
    else
      stale[#stale + 1] = members[i]
    end
  end
  if n == 0 then return end
  call('ZREM', leases, unpack(held))
  call('HDEL', items, unpack(settled))
  call('HSET', results, unpack(done))
end

-- One by itself: it is `done` with a log, tried again after a delay (`retry`), given up (`dead`), or it was not at fault
-- (`released`).
local function acknowledge(outcome)
  local id = outcome.id
  if call('ZREM', leases, outcome.member) == 0 then
    stale[#stale + 1] = outcome.member
    return
  end
  local record = outcome.line .. call('HGET', items, id)
  if outcome.kind == 'done' then
    call('HDEL', items, id)
    call('HSET', results, id, record)
  elseif outcome.kind == 'dead' then
    bury(id, record)
  else
    local _, losses = attemptCounts(record)
    reschedule(id, record, losses > 0, now + (outcome.delay or 0))
    if outcome.kind == 'retry' then batch.retried = batch.retried + 1 end
  end
  if outcome.log then call('HSET', logs, id, outcome.log) end
end
