// The wall between tenants: every operation of the description, asked by
// everybody, for what is theirs, another's, nobody's and no id at all. What is
// expected follows from the least role that the description shows, and from
// nothing else; so a new route is in here the day it exists.
//
//	matrix('the wall', { least: 4000 });
//	matrix('the statements alone', { policies: false });
//
// `least`: cases that there must be. `policies` false: row-level security is
// switched off first, in a house of its own; then what only the policies do is
// left out. `prefix`: other programs. `postgres`: settings. `end` is called
// with the house before that goes.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { client } from './api.mjs';
import { people, sql } from './people.mjs';
import { stack } from './stack.mjs';
import { sign, signingKey, parts } from './tokens.mjs';

const MISSING = 999999999999;
const CANARY = 'canary-of-a-body';

let house, api, asked;

/** A row in an account for each kind of id that paths name. */
const rows = {
	provider_credential_id: (a) => `INSERT INTO credential (application_id,
		account_id, provider_kind, host, port, security_mode) VALUES (${a},
		'imap', '127.0.0.1', 9, 'none') RETURNING id`,
	email_id: (a) => `INSERT INTO email (application_id, account_id, subject,
		snippet, received_at) VALUES (${a}, 'Hello', '${CANARY}', now())
		RETURNING id`,
	mailbox_id: (a) => `INSERT INTO mailbox (application_id, account_id,
		credential_id, name, wire_name) SELECT application_id, account_id, id,
		'x', gen_random_uuid() FROM credential WHERE (application_id,
		account_id) = (${a}) LIMIT 1 RETURNING id`,
	task_id: (a) => `INSERT INTO task (application_id, account_id, task_type)
		VALUES (${a}, 'imap_sync_mailboxes') RETURNING id`,
	job_id: (a) => `WITH t AS (INSERT INTO task (application_id, account_id,
		task_type) VALUES (${a}, 'x') RETURNING id) INSERT INTO job
		(application_id, account_id, task_id, action, state) SELECT ${a}, id,
		'imap_sync_mailboxes', 'succeeded' FROM t RETURNING id`,
	log_id: (a) => `INSERT INTO log (application_id, account_id, subject,
		action, status) VALUES (${a}, 'job', 'retry', 'failed') RETURNING id`,
	part_id: (a) => `INSERT INTO email_part (application_id, account_id,
		email_id, part_number, position, content_type) SELECT application_id,
		account_id, id, '1', 1, 'text/plain' FROM email
		WHERE (application_id, account_id) = (${a}) AND NOT EXISTS (SELECT
		FROM email_part p WHERE p.email_id = email.id) ORDER BY id DESC
		LIMIT 1 RETURNING id`,
	member_id: (a) => `WITH a (app, acc) AS (VALUES (${a})), u AS (INSERT INTO
		app_user (application_id, email) SELECT app, gen_random_uuid() ||
		'@x.test' FROM a RETURNING id) INSERT INTO membership (application_id,
		account_id, user_id, role) SELECT app, acc, id, 'viewer' FROM a, u
		RETURNING id`,
	client_id: (a) => `INSERT INTO client (id, secret_hash, application_id,
		account_id) VALUES ('cid_' || gen_random_uuid(), 'x', ${a})
		RETURNING id`,
	webhook_id: (a) => `WITH a (app, acc) AS (VALUES (${a})), k AS (INSERT INTO
		data_key (application_id, account_id, wrapped, retired_at)
		SELECT app, acc, 'x', now() FROM a RETURNING id) INSERT INTO webhook
		(application_id, account_id, url, events, secret, secret_key_id)
		SELECT app, acc, 'http://127.0.0.1:9/', '{*}', 'x', k.id FROM a, k
		RETURNING id`,
	delivery_id: (a) => `INSERT INTO webhook_delivery (application_id,
		account_id, webhook_id, event_id, event_type, body) SELECT
		application_id, account_id, id, 1, 'note.added', '"${CANARY}"'
		FROM webhook WHERE (application_id, account_id) = (${a})
		ORDER BY id DESC LIMIT 1 RETURNING id`,
	application_id: (a) => `SELECT (ARRAY[${a}])[1]`,
	/* a user's */
	id: (a) => `INSERT INTO app_user (application_id, email)
		VALUES ((ARRAY[${a}])[1], gen_random_uuid() || '@x.test') RETURNING id`,
};

