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
// left out. `prefix`: other programs. Matrix alone is for who asks single
// questions of it: mutants.mjs.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { client } from './api.mjs';
import { anyAccount, but, elsewhere, may, targets } from './capabilities.mjs';
import { each } from './each.mjs';
import { psql } from './psql.mjs';
import { example, idKind, operations, valid } from './requests.mjs';
import { stack } from './stack.mjs';
import { CANARY, THEIRS, another, cast, clear, crowds, kinds, own, owns,
	queued, rows, shared, stored, theirs, unnamed } from './tenants.mjs';

const MISSING = '999999999999';
const BEYOND = 100000;
const AFTER = 'GET /api/events?after';
const AUDIT = '/api/audit';
const MALFORMED = ['0', '-1', 'x', '1e3', '0x1', 'mbr_', '99999999999999999999'];

/* Sessions and tokens would end in the middle. */
const leave = new Set(['/auth/logout', '/api/auth/logout', '/auth/sign-out']);

/* Errors of the third document say which email was asked for. */
const ECHO = /,"email_id":\d+/;

const plain = (answer, id = '') => (id ? answer.text.replaceAll(id, '#')
	: answer.text).replace(/"request_id":"[^"]*"/, '').replace(
	answer.status === 404 ? ECHO : '', '');

function headersOf({ status, headers }) {
	const rest = { ...headers };
	if (status === 404)
		delete rest['content-length']; /* the text is compared */
	for (const name of ['date', 'x-request-id', 'x-ratelimit-remaining',
		'x-ratelimit-reset', 'x-ratelimit-limit', 'connection', 'keep-alive'])
		delete rest[name];
	return rest;
}

function same(a, b, what) {
	assert.equal(a.status, b.status, `${what}\n${b.text.slice(0, 1000)}`);
	assert.equal(plain(a), plain(b), what);
	assert.deepEqual(headersOf(a), headersOf(b), what);
}

/* Kinds of ids that bodies and queries name. */
const named = ['id', 'provider_credential_id', 'mailbox_id', 'task_id',
	'thread_id', 'email_id', 'label_id', 'rule_id', 'signature_id', 'event_id'];

/* What a handler says that did its work: a mail server is not there, what
 * somebody was asked to prove is not proved, nobody takes payments here, or the account has its share of
 * those who wait for other servers already. */
const undone = new Set(['not_found_message', 'NOT_FOUND_MESSAGE',
	'transient_connection',
	'TRANSIENT_CONNECTION', 'auth_failed', 'AUTH_FAILED',
	'second_factor_invalid', 'retry', 'RETRY', 'billing_not_configured']);

