#!lua flags=allow-oom
-- Extends the leases that are still there. ARGV: lease in ms, session, what the worker says of itself, members. Answers those that are not there.
local batch, leases, workers = KEYS[2], KEYS[3], KEYS[10]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[1])
local gone = {}
for i = 4, #ARGV do
  -- XX: never makes one that somebody took away. GT is not asked for: a clock that went back must not stop renewals.
  if not redis.call('ZSCORE', leases, ARGV[i]) then
    gone[#gone + 1] = ARGV[i]
  else
    redis.call('ZADD', leases, 'XX', now + lease * 0.8, ARGV[i])
  end
end
local b = redis.call('HMGET', batch, 'lastHeartbeat', 'reclaimAfter')
local heard = tonumber(b[1] or 0)
if b[1] then
  if heard > 0 and now - heard > lease / 2 then redis.call('HSET', batch, 'reclaimAfter', string.format('%.0f', now + lease / 2)) end
  redis.call('HSET', batch, 'lastHeartbeat', string.format('%.0f', now))
end
if ARGV[3] ~= '' then redis.call('HSET', workers, ARGV[2], string.format('%.0f', now) .. ' ' .. ARGV[3]) end
return gone
