#!lua flags=allow-oom
-- Moves a seeding from one stage to the next. ARGV: the digest that must be there, the next one, the stage, and what it
-- needs.
--   grow: items are being appended; takes go on, "finished" is not said
--   edit: a new list is being built beside the old one; no takes. Returns {state, seeded, endedAt, reason} of before
--   undo: the edit came to nothing. Needs what "edit" returned
--   done: everything is in. Needs offset, seedId, retired. Returns {total, done}
-- Returns "moved" or "aborted" where it changes nothing.
local list, batch = KEYS[1], KEYS[2]
local digest, stage = ARGV[2], ARGV[3]
local b = redis.call('HMGET', batch, 'digest', 'state', 'lastLength', 'total', 'externalTaken', 'seeded', 'endedAt', 'reason')
local state = b[2]
if b[1] ~= ARGV[1] then return 'moved' end
if stage == 'done' and state == 'aborted' then return 'aborted' end

if stage == 'grow' then
  redis.call('HSET', batch, 'digest', digest, 'state', state == 'seeding' and state or 'open', 'seeded', 0, 'endedAt', 0)
  redis.call('HDEL', batch, 'reason')
elseif stage == 'edit' then
  redis.call('UNLINK', KEYS[11])
  redis.call('HSET', batch, 'digest', digest, 'state', 'seeding', 'seeded', 0, 'endedAt', 0)
  redis.call('HDEL', batch, 'reason')
  return { state, b[6] or '', b[7] or '', b[8] or '' }
elseif stage == 'undo' then
  redis.call('UNLINK', KEYS[11])
  redis.call('HSET', batch, 'digest', digest)
  if state == 'seeding' then
    redis.call('HSET', batch, 'state', ARGV[4], 'seeded', ARGV[5], 'endedAt', ARGV[6])
    if ARGV[7] ~= '' then redis.call('HSET', batch, 'reason', ARGV[7]) end
  end
else
  local waiting, seen = redis.call('LLEN', list), tonumber(b[3] or 0)
  local total = (b[4] or 0) + math.max(0, waiting - seen)
  redis.call('HSET', batch, 'digest', digest, 'offset', ARGV[4], 'seedId', ARGV[5], 'retired', ARGV[6], 'seeded', 1,
    'lastLength', waiting, 'total', total, 'externalTaken', (b[5] or 0) + math.max(0, seen - waiting))
  if state == 'seeding' then redis.call('HSET', batch, 'state', 'open') end
  redis.call('HDEL', batch, 'requeue')
  return { total, redis.call('HLEN', KEYS[7]) - redis.call('ZCARD', KEYS[8]) }
end
return 1