const row = (kind, application, account) => {
	assert.ok(rows[kind], `no row is known for {${kind}}: add one to \`rows\``);
	return sql(house, rows[kind](`${application}, ${account}`)).split('\n')[0];
};

/** What makes such a row one of a personal mail account. */
const owns = {
	provider_credential_id: (id, c, user) => `UPDATE credential
		SET user_id = ${user} WHERE id = ${id}`,
	email_id: (id, c) => `UPDATE email SET credential_id = ${c}
		WHERE id = ${id}`,
	mailbox_id: (id, c) => `UPDATE mailbox SET credential_id = ${c}
		WHERE id = ${id}`,
	task_id: (id, c) => `UPDATE task SET target_credential_id = ${c}
		WHERE id = ${id}`,
	job_id: (id, c) => `UPDATE job SET credential_id = ${c} WHERE id = ${id}`,
	log_id: (id, c, user) => `UPDATE log SET user_id = ${user}
		WHERE id = ${id}`,
	part_id: (id, c) => `UPDATE email SET credential_id = ${c} WHERE id =
		(SELECT email_id FROM email_part WHERE id = ${id})`,
};

/** Kinds of rows that never hang on a mail account. */
const shared = new Set(['webhook_id', 'delivery_id']);

const rank = { public: 0, any: 1, self: 1, user: 1, viewer: 1, member: 2,
	owner: 3, admin: 4, 'app-admin': 4, 'admin-or-self': 4 };

const roles = { viewer: 1, member: 2, owner: 3 };

async function tokenOf(person, account) {
	const answer = await api.as(person)
		.post(`/api/accounts/${account}/token`, {});
	assert.equal(answer.status, 200, answer.text);
	return answer.json.data.access_token;
}

/** What a handler wants before it looks for the row. */
const bodies = {
	'/api/provider-credentials/{provider_credential_id}/rotate':
		{ secret: { username: 'a', password: 'b' } },
};

/** A second member of an account. */
function another(application, account, role) {
	const cookie = randomBytes(32).toString('base64url');
	const hash = createHash('sha256').update(cookie).digest('hex');
	sql(house, `WITH u AS (INSERT INTO app_user (application_id, email,
		active_account_id) VALUES (${application}, '${hash}@x.test',
		${account}) RETURNING id), m AS (INSERT INTO membership
		(application_id, account_id, user_id, role) SELECT ${application},
		${account}, id, '${role}' FROM u) INSERT INTO session
		(application_id, user_id, token_hash, idle_seconds, expires_at)
		SELECT ${application}, id, '\\x${hash}', 3600,
		now() + interval '1 day' FROM u`);
	return { cookie, demote: () => sql(house, `UPDATE membership m
		SET role = 'viewer' FROM app_user u WHERE u.id = m.user_id
		AND u.email = '${hash}@x.test'`) };
}

/** Two applications with two accounts each, and everybody in the first. */
async function cast() {
	const p = people(house), twin = people(house);
	const demoted = another(p.application, p.account, 'member');
	const { key } = signingKey(house);
	const member = await tokenOf(p.member, p.account);
	const { header, payload } = parts(member);
	const old = await tokenOf({ cookie: demoted.cookie }, p.account);
	demoted.demote();
	return {
		p, twin,
		refused: {
			anonymous: {},
			'an expired token': { token: sign(key, header, { ...payload,
				iat: payload.iat - 900, exp: payload.iat - 60 }) },
			'a demoted member': { token: old },
			'a cookie of nobody': { cookie: 'A'.repeat(43) },
		},
		known: Object.fromEntries(await Promise.all(
			['viewer', 'member', 'owner'].map(async (role) => [role, [
				{ cookie: p[role].cookie },
				{ token: await tokenOf(p[role], p.account) }]]))),
		foreign: {
			'another account': { token: await tokenOf(p.stranger, p.other) },
			'another application': {
				token: await tokenOf(twin.owner, twin.account) },
		},
	};
}

