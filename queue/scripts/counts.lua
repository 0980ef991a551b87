#!lua flags=no-writes
-- One consistent read of the whole batch. See queue/README.md.
--- @include "keys"
--- @include "clock": now, text
local batch = call('HMGET', batchKey, 'schema', 'state', 'paused', 'reason', 'owner', 'total', 'lastLength', 'lost', 'retried',
  'externalTaken', 'startedAt', 'endedAt')
local waiting = call('LLEN', list)
local deadCount, suspectCount = call('ZCARD', dead), call('ZCARD', suspects)
local total, lastLength, external = tonumber(batch[6] or 0), tonumber(batch[7] or 0), tonumber(batch[10] or 0)
local state = batch[2] or 'open'

-- If the list's length is not what the last script left, others pushed or popped.
if waiting > lastLength then total = total + waiting - lastLength else external = external + lastLength - waiting end
if state == 'finished' and waiting > 0 then state = 'open' end
if state == 'open' and batch[3] == '1' then state = 'paused' end

-- A batch that was reopened has not ended, and may not have begun again.
local startedAt, endedAt = tonumber(batch[11] or 0), tonumber(batch[12] or 0)
if state ~= 'finished' and state ~= 'aborted' then
  if startedAt <= endedAt then startedAt = 0 end
  endedAt = 0
end

-- Time when the first delayed item may be reserved; 0 if none waits.
local function firstDue(key)
  return tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end
local due, suspectDue = firstDue(delayed), firstDue(suspects)
local nextDue = math.min(due or math.huge, suspectDue or math.huge)
-- A pod starts within this time, about.
local soon = text(now + 10000)
local dueSoon = call('ZCOUNT', delayed, '-inf', soon) + call('ZCOUNT', suspects, '-inf', soon)
if nextDue == math.huge then nextDue = 0 elseif nextDue <= 0 then nextDue = now end

return {
  state, batch[4] or '', batch[5] or '', total, waiting,
  call('ZCARD', leases), call('ZCARD', delayed) + suspectCount, suspectCount,
  call('HLEN', results) - deadCount, deadCount,
  tonumber(batch[8] or 0), tonumber(batch[9] or 0), external, startedAt, endedAt,
  call('ZCOUNT', alive, text(now), '+inf'), nextDue, dueSoon, now,
}
