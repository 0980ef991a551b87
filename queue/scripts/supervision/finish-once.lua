#!lua flags=allow-oom
-- The setting `finish`: its command runs once for each end of a batch. ARGV: the time of that end, the supervisor that
-- asks, how long that counts (ms), and the output once it ran. Answers {"over", output}, {"busy"} or {"yours"}.
-- Nothing is written into another `run` or a purged queue.
--- @include "keys"
--- @include "clock": now, text
local ended, who, ms, output = unpack(ARGV)
local lastEnd = call('HGET', batchKey, 'endedAt')
if lastEnd ~= ended then return { 'yours' } end
if output then
  call('HSET', batchKey, 'finish', output, 'finishOf', ended, 'finishUntil', 0)
end
local of, before, runner, untilMs = unpack(call('HMGET', batchKey, 'finishOf', 'finish', 'finishBy', 'finishUntil'))
if of == ended then return { 'over', before } end
if runner and runner ~= who and tonumber(untilMs) > now then return { 'busy' } end
call('HSET', batchKey, 'finishBy', who, 'finishUntil', text(now + ms))
return { 'yours' }
