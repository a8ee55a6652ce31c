// Statements that are planned once are planned well even where the tables are
// empty: the first connection to a new database keeps that plan.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house;
before(async () => {
	house = await stack();
});

const types = { account: 'bigint', id: 'bigint', int: 'bigint', bool: 'boolean',
	ints: 'bigint[]', texts: 'text[]', times: 'timestamptz[]',
	bools: 'boolean[]', time: 'timestamptz', text: 'text', ids: 'bigint[]',
	int4: 'integer', int4s: 'integer[]' };

/** The text of a statement of sql/queries, and the SQL types of its arguments. */
function statement(noun, name) {
	const text = readFileSync(
		new URL(`../../sql/queries/${noun}.sql`, import.meta.url), 'utf8');
	const from = text.indexOf(`-- name: ${name} `);
	const all = text.slice(from, text.indexOf(';', from));
	const args = [...all.matchAll(/^-- args: (.*)$/gm)]
		.flatMap((line) => line[1].split(',')).filter((word) => word.trim())
		.map((word) => types[word.trim().split(' ')[0].replace('?', '')]);
	assert.ok(from >= 0 && !args.includes(undefined), name);
	return { args, text: all.replace(/^\s*--.*$/gm, ''),
		isCustom: all.includes('-- plan: custom') };
}

function plan({ args, text }) {
	return sql(house, `SET search_path = letterrack;
		SET plan_cache_mode = force_generic_plan;
		SET letterrack.application = 1; SET letterrack.account = 1;
		SET "letterrack.user" = 0; SET ROLE letterrack;
		PREPARE it (${args.join(', ')}) AS ${text};
		EXPLAIN (COSTS OFF) EXECUTE it (${args.map(() => 'NULL').join(', ')})`);
}

describe('a plan made for empty tables', () => {
	for (const [noun, name] of [['placement', 'placement_ingest'],
		['email', 'email_list'], ['email', 'email_find_in'],
		['move', 'move_possible'], ['move', 'move_by_size'],
		['move', 'move_lying'], ['move', 'move_place_alike']])
		test(`${name} walks along indexes`, () => {
			const one = statement(noun, name);
			assert.ok(!one.isCustom, 'it is planned each time');
			const found = plan(one);
			assert.match(found, /Index/);
			assert.doesNotMatch(found, /Seq Scan on (email|placement)\b/);
		});
});

/* A worker that stays keeps its plans from when an account had little mail. */
describe('the email of a message that is sent', () => {
	for (const [noun, name] of [['submission', 'submission_intend'],
		['submission', 'submission_confirm'],
		['submission', 'submission_file_with'],
		['submission', 'submission_again'],
		['submission', 'submission_settle_row'],
		['submission', 'submission_filed'], ['report', 'report_settle']])
		test(`is found by its whole key in ${name}`, () => {
			const found = plan(statement(noun, name));
			assert.match(found, new RegExp('Index Scan using \\S+ on email\\b' +
				'[^\\n]*\\n\\s*Index Cond: \\(\\(account_id = [^\\n]*' +
				'\\(id = '));
			assert.doesNotMatch(found,
				/on email\b[^\n]*\n\s*Index Cond: \(account_id = \S+\)\n/);
		});
});

/* What follows a first sync runs where there are no statistics yet; what a step
 * of it reads must not grow with the mail there is. */
