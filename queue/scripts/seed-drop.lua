#!lua flags=allow-oom
-- Drops items that were taken before, are not done, and are no longer in the source; never one that is leased. ARGV: the
-- digest that must be there, the next one, ids. Returns "moved" or "aborted" where it changes nothing, else how many it
-- dropped.
local batch = KEYS[2]
local b = redis.call('HMGET', batch, 'digest', 'state', 'total')
if b[1] ~= ARGV[1] then return 'moved' end
if b[2] == 'aborted' then return 'aborted' end

local count = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', KEYS[4], id) + redis.call('ZREM', KEYS[5], id) + redis.call('ZREM', KEYS[8], id) > 0 then
    redis.call('HDEL', KEYS[6], id)
    redis.call('HDEL', KEYS[7], id)
    redis.call('HDEL', KEYS[9], id)
    count = count + 1
  end
end
redis.call('HSET', batch, 'digest', ARGV[2], 'total', b[3] - count)
return count
