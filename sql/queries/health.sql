-- What the health pages ask.

-- name: health_now :value
-- value: time
-- scope: global: asks for nobody's rows
SELECT now();
