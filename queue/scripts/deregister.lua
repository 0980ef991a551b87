#!lua flags=allow-oom
-- A worker ends. ARGV: session, its last report. A worker that never reserved anything leaves nothing behind.
--- @include "keys"
--- @include "clock": now, text
local session, row = ARGV[1], ARGV[2]
local even, odd = session .. '#0', session .. '#1'
local calls = call('HMGET', workers, even, odd)
local hasWorked = calls[1] or calls[2]
call('HDEL', workers, even, odd)
call('ZREM', alive, session)
call('ZREM', failing, session)
if hasWorked then call('HSET', workers, session, text(now) .. ' ' .. row) else call('HDEL', workers, session) end
-- Always a write: the caller waits until it is on disk, and with it all that was written before. No heartbeat: it would
-- hide a silence.
if call('EXISTS', batchKey) == 1 then call('HSET', batchKey, 'schema', 1) end
return call('HGET', batchKey, 'state')