const plain = (answer) => answer.text.replace(/"request_id":"[^"]*"/, '');

function headersOf({ headers }) {
	const rest = { ...headers };
	for (const name of ['date', 'x-request-id', 'x-ratelimit-remaining',
		'x-ratelimit-reset', 'x-ratelimit-limit'])
		delete rest[name];
	return rest;
}

function same(a, b, what) {
	assert.equal(a.status, b.status, what);
	assert.equal(plain(a), plain(b), what);
	assert.deepEqual(headersOf(a), headersOf(b), what);
}

/** Did it come through the guards? What the handler says is another matter. */
function through(answer, what) {
	/* The row is there, but no mail server has what it speaks of. */
	if (answer.json?.code === 'not_found_message')
		return;
	assert.ok(![401, 403, 404, 405, 500, 503].includes(answer.status),
		`${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
}

function operations(documents) {
	return documents.flatMap((document) => Object.entries(document.paths)
		.flatMap(([path, item]) => Object.entries(item)
			.filter(([, o]) => o['x-least-role'])
			.map(([method, operation]) => ({
				path, method: method.toUpperCase(),
				need: operation['x-least-role'],
				params: [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]),
			}))));
}

/* Sessions and tokens would end in the middle. */
const leave = new Set(['/auth/logout', '/api/auth/logout', '/auth/sign-out']);

async function build({ policies = true, prefix, postgres }) {
	if (policies && !prefix)
		return stack();
	const own = await stack({ own: true, prefix, postgres });
	if (!policies)
		for (const table of sql(own, `SELECT oid::regclass FROM pg_class
			WHERE relrowsecurity`).split('\n'))
			sql(own, `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`);
	return own;
}

export const matrix = (title, options = {}) => describe(title, () => {
	const { policies = true, least = 0 } = options;
	let cases, all;

	before(async () => {
		house = await build(options);
		api = client(house);
		asked = 0;
		cases = await cast();
		all = operations([(await api.get('/openapi.json')).json,
			(await api.get('/auth/openapi.json')).json])
			.filter((o) => rank[o.need] > 0 && !leave.has(o.path));
		for (const { need } of all)
			assert.ok(need in rank, need);
	});

	/** The path with its ids; `odd` names the parameter that is not ours;
	 * where `value` makes its row, that is when those before it are there. */
	function fill(o, odd, value) {
		const { p } = cases;
		return o.path.replace(/\{(\w+)\}/g, (_, name) => {
			if (name === odd)
				return typeof value === 'function' ? value() : value;
			return name === 'account_id' ? p.account
				: row(name, p.application, p.account);
		});
	}

	after(async () => {
		options.end?.(house);
		await house.end();
	});

	const ask = (who, o, path) => (asked++, api).as(who).request(o.method, path,
		['POST', 'PUT', 'PATCH'].includes(o.method) ? bodies[o.path] ?? {}
			: undefined);

	test('there are operations to ask', () => {
		assert.ok(all.length >= 12, `${all.length}`);
	});

	test('who is nobody is told to sign in, whatever they ask for', async () => {
		for (const o of all)
			for (const [name, who] of Object.entries(cases.refused))
				for (const id of ['own', MISSING]) {
					const odd = o.params.at(-1);
					/* A wrong account is told from the path alone. */
					if (id === MISSING && odd === 'account_id')
						continue;
					const path = id === 'own' ? fill(o) : fill(o, odd, id);
					const answer = await ask(who, o, path);
					/* Input is read before the database is asked; what
					 * cannot be read comes to nothing for anybody. */
					assert.ok(answer.status === 401 || (
						name === 'a demoted member' && (answer.status === 422 ||
						/* nor would what they were have been enough */
						(answer.status === 403 && rank[o.need] > 2))),
					`${name}: ${o.method} ${path} ${answer.status}`);
					assert.ok(!answer.text.includes(CANARY));
				}
	});

	for (const role of Object.keys(roles))
		test(`a ${role} may what the description says, and no more`,
			async () => {
				for (const o of all)
					for (const who of cases.known[role]) {
						const path = fill(o);
						const answer = await ask(who, o, path);
						const what = `${role}: ${o.method} ${path}`;
						if (role === 'viewer')
							assert.ok(!answer.text.includes(CANARY), what);
						if (rank[o.need] > roles[role])
							assert.equal(answer.status, 403, what);
						else
							through(answer, what);
					}
			});

	test('an account in the path that is not the token\'s is refused, and ' +
		'one that does not exist in the same words', async () => {
		const { p, twin, known } = cases;
		for (const o of all.filter((x) => x.params.includes('account_id')))
			for (const who of [known.owner[1], known.viewer[0]]) {
				const answers = [];
				for (const id of [p.other, `acc_${p.other}`, twin.account,
					MISSING, `acc_${MISSING}`])
					answers.push(await ask(who, o,
						fill(o, 'account_id', id)));
				const what = `${o.method} ${o.path}`;
				assert.ok([403, 404].includes(answers[0].status), what);
				if (answers[0].status === 403)
					assert.match(answers[0].json.code,
						/^(account_mismatch|forbidden)$/i, what);
				for (const other of answers.slice(1))
					same(answers[0], other, what);
			}
	});

	test('a row of another account or application is as one that is not',
		async () => {
			const { p, twin, known } = cases;
			for (const o of all) {
				const kind = o.params.at(-1);
				if (!kind || kind === 'account_id')
					continue;
				const others = [row(kind, p.application, p.other),
					row(kind, twin.application, twin.account)];
				for (const who of [known.owner[1], known.member[0]]) {
					if (rank[o.need] > 3)
						continue;
					const missing = await ask(who, o, fill(o, kind, MISSING));
					const what = `${o.method} ${o.path}`;
					assert.equal(missing.status,
						rank[o.need] > 2 && who === known.member[0]
							? 403 : 404, what);
					for (const id of others)
						same(missing, await ask(who, o, fill(o, kind, id)),
							what);
					for (const bad of ['0', '-1', 'x', '1e3', '0x1', `mbr_1`,
						'99999999999999999999'])
						same(missing, await ask(who, o, fill(o, kind, bad)),
							`${what} ${bad}`);
				}
			}
		});

	test('the owners of other accounts see nothing of ours', async () => {
		for (const o of all.filter((x) => rank[x.need] <= 3))
			for (const [name, who] of Object.entries(cases.foreign)) {
				if (o.params.length === 0)
					continue;
				const answer = await ask(who, o, fill(o));
				assert.ok([403, 404].includes(answer.status),
					`${name}: ${o.method} ${o.path} ${answer.status}`);
				assert.ok(!answer.text.includes(CANARY));
			}
	});

	test('what is made in other accounts changes no answer', async () => {
		const { p, twin, known } = cases;
		const reads = all.filter((o) => rank[o.need] <= 3 &&
			(o.method === 'GET' || o.path.includes('/search')))
			.map((o) => [o, fill(o)]);
		const answers = async () => {
			const list = [];
			for (const [o, path] of reads)
				list.push(await ask(known.owner[1], o, path));
			return list;
		};
		const before = await answers();
		for (const kind of Object.keys(rows))
			for (const [application, account] of [[p.application, p.other],
				[twin.application, twin.account]])
				row(kind, application, account);
		another(p.application, p.other, 'member');
		for (const [i, answer] of (await answers()).entries())
			same(before[i], answer, `${reads[i][0].method} ${reads[i][1]}`);
	});

	const idsIn = (answer) => (answer.json?.data ?? []).map?.((r) =>
		Number(String(r.id).replace(/\D+/, ''))) ?? [];

	test('what hangs on somebody\'s personal mail account is theirs alone',
		{ skip: !policies }, async () => {
			const { p, known } = cases;
			const their = row('provider_credential_id', p.application,
				p.account);
			sql(house, owns.provider_credential_id(their, null,
				p.member.user));
			const personal = (kind) => {
				assert.ok(owns[kind], `how is {${kind}} personal? See \`owns\``);
				const id = row(kind, p.application, p.account);
				sql(house, owns[kind](id, their, p.member.user));
				return id;
			};
			const others = [known.owner[0], known.owner[1], known.viewer[0],
				{ cookie: p.admin.cookie }];
			for (const o of all) {
				const kind = o.params.at(-1);
				if (!kind || kind === 'account_id' || rank[o.need] > 2 ||
					shared.has(kind))
					continue;
				const what = `${o.method} ${o.path}`;
				for (const who of others) {
					if (rank[o.need] > 1 && who === known.viewer[0])
						continue;
					const missing = await ask(who, o, fill(o, kind, MISSING));
					same(missing, await ask(who, o,
						fill(o, kind, () => personal(kind))), what);
				}
				through(await ask(known.member[0], o,
					fill(o, kind, () => personal(kind))), what);
			}
			const lists = { emails: 'email_id', mailboxes: 'mailbox_id',
				tasks: 'task_id', jobs: 'job_id', logs: 'log_id',
				'provider-credentials': 'provider_credential_id' };
			for (const [noun, kind] of Object.entries(lists)) {
				const id = Number(personal(kind));
				const list = async (who) => (await api.as(who).get(
					`/api/accounts/${p.account}/${noun}?limit=200`));
				for (const who of others)
					assert.ok(!idsIn(await list(who)).includes(id), noun);
				assert.ok(idsIn(await list(known.member[0])).includes(id),
					noun);
			}
		});

	test('a total tells nothing of somebody\'s personal mail', {
		skip: !policies }, async () => {
		const { p, known } = cases;
		const total = async (who) => (await api.as(who).get(
			`/api/accounts/${p.account}/emails?limit=1`)).json.meta.total;
		const count = (where) => Number(sql(house, `SELECT count(*) FROM email e
			LEFT JOIN credential c ON c.id = e.credential_id
			WHERE e.account_id = ${p.account} AND e.removed_at IS NULL
			AND (${where})`));
		sql(house, `INSERT INTO counter SELECT application_id, account_id,
			'emails', count(*) FROM email WHERE account_id = ${p.account}
			AND removed_at IS NULL GROUP BY 1, 2
			ON CONFLICT (account_id, name) DO UPDATE SET n = excluded.n`);
		assert.equal(await total(known.member[0]), count('true'));
		assert.equal(await total(known.owner[0]), count('c.user_id IS NULL'));
		assert.ok(count('c.user_id IS NULL') < count('true'));
	});

	test('after all of it, the others\' rows are as they were', () => {
		const { p } = cases;
		const kinds = Object.keys(rows).filter((k) =>
			['provider_credential_id', 'email_id'].includes(k));
		for (const [kind, table] of [['provider_credential_id', 'credential'],
			['email_id', 'email']])
			if (kinds.includes(kind))
				assert.equal(sql(house, `SELECT count(*) FROM ${table}
					WHERE account_id = ${p.other} AND
					${table === 'email' ? 'removed_at IS NOT NULL'
						: `label <> ''`}`), '0');
	});

	test('there were enough of them', (t) => {
		t.diagnostic(`${asked} cases`);
		assert.ok(asked >= least, `${asked}`);
	});
});
