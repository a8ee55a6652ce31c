// The wall between tenants: every operation of the description, asked by
// everybody, for what is theirs, another's, nobody's and no id at all, with a
// body that would do. What is expected is the least role of the operation,
// looked up in capabilities.mjs, and nothing else; so a new route is in here the
// day it exists.
//
//	matrix('the walls', { least: 4000 });
//	matrix('the statements alone', { policies: false });
//
// `least`: cases that there must be. `policies` false: row-level security is
// switched off first, in a house of its own; then what only the policies do is
// left out. `prefix`: other programs. `postgres`: settings. `end` is called
// with the house before that goes.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { client } from './api.mjs';
import { anyAccount, but, elsewhere, may, targets } from './capabilities.mjs';
import { each } from './each.mjs';
import { psql } from './psql.mjs';
import { idKind, operations, valid } from './requests.mjs';
import { stack } from './stack.mjs';
import { CANARY, another, cast, own, owns, rows, shared } from './tenants.mjs';

const MISSING = '999999999999';
const MALFORMED = ['0', '-1', 'x', '1e3', '0x1', 'mbr_', '99999999999999999999'];

/* Sessions and tokens would end in the middle. */
const leave = new Set(['/auth/logout', '/api/auth/logout', '/auth/sign-out']);

const plain = (answer, id = '') => (id ? answer.text.replaceAll(id, '#')
	: answer.text).replace(/"request_id":"[^"]*"/, '');

function headersOf({ headers }) {
	const rest = { ...headers };
	for (const name of ['date', 'x-request-id', 'x-ratelimit-remaining',
		'x-ratelimit-reset', 'x-ratelimit-limit', 'connection', 'keep-alive'])
		delete rest[name];
	return rest;
}

function same(a, b, what) {
	assert.equal(a.status, b.status, `${what}\n${b.text.slice(0, 300)}`);
	assert.equal(plain(a), plain(b), what);
	assert.deepEqual(headersOf(a), headersOf(b), what);
}

/* What a handler says that did its work: a mail server is not there, what
 * somebody was asked to prove is not proved, or the account has its share of
 * those who wait for other servers already. */
const undone = new Set(['not_found_message', 'NOT_FOUND_MESSAGE',
	'transient_connection',
	'TRANSIENT_CONNECTION', 'auth_failed', 'AUTH_FAILED',
	'second_factor_invalid', 'RETRY']);

/* Not even their owner finds personal mail accounts by these. */
const sharedOnly = new Set([
	'POST /api/imap/accounts/{provider_credential_id}/sync']);

