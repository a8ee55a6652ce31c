// Rights that were taken away are gone: for writes at once, for reads within a
// second.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client, refusedWithinSecond } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const path = '/api/accounts';

async function token(them, who) {
	const answer = await api.as(who)
		.post(`/api/accounts/acc_${them.account}/token`, {});
	assert.equal(answer.status, 200, answer.text);
	return answer.json.data.access_token;
}

const status = async (who) => (await api.as(who).get(path)).status;

describe('a token', () => {
	const ends = [
		['its session ends', (them, user) => sql(house,
			`UPDATE session SET ended_at = now() WHERE user_id = ${user}`)],
		['its user is switched off', (them, user) => sql(house,
			`UPDATE app_user SET is_active = false WHERE id = ${user}`)],
		['its role changes', (them, user) => sql(house, `UPDATE membership
			SET role = 'viewer' WHERE user_id = ${user}`)],
		['its membership goes', (them, user) => sql(house,
			`DELETE FROM membership WHERE user_id = ${user}`)],
		['its account is suspended', (them) => sql(house, `UPDATE account
			SET status = 'suspended' WHERE id = ${them.account}`)],
	];
	for (const [name, end] of ends)
		test(`writes no more, and reads a second at most, when ${name}`, async () => {
			const them = people(house);
			const bearer = { token: await token(them, them.member) };
			assert.equal(await status(bearer), 200);
			end(them, them.member.user);
			assert.equal((await api.as(bearer).post(
				`/api/accounts/acc_${them.account}/emails`, {
					direction: 'inbound', from_json: [{ address: 'a@b.test' }],
				})).status, 401);
			const answer = await refusedWithinSecond(() =>
				api.as(bearer).get(path));
			assert.equal(answer.status, 401);
			assert.match(answer.json.code, /unauthorized/);
		});

	test('that is refused is told nothing of what a handler finds wrong',
		async () => {
			const them = people(house);
			const bearer = api.as({ token: await token(them, them.member) });
			const ask = () => bearer.post(
				`/api/accounts/acc_${them.account}/provider-credentials`, {
					provider_kind: 'imap', label: 'x', host: 'mail.test',
					port: 993, quarantine_folder: 'a\r\nb',
					secret: { username: 'a', password: 'b' },
				});
			assert.equal((await ask()).status, 422);
			sql(house, `UPDATE session SET ended_at = now()
				WHERE user_id = ${them.member.user}`);
			const answer = await ask();
			assert.equal(answer.status, 401);
			assert.equal(answer.json.errors, undefined);
		});

	test('is refused when a byte of it is another', async () => {
		const them = people(house);
		const good = await token(them, them.member);
		for (const at of [5, good.indexOf('.') + 5,
			good.lastIndexOf('.') + 5]) {
			const other = good[at] === 'A' ? 'B' : 'A';
			const bad = good.slice(0, at) + other + good.slice(at + 1);
			assert.equal(await status({ token: bad }), 401);
		}
	});
});