describe('a step behind a first sync reads as much', () => {
	const few = 2000, many = 20000;
	let own, application, account, credential;

	/* Mails [from, to] in one folder, two to a thread. */
	const fill = (from, to) => sql(own, `
		INSERT INTO email (application_id, account_id, id, mailbox_id,
		    credential_id, uid, message_id, subject, from_json, received_at)
		SELECT application_id, account_id, g, id, credential_id, g,
		    'm' || g, 'Subject ' || g, '[]', now() - g * interval '1 minute'
		FROM box, generate_series(${from}, ${to}) AS g;
		INSERT INTO placement (application_id, account_id, mailbox_id,
		    uidvalidity, uid, email_id)
		SELECT application_id, account_id, id, 1, g, g
		FROM box, generate_series(${from}, ${to}) AS g;
		INSERT INTO thread (application_id, account_id, id)
		SELECT application_id, account_id, g FROM box,
		    generate_series(${from}, ${to}) AS g WHERE g % 2 = 0;
		INSERT INTO thread_key (application_id, account_id, key, thread_id)
		SELECT application_id, account_id, g, g - g % 2 FROM box,
		    generate_series(${from}, ${to}) AS g WHERE g > 1;`);

	before(async () => {
		own = await stack({ own: true, postgres: ['autovacuum=off'] });
		account = people(own).account;
		sql(own, `INSERT INTO credential (application_id, account_id,
			    provider_kind, host, port, security_mode, secret)
			SELECT application_id, id, 'imap', 'localhost', 143, 'none', ''
			FROM account WHERE id = ${account};
			INSERT INTO mailbox (application_id, account_id, credential_id,
			    name, wire_name, uidvalidity)
			SELECT application_id, account_id, id, 'INBOX', 'INBOX', 1
			FROM credential ORDER BY id DESC LIMIT 1;
			CREATE FUNCTION last500(n bigint) RETURNS bigint[] LANGUAGE sql AS
			'SELECT array_agg(g) FROM generate_series(n - 499, n) AS g';
			CREATE VIEW box AS SELECT * FROM mailbox
			ORDER BY id DESC LIMIT 1`);
		[application, credential] = sql(own,
			'SELECT application_id, credential_id FROM box').split('|');
		fill(1, few);
	});
	after(() => own?.end());

	const ids = (n) => `last500(${n})`;

	function pages({ args, text, isCustom }, values) {
		const call = `EXECUTE it (${values.join(', ')})`;
		const out = sql(own, `BEGIN; SET search_path = letterrack;
			SET letterrack.application = ${application};
			SET letterrack.account = ${account};
			SET "letterrack.user" = 0; SET ROLE letterrack;
			SET plan_cache_mode = ${isCustom ? 'force_custom_plan' : 'auto'};
			PREPARE it (${args.join(', ')}) AS ${text};
			SAVEPOINT s; ${isCustom ? '' : `${call};`.repeat(6)}
			ROLLBACK TO s;
			EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) ${call};
			ROLLBACK`);
		return [...out.slice(out.indexOf('Buffers:')).split('\n')[0]
			.matchAll(/(?:hit|read)=(\d+)/g)]
			.reduce((sum, [, n]) => sum + Number(n), 0);
	}

	/* What a trigger calls: EXPLAIN tells nothing of it. */
	const calls = { thread_add: {
		args: Array(5).fill('bigint[]'), isCustom: false,
		text: 'SELECT thread_add($1, $2, $3, $4, $5)' } };
	const zeros = 'array_fill(0::bigint, ARRAY[500])';
	const steps = [
		['snippet', 'snippet_due', () => [account, credential, 500]],
		['search', 'search_put', (n) => [account, ids(n),
			'array_fill(NULL::text, ARRAY[500])',
			'array_fill(NULL::text, ARRAY[500])']],
		['threading', 'threading_known', (n) => [account, ids(n)]],
		['threading', 'threading_put', (n) => [account, ids(n), ids(n),
			`array_fill('reply'::text, ARRAY[500])`]],
		['thread', 'thread_add', (n) => [
			`array_fill(${account}::bigint, ARRAY[500])`, ids(n),
			zeros, zeros, zeros]],
	];
	const step = (noun, name) => calls[name] ?? statement(noun, name);
	const read = {};
	test('of few mails', () => {
		for (const [noun, name, values] of steps) {
			read[name] = pages(step(noun, name), values(few));
			assert.ok(read[name] > 0, name);
		}
		fill(few + 1, many);
	});
	for (const [noun, name, values] of steps)
		test(`of many mails: ${name}`, () => {
			const n = pages(step(noun, name), values(many));
			assert.ok(n <= 2 * read[name], `${n} pages, not ${read[name]}`);
		});
});
