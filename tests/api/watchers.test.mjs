// Watchers: new mail is there, and held, as soon as its server tells of it; people
// start and stop them; and odd servers keep nobody else's from working.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { well } from '../lib/ctl.mjs';
import { imapStandIn } from '../lib/imap-stand-in.mjs';
import { connect, mailbox, message } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const OVERVIEW = '/api/watchers/overview';

/** Asks until it is so; no poll comes within that time. */
async function until(what, ask, seconds = 30) {
	const end = Date.now() + seconds * 1000;
	for (;;) {
		const value = await ask();
		if (value)
			return value;
		assert.ok(Date.now() < end, `not within ${seconds} s: ${what}`);
		await pause(25);
	}
}

async function watcherOf(who, credential) {
	const { status, json, text } = await who.get(OVERVIEW);
	assert.equal(status, 200, text);
	return json.accounts.find((a) => `pc_${a.id}` === credential.id)?.watcher;
}
const isIn = (who, credential, state, seconds) =>
	until(`${credential.label} ${state}`, async () => {
		const watcher = await watcherOf(who, credential);
		return watcher.state === state && watcher;
	}, seconds);
const monitor = (who, credential, verb) =>
	who.post(`/api/accounts/${credential.id.slice(3)}/monitor/${verb}`);

async function told(who, credential) {
	const { json } = await who.get('/api/events');
	return json.events.filter((e) => e.event === 'watcher.state' &&
		`pc_${e.data.credential_id}` === credential.id)
		.map((e) => e.data.state);
}

