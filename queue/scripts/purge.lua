#!lua flags=allow-oom
-- Deletes a queue with all its keys. ARGV[1]: 1 to do so although it is in use. Answers {"purged", items},
-- {"unknown"} if there is no batch, or {"inUse", live leases, 1 while it is being seeded}.
local batch, leases = KEYS[2], KEYS[3]
local b = redis.call('HMGET', batch, 'schema', 'state', 'total')
if not b[1] then return { 'unknown' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local live, seeding = redis.call('ZCOUNT', leases, now, '+inf'), b[2] == 'seeding' and 1 or 0
if ARGV[1] ~= '1' and (live > 0 or seeding == 1) then return { 'inUse', live, seeding } end
redis.call('UNLINK', unpack(KEYS))
redis.pcall('SREM', 'wq:queues', KEYS[1])
return { 'purged', tonumber(b[3] or 0) }
