// Every row of the route tables: nginx sends its path to the family that has it,
// nobody gets in whom the contract does not name, and the description says all
// of it. endpoints.tsv beside this file holds the contract's words for the rows
// that exist; a new row of a route table needs a line there.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { parts, sign, signingKey } from '../lib/tokens.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const columns = ['method', 'path', 'role', 'status', 'envelope', 'origin'];

function table(file, names) {
	return readFileSync(file, 'utf8').split('\n').slice(1)
		.filter((line) => line)
		.map((line) => Object.fromEntries(
			line.split('\t').map((text, i) => [names[i], text])));
}

// Names of parameters are no part of a path's identity.
const key = ({ method, path }) =>
	`${method} ${path.replace(/:\w+|\{\w+\}/g, '*')}`;

// Where a row is deliberately not the contract's, and why.
const differ = [
	['GET /login', 'envelope', 'errors of pages come in the family\'s'],
	['POST /api/accounts/*/token', 'envelope',
		'stands bare beside `data`, for clients of the guide'],
	['GET /auth/me', 'role', 'a machine client is nobody'],
	['GET /api/auth/me', 'role', 'a machine client is nobody'],
	['GET /dashboard', 'role', 'nobody is sent to the sign-in page'],
	['GET /logout', 'role', 'nobody is sent to the sign-in page'],
	['POST /auth/logout', 'role', 'nobody is sent to the sign-in page'],
	['POST /oauth2/introspect', 'role', 'the client proves itself there'],
	['POST /oauth2/revoke', 'role', 'the client proves itself there'],
	['GET /api/metrics', 'role', 'the peer or the token decides'],
	['POST /webhooks/poll-emails', 'role', 'its token is its own'],
	['POST /webhooks/stripe', 'role', 'the signature decides'],
];
const deliberate = (row, column) =>
	differ.some(([k, c]) => k === key(row) && c === column);

const wanted = table(here('endpoints.tsv'), columns);

const house = await stack();
const api = client(house);
const operations = await described();
const them = people(house);

async function described() {
	const list = [];
	for (const document of ['/openapi.json', '/auth/openapi.json']) {
		const { json } = await api.get(document);
		for (const [path, item] of Object.entries(json.paths))
			for (const [method, operation] of Object.entries(item))
				list.push({ path, operation, family: operation.tags[0],
					method: method.toUpperCase(),
					role: operation['x-least-role'],
					envelope: operation['x-envelope'] });
	}
	return list;
}

const open = ({ role }) => role === 'public' || role === 'own';

/** The row's path with ids in it, of the caller's account. */
const filled = ({ path }, id = 1) => path
	.replace('{account_id}', `acc_${them.account}`)
	.replace(/\{\w+\}/g, id);

const ask = (who, row, id) =>
	api.as(who).request(row.method, filled(row, id));

// Members that a refusal has, by the envelope of its route.
const refusals = {
	data: (json, status) => json.status === status && json.type && json.code,
	raw: (json, status) => json.status === status && json.type && json.code ||
		json.error,
	success: (json) => json.success === false && json.error && json.code,
	ok: (json) => json.ok === false && json.error && json.code,
};

function refused(row, answer, status) {
	assert.equal(answer.status, status, answer.text);
	assert.ok(refusals[row.envelope](answer.json, status), answer.text);
	if (status === 401)
		assert.ok(answer.headers['www-authenticate'], 'RFC 9110 11.6.1');
}

describe('a request without credentials', () => {
	for (const row of operations.filter((o) => !open(o)))
		test(`${key(row)} is 401`, async () =>
			refused(row, await ask({}, row), 401));
});

// What is wrong with a request is told to who may ask, and to nobody else: not
// to one who is not signed in any more, though his token looks right as long as
// nobody asks the database.
const strangers = await (async () => {
	const gone = people(house);
	const token = async (who) => (await api.as(who).post(
		`/api/accounts/acc_${gone.account}/token`, {}))
		.json.data.access_token;
	const [owner, admin] = [await token(gone.owner), await token(gone.admin)];
	const { header, payload } = parts(owner);
	sql(house, `UPDATE session SET ended_at = now()
		WHERE application_id = ${gone.application}`);
	const late = { ...payload, iat: payload.iat - 7200, exp: payload.iat - 3600 };
	return {
		account: gone.account,
		nobody: () => ({}),
		expired: () => ({ token: sign(signingKey(house).key, header, late) }),
		'signed out': ({ role }) => ({
			token: ['admin', 'app-admin', 'admin-or-self'].includes(role)
				? admin : owner }),
		'of an ended session': () => ({ cookie: gone.owner.cookie }),
	};
})();