describe('a cookie', () => {
	test('is refused within a second', async () => {
		const them = people(house);
		assert.equal(await status(them.member), 200);
		sql(house, `UPDATE session SET ended_at = now()
			WHERE user_id = ${them.member.user}`);
		// The database's guard stands behind the remembered actor.
		assert.equal(await status(them.member), 401);
	});
	test('that is remembered is told of faults while it may ask', async () => {
		const them = people(house);
		const admin = api.as(them.admin);
		const faulty = `/api/accounts/acc_${them.other}/members?x=1&x=2`;
		assert.equal((await admin.get(path)).status, 200);
		assert.equal((await admin.get(faulty)).status, 403);
		sql(house, `UPDATE app_user SET active_account_id = ${them.other}
			WHERE id = ${them.admin.user}`);
		assert.equal((await admin.get(faulty)).status, 400);
		sql(house, `UPDATE session SET ended_at = now()
			WHERE user_id = ${them.admin.user}`);
		assert.equal((await admin.get(faulty)).status, 401);
		assert.equal((await admin.get('/api/jobs/x_y')).status, 401);
	});
	test('follows its user into another account at once', async () => {
		const them = people(house);
		const other = `/api/accounts/acc_${them.other}/members`;
		const admin = api.as(them.admin);
		const move = (to) => sql(house, `UPDATE app_user
			SET active_account_id = ${to} WHERE id = ${them.admin.user}`);
		for (const url of [path, other]) {
			move(them.account);
			assert.equal((await admin.get(path)).status, 200);
			move(them.other);
			assert.equal((await admin.get(url)).status, 200, url);
		}
	});
	test('asks first for each write', async () => {
		const them = people(house);
		const member = api.as(them.member);
		assert.equal((await member.get(path)).status, 200);
		sql(house, `DELETE FROM session
			WHERE user_id = ${them.member.user}`);
		assert.equal((await member.post(`${path}/search`, {})).status, 401);
	});
	test('speaks for its own account only', async () => {
		const them = people(house);
		const foreign = `/api/accounts/acc_${them.other}/members`;
		assert.equal((await api.as(them.owner).get(foreign)).status, 403);
		assert.equal((await api.as(them.stranger).get(foreign)).status, 200);
	});
});

