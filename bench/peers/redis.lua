-- What a team would write to decide orders in Redis: decides one order, and reserves its amount
-- where it fits. A script runs alone, so nothing needs a lock.
--
-- KEYS: the account's hash (its counters, and a field `order:ID` for each open order), the request's
-- stored answer, the counter of decisions. ARGV: order id, amount, currency, time to hold in seconds.
-- Returns sequence, approved amount, available after the decision, times of decision and expiry in
-- microseconds since 1970, 1 for a stored answer. Lua counts in doubles: exact up to 2^53.

local order, amount, currency = ARGV[1], ARGV[2], ARGV[3]

local past = redis.call('GET', KEYS[2])
if past then
    local account_then, order_then, amount_then, currency_then, answer = cmsgpack.unpack(past)
    if account_then ~= KEYS[1] or order_then ~= order
        or amount_then ~= amount or currency_then ~= currency then
        return redis.error_reply('REQUEST_ID_REUSED')
    end
    answer[6] = 1
    return answer
end

local account = redis.call(
    'HMGET', KEYS[1], 'currency', 'limit', 'outstanding', 'captured', 'reserved', 'order:' .. order)
if not account[1] then
    return redis.error_reply('ACCOUNT_NOT_FOUND')
end
if account[1] ~= currency then
    return redis.error_reply('CURRENCY_MISMATCH')
end
if account[6] then
    return redis.error_reply('ORDER_ALREADY_RESERVED')
end

local available = account[2] - account[3] - account[4] - account[5]
local wanted = tonumber(amount)
local approved = 0
if wanted <= available then
    approved = wanted
    available = available - wanted
    redis.call(
        'HSET', KEYS[1], 'reserved', string.format('%.0f', account[5] + wanted), 'order:' .. order, amount)
end

local now = redis.call('TIME')
local now_us = now[1] * 1000000 + now[2]
local sequence = redis.call('INCR', KEYS[3])
local answer = {sequence, approved, available, now_us, now_us + ARGV[4] * 1000000, 0}
redis.call('SET', KEYS[2], cmsgpack.pack(KEYS[1], order, amount, currency, answer))
return answer
