#!lua
-- What to make of a worker that only failed, item after item. ARGV: since when (ms), the reason of the last failure, how many failed.
-- Answers "sick": others were done meanwhile, so it is this worker; "aborted": nothing was ever done, so it is the handler; "on": neither.
local batch = KEYS[2]
local b = redis.call('HMGET', batch, 'state', 'doneAt')
if tonumber(b[2] or 0) >= tonumber(ARGV[1]) then return 'sick' end
if redis.call('HLEN', KEYS[7]) - redis.call('ZCARD', KEYS[8]) > 0 then return 'on' end
if b[1] == 'open' then
  local time = redis.call('TIME')
  redis.call('HSET', batch, 'state', 'aborted', 'endedAt', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)),
    'reason', 'nothing succeeds: ' .. ARGV[3] .. ' attempts in a row failed and none was ever done; the last one: ' .. ARGV[2])
end
return 'aborted'