describe('a fault is not told to who may not ask', () => {
	const faults = [
		['a body that is no JSON', 1, '', '{"a'],
		['a body that is no object', 1, '', '[]'],
		['a body of unknown fields', 1, '', '{"nonsense": 1}'],
		['a parameter twice', 1, '?nonsense=1&nonsense=2', undefined],
		['an id that cannot be one', 'x_y', '', undefined],
	];
	for (const row of operations.filter((o) => !open(o)))
		test(`${key(row)} is 401`, async () => {
			const mine = { ...row, path: row.path.replace('{account_id}',
				`acc_${strangers.account}`) };
			for (const who of ['nobody', 'expired', 'signed out',
				'of an ended session'])
				for (const [what, id, query, body] of faults) {
					const answer = await api.as(strangers[who](row)).request(
						row.method, filled(mine, id) + query,
						row.method === 'GET' ? undefined : body,
						{ 'content-type': 'application/json' });
					assert.equal(answer.status, 401,
						`${who}, ${what}: ${answer.text}`);
				}
		});
});

// Who is just not enough, and for what.
const below = [
	['member', 'viewer'],
	['owner', 'viewer'],
	['owner', 'member'],
	['admin', 'owner'],
	['app-admin', 'owner'],
	['admin-or-self', 'owner'],
];

for (const [role, who] of below)
	describe(`where ${role} is asked for, ${who}`, () => {
		for (const row of operations.filter((o) => o.role === role))
			test(`${key(row)} is 403`, async () => refused(row,
				await ask(them[who], row, them.admin.user), 403));
	});

/** request id -> "door/family" of nginx's log; it is written behind the answer. */
async function logged(ids) {
	const end = Date.now() + 5000;
	for (;;) {
		const seen = new Map(readFileSync(`${house.logs}/access.log`, 'utf8')
			.split('\n').map((line) => line.split(' '))
			.map((words) => [words.at(-1), words[2]]));
		if (ids.every((id) => seen.has(id)) || Date.now() > end)
			return seen;
		await pause(20);
	}
}

test('nginx sends every row to its family', async () => {
	const ids = [];
	for (const row of operations)
		ids.push((await ask({}, row)).headers['x-request-id']);
	const seen = await logged(ids);
	for (const [i, row] of operations.entries())
		assert.equal(seen.get(ids[i]), `main/${row.family}`, key(row));
});

describe('the table of endpoints', () => {
	const rows = new Map(wanted.map((row) => [key(row), row]));

	for (const row of operations)
		test(`has ${key(row)} as it is`, () => {
			const said = rows.get(key(row));
			assert.ok(said, 'no such row in endpoints.tsv');
			assert.equal(row.role, said.role);
			assert.equal(row.envelope, said.envelope);
			assert.ok(row.operation.responses[said.status],
				`${said.status} is not described`);
			assert.ok(row.operation.summary, 'no summary');
		});

	test('has nothing that does not exist', () => {
		const have = new Set(operations.map(key));
		assert.deepEqual([...rows.keys()].filter((k) => !have.has(k)), []);
	});

	const contract = here('../../../shared/endpoints.tsv');
	test('says what the contract says', {
		skip: !existsSync(contract) && 'the contract is not beside the checkout',
	}, () => {
		const original = table(contract,
			['method', 'path', 'document', 'role', 'status', 'envelope']);
		for (const row of wanted) {
			// A path may stand there twice, once a door.
			const said = original.filter((r) => key(r) === key(row));
			assert.equal(row.origin, said.length ? 'contract' : 'ours',
				key(row));
			const same = (r) => ['role', 'status', 'envelope'].every((c) =>
				r[c] === row[c] || deliberate(row, c));
			assert.ok(!said.length || said.some(same),
				`${key(row)} is ${row.role} ${row.status} ${row.envelope}`);
		}
	});
});
