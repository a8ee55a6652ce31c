// The audit log: what is written, who reads it, and that nobody can change it
// without being found out.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { ctl, pass, passBeside, well } from '../lib/ctl.mjs';
import { connect, emailOf, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf } from '../lib/tokens.mjs';

let house, api, p, root;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'],
		set: ['password_cost = 1'] });
	api = client(house);
	p = people(house);
	root = `/api/accounts/${p.account}`;
});
after(() => house?.end());

const as = (who) => api.as({ cookie: p[who].cookie });
const entries = (where) => JSON.parse(sql(house, `SELECT coalesce(json_agg(
	json_build_array(action, subject, detail) ORDER BY id), '[]')
	FROM audit WHERE ${where}`));
const last = () => Number(sql(house,
	'SELECT coalesce(max(id), 0) FROM audit'));

/** What `act` has added, as [action, subject, detail]. */
async function added(act) {
	const from = last();
	await act();
	return entries(`id > ${from}`);
}

describe('what is written', () => {
	const demo = { email: 'demo@c-imap.local', password: 'demo123' };

	test('a sign-in', async () => {
		assert.deepEqual(await added(() => api.post('/auth/sign-in', demo)),
			[['login.ok', 'uid_2', null]]);
	});
	test('with address and request, and no secret', async () => {
		const answer = await api.post('/auth/sign-in', demo);
		const row = JSON.parse(sql(house, `SELECT row_to_json(a) FROM audit a
			ORDER BY id DESC LIMIT 1`));
		assert.equal(row.request_id, answer.headers['x-request-id']);
		assert.equal(row.address, '127.0.0.1');
		assert.equal(row.user_id, 2);
		assert.ok(!JSON.stringify(row).includes('demo123'));
	});
	test('one that is refused, of somebody and of nobody', async () => {
		assert.deepEqual(await added(() => api.post('/auth/sign-in',
			{ ...demo, password: 'wrong' })),
		[['login.refused', 'uid_2', null]]);
		const typed = `my-password-${randomBytes(4).toString('hex')}`;
		assert.deepEqual(await added(() => api.post('/auth/sign-in',
			{ email: typed, password: 'wrong' })),
		[['login.refused', null, null]]);
		assert.equal(sql(house, `SELECT count(*) FROM audit a
			WHERE a::text LIKE '%${typed}%'`), '0');
		sql(house, 'UPDATE app_user SET failed_logins = 0, ' +
			'locked_until = NULL');
	});
	test('a sign-out', async () => {
		const cookie = cookieOf(await api.post('/login',
			new URLSearchParams({ username: 'demo', password: 'demo123' })));
		assert.deepEqual(await added(() =>
			api.as({ cookie }).post('/auth/sign-out')),
		[['session.end', 'uid_2', null]]);
	});
	test('a token for another account, in that account', async () => {
		assert.deepEqual(await added(() => as('admin')
			.post(`/api/accounts/${p.other}/token`, {})),
		[['token.mint', `acc_${p.other}`, 'owner']]);
		assert.equal(sql(house, `SELECT account_id FROM audit
			ORDER BY id DESC LIMIT 1`), String(p.other));
	});
	test('a credential made, changed, tested, rotated, removed', async () => {
		const member = as('member');
		const steps = [];
		let one;
		steps.push(...await added(async () => {
			one = await connect(member, p.account, 'sales');
		}));
		const path = `/api/provider-credentials/${one.id}`;
		const secret = (password) => ({ secret: {
			username: 'sales@letterrack.test', password } });
		for (const [method, to, body] of [
			['PATCH', '', { label: 'x' }],
			['POST', '/test', {}],
			['POST', '/rotate', secret('letterrack')],
			['POST', '/rotate', secret('wrong')],
			['DELETE', '', undefined]])
			steps.push(...await added(() =>
				member.request(method, path + to, body)));
		assert.deepEqual(steps.map(([action, , detail]) => [action, detail]), [
			['credential.create', null], ['credential.update', null],
			['credential.test', null], ['credential.rotate', null],
			['credential.rotate', 'auth_failed'], ['credential.delete', null]]);
		assert.ok(steps.every(([, subject]) => subject === one.id));
	});
	test('a change that fails leaves no entry', async () => {
		assert.deepEqual(await added(() => as('member').patch(
			'/api/provider-credentials/999999', { label: 'x' })), []);
	});
	test('content that is read: body, parts, a part, the whole', async () => {
		const member = as('member');
		const imap = await mailbox(house, 'support');
		await imap.append('INBOX', message({ subject: 'audited' }));
		await imap.logout();
		await sync(member, p.account,
			await connect(member, p.account, 'support'));
		const { id } = await emailOf(member, p.account, 'audited');
		const at = `${root}/emails/${id}`;
		const [part] = (await member.get(`${at}/parts`)).json.data;
		const found = await added(async () => {
			for (const word of ['body', 'parts', `parts/${part.id}/content`,
				'raw'])
				assert.equal((await member.get(`${at}/${word}`)).status, 200);
		});
		assert.deepEqual(found, ['body', 'parts', part.id, 'raw']
			.map((what) => ['content.read', id, what]));
		assert.deepEqual(await added(() => as('viewer').get(`${at}/body`)), []);
	});
});

