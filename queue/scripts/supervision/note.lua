#!lua flags=allow-oom
-- Writes fields of the batch, also into a Redis that is full: what ends or frees must always get in. ARGV: field, value, ...
--- @include "keys"
return call('HSET', batchKey, unpack(ARGV))
