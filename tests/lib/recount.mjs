// Threads' numbers, totals and mail against a recount of the rows.
import assert from 'node:assert/strict';
import { sql } from './sql.mjs';

/** Every number of the account against a recount. */
export function recount(house, account) {
	assert.equal(sql(house, `SELECT t.id, t.email_count, t.unread_count,
		t.attachment_count, t.last_message_at, r.* FROM thread t
		LEFT JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER
		(WHERE NOT is_read) AS u, count(*) FILTER (WHERE has_attachments) AS f,
		max(received_at) AS last FROM email e WHERE e.account_id = t.account_id
		AND e.thread_id = t.id AND e.removed_at IS NULL) r ON true
		WHERE t.account_id = ${account} AND (t.email_count, t.unread_count,
		t.attachment_count, t.last_message_at) IS DISTINCT FROM
		(r.n, r.u, r.f, r.last)`), '');
	assert.equal(sql(house, `SELECT * FROM (SELECT name, n FROM counter
		WHERE account_id = ${account} AND n <> 0
		AND (name LIKE 'threads:%' OR name LIKE 'label:%')) c
		FULL JOIN (SELECT 'threads:' || status AS name, count(*) AS n
		FROM thread_row WHERE account_id = ${account} GROUP BY 1 UNION ALL
		SELECT 'label:' || l, count(*) FROM thread_row, unnest(labels) l
		WHERE account_id = ${account} GROUP BY 1) r USING (name, n)
		WHERE c.name IS NULL OR r.name IS NULL`), '');
	assert.equal(sql(house, `SELECT e.id FROM email e JOIN thread t
		ON t.id = e.thread_id WHERE e.account_id = ${account} AND e.removed_at
		IS NULL AND (t.merged_into IS NOT NULL OR t.removed_at IS NOT NULL
		OR t.account_id <> e.account_id)`), '');
}
