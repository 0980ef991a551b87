#!lua
-- Moves a seeding from one stage to the next. ARGV: the digest that must be there, the next one, the stage, and for
-- `done` the offset, attempt and how many are done or in hand and no longer in the source.
--   grow: items are being added at the end; takes go on, `finished` is not said
--   edit: anything else is being changed; no takes
--   done: everything is in
-- Answers "moved" or "aborted" where it changes nothing, else {total, done}.
local list, batch = KEYS[1], KEYS[2]
local b = redis.call('HMGET', batch, 'digest', 'state', 'lastLength', 'total', 'externalTaken')
if b[1] ~= ARGV[1] then return 'moved' end
local state, stage = b[2], ARGV[3]
if stage == 'done' and state == 'aborted' then return 'aborted' end

if stage == 'done' then
  local waiting, seen = redis.call('LLEN', list), tonumber(b[3] or 0)
  redis.call('HSET', batch, 'digest', ARGV[2], 'offset', ARGV[4], 'seedId', ARGV[5], 'retired', ARGV[6], 'seeded', 1,
    'lastLength', waiting, 'total', (b[4] or 0) + math.max(0, waiting - seen), 'externalTaken', (b[5] or 0) + math.max(0, seen - waiting))
  if state == 'seeding' then redis.call('HSET', batch, 'state', 'open') end
  redis.call('HDEL', batch, 'requeue')
else
  if stage == 'edit' then
    state = 'seeding'
  elseif state ~= 'seeding' then
    state = 'open'
  end
  redis.call('HSET', batch, 'digest', ARGV[2], 'state', state, 'seeded', 0, 'endedAt', 0)
  redis.call('HDEL', batch, 'reason')
end
return { tonumber(redis.call('HGET', batch, 'total')), redis.call('HLEN', KEYS[7]) - redis.call('ZCARD', KEYS[8]) }