describe('GET /api/audit', () => {
	let mine;
	before(() => {
		mine = people(house);
		for (let i = 0; i < 5; i++)
			sql(house, `SELECT audit_add(${mine.application}, ${mine.account},
				${mine.member.user}, NULL, 'test.${i % 2 ? 'odd' : 'even'}',
				'uid_${i}', NULL, NULL, NULL)`);
		sql(house, `SELECT audit_add(${mine.application}, ${mine.other},
			${mine.stranger.user}, NULL, 'test.other', NULL, NULL, NULL, NULL);
			SELECT audit_add(${mine.application}, NULL, ${mine.stranger.user},
			NULL, 'test.application', NULL, NULL, NULL, NULL)`);
	});
	const ask = async (who, query = '') => {
		const answer = await api.as({ cookie: mine[who].cookie })
			.get(`/api/audit${query}`);
		assert.equal(answer.status, 200, answer.text);
		return answer.json;
	};
	const actions = async (who, query) =>
		(await ask(who, query)).data.map((row) => row.action);

	test('shows an owner the own account, latest first', async () => {
		const { data, meta } = await ask('owner');
		assert.deepEqual(data.map((row) => row.subject),
			['uid_4', 'uid_3', 'uid_2', 'uid_1', 'uid_0']);
		assert.equal(meta.total, 5);
		assert.equal(data[0].account_id, `acc_${mine.account}`);
		assert.equal(data[0].user_id, `uid_${mine.member.user}`);
		assert.match(data[0].created_at, /Z$/);
	});
	test('shows an admin also what is the application\'s', async () => {
		assert.deepEqual((await actions('admin')).sort(), ['test.application',
			'test.even', 'test.even', 'test.even', 'test.odd', 'test.odd']);
		assert.deepEqual(await actions('stranger'), ['test.other']);
	});
	test('is there in the house that all share', async () => {
		const shared = await stack();
		const them = people(shared);
		const answer = await client(shared, { cookie: them.owner.cookie })
			.get('/api/audit');
		assert.deepEqual([answer.status, answer.json.data], [200, []]);
	});
	for (const who of ['member', 'viewer'])
		test(`is nothing for a ${who}`, async () => {
			assert.equal((await api.as({ cookie: mine[who].cookie })
				.get('/api/audit')).status, 403);
		});
	test('by action, user and time', async () => {
		assert.deepEqual(await actions('owner', '?action=test.odd'),
			['test.odd', 'test.odd']);
		assert.deepEqual(await actions('owner',
			`?user_id=uid_${mine.owner.user}`), []);
		assert.equal((await actions('owner',
			`?user_id=${mine.member.user}`)).length, 5);
		const all = (await ask('owner')).data;
		const at = encodeURIComponent(all[2].created_at);
		assert.equal((await actions('owner',
			'?from=2000-01-01T00:00:00Z')).length, 5);
		assert.equal((await actions('owner',
			'?to=2000-01-01T00:00:00Z')).length, 0);
		assert.equal((await actions('owner', `?from=${at}`)).length +
			(await actions('owner', `?to=${at}`)).length, 5);
		assert.equal((await api.as({ cookie: mine.owner.cookie })
			.get('/api/audit?from=yesterday')).status, 422);
	});
	test('by pages, that new entries do not shift', async () => {
		const first = await ask('owner', '?limit=2');
		sql(house, `SELECT audit_add(${mine.application}, ${mine.account}, 0,
			NULL, 'test.new', NULL, NULL, NULL, NULL)`);
		const second = await ask('owner',
			`?limit=2&cursor=${first.meta.next_cursor}`);
		const third = await ask('owner',
			`?limit=2&cursor=${second.meta.next_cursor}`);
		assert.deepEqual([first, second, third].flatMap((page) =>
			page.data.map((row) => row.subject)),
		['uid_4', 'uid_3', 'uid_2', 'uid_1', 'uid_0']);
		assert.equal(third.meta.next_cursor, null);
	});
	test('says within a second or two where each has its place', async () => {
		const until = Date.now() + 10000;
		for (;;) {
			const { data } = await ask('owner');
			if (data.every((row) => row.sealed_as > 0 &&
				/^[0-9a-f]{64}$/.test(row.hash)))
				break;
			assert.ok(Date.now() < until, 'they are not sealed');
			await pause(50);
		}
	});
});