/** Did it come through the guards, and to the handler? */
function through(answer, what) {
	assert.ok(answer.status < 400 || [400, 409, 422].includes(answer.status) ||
		undone.has(answer.json?.code),
	`${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
	return answer.status < 400 || answer.status === 409 ||
		undone.has(answer.json?.code);
}

export class Matrix {
	constructor(house, db) {
		this.house = house;
		this.db = db;
		this.asked = 0;
		this.agent = new http.Agent({ keepAlive: true });
		this.api = client(house, {}, { agent: this.agent });
		this.row = rows(db);
	}

	static async build({ policies = true, prefix, postgres } = {}) {
		const house = await stack(policies && !prefix ? {}
			: { own: true, prefix, postgres });
		const db = psql(house);
		if (!policies)
			for (const table of (await db.ask(`SELECT oid::regclass FROM
				pg_class WHERE relrowsecurity`)).split('\n'))
				await db.ask(`ALTER TABLE ${table}
					DISABLE ROW LEVEL SECURITY`);
		const m = new Matrix(house, db);
		Object.assign(m, await cast(house, m.api, db));
		const documents = [];
		for (const path of ['/openapi.json', '/auth/openapi.json'])
			documents.push((await m.api.get(path)).json);
		m.all = operations(documents).filter((o) =>
			o.need !== 'public' && o.need !== 'own' && !leave.has(o.path));
		return m;
	}

	async end() {
		this.agent.destroy();
		this.db.end();
		await this.house.end();
	}

	/** Rows in each account for each operation, that nobody may change. */
	async furnish() {
		this.rows = {};
		this.names = {};
		for (const place of ['ours', 'sibling', 'twin']) {
			this.rows[place] = new Map();
			for (const o of this.all)
				this.rows[place].set(o, await this.ids(o, this[place]));
			this.names[place] = { ...this[place],
				account_id: this[place].account,
				name: await this.db.ask(`SELECT name FROM account
					WHERE id = ${this[place].account}`) };
			for (const kind of ['id', 'provider_credential_id', 'mailbox_id',
				'task_id'])
				this.names[place][kind] = await this.row(kind, this[place]);
		}
	}

	own(o) {
		return this.rows.ours.get(o);
	}

	/** What would do, if one might. */
	input(o) {
		return valid(o, this.names.ours);
	}

	/** What an operation can be asked for beside its own: [target, ids]. */
	foreign(o) {
		const list = [];
		const odd = (k, id) => this.own(o).map((was, i) => i === k ? id : was);
		for (const [k, kind] of o.params.entries()) {
			const from = (place) => this.own(o).map((was, i) => i < k ||
				o.params[i] === 'account_id' ? was
				: this.rows[place].get(o)[i]);
			if (kind === 'account_id') {
				for (const [target, id] of this.accounts())
					list.push([target, odd(k, id)]);
				continue;
			}
			list.push(['missing', odd(k, MISSING)]);
			/* The users of an application are all its admins'. */
			if (kind !== 'application_id' && kind !== 'id')
				list.push(['of another account', from('sibling')]);
			list.push(['of another application', from('twin')]);
			for (const id of MALFORMED)
				list.push(['malformed', odd(k, id)]);
		}
		return list;
	}

	accounts() {
		return [['account that is not', MISSING],
			['account that is not', `acc_${MISSING}`],
			['another account', this.sibling.account],
			['another account', `acc_${this.sibling.account}`],
			['account of another application', this.twin.account],
			['no account at all', 'x'], ['no account at all', '0']];
	}

	/** Ids of a kind that a body may not name, the one that is not first. */
	others(kind, name) {
		const list = [['missing', MISSING],
			['of another application', this.names.twin[kind]]];
		/* Users are the application's, and an admin's account any of it. */
		if (kind !== 'id' && !(kind === 'account_id' && /admin/.test(name)))
			list.push(['of another account', this.names.sibling[kind]]);
		return list;
	}

	/** What the table says of this caller. */
	cell(name, o) {
		const cell = but[`${name}: ${o.name}`] ?? may[name][o.need];
		assert.ok(cell, `${name} ${o.need}: no such column`);
		return cell;
	}

	/** The path's ids of rows in that account, made now. */
	async ids(o, place) {
		const list = [];
		for (const kind of o.params)
			list.push(kind === 'account_id' ? place.account
				: await this.row(kind, place, list.at(-1)));
		return list;
	}

	async ask(name, o, ids, { query = '', body } = {}) {
		let n = 0;
		const path = o.path.replace(/\{\w+\}/g, () => ids[n++]) + query;
		this.asked++;
		const answer = await this.api.as(this.everybody[name])
			.request(o.method, path, body);
		const what = `${name}: ${o.method} ${path}`;
		if (may[name]?.member !== 'yes')
			assert.ok(!answer.text.includes(CANARY), what);
		if (elsewhere.includes(name))
			assert.ok(!answer.text.includes(`${this.mark} one`), what);
		return { ...answer, what };
	}

	/** What everything in all three accounts looks like. */
	async state() {
		const all = {};
		const tables = (await this.db.ask(`SELECT relname,
			bool_or(attname = 'account_id'), bool_or(attname = 'application_id')
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'r'
			AND attname IN ('account_id', 'application_id')
			GROUP BY 1`)).split('\n').map((line) => line.split('|'));
		for (const [table, account, application] of tables) {
			const at = application === 't'
				? `application_id IN (${this.ours.application},
					${this.twin.application})`
				: `account_id IN (${this.ours.account}, ${this.sibling.account},
					${this.twin.account})`;
			/* A session is seen, no more. */
			const text = table === 'session' ? 'id::text' : 't::text';
			all[table] = await this.db.ask(`SELECT count(*), md5(
				string_agg(${text}, ' ' ORDER BY ${text})) FROM ${table} t
				WHERE ${at}`);
		}
		return all;
	}
}

const expected = (o, target) => (targets[target].account &&
	anyAccount[o.name]) || targets[target].is;

/** Is that status the table's word for such a target? */
function refuses(cell, target, status) {
	const either = status === 401 || status === 403;
	switch (cell) {
	case 'me': return status === 403;
	case 'out': return either;
	case 'per': return status === (['no account at all', 'malformed']
		.includes(target) ? 404 : 403);
	case 'old': return targets[target].account ? either : status === 401;
	default: return status === Number(cell);
	}
}

/** Ids that a body or a query names: [where it goes, its kind]. */
const idFields = (o) => [
	...Object.entries(o.schema?.properties ?? {}).map(([name, schema]) =>
		[(id, v) => ({ ...v, body: { ...v.body, [name]: Number(id) } }),
			idKind(schema)]),
	...o.queries.map(({ name, schema }) =>
		[(id, v) => ({ ...v, query: `?${name}=${id}` }), idKind(schema)]),
].filter(([, kind]) => kind);

export const matrix = (title, options = {}) => describe(title, () => {
	const { policies = true, least = 0 } = options;
	let m, untouched;

	before(async () => {
		m = await Matrix.build(options);
		await m.furnish();
		untouched = await m.state();
	});

	after(async () => {
		options.end?.(m.house);
		await m.end();
	});

	/* Nothing that was refused has done anything, blindly or not. */
	const unchanged = async () =>
		assert.deepEqual(await m.state(), untouched);

	const whom = (wanted) => Object.keys(may).flatMap((name) => m.all
		.filter((o) => wanted(m.cell(name, o), o)).map((o) => [name, o]));

	/** What two accounts would be told in the same words. */
	async function alike(list) {
		const first = {};
		for (const { name, o, target, ids, input, status } of list) {
			const answer = await m.ask(name, o, ids, input);
			const what = `${answer.what} (${target})`;
			if (status)
				assert.equal(answer.status, status,
					`${what}: ${answer.text}`);
			same(first[targets[target].as ?? target] ??= answer, answer, what);
		}
	}

	test('there are operations to ask', () => {
		assert.ok(m.all.length >= 50, `${m.all.length}`);
	});

	test('whom the table does not let in is told so, whatever they ask for',
		async () => {
			await each(whom((cell) => cell !== 'yes'), async ([name, o]) => {
				const cell = m.cell(name, o);
				/* An own user is another matter, below. */
				const all = [...cell === 'me' ? [] : [['own', m.own(o)]],
					...m.foreign(o)];
				for (const [target, ids] of all) {
					const answer = await m.ask(name, o, ids, m.input(o));
					assert.ok(refuses(cell, target, answer.status),
						`${cell}: ${answer.status} ${answer.what} (${target}): ${answer.text}`);
				}
			});
			await unchanged();
		});

	test('a row and an account of somebody else are as ones that are not',
		async () => {
			await each(whom((cell) => cell === 'yes'), ([name, o]) => alike(
				m.foreign(o).filter(([target]) =>
					/* an admin's, too */
					!(/^admin/.test(name) && anyAccount[o.name] &&
						target === 'another account'))
					.map(([target, ids]) => ({ name, o, target, ids,
						input: m.input(o), status: expected(o, target) }))));
			await unchanged();
		});

	test('an id of somebody else in a body or a query is as one that is not',
		async () => {
			const list = whom((cell, o) => cell === 'yes' &&
				idFields(o).length > 0);
			assert.ok(list.length > 0);
			await each(list, async ([name, o]) => {
				for (const [put, kind] of idFields(o))
					await alike(m.others(kind, name).map(([target, id]) => ({
						name, o, target, ids: m.own(o),
						input: put(id, m.input(o)) })));
			});
			await unchanged();
		});

	test('those of other accounts see nothing of ours', async () => {
		const list = m.all.filter((o) => o.params.length > 0 ||
			o.method === 'GET');
		await each(elsewhere.flatMap((name) => list.map((o) => [name, o])),
			async ([name, o]) => {
				const answer = await m.ask(name, o, m.own(o), m.input(o));
				/* Users of one application have its admins in common. */
				if (o.params.length > 0)
					assert.ok([403, 404].includes(answer.status),
						`${answer.what}: ${answer.status}`);
			});
		await unchanged();
	});

	test('whom the table lets in comes in', async (t) => {
		const idle = new Set();
		const list = whom((cell) => cell === 'yes' || cell === 'me');
		await each(list, async ([name, o]) => {
			const ids = m.cell(name, o) === 'me'
				? [m.everybody[name].user] : await m.ids(o, m.ours);
			const { [o.params.at(-1)]: make } = own;
			if (make && m.everybody[name].user)
				await m.db.ask(make(ids.at(-1), m.everybody[name].user));
			const input = valid(o, { ...m.names.ours, words: 'nobody',
				name: undefined, id: await m.row('id', m.ours) });
			const answer = await m.ask(name, o, ids, input);
			if (!through(answer, answer.what))
				idle.add(o.name);
		});
		for (const name of idle)
			t.diagnostic(`no request that would do is known: ${name}`);
	});

	test('what is made in other accounts changes no answer', async () => {
		const reads = m.all.filter((o) => m.cell('owner\'s token', o) === 'yes' &&
			(o.method === 'GET' || o.path.endsWith('/search')));
		const answers = async () => {
			const list = [];
			for (const o of reads)
				list.push(await m.ask('owner\'s token', o, m.own(o)));
			return list;
		};
		const was = await answers();
		for (const place of ['sibling', 'twin'])
			for (const o of m.all)
				await m.ids(o, m[place]);
		await another(m.db, m.sibling, 'member');
		for (const [i, answer] of (await answers()).entries())
			same(was[i], answer, answer.what);
	});

	describe('of a personal mail account', { skip: !policies }, () => {
		const rest = ['owner\'s cookie', 'owner\'s token', 'viewer\'s cookie',
			'admin\'s cookie'];
		const member = 'member\'s cookie';
		let their;

		before(async () => {
			their = await m.row('provider_credential_id', m.ours);
			await m.db.ask(owns.provider_credential_id(their, null,
				m.p.member.user));
		});

		/** Ids for an operation, the last one's row a personal one. */
		async function personal(o) {
			const kind = o.params.at(-1);
			assert.ok(owns[kind], `how is {${kind}} personal? See \`owns\``);
			const ids = await m.ids(o, m.ours);
			await m.db.ask(owns[kind](ids.at(-1), their, m.p.member.user));
			return ids;
		}

		test('what hangs on it is theirs alone', async () => {
			const list = m.all.filter((o) => o.params.length > 0 &&
				!shared.has(o.params.at(-1)) &&
				['viewer', 'member'].includes(o.need));
			await each(list, async (o) => {
				for (const name of rest.filter((n) =>
					m.cell(n, o) === 'yes')) {
					const ids = await personal(o);
					const input = m.input(o);
					const missing = await m.ask(name, o,
						[...ids.slice(0, -1), MISSING], input);
					const answer = await m.ask(name, o, ids, input);
					same(missing, answer, answer.what);
				}
				const answer = await m.ask(member, o, await personal(o),
					m.input(o));
				if (sharedOnly.has(o.name))
					assert.equal(answer.status, 404, answer.what);
				else
					through(answer, answer.what);
			});
		});

		const idsIn = (answer) => (answer.json?.data ?? []).map?.((r) =>
			String(r.id).replace(/\D+/, '')) ?? [];

		test('no list of others names it', async () => {
			const lists = { emails: 'email_id', mailboxes: 'mailbox_id',
				tasks: 'task_id', jobs: 'job_id', logs: 'log_id',
				'provider-credentials': 'provider_credential_id' };
			for (const [noun, kind] of Object.entries(lists)) {
				const [id] = await personal({ params: [kind] });
				const list = (name) => m.ask(name, { method: 'GET',
					path: `/api/accounts/{account_id}/${noun}` },
				[m.ours.account], { query: '?limit=200' });
				for (const name of rest)
					assert.ok(!idsIn(await list(name)).includes(id),
						`${name} ${noun}`);
				assert.ok(idsIn(await list(member)).includes(id), noun);
			}
		});

		test('no total counts it for others', async () => {
			const { account } = m.ours;
			const total = async (name) => (await m.ask(name, { method: 'GET',
				path: '/api/accounts/{account_id}/emails' }, [account],
			{ query: '?limit=1' })).json.meta.total;
			const count = async (where) => Number(await m.db.ask(`SELECT
				count(*) FROM email e LEFT JOIN credential c
				ON c.id = e.credential_id WHERE e.account_id = ${account}
				AND e.removed_at IS NULL AND (${where})`));
			await m.db.ask(`INSERT INTO counter SELECT application_id,
				account_id, 'emails', count(*) FROM email
				WHERE account_id = ${account} AND removed_at IS NULL
				GROUP BY 1, 2 ON CONFLICT (account_id, name)
				DO UPDATE SET n = excluded.n`);
			assert.equal(await total(member), await count('true'));
			assert.equal(await total('owner\'s cookie'),
				await count('c.user_id IS NULL'));
			assert.ok(await count('c.user_id IS NULL') < await count('true'));
		});
	});

	test('there were enough of them', (t) => {
		t.diagnostic(`${m.asked} cases`);
		assert.ok(m.asked >= least, `${m.asked}`);
	});
});
