// Whose turn it is among jobs that wait, and what finding out costs.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, one, two;
before(async () => {
	house = await stack({ own: true });
	const p = people(house);
	[one, two] = [p.account, p.other].sort((a, b) => a - b);
});
after(() => house?.end());
const clear = () => sql(house, 'TRUNCATE task CASCADE');
beforeEach(clear);

/** Jobs of an account; `what` has values of columns, by `g` from 1 on. */
function queue(account, n, what = {}) {
	const columns = Object.keys(what).map((c) => `, ${c}`).join('');
	const values = Object.values(what).map((v) => `, ${v}`).join('');
	sql(house, `WITH t AS (INSERT INTO task (application_id, account_id,
		task_type, state) SELECT application_id, id, 'imap_fetch_text', 'queued'
		FROM account, generate_series(1, ${n}) WHERE id = ${account}
		RETURNING application_id, account_id, id),
		s AS (SELECT *, row_number() OVER (ORDER BY id) AS g FROM t)
		INSERT INTO job (application_id, account_id, task_id,
		action${columns}) SELECT application_id, account_id, id,
		'imap_fetch_text'${values} FROM s`);
}

/** The account of the next job, for a worker that served `last`; '' : none. */
const claim = (last = 0, account = 0) => {
	const id = sql(house, `SELECT account_id FROM job_claim('w', 180, NULL,
		${account}, 0, ${last})`);
	return id === '' ? null : Number(id);
};

/** Accounts in the order in which a worker serves them. */
function served(n) {
	const order = [];
	for (let last = 0; order.length < n; order.push(last))
		last = claim(last);
	return order;
}

describe('accounts', () => {
	test('take turns, whoever has how many of whatever priority', () => {
		queue(one, 500, { priority: 9 });
		queue(two, 3);
		assert.deepEqual(served(7), [one, two, one, two, one, two, one]);
	});
	test('wait for one job of each worker at most, behind some thousands', () => {
		queue(one, 5000, { priority: 9 });
		/* Four workers are at it when the other's comes. */
		const last = Array.from({ length: 4 }, () => claim(0));
		assert.deepEqual(last, [one, one, one, one]);
		queue(two, 4, { priority: 0 });
		assert.deepEqual(last.map((account) => claim(account)),
			[two, two, two, two]);
	});
	test('take turns among jobs whose time has come all at once', () => {
		const later = (how) => ({ run_at: `now() + interval '${how}'` });
		queue(one, 1500, later('1 hour'));
		queue(two, 1, later('2 hours'));
		assert.equal(claim(), null);
		// As if the hours had passed.
		sql(house, `ALTER TABLE job DISABLE TRIGGER job_due_set;
			UPDATE job SET run_at = run_at - interval '3 hours';
			ALTER TABLE job ENABLE TRIGGER job_due_set`);
		assert.deepEqual(served(3), [one, two, one]);
	});
	test('are served alone where one is named', () => {
		queue(one, 2);
		queue(two, 2);
		assert.deepEqual([claim(0, two), claim(0, two), claim(0, two)],
			[two, two, null]);
	});
});

describe('an account\'s jobs', () => {
	const order = (n) => Array.from({ length: n }, () => Number(sql(house,
		`SELECT j.priority FROM job j JOIN job_claim('w', 180, NULL, 0, 0) c
		ON c.id = j.id`)));
	test('run by priority, then by age', () => {
		queue(one, 5, { priority: '(g * 3) % 5' });
		assert.deepEqual(order(5), [4, 3, 2, 1, 0]);
		queue(one, 3, { run_at: "now() - g * interval '1 minute'" });
		const ids = Array.from({ length: 3 }, () => sql(house,
			"SELECT id FROM job_claim('w', 180, NULL, 0, 0)")).map(Number);
		assert.deepEqual(ids, [...ids].sort((a, b) => b - a));
	});
	test('pass by those that are excluded, however many', () => {
		queue(one, 300, { exclusion: "'imap:1'", priority: 9 });
		queue(one, 2, { exclusion: "'imap:2'" });
		queue(one, 1);
		const lanes = Array.from({ length: 4 }, () => sql(house,
			`SELECT coalesce(j.exclusion, 'none') FROM job j
			JOIN job_claim('w', 180, NULL, 0, 0) c ON c.id = j.id`));
		assert.deepEqual(lanes.slice(0, 1), ['imap:1']);
		assert.deepEqual(lanes.slice(1, 3).sort(), ['imap:2', 'none']);
		assert.equal(lanes[3], '');
	});
	test('come back when their lease has ended, as another\'s', () => {
		queue(one, 1);
		assert.equal(claim(), one);
		assert.equal(claim(), null);
		sql(house, `UPDATE job SET lease_until = now() - interval '1 second'`);
		const [token, tries] = sql(house, `SELECT lease_token, attempt_count
			FROM job_claim('other', 180, NULL, 0, 0)`).split('|');
		assert.deepEqual([token, tries], ['2', '2']);
	});
});

describe('a claim costs the same', () => {
	/* What it reads, once its plans are made: the time of it is the machine's,
	 * too. */
	const pages = () => {
		const out = sql(house, `
			${"SELECT id FROM job_claim('w', 180, NULL, 0, 0);".repeat(12)}
			EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF)
			SELECT id FROM job_claim('w', 180, NULL, 0, 0)`);
		const [, hit, , read = '0'] =
			out.match(/shared hit=(\d+)( read=(\d+))?/);
		assert.match(out, /rows=1/);
		return Number(hit) + Number(read);
	};
	const few = (what) => {
		queue(one, 100, what);
		const n = pages();
		clear();
		return n;
	};
	for (const [name, what] of [
		['of one account', {}],
		['of many mail accounts', { exclusion: "'imap:' || g" }],
	])
		test(`with 100 jobs and with 20,000 ${name}`, () => {
			const small = few(what);
			queue(one, 20000, what);
			const large = pages();
			assert.ok(large <= 1.5 * small, `${large} pages, not ${small}`);
		});
	test('where all that waits is excluded', () => {
		const what = { exclusion: "'imap:1'" };
		queue(one, 20000, what);
		assert.equal(claim(), one);
		const out = sql(house, `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF)
			SELECT id FROM job_claim('w', 180, NULL, 0, 0)`);
		const hit = Number(out.match(/shared hit=(\d+)/)[1]);
		assert.match(out, /rows=0/);
		assert.ok(hit < 2000, `${hit} pages`);
		assert.ok(Number(out.match(/Execution Time: ([\d.]+)/)[1]) < 500, out);
	});
});