describe('with Dovecot', () => {
	let house, api, p, member, viewer, owner, imap, support, anna;
	const hasMail = (subject) => async () => {
		const { json } = await member.get(
			`/api/accounts/${p.account}/emails?limit=200`);
		return json.data.some((e) => e.subject === subject);
	};

	before(async () => {
		house = await stack({ own: true, with: ['dovecot', 'watch'],
			trustProxy: true,
			set: ['poll_interval = 1d', 'watch_poll = 1s'] });
		api = client(house);
		p = people(house);
		[member, viewer, owner] = ['member', 'viewer', 'owner'].map((who) =>
			api.as({ cookie: p[who].cookie }));
		imap = await mailbox(house, 'support');
		await imap.append('INBOX', message({ subject: 'before' }));
		support = await connect(owner, p.account, 'support',
			{ sync_mode: 'idle' });
		anna = await connect(owner, p.account, 'anna');
	});
	after(async () => {
		await imap?.logout();
		await house?.end();
	});

	test('a mail account whose sync_mode is idle is watched', async () => {
		const watcher = await isIn(viewer, support, 'idle');
		assert.match(watcher.last_heartbeat, /^[0-9]\.\ds ago$/);
		assert.equal(watcher.error, null);
		assert.equal((await watcherOf(viewer, anna)).state, 'stopped');
		const { json } = await viewer.get(OVERVIEW);
		assert.deepEqual(json.accounts[0], { id: Number(support.id.slice(3)),
			account_name: 'support', email_address: support.email_address,
			is_active: true, watcher: json.accounts[0].watcher });
		assert.deepEqual(Object.keys(json), ['smtp', 'accounts']);
	});
	test('what came before there was a session is looked for', () =>
		until('mail of before', hasMail('before')));
	test('new mail is fetched when the server tells of it', async () => {
		await imap.append('INBOX', message({ subject: 'now' }));
		await until('new mail', hasMail('now'));
	});
	test('what a policy holds is held, and how long it took is known',
		async () => {
			const patched = await owner.patch(
				`/api/provider-credentials/${support.id}`,
				{ hold_policy: 'all' });
			assert.equal(patched.status, 200, patched.text);
			await imap.append('INBOX', message({ subject: 'to be held' }));
			const row = await until('held', () => sql(house, `SELECT
				latency_ms FROM hold JOIN email e ON e.id = email_id
				WHERE e.subject = 'to be held' AND state = 'held'`));
			assert.ok(Number(row) > 0 && Number(row) < 30000, row);
			await imap.mailboxOpen('Quarantine');
			assert.equal(imap.mailbox.exists, 1);
		});
	test('what a rule of the server puts into the quarantine is held, too',
		async () => {
			await imap.append('Quarantine',
				message({ subject: 'put there' }));
			await until('held', () => sql(house, `SELECT why FROM hold
				JOIN email e ON e.id = email_id WHERE
				e.subject = 'put there' AND state = 'held'`) ===
				'quarantine');
			await imap.mailboxOpen('Quarantine');
			assert.equal(imap.mailbox.exists, 2);
		});
	test('stopped, it is at once, and nothing comes', async () => {
		const answer = await monitor(member, support, 'stop');
		const id = Number(support.id.slice(3));
		assert.deepEqual([answer.status, answer.json], [200, { ok: true,
			message: `Watcher stopped for account ${id}`,
			account_id: id }]);
		assert.equal((await watcherOf(viewer, support)).state, 'stopped');
		await until('the row let go', () => sql(house, `SELECT worker IS NULL
			FROM watcher WHERE credential_id = ${id}`) === 't', 2);
		const last = sql(house, 'SELECT max(id) FROM job');
		await imap.append('INBOX', message({ subject: 'while stopped' }));
		assert.equal(await hasMail('while stopped')(), false);
		assert.equal(sql(house, `SELECT count(*) FROM job WHERE
			action = 'imap_watch' AND id > ${last}`), '0');
	});
	test('started, it finds what came meanwhile', async () => {
		const answer = await monitor(member, support, 'start');
		const id = Number(support.id.slice(3));
		assert.deepEqual([answer.status, answer.json], [200, { ok: true,
			message: `Watcher started for account ${id}`,
			account_id: id, watcher_status: 'starting' }]);
		await isIn(viewer, support, 'idle', 10);
		await until('mail of meanwhile', hasMail('while stopped'));
	});
	test('the account\'s programs hear of its states', async () => {
		const states = await told(member, support);
		assert.deepEqual(states, ['idle', 'stopped', 'idle']);
	});
	test('monitors see it as a worker', async () => {
		const name = `imap_${support.id.slice(3)}`;
		const seen = await until('the worker', async () => (await api.get(
			'/healthz')).json.workers.find((w) => w.worker === name));
		assert.equal(seen.status, 'ok');
		assert.ok(seen.last_heartbeat_sec >= 0 && seen.last_heartbeat_sec < 10);
		const hidden = await api.get('/healthz',
			{ 'x-forwarded-for': '203.0.113.9' });
		assert.deepEqual(hidden.json.workers, []);
		const { text } = await api.get('/api/metrics');
		assert.match(text, /^letterrack_watchers\{state="idle"\} [1-9]/m);
	});
	test('an operator sees who watches', () => {
		const now = JSON.parse(well(house, ['status', '--json']));
		assert.equal(now.watchers.length, 1);
		assert.ok(now.watchers[0].watched >= 1);
		assert.match(well(house, ['status']), /^watcher +[1-9]\d* .* ago$/m);
	});
	test('a secret that is changed is used at once', async () => {
		const patched = await owner.patch(
			`/api/provider-credentials/${support.id}`, { secret: {
				username: 'support@letterrack.test', password: 'wrong' } });
		assert.equal(patched.status, 200, patched.text);
		const watcher = await isIn(viewer, support, 'stopped', 10);
		assert.equal(watcher.error, 'auth_failed');
		await owner.patch(`/api/provider-credentials/${support.id}`, {
			secret: { username: 'support@letterrack.test',
				password: 'letterrack' } });
		assert.equal((await isIn(viewer, support, 'idle', 10)).error, null);
	});
	test('what is watched, is started by members alone', async () => {
		assert.equal((await monitor(viewer, support, 'start')).status, 403);
		const missing = await member.post(
			'/api/accounts/987654321/monitor/start');
		assert.deepEqual([missing.status, missing.json.code],
			[404, 'ACCOUNT_NOT_FOUND']);
	});
	test('an SMTP row is watched by nobody', async () => {
		const smtp = await connect(owner, p.account, 'sales', {
			provider_kind: 'smtp' });
		const answer = await monitor(member, smtp, 'start');
		assert.deepEqual([answer.status, answer.json.code],
			[400, 'VALIDATION_ERROR']);
	});
	test('one that is switched off is not started', async () => {
		await owner.patch(`/api/provider-credentials/${anna.id}`,
			{ is_active: false });
		assert.equal((await monitor(member, anna, 'start')).status, 409);
		assert.equal((await monitor(member, anna, 'stop')).status, 200);
	});
	test('a process that ends gives all up at once', async () => {
		await house.stop('watch');
		assert.equal(sql(house, 'SELECT count(*) FROM watch_host'), '0');
		assert.equal((await watcherOf(viewer, support)).state, 'polling');
		await house.start('watch');
		await isIn(viewer, support, 'idle', 10);
	});
});

describe('with a Dovecot that has neither IDLE nor MOVE', () => {
	let house, imap;
	before(async () => {
		house = await stack({ own: true, with: ['dovecot', 'watch'],
			dovecot: ['imap_capability = IMAP4rev1 SASL-IR LITERAL+ ID ' +
				'ENABLE NAMESPACE UNSELECT UIDPLUS CONDSTORE'],
			set: ['poll_interval = 1d', 'watch_poll = 1s'] });
		imap = await mailbox(house, 'sales');
	});
	after(async () => {
		await imap?.logout();
		await house?.end();
	});

	test('mail is held all the same', async () => {
		const p = people(house);
		const owner = client(house).as({ cookie: p.owner.cookie });
		const sales = await connect(owner, p.account, 'sales',
			{ sync_mode: 'idle', hold_policy: 'all' });
		await until('a session', () => sql(house, `SELECT state = 'polling'
			FROM watcher WHERE credential_id = ${sales.id.slice(3)}`) === 't');
		assert.equal((await watcherOf(owner, sales)).state, 'polling');
		/* what lies there already is no news */
		await until('the first look', () => sql(house, `SELECT count(*)
			FROM job WHERE action = 'imap_watch' AND state = 'succeeded'
			AND credential_id = ${sales.id.slice(3)}`) !== '0');
		await imap.append('INBOX', message({ subject: 'polled and held' }));
		await until('held', () => sql(house, `SELECT count(*) FROM hold
			JOIN email e ON e.id = email_id WHERE state = 'held'
			AND e.subject = 'polled and held'`) === '1');
		await imap.mailboxOpen('Quarantine');
		assert.equal(imap.mailbox.exists, 1);
	});
});

