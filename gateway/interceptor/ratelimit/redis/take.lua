-- Takes tokens from a bucket, all or nothing below the least, at one instant of the server's clock. The bucket is one number: when it is full
-- again, in microseconds. It is forgotten when it is full.
--
-- KEYS: the bucket. ARGV: the time in which one token comes and that in which all come, in microseconds; how many are needed; how many are
-- taken if they are there. Answers: how many were taken, how many are left, microseconds until all are there and until there are enough, and the
-- name of the bucket, so that nobody takes the answer to another's question for theirs.
local t = redis.call('TIME')
local now = (t[1] - 1750000000) * 1000000 + t[2] -- small enough for fractions
local interval, capacity, least, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = tonumber(redis.call('GET', KEYS[1]) or now) or now
full = math.min(math.max(full, now), now + capacity)
local left = math.floor((now + capacity - full) / interval + 0.000001)
if left < least then
	return {0, left, math.ceil(full - now), math.ceil(full + least * interval - now - capacity), KEYS[1]}
end
local taken = math.min(left, most)
full = full + taken * interval
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return {taken, left - taken, math.ceil(full - now), 0, KEYS[1]}
