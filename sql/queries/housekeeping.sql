-- What letterrack-sync clears away.

-- True: it is due, and this program's to do.
-- name: housekeeping_begin :value
-- args: int4 every
-- value: bool
-- scope: global: old rows of all accounts
SELECT housekeeping_begin($1);

-- Removes a few of a kind that ended `keep` seconds ago; how many.
-- name: housekeep :value
-- args: text what, int4 keep, int4 most
-- value: int
-- scope: global: old rows of all accounts
SELECT housekeep($1, $2, $3);

-- The same of threads that were deleted: what people wrote in them.
-- name: thread_clear :value
-- args: text what, int4 keep, int4 most
-- value: int
-- scope: global: old rows of all accounts
SELECT thread_clear($1, $2, $3);

-- The same of files of the raw store: those of these names that nobody needs.
-- name: raw_unused :value
-- args: int of, texts names
-- value: texts
-- scope: global: files of all accounts
SELECT raw_unused($1, $2);

-- Jobs for what has waited or ended `keep` seconds ago at addresses that only
-- send; how many.
-- name: hold_senders_due :value
-- args: int4 keep, int4 most
-- value: int
-- scope: global: mail of all accounts
SELECT hold_senders_due($1, $2);

-- The same of sign-ins that wait for their second step.
-- name: half_sign_in_clear :value
-- args: text what, int4 keep, int4 most
-- value: int
-- scope: global: old rows of all accounts
SELECT half_sign_in_clear($1, $2, $3);

-- The same of what is asked of the payment service, and what it has told.
-- name: billing_clear :value
-- args: text what, int4 keep, int4 most
-- value: int
-- scope: global: old rows of all accounts
SELECT billing_clear($1, $2, $3);
