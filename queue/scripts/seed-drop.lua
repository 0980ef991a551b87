#!lua flags=allow-oom
-- Drops items that were taken before, are not done, and are no longer in the source; never one that is leased. ARGV:
-- the digests, ids. Returns "moved" or "aborted" if it changes nothing, else how many it dropped.
--- @include "keys"
--- @include "seeding": digest, refusal
local refused = refusal()
if refused then return refused end

local count = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  if call('ZREM', delayed, id) + call('ZREM', suspects, id) + call('ZREM', dead, id) > 0 then
    call('HDEL', items, id)
    call('HDEL', results, id)
    call('HDEL', logs, id)
    call('HDEL', payloads, id, id .. '+')
    count = count + 1
  end
end
call('HSET', batchKey, 'digest', digest)
call('HINCRBY', batchKey, 'total', -count)
return count
