#!lua flags=allow-oom
-- The setting `finish`: a program runs once for each end of a batch. ARGV: the time of that end, a digest of the
-- program, the supervisor that asks, how long that counts (ms), and the output once it ran. Answers
-- {"over", output}, {"busy"} or {"yours"}.
-- Nothing is written into another `run` or a purged queue.
--- @include "keys"
--- @include "clock": now, text
local ended, program, who, ms, output = unpack(ARGV)
local run = ended .. ' ' .. program
local lastEnd = call('HGET', batchKey, 'endedAt')
if lastEnd ~= ended then return { 'yours' } end
if output then
  call('HSET', batchKey, 'finish', output, 'finishOf', run, 'finishUntil', 0)
end
local of, before, runner, untilMs = unpack(call('HMGET', batchKey, 'finishOf', 'finish', 'finishBy', 'finishUntil'))
if of == run then return { 'over', before } end
local left = tonumber(untilMs or 0) - now
-- If the clock went back, more than that is left.
if runner and runner ~= who and left > 0 and left <= tonumber(ms) then return { 'busy' } end
call('HSET', batchKey, 'finishBy', who, 'finishUntil', text(now + ms))
return { 'yours' }
