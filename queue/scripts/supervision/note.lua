#!lua flags=allow-oom
-- Writes fields of the batch, also into a Redis that is full: what ends or frees must always get in. A queue that was
-- purged leaves nothing behind. ARGV: field, value, ...
--- @include "keys"
return call('HEXISTS', batchKey, 'schema') == 1 and call('HSET', batchKey, unpack(ARGV))
