#!lua
-- Puts dead items back, with their history, due at once; at most 1000 a call. ARGV[1]: only those that died until then
-- (ms), empty for those of the ids that follow. Answers how many it put back.
local batch, delayed, suspects, items, results, dead = KEYS[2], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local ids = {}
if ARGV[1] ~= '' then
  ids = redis.call('ZRANGEBYSCORE', dead, '-inf', ARGV[1], 'LIMIT', 0, 1000)
else
  for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
end

local count = 0
for _, id in ipairs(ids) do
  if redis.call('ZREM', dead, id) == 1 then
    local record = redis.call('HGET', results, id)
    -- The attempt that ended it: lost, or taken after a loss, makes it a suspect, and so it stays one.
    local losses = record:match('^[^\n]*\n%d+ (%d+) ')
    local suspect = record:sub(1, 1) == 'l' or (losses and tonumber(losses) > 0)
    redis.call('HDEL', results, id)
    redis.call('HSET', items, id, 'q\n' .. record)
    redis.call('ZADD', suspect and suspects or delayed, 0, id)
    count = count + 1
  end
end
if count > 0 and redis.call('HGET', batch, 'state') == 'finished' then
  redis.call('HSET', batch, 'state', 'open', 'endedAt', 0)
end
return count