describe('with odd servers', () => {
	let house, api, p, owner, server, one;
	const tells = (kind) => until(`a job (${kind})`, () => sql(house, `SELECT id
		FROM job WHERE action = 'imap_watch' AND state = 'queued'
		AND credential_id = ${one.id.slice(3)}`));
	const done = () => sql(house, `UPDATE job SET state = 'succeeded'`);
	const stands = (label, at, more = {}) => connect(owner, p.account, label, {
		port: at.port, sync_mode: 'idle', ...more });

	before(async () => {
		house = await stack({ own: true, with: ['watch'], set: [
			'watch_workers = 0', 'watch_silence = 1s', 'watch_answer = 6s',
			'watch_poll = 1s'] });
		api = client(house);
		p = people(house);
		owner = api.as({ cookie: p.owner.cookie });
		server = await imapStandIn();
		one = await stands('one', server);
		await isIn(owner, one, 'idle');
		await tells('the first look');
		done();
	});
	after(async () => {
		await server?.end();
		await house?.end();
	});

	test('news makes a job, and no news none', async () => {
		server.say('* 1 EXISTS');
		server.say('* OK Still here');
		server.say('* 2 EXISTS');
		await tells('news');
		assert.equal(sql(house, `SELECT priority FROM job WHERE
			state = 'queued'`), '9');
		done();
	});
	test('so do deletions and flags, behind it', async () => {
		server.say('* 2 EXPUNGE');
		await tells('a deletion');
		assert.equal(sql(house, `SELECT priority FROM job WHERE
			state = 'queued'`), '4');
		done();
	});
	test('a server that has said nothing for long is asked', async () => {
		const from = server.seen.length, opened = server.opened;
		await until('a question', () =>
			server.seen.slice(from).filter((c) => c === 'DONE').length > 1);
		assert.equal(server.opened, opened);
	});
	test('one that does not answer is connected to anew', async () => {
		const opened = server.opened;
		server.silent = true;
		await until('another try', () => server.opened > opened);
		server.silent = false;
		await isIn(owner, one, 'idle');
	});
	test('a connection that breaks off is made anew', async () => {
		const opened = server.opened;
		server.cut();
		await until('another connection', () => server.opened > opened);
		await isIn(owner, one, 'idle');
		done();
	});
	test('restarted, it has a session of its own', async () => {
		const opened = server.opened;
		const answer = await monitor(owner, one, 'restart');
		assert.deepEqual([answer.status, answer.json.watcher_status],
			[200, 'starting']);
		await until('another connection', () => server.opened > opened, 2);
		await isIn(owner, one, 'idle');
	});
	test('without IDLE it is asked at a pace', async () => {
		const bare = await imapStandIn({
			capabilities: 'IMAP4rev1 AUTH=PLAIN SASL-IR' });
		const poor = await stands('poor', bare);
		await isIn(owner, poor, 'polling');
		await until('questions', () =>
			bare.seen.filter((c) => c === 'NOOP').length > 2);
		assert.ok(!bare.seen.includes('IDLE'));
		assert.equal((await monitor(owner, poor, 'stop')).status, 200);
		await bare.end();
	});
	test('where IDLE is refused, too', async () => {
		const proud = await imapStandIn();
		proud.refusesIdle = true;
		const poor = await stands('proud', proud);
		await until('questions', () => proud.seen.includes('NOOP'));
		assert.equal(proud.seen.filter((c) => c === 'IDLE').length, 1);
		assert.equal((await monitor(owner, poor, 'stop')).status, 200);
		await proud.end();
	});
	test('a refused password is not tried again, until it is another',
		async () => {
			const strict = await imapStandIn({ password: 'another' });
			const locked = await stands('locked', strict);
			const watcher = await isIn(owner, locked, 'stopped');
			assert.equal(watcher.error, 'auth_failed');
			const opened = strict.opened;
			assert.deepEqual(await told(owner, locked), ['stopped']);
			/* Two more looks of the watcher, at what is not to be. */
			const beat = () => sql(house,
				'SELECT heartbeat_at FROM watch_host');
			for (let i = 0, last = beat(); i < 2; i++)
				last = await until('a beat', () => beat() !== last && beat());
			assert.equal(strict.opened, opened);
			strict.password = 'letterrack';
			assert.equal((await monitor(owner, locked, 'start')).status, 200);
			await isIn(owner, locked, 'idle');
			assert.equal((await monitor(owner, locked, 'stop')).status, 200);
			await strict.end();
		});
	test('a database that is away costs no session and no news', async () => {
		const opened = server.opened;
		await isIn(owner, one, 'idle');
		done();
		await house.stop('postgres');
		server.say('* 9 EXISTS');
		await house.start('postgres');
		await tells('news of meanwhile');
		assert.equal(server.opened, opened);
	});
});