/* Not even their owner finds personal mail accounts by these. */
const sharedOnly = new Set([
	'PATCH /api/emails/{email_id}/thread',
	'POST /api/threads/{thread_id}/emails/{email_id}/assign',
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
			: { own: true, prefix, postgres, set: prefix &&
				[`responder_dir = ${prefix}/libexec/letterrack`] });
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
	async furnish(operations = this.all) {
		this.rows = {};
		this.names = {};
		for (const place of ['ours', 'sibling', 'twin']) {
			await clear(this.db, this[place]);
			if (place !== 'ours')
				await theirs(this.db, this[place]);
			this.rows[place] = new Map();
			for (const o of operations)
				this.rows[place].set(o, await this.ids(o, this[place]));
			if (place === 'sibling')
				await this.personal(operations);
			this.names[place] = { ...this[place],
				account_id: this[place].account,
				name: await this.db.ask(`SELECT name FROM account
					WHERE id = ${this[place].account}`) };
			for (const kind of named)
				this.names[place][kind] = await this.row(kind, this[place]);
			/* Here jobs have failed, there they wait. */
			if (place === 'twin')
				await queued(this.db, this.twin);
			if (place !== 'ours')
				await stored(this.db, this[place],
					this.names[place].mailbox_id);
		}
		this.untouched = await this.state();
	}

	/** What is a user's own in the other account is a member's of ours: it is
	 * the account alone that hides it. */
	async personal(operations) {
		for (const o of operations) {
			const make = own[o.params.at(-1)];
			if (make)
				await this.db.ask(make(this.rows.sibling.get(o).at(-1),
					this.p.member.user));
		}
	}

	own(o) {
		return this.rows.ours.get(o);
	}

	/** What would do, if one might. */
	input(o) {
		return valid(o, this.names.ours);
	}

	/** What would do, and leaves the account where it is. */
	async harmless(o) {
		const ids = { ...this.names.ours, words: THEIRS, name: undefined };
		for (const kind of ['id', 'thread_id', 'email_id'])
			ids[kind] = await this.row(kind, this.ours);
		return valid(o, ids);
	}

	/** Mail of ours is on a server, and tasks are in the queue. */
	async busy() {
		await stored(this.db, this.ours, this.names.ours.mailbox_id);
		await queued(this.db, this.ours);
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

	async ask(name, o, ids, { query = '', body, headers } = {}) {
		let n = 0;
		const path = o.path.replace(/\{\w+\}/g, () => ids[n++]) + query;
		this.asked++;
		const answer = await this.api.as(this.everybody[name])
			.request(o.method, path, body, headers);
		const what = `${name}: ${o.method} ${path}`;
		assert.notEqual(answer.status, 500, `${what}: ${answer.text}`);
		if (may[name]?.member !== 'yes')
			assert.ok(!answer.text.includes(CANARY), what);
		if (elsewhere.includes(name))
			assert.ok(!answer.text.includes(`${this.mark} one`), what);
		return { ...answer, what };
	}

	/** Each table of tenants: [name, has account_id, has application_id]. */
	async tables() {
		this.known ??= (await this.db.ask(`SELECT relname,
			bool_or(attname = 'account_id'), bool_or(attname = 'application_id')
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'r'
			AND attname IN ('account_id', 'application_id')
			GROUP BY 1`)).split('\n').map((line) => line.split('|'));
		return this.known;
	}

	/** What everything in all three accounts looks like, or in some. */
	async state(places = ['ours', 'sibling', 'twin']) {
		const all = {};
		const accounts = places.map((place) => this[place].account).join();
		const applications = places.map((place) => this[place].application)
			.join();
		for (const [table, account, application] of await this.tables()) {
			/* Two of the accounts have an application in common. */
			const at = application === 't' && places.includes('ours')
				? `application_id IN (${applications})`
				: account === 't' ? `account_id IN (${accounts})` : 'false';
			/* A session is seen, and what is audited sealed; no more. */
			const text = ['session', 'audit'].includes(table) ? 'id::text'
				: 't::text';
			all[table] = await this.db.ask(`SELECT count(*), md5(
				string_agg(${text}, ' ' ORDER BY ${text})) FROM ${table} t
				WHERE ${at}`);
		}
		return all;
	}

	/** Nothing that was refused has done anything, blindly or not. */
	async unchanged() {
		assert.deepEqual(await this.state(), this.untouched);
	}

	/** [who, operation] where the table says what is wanted. */
	whom(wanted, callers = Object.keys(may), operations = this.all) {
		return callers.flatMap((name) => operations
			.filter((o) => wanted(this.cell(name, o), o))
			.map((o) => [name, o]));
	}

	/** What two accounts would be told in the same words. */
	async alike(list) {
		const first = {};
		for (const { name, o, target, ids, input, status, id } of list) {
			const answer = await this.ask(name, o, ids, input);
			/* One that a body names may be told again. */
			if (id) {
				answer.text = answer.text.replace(
					new RegExp(`\\b${id}\\b`, 'g'), '#');
				delete answer.headers['content-length'];
			}
			const what = `${answer.what} (${target})`;
			if (status)
				assert.equal(answer.status, status,
					`${what}: ${answer.text}`);
			same(first[targets[target].as ?? target] ??= answer, answer, what);
		}
	}

	/** A row and an account of somebody else are as ones that are not. */
	foreignAreMissing([name, o]) {
		return this.alike(this.foreign(o)
			/* an admin's, too */
			.filter(([target]) => !(/^admin/.test(name) &&
				anyAccount[o.name] && target === 'another account'))
			.map(([target, ids]) => ({ name, o, target, ids,
				input: this.input(o), status: expected(o, target) })));
	}

	/** So is an id of somebody else in a body or a query. */
	async foreignFieldsAreMissing([name, o]) {
		for (const [put, kind] of idFields(o))
			await this.alike(this.others(kind, name).map(([target, id]) => ({
				name, o, target, id, ids: this.own(o),
				input: put(id, this.input(o)) })));
	}

	/** Those of other accounts see nothing of ours. */
	async oursIsHidden([name, o]) {
		const answer = await this.ask(name, o, this.own(o), this.input(o));
		/* Users of one application have its admins in common. */
		if (o.params.length > 0)
			assert.ok([403, 404].includes(answer.status),
				`${answer.what}: ${answer.status}`);
	}

	/** Whom the table lets in comes in; true: and further than the body. `busy`:
	 * half of them find a busy account, where one is asked at a time. */
	async comesIn([name, o], busy = false) {
		const ids = this.cell(name, o) === 'me'
			? [this.everybody[name].user] : await this.ids(o, this.ours);
		const { [o.params.at(-1)]: make } = own;
		if (make && this.everybody[name].user)
			await this.db.ask(make(ids.at(-1), this.everybody[name].user));
		if (busy && /cookie/.test(name))
			await this.busy();
		const answer = await this.ask(name, o, ids, await this.harmless(o));
		return through(answer, answer.what);
	}

	/** What others have already is no reason to refuse it here. */
	async othersAreNoCrowd([name, o]) {
		const ids = await this.ids(o, this.ours);
		const post = (body, headers) => this.ask(name, o, ids, { body, headers });
		const answer = await post(...await crowds[o.name](this.db, this.sibling,
			this.everybody[name].user, post));
		assert.ok(answer.status < 300,
			`${answer.what}: ${answer.status} ${answer.text}`);
	}

	/** Does `work` while somebody holds all rows of other accounts: nobody here
	 * waits for them. The house has a lock_timeout, then. */
	async whileOthersAreHeld(work) {
		const holder = psql(this.house);
		const accounts = `${this.sibling.account}, ${this.twin.account}`;
		await holder.ask('BEGIN');
		for (const [table, account] of await this.tables())
			if (account === 't')
				await holder.ask(`SELECT count(*) FROM (SELECT FROM ${table}
					WHERE account_id IN (${accounts}) FOR UPDATE) held`);
		try {
			await work();
		} finally {
			await holder.ask('ROLLBACK');
			holder.end();
		}
	}

	/** An operation waits for nobody, for its own or what is another's. */
	async waitsForNobody([name, o]) {
		const input = await this.harmless(o);
		const list = [[await this.ids(o, this.ours), input]];
		for (const [target, ids] of this.foreign(o))
			if (target === 'of another account')
				list.push([ids, input]);
		/* An admin may go to another account, and would stay there. */
		for (const [put, kind] of idFields(o).filter(([, kind]) =>
			kind !== 'account_id'))
			list.push([this.own(o), put(this.names.sibling[kind], input)]);
		for (const [ids, input] of list) {
			const answer = await this.ask(name, o, ids, input);
			assert.notEqual(answer.json?.code?.toLowerCase(), 'retry',
				`${answer.what}: waits`);
		}
	}

	/** What is made in other accounts changes no answer. */
	async othersChangeNothing(name, operations) {
		const reads = operations.filter((o) => this.cell(name, o) === 'yes' &&
			(o.method === 'GET' || /\/search(-delete)?$/.test(o.path)));
		const dry = { older_than: '2100-01-01T00:00:00Z', dry_run: true };
		const answers = async () => {
			const list = [];
			for (const o of reads)
				for (const query of ['', ...filters(o, this.names.ours)])
					list.push(await this.ask(name, o, this.own(o),
						o.path.endsWith('-delete') ? { body: dry }
							: { query }));
			return list;
		};
		/* What is read is audited, too: that list comes last, and then first. */
		reads.sort((a, b) => (a.path === AUDIT) - (b.path === AUDIT));
		const was = await answers();
		was.unshift(...was.splice(was.findIndex(({ what }) =>
			what.includes(AUDIT)) >>> 0));
		reads.sort((a, b) => (b.path === AUDIT) - (a.path === AUDIT));
		for (const place of ['sibling', 'twin'])
			for (const kind of kinds)
				await this.row(kind, this[place]);
		await unnamed(this.db, this.sibling, [this.p.member.user,
			this.p.owner.user, ...reads.filter((o) => o.params.at(-1) === 'id')
				.map((o) => this.own(o).at(-1))]);
		await another(this.db, this.sibling, 'member');
		for (const [i, answer] of (await answers()).entries())
			same(was[i], answer, answer.what);
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
export const idFields = (o) => [
	...Object.entries(o.schema?.properties ?? {}).map(([name, schema]) =>
		[(id, v) => ({ ...v, body: { ...v.body,
			[name]: schema.items ? [Number(id)] : Number(id) } }),
		idKind(schema, name)]),
	...o.queries.map(({ name, schema }) =>
		[(id, v) => ({ ...v, query: `?${name}=${id}` }),
			`${o.name}?${name}` === AFTER ? 'event_id'
				: idKind(schema, name)]),
].filter(([, kind]) => kind);

/** A query for each filter of a list, that most rows pass. */
const filters = (o, ids) => o.queries
	.filter(({ name }) => !['limit', 'cursor'].includes(name))
	.map(({ name, schema }) => `?${name}=${name === 'offset' ? BEYOND
		: idKind(schema)
		? ids[idKind(schema)] : encodeURIComponent(
			schema.format === 'date-time' ? /until|before|to$/.test(name)
				? '2100-01-01T00:00:00Z' : '1999-01-01T00:00:00Z'
				: schema.type === 'string' && !schema.enum ? 'l'
					: example(schema, ids))}`);

export const matrix = (title, options = {}) => describe(title, () => {
	const { policies = true, least = 0 } = options;
	let m;

	before(async () => {
		m = await Matrix.build(options);
		await m.furnish();
	});

	after(() => m.end());

	test('there are operations to ask', () => {
		assert.ok(m.all.length >= 50, `${m.all.length}`);
	});

	test('whom the table does not let in is told so, whatever they ask for',
		async () => {
			await each(m.whom((cell) => cell !== 'yes'), async ([name, o]) => {
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
			await m.unchanged();
		});

	test('a row and an account of somebody else are as ones that are not',
		async () => {
			await each(m.whom((cell) => cell === 'yes'),
				(one) => m.foreignAreMissing(one));
			await m.unchanged();
		});

	test('an id of somebody else in a body or a query is as one that is not',
		async () => {
			const list = m.whom((cell, o) => cell === 'yes' &&
				idFields(o).length > 0);
			assert.ok(list.length > 0);
			await each(list, (one) => m.foreignFieldsAreMissing(one));
			await m.unchanged();
		});

	test('those of other accounts see nothing of ours', async () => {
		const list = m.all.filter((o) => o.params.length > 0 ||
			o.method === 'GET');
		await each(elsewhere.flatMap((name) => list.map((o) => [name, o])),
			(one) => m.oursIsHidden(one));
		await m.unchanged();
	});

	test('whom the table lets in comes in, and changes nothing of others',
		async (t) => {
			const others = ['sibling', 'twin'];
			const idle = new Set();
			const was = await m.state(others);
			await each(m.whom((cell) => cell === 'yes' || cell === 'me'),
				async (one) => {
					if (!await m.comesIn(one))
						idle.add(one[1].name);
				});
			for (const name of idle)
				t.diagnostic(`no request that would do is known: ${name}`);
			assert.deepEqual(await m.state(others), was);
		});

	test('what others have already is no reason to refuse it', () =>
		each(m.whom((cell, o) => cell === 'yes' && crowds[o.name],
			['member\'s token', 'owner\'s token']),
		(one) => m.othersAreNoCrowd(one)));

	test('what is made in other accounts changes no answer', () =>
		m.othersChangeNothing('owner\'s token', m.all));

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