// The second wall, as the programs' role meets it.
describe('row-level security', () => {
	const as = (them, text, user = them.member.user, client = '') =>
		sql(house, `SELECT
		set_config('letterrack.application', '${them.application}', true),
		set_config('letterrack.account', '${them.account}', true),
		set_config('letterrack.client', '${client}', true),
		set_config('letterrack.user', '${user}', true);
		${text}`, house.database).split('\n').slice(1).join('\n');

	test('shows nothing where no guard has run', () => {
		const tables = sql(house, `SELECT relname FROM pg_class
			WHERE relnamespace = 'letterrack'::regnamespace
			AND relkind IN ('r', 'v')
			/* of no account: the schema's number, that work rests,
			 * which watchers run, and what plans there are */
			AND relname NOT IN ('migration', 'work_pause', 'watch_host',
			    'plan', 'plan_price')`).split('\n');
		assert.ok(tables.length > 15, tables.join());
		for (const table of tables)
			assert.throws(() => sql(house, `SELECT FROM ${table}`,
				house.database), /unrecognized|permission/, table);
	});
	test('lets nobody make a member of an account that is not theirs', () => {
		const them = people(house);
		const join = (account) => `INSERT INTO membership (application_id,
			account_id, user_id, role) VALUES (${them.application},
			${account}, ${them.admin.user}, 'viewer')`;
		const own = join(them.other)
			.replace(them.admin.user, them.member.user);
		as(them, join(them.account), them.owner.user);
		for (const text of [join(them.other), own, join(them.account)])
			assert.throws(() => as(them, text), /row-level security/);
	});

	/* The rows of the first wall's application that each may see; every
	 * account, user and client that is not named is hidden. */
	test('shows of accounts, users and clients what the caller may see', () => {
		const them = people(house), twin = people(house);
		const child = sql(house, `INSERT INTO account (application_id,
			parent_account_id, name) VALUES (${them.application},
			${them.account}, 'child') RETURNING id`);
		const hers = (id, account, admin) => sql(house, `INSERT INTO client
			(id, application_id, account_id, secret_hash, is_app_admin)
			VALUES ('${id}', ${them.application}, ${account}, 'x', ${admin})`);
		const [own, foreign, backend] = ['own', 'foreign', 'backend']
			.map((name) => `cid_${name}${them.application}`);
		hers(own, them.account, false);
		hers(foreign, them.other, false);
		hers(backend, them.account, true);
		const { member, viewer, owner, admin, stranger } = them;
		const members = [owner, member, viewer].map((x) => x.user);
		const everybody = [...members, admin.user, stranger.user];
		const accounts = [them.account, them.other, Number(child)];
		const rows = [
			['a member', member.user, '', [them.account], members, []],
			['a viewer', viewer.user, '', [them.account], members, []],
			['the owner', owner.user, '', [them.account, Number(child)],
				members, [own, backend]],
			['a visitor', stranger.user, '', [them.account, them.other],
				[...members, stranger.user], []],
			/* clients of other accounts by going there */
			['an admin', admin.user, '', accounts, everybody,
				[own, backend]],
			['a machine', -1, own, [them.account], members, [own]],
			['a machine that is marked', -1, backend, accounts, everybody,
				[own, backend]],
			['a worker', 0, '', [them.account], members, []],
		];
		const seen = (table, [, user, client]) => as(them,
			`SELECT id FROM ${table}`, user, client).split('\n')
			.filter((id) => id).sort();
		const sorted = (list) => list.map(String).sort();
		for (const row of rows) {
			assert.deepEqual(seen('account', row), sorted(row[3]), row[0]);
			assert.deepEqual(seen('app_user', row), sorted(row[4]), row[0]);
			assert.deepEqual(seen('client', row), sorted(row[5]), row[0]);
			assert.deepEqual(seen('application', row),
				[String(them.application)], row[0]);
		}
		assert.ok(twin.account);
	});

	test('lets nobody change accounts, users and clients beyond that', () => {
		const them = people(house);
		const { member, owner, admin, viewer } = them;
		const changed = (who, table, set, where) => as(them, `UPDATE ${table}
			SET ${set} WHERE ${where} RETURNING 1`, who.user);
		const rename = (id) => ['account', `name = 'x'`, `id = ${id}`];
		const call = (id) => ['app_user', `name = 'x'`, `id = ${id}`];
		const rows = [
			[member, rename(them.account), ''],
			[owner, rename(them.account), '1'],
			[owner, rename(them.other), ''],
			[admin, rename(them.other), '1'],
			[member, call(member.user), '1'],
			[owner, call(member.user), ''],
			[admin, call(member.user), '1'],
			[admin, ['app_user', `role = 'admin'`, `id = ${viewer.user}`], '1'],
			[owner, ['application', `name = 'x'`, 'true'], ''],
			[admin, ['application', `name = 'x'`, 'true'], ''],
		];
		for (const [who, what, want] of rows)
			assert.equal(changed(who, ...what), want, what.join(' '));
		for (const set of [`role = 'admin'`, 'is_active = false'])
			assert.throws(() => changed(owner, 'app_user', set,
				`id = ${owner.user}`), /Only an admin/);
		const made = (table, cols, values) => `INSERT INTO ${table} (${cols})
			VALUES (${them.application}, ${values})`;
		const user = made('app_user', 'application_id, email', `'a@x.test'`);
		const root = made('account', 'application_id, name', `'x'`);
		const child = made('account',
			'application_id, name, parent_account_id', `'x', ${them.account}`);
		const client = (flag) => made('client',
			'application_id, id, account_id, is_app_admin',
			`'cid_x${flag}${them.application}', ${them.account}, ${flag}`);
		as(them, child, owner.user);
		as(them, client(false), owner.user);
		as(them, `${user}; ${root}; ${client(true)}`, admin.user);
		for (const [who, text] of [[owner, user], [owner, root],
			[member, child], [member, client(false)], [owner, client(true)]])
			assert.throws(() => as(them, text, who.user),
				/row-level security/, text);
	});

	test('hides what hangs on another\'s personal mail account', () => {
		const them = people(house);
		const { member, owner } = them;
		const place = `${them.application}, ${them.account}`;
		const c = sql(house, `INSERT INTO credential (application_id,
			account_id, user_id, provider_kind, host, port, security_mode)
			VALUES (${place}, ${member.user}, 'imap', 'x', 9, 'none')
			RETURNING id`);
		sql(house, `INSERT INTO mailbox (application_id, account_id,
			credential_id, name, wire_name) VALUES (${place}, ${c}, 'x', 'x');
			INSERT INTO email (application_id, account_id, credential_id,
			received_at) VALUES (${place}, ${c}, now());
			INSERT INTO placement (application_id, account_id, mailbox_id,
			uidvalidity, uid, email_id) SELECT ${place}, m.id, 1, 1, e.id
			FROM mailbox m JOIN email e USING (credential_id)
			WHERE credential_id = ${c};
			INSERT INTO flag_intent (application_id, account_id, email_id,
			credential_id, flags_add, flags_remove) SELECT ${place}, id, ${c},
			'{}', '{}' FROM email WHERE credential_id = ${c};
			INSERT INTO expunge_intent (application_id, account_id, email_id,
			credential_id) SELECT ${place}, id, ${c} FROM email
			WHERE credential_id = ${c};
			INSERT INTO email_part (application_id, account_id, email_id,
			part_number, position, content_type) SELECT ${place}, id, '1', 1,
			'text/plain' FROM email WHERE credential_id = ${c};
			INSERT INTO task (application_id, account_id, task_type,
			target_credential_id) VALUES (${place}, 'x', ${c});
			INSERT INTO job (application_id, account_id, task_id, action,
			credential_id, state) SELECT ${place}, id, 'x', ${c}, 'failed'
			FROM task WHERE target_credential_id = ${c};
			INSERT INTO log (application_id, account_id, subject, action,
			status, user_id) VALUES (${place}, 'job', 'x', 'failed',
			${member.user})`);
		for (const table of ['credential', 'mailbox', 'email', 'placement',
			'flag_intent', 'expunge_intent', 'email_part', 'task', 'job',
			'log']) {
			const count = (user) =>
				as(them, `SELECT count(*) FROM ${table}`, user);
			assert.equal(count(member.user), '1', table);
			assert.equal(count(0), '1', table);
			for (const user of [owner.user, them.admin.user, -1])
				assert.equal(count(user), '0', `${table} ${user}`);
		}
		assert.throws(() => as(them, `INSERT INTO task (application_id,
			account_id, task_type, target_credential_id)
			VALUES (${place}, 'x', ${c})`, owner.user), /row-level security/);
	});

	test('leaves signing in to the door', () => {
		const door = ['login_find(NULL, \'x\')', 'login_failed(0, \'x\')',
			'password_rehash(1, \'a\', \'b\')', 'session_end(1)',
			'session_open(1, \'\', 1, 1, \'\')', 'rights_of(1, 1, 1)'];
		for (const call of door) {
			assert.throws(() => sql(house, `SELECT ${call}`, house.database),
				/permission denied for function/, call);
			assert.equal(sql(house, `SELECT has_function_privilege(
				'letterrack_auth', '${call.replace(/\(.*/, '')}'::regproc,
				'EXECUTE')`), 't', call);
		}
		const names = sql(house, `SELECT proname FROM pg_proc
			WHERE oid IN (SELECT door_functions()) ORDER BY 1`).split('\n');
		const named = (name) => name.startsWith('door_');
		assert.deepEqual(names.filter((n) => !named(n)),
			door.map((c) => c.replace(/\(.*/, '')).sort());
		for (const name of names.filter(named))
			assert.equal(sql(house, `SELECT concat(
				has_function_privilege('letterrack', '${name}'::regproc, 'EXECUTE'),
				has_function_privilege('letterrack_auth', '${name}'::regproc,
				'EXECUTE'))`), 'ft', name);
		for (const table of ['email', 'credential', 'mailbox', 'job', 'log',
			'data_key', 'session', 'one_time'])
			assert.equal(sql(house, `SELECT has_any_column_privilege(
				'letterrack_auth', '${table}', 'SELECT, INSERT, UPDATE')`),
			'f', table);
		/* What it makes under a key it makes once, behind the same wall. */
		for (const [right, is] of [['SELECT', 't'], ['INSERT', 't'],
			['UPDATE', 't'], ['DELETE', 'f']])
			assert.equal(sql(house, `SELECT has_table_privilege(
				'letterrack_auth', 'idempotency', '${right}')`), is, right);
		for (const [column, table] of [['password_hash', 'app_user'],
			['secret_hash', 'client']])
			for (const role of ['letterrack', 'letterrack_auth'])
				assert.equal(sql(house, `SELECT has_column_privilege('${role}',
					'${table}', '${column}', 'SELECT')`), 'f', table);
	});
});
