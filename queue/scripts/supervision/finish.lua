#!lua flags=allow-oom
-- Who runs what follows on the end of a batch, once for each end. ARGV: when the batch ended, who asks, for how long he
-- has it (ms), and what came of it, where it is over. Answers {"over", what came of it}, {"busy"} or {"yours"}.
--- @include "keys"
--- @include "clock"
local ended, who, ms, output = unpack(ARGV)
if output then
  call('HSET', batchKey, 'finish', output, 'finishOf', ended, 'finishUntil', 0)
end
local of, before, runner, untilMs = unpack(call('HMGET', batchKey, 'finishOf', 'finish', 'finishBy', 'finishUntil'))
if of == ended then return { 'over', before } end
if runner and runner ~= who and tonumber(untilMs) > now then return { 'busy' } end
call('HSET', batchKey, 'finishBy', who, 'finishUntil', text(now + ms))
return { 'yours' }