describe('the chain', () => {
	let other;
	before(async () => {
		other = await stack({ own: true, only: ['postgres'] });
	});
	after(() => other?.end());

	const add = (n) => sql(other, `SELECT audit_add(1, 1, ${n}, NULL,
		'test.n', 'uid_${n}', NULL, NULL, NULL)`);
	const verify = (anchor) => ctl(other, ['audit', 'verify',
		...anchor ? ['--anchor', anchor] : []]);
	const copy = () => sql(other, `DROP TABLE IF EXISTS kept, kept_head;
		CREATE TABLE kept AS SELECT * FROM audit;
		CREATE TABLE kept_head AS SELECT * FROM audit_head`);
	const restore = () => sql(other, `DELETE FROM audit;
		INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT * FROM kept;
		UPDATE audit_head h SET sealed = k.sealed, hash = k.hash,
		removed = k.removed, removed_hash = k.removed_hash
		FROM kept_head k`);

	let anchor;
	beforeEach(() => {
		for (let i = 1; i <= 8; i++)
			add(i);
		pass(other, ['--quiet']);
		anchor = well(other, ['audit', 'verify']);
		copy();
	});

	test('is whole, has no gaps, and tells its anchor', () => {
		const n = Number(sql(other, 'SELECT count(*) FROM audit'));
		assert.match(anchor, new RegExp(`^${n}:[0-9a-f]{64}$`));
		assert.equal(sql(other, `SELECT count(DISTINCT sealed_as) = ${n} AND
			max(sealed_as) = ${n} FROM audit`), 't');
		assert.equal(verify(anchor).status, 0);
		add(9);
		assert.equal(verify(anchor).status, 0);
		assert.match(verify(anchor).err, /1 entries are not sealed/);
		pass(other, ['--quiet']);
		assert.equal(verify(anchor).status, 0);
	});

	const broken = {
		'a changed action': [`UPDATE audit SET action = 'x'
			WHERE sealed_as = 3`, /entry 3 \(id \d+\) was changed/],
		'a changed user': [`UPDATE audit SET user_id = 99
			WHERE sealed_as = 4`, /entry 4 .*was changed/],
		'a changed time': [`UPDATE audit
			SET created_at = created_at + interval '1 microsecond'
			WHERE sealed_as = 5`, /entry 5 .*was changed/],
		'a changed hash': [`UPDATE audit SET hash = sha256('x')
			WHERE sealed_as = 2`, /entry 2 .*was changed/],
		'a null turned into nothing': [`UPDATE audit SET detail = ''
			WHERE sealed_as = 2`, /entry 2 .*was changed/],
		'a removed row': ['DELETE FROM audit WHERE sealed_as = 3',
			/entry 3 is missing/],
		'a removed first': ['DELETE FROM audit WHERE sealed_as = 1',
			/entry 1 is missing/],
		'rows that changed places': [`UPDATE audit
			SET sealed_as = -1 WHERE sealed_as = 3;
			UPDATE audit SET sealed_as = 3 WHERE sealed_as = 4;
			UPDATE audit SET sealed_as = 4 WHERE sealed_as = -1`,
		/entry 3 .*was changed/],
		'a row put in': [`INSERT INTO audit (application_id, action, sealed_as,
			hash) SELECT 1, 'x', max(sealed_as) + 1, sha256('x') FROM audit`,
		/outside the chain/],
		'a row without a place in it': [`UPDATE audit SET sealed_as = NULL
			WHERE sealed_as = 3`, /entry 3 is missing/],
		'a cut end': [`DELETE FROM audit
			WHERE sealed_as > (SELECT max(sealed_as) - 2 FROM audit)`,
		/entries \d+ to \d+ are missing at the end/],
	};
	for (const [name, [change, words]] of Object.entries(broken))
		test(`shows ${name}`, () => {
			sql(other, change);
			const found = verify();
			assert.equal(found.status, 65, found.err);
			assert.match(found.err, words);
			restore();
			assert.equal(verify(anchor).status, 0);
		});

	test('shows with an anchor what was cut off with its head', () => {
		sql(other, `DELETE FROM audit
			WHERE sealed_as > (SELECT max(sealed_as) - 2 FROM audit);
			UPDATE audit_head SET (sealed, hash) = (SELECT sealed_as, hash
			FROM audit ORDER BY sealed_as DESC LIMIT 1)`);
		assert.equal(verify().status, 0);
		assert.match(verify(anchor).err, /missing at the end/);
		restore();
	});
	test('shows with an anchor that all was made anew', () => {
		sql(other, `UPDATE audit SET action = 'x' WHERE sealed_as = 2;
			UPDATE audit SET sealed_as = NULL, hash = NULL;
			UPDATE audit_head SET sealed = 0, hash = removed_hash`);
		pass(other, ['--quiet']);
		assert.equal(verify().status, 0);
		assert.match(verify(anchor).err, /made anew/);
		restore();
	});
	for (const wrong of ['8', '8:xx', `x:${'0'.repeat(64)}`])
		test(`refuses the anchor ${wrong.slice(0, 8)}`, () =>
			assert.equal(verify(wrong).status, 65));

	test('takes what commits late, by several sealers at once', async () => {
		const from = Number(anchor.split(':')[0]);
		const writers = Array.from({ length: 4 }, (_, i) => `DO $$ BEGIN
			FOR n IN 1..300 LOOP PERFORM letterrack.audit_add(1, 1, n, NULL,
			'race.${i}', NULL, NULL, NULL, NULL);
			IF n % 10 = 0 THEN COMMIT; PERFORM pg_sleep(0.002); END IF;
			END LOOP; END $$`);
		const wrote = writers.map((text) => once(spawn('psql', ['-Xq', '-v',
			'ON_ERROR_STOP=1', '-d', other.database_super, '-c', text]),
		'exit'));
		const sealed = Array.from({ length: 3 }, async () => {
			for (let i = 0; i < 3; i++)
				assert.equal(await passBeside(other, ['--quiet']), 0);
		});
		for (const [status] of await Promise.all(wrote))
			assert.equal(status, 0);
		await Promise.all(sealed);
		pass(other, ['--quiet']);
		assert.match(well(other, ['audit', 'verify', '--anchor', anchor]),
			new RegExp(`^${from + 1200}:`));
	});

	test('is nobody\'s to change but the functions\'', () => {
		for (const role of [other.database, other.database_auth])
			for (const text of ['SELECT * FROM audit',
				`UPDATE audit SET action = 'x'`, 'DELETE FROM audit',
				'SELECT * FROM audit_head'])
				assert.throws(() => sql(other, text, role), text);
	});

	test('loses its front only where that is asked for, and stays whole',
		() => {
			sql(other, `DELETE FROM audit; UPDATE audit_head SET sealed = 0,
				removed = 0, hash = decode(repeat('00', 32), 'hex'),
				removed_hash = decode(repeat('00', 32), 'hex')`);
			for (let i = 1; i <= 6; i++)
				add(i);
			sql(other, `UPDATE audit SET created_at = now() - interval '3 days'
				WHERE user_id IN (1, 2, 4)`);
			const tidy = (keep) => {
				sql(other, `UPDATE housekeeping SET done_at = now() -
					interval '1 day'`);
				pass(other, ['--quiet'],
					{ env: { LETTERRACK_AUDIT_KEEP: keep } });
				return sql(other, `SELECT string_agg(sealed_as::text, ' '
					ORDER BY sealed_as) FROM audit`);
			};
			assert.equal(tidy('0'), '1 2 3 4 5 6');
			assert.equal(tidy('2d'), '3 4 5 6');
			const kept = well(other, ['audit', 'verify']);
			assert.match(kept, /^6:/);
			add(7);
			assert.equal(tidy('2d'), '3 4 5 6 7');
			assert.equal(verify(kept).status, 0);
			assert.match(verify(`1:${'0'.repeat(64)}`).err, /cleared away/);
			sql(other, 'DELETE FROM audit WHERE sealed_as = 3');
			assert.match(verify(kept).err, /entry 3 is missing/);
		});
});
