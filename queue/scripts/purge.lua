#!lua flags=allow-oom
-- Deletes a queue with all its keys. ARGV[1]: 1 to do so although it is in use. Answers {"purged", items},
-- {"unknown"} if there is no batch, or {"inUse", live leases, 1 while it is being seeded}.
--- @include "keys"
--- @include "clock": now, text
local b = call('HMGET', batchKey, 'schema', 'state', 'total')
if not b[1] then return { 'unknown' } end
local live, seeding = call('ZCOUNT', leases, text(now), '+inf'), b[2] == 'seeding' and 1 or 0
if ARGV[1] ~= '1' and (live > 0 or seeding == 1) then return { 'inUse', live, seeding } end
call('UNLINK', unpack(KEYS))
redis.pcall('SREM', 'wq:queues', list)
return { 'purged', tonumber(b[3] or 0) }
