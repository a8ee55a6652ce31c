// letterrackctl: from an empty database to somebody who signs in; keys, users
// and accounts by hand. There is no default secret.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, chmodSync, readdirSync, statSync, utimesSync }
	from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { ctl as letterrackctl, run as program } from '../lib/ctl.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { parts, signIn } from '../lib/tokens.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const PASSWORD = 'tern-gravel-ochre';

const ctl = (args, options) => letterrackctl(house, args, options);

const well = (run) => {
	assert.equal(run.status, 0, run.err);
	return run.out;
};

describe('an empty database', () => {
	let env;
	before(() => {
		const at = (dsn) => dsn.replace('dbname=letterrack', 'dbname=fresh');
		sql(house, 'SELECT 1', house.database_super);
		spawnSync('createdb', ['-O', 'letterrack_owner', '--maintenance-db',
			house.database_super, 'fresh']);
		const keys = mkdtempSync(`${house.state}/data/keys-`);
		chmodSync(keys, 0o777);
		env = { LETTERRACK_DATABASE: at(house.database),
			LETTERRACK_DATABASE_OWNER: at(house.database_owner),
			LETTERRACK_KEY_DIR: `${keys}/new` };
		well(ctl(['migrate'], { env }));
	});
	const init = (more = [], input = `${PASSWORD}\n`) =>
		ctl(['init', '--password-stdin', ...more], { env, input });
	const full = ['--account', 'First', '--owner', 'owner@example.org'];

	for (const [name, args, input] of [
		['no account', ['--owner', 'owner@example.org']],
		['no owner', ['--account', 'First']],
		['an owner that is no address', ['--account', 'First', '--owner', 'x']],
		['no password', full, ''],
		['an empty password', full, '\n'],
		['a short password', full, 'short\n'],
		['a common password', full, 'password123\n'],
		['the demo\'s password', full, 'admin123\n'],
		['the address as password', full, 'owner@example.org\n'],
	])
		test(`init with ${name} says so and makes nothing`, () => {
			const run = init(args, input);
			assert.notEqual(run.status, 0);
			assert.match(run.err, /^letterrackctl init: .{10,}/m);
			assert.match(ctl(['user', 'list'], { env }).err,
				/no such application/);
		});
	test('init makes keys for nobody else to read, and an owner', () => {
		well(init(full));
		const dir = env.LETTERRACK_KEY_DIR;
		assert.equal(statSync(dir).mode & 0o777, 0o700);
		const names = readdirSync(dir);
		assert.ok(names.some((n) => /^token-.+\.pem$/.test(n)));
		assert.ok(names.includes('envelope-1.key'));
		for (const name of names)
			assert.equal(statSync(`${dir}/${name}`).mode & 0o777, 0o600, name);
		assert.match(well(ctl(['user', 'list'], { env })),
			/^uid_1\towner@example\.org\tadmin\tactive\t1:owner$/);
	});
	test('init does it once', () => {
		const run = init(full);
		assert.notEqual(run.status, 0);
		assert.match(run.err, /already/);
	});
	test('keys rotate, and the one that signs is not taken away', () => {
		const listed = () => well(ctl(['key', 'list'], { env })).split('\n');
		const [old] = listed().filter((l) => l.endsWith('signs'));
		const made = well(ctl(['key', 'generate', 'token'], { env }))
			.split(' ')[1];
		assert.ok(listed().includes(old));
		assert.notEqual(ctl(['key', 'retire', old.split(' ')[1]], { env })
			.status, 0);
		well(ctl(['key', 'activate', made], { env }));
		assert.ok(listed().includes(`token ${made} RS256 signs`));
		well(ctl(['key', 'retire', old.split(' ')[1]], { env }));
		assert.equal(well(ctl(['key', 'generate', 'envelope'], { env })),
			'envelope 2');
		assert.ok(listed().includes('envelope 2 wraps'));
		assert.notEqual(ctl(['key', 'activate', 'nobody'], { env }).status, 0);
	});
	test('the demo stays out of a database that is used, and off any host ' +
		'that others reach', () => {
		assert.match(ctl(['demo'], { env }).err, /not empty/);
		assert.match(ctl(['demo'], { env: { ...env,
			LETTERRACK_BASE_URL: 'https://mail.example.org' } }).err,
		/loopback/);
		assert.ok(!/demo/.test(ctl(['--help']).out));
	});
});

describe('by hand', () => {
	test('an account, a member who signs in, another password', async () => {
		const account = well(ctl(['account', 'add', 'By hand']));
		assert.match(well(ctl(['account', 'list'])),
			new RegExp(`^${account}\\tBy hand\\tactive\\t0 members$`, 'm'));
		const user = well(ctl(['user', 'add', 'hand@example.org', '--account',
			account.slice(4), '--role', 'viewer', '--password-stdin'],
		{ input: `${PASSWORD}\n` }));
		const token = await signIn(api, 'hand@example.org', PASSWORD);
		const me = await api.as({ token }).get('/auth/me');
		assert.equal(me.json.id, user);
		assert.equal(me.json.active_membership.account_id, account);
		assert.equal(me.json.active_membership.role, 'viewer');

		well(ctl(['user', 'passwd', 'hand@example.org', '--password-stdin'],
			{ input: `${PASSWORD}-2\n` }));
		assert.equal((await api.as({ token }).get('/auth/me')).status, 401);
		assert.equal((await api.post('/auth/sign-in', {
			email: 'hand@example.org', password: PASSWORD })).status, 401);
		await signIn(api, 'hand@example.org', `${PASSWORD}-2`);
	});
	for (const [name, args, input] of [
		['a user without an account', ['user', 'add', 'a@example.org']],
		['an address twice', ['user', 'add', 'DEMO@c-imap.local', '--admin']],
		['a role that is none', ['user', 'add', 'b@example.org', '--account',
			'1', '--role', 'king']],
		['an account of nobody', ['user', 'add', 'c@example.org', '--account',
			'999999']],
		['a password for nobody', ['user', 'passwd', 'nobody@example.org']],
		['a weak password', ['user', 'passwd', 'demo@c-imap.local'],
			'12345678\n'],
		['no verb', ['user']],
		['a verb of nobody', ['key', 'steal']],
	])
		test(`${name} is refused with a sentence`, () => {
			const run = ctl([...args, ...(args[0] === 'user'
				? ['--password-stdin'] : [])],
			{ input: input ?? `${PASSWORD}\n` });
			assert.ok(run.status > 0, `${run.status}`);
			assert.match(run.err, /letterrackctl.*: .{8,}/);
		});
});

describe('without keys', () => {
	let env;
	before(() => {
		const keys = mkdtempSync(`${house.state}/data/none-`);
		chmodSync(keys, 0o777);
		env = { LETTERRACK_KEY_DIR: keys };
	});
	for (const [name, words] of [['sbin/letterrackctl', ['serve']],
		['bin/letterrack-sync', ['--quiet']]])
		test(`${name} does not start, and says what to do`, () => {
			const { status, err } = program(house, name, words, { env });
			assert.equal(status, 78, err);
			assert.match(err, /letterrackctl (init|key generate)/);
		});
});

const audited = (action, subject) => sql(house, `SELECT count(*) FROM audit
	WHERE action = '${action}' AND subject = '${subject}'
	AND detail = 'letterrackctl'`);

describe('a user', () => {
	test('who is disabled is signed in nowhere, until enabled', async () => {
		const email = 'switched@example.org';
		const user = well(ctl(['user', 'add', email, '--account', '1',
			'--password-stdin'], { input: `${PASSWORD}\n` }));
		const token = await signIn(api, email, PASSWORD);
		well(ctl(['user', 'disable', email]));
		assert.equal((await api.as({ token }).get('/auth/me')).status, 401);
		assert.equal((await api.post('/auth/sign-in', { email,
			password: PASSWORD })).status, 401);
		assert.match(well(ctl(['user', 'list'])),
			new RegExp(`^${user}\t${email}\tuser\tdisabled\t1:member$`, 'm'));
		well(ctl(['user', 'enable', email]));
		assert.equal((await api.as({ token }).get('/auth/me')).status, 401);
		await signIn(api, email, PASSWORD);
		for (const action of ['create', 'disable', 'enable'])
			assert.equal(audited(`user.${action}`, user), '1');
		assert.equal(ctl(['user', 'disable', 'nobody@example.org']).status, 67);
	});
	test('has a token minted, which dies with what it may do', async () => {
		const token = well(ctl(['token', 'mint', 'demo@c-imap.local',
			'--life', '120']));
		const { payload } = parts(token);
		assert.equal(payload.exp - payload.iat, 120);
		const me = await api.as({ token }).get('/auth/me');
		assert.equal(me.json.id, 'uid_2');
		assert.equal(me.json.active_membership.role, 'member');
		sql(house, `UPDATE session SET ended_at = now()
			WHERE address = 'letterrackctl'`);
		assert.equal((await api.as({ token }).get('/auth/me')).status, 401);
		assert.equal(audited('token.mint', 'uid_2'), '1');
	});
	for (const [name, args, status] of [
		['of nobody', ['nobody@example.org'], 67],
		['for an account that is not theirs',
			['demo@c-imap.local', '--account', '2'], 77],
		['for longer than an hour',
			['demo@c-imap.local', '--life', '3601'], 64],
		['of a client without a secret', ['cid_demo'], 65],
		['of a client of nobody', ['cid_nobody'], 67],
		['of whom it does not say', [], 65],
	])
		test(`has no token minted ${name}`, () => {
			const run = ctl(['token', 'mint', ...args]);
			assert.equal(run.status, status, run.err);
			assert.equal(run.out, '');
		});
});

describe('a client', () => {
	const row = (id) => well(ctl(['client', 'list'])).split('\n')
		.find((line) => line.startsWith(`${id}\t`));
	const hash = (id) => sql(house, `SELECT encode(secret_hash, 'hex')
		FROM client WHERE id = '${id}'`);
	const sha256 = (text) => createHash('sha256').update(text).digest('hex');

	test('is made with a secret that is shown once', () => {
		const [id, secret] = well(ctl(['client', 'add', '--name', 'Robot',
			'--account', '1', '--role', 'viewer', '--app-admin'])).split('\n');
		assert.match(id, /^cid_[A-Za-z0-9_-]{22}$/);
		assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
		assert.equal(hash(id), sha256(secret));
		assert.equal(row(id),
			`${id}\tRobot\tacc_1\tviewer\tsecret app-admin\tactive`);
		assert.ok(!well(ctl(['client', 'list'])).includes(secret));

		const other = well(ctl(['client', 'secret', id]));
		assert.notEqual(other, secret);
		assert.equal(hash(id), sha256(other));
		assert.equal(audited('client.create', id), '1');
		assert.equal(audited('client.secret', id), '1');
	});
	test('that is disabled has no token that works', async () => {
		const [id] = well(ctl(['client', 'add', 'cid_switched', '--account',
			'1'])).split('\n');
		const token = well(ctl(['token', 'mint', id]));
		const ask = async () =>
			(await api.as({ token }).get('/api/accounts')).status;
		assert.equal(await ask(), 200);
		well(ctl(['client', 'disable', id]));
		assert.equal((await api.as({ token }).post('/api/accounts/search', {}))
			.status, 401);
		assert.equal(ctl(['token', 'mint', id]).status, 65);
		well(ctl(['client', 'enable', id]));
		assert.equal(await ask(), 200);
	});
	test('may be public, with redirects', () => {
		const uri = 'https://app.example/back';
		assert.equal(well(ctl(['client', 'add', 'cid_public', '--public',
			'--redirect', uri, '--redirect', `${uri}2`])), 'cid_public');
		assert.equal(hash('cid_public'), '');
		assert.equal(sql(house, `SELECT array_to_string(redirect_uris, ' ')
			FROM client WHERE id = 'cid_public'`), `${uri} ${uri}2`);
	});
	for (const [name, args] of [
		['a name that is none', ['add', 'robot']],
		['a name that is taken', ['add', 'cid_demo']],
		['a public one that works alone', ['add', '--public', '--account', '1']],
		['a role that is none', ['add', '--account', '1', '--role', 'king']],
		['a redirect by http', ['add', '--redirect', 'https://a.example/',
			'--redirect', 'http://a.example/']],
		['a redirect to a fragment', ['add', '--redirect',
			'https://a.example/#x']],
		['a secret for nobody', ['secret', 'cid_nobody']],
		['which?', ['disable']],
	])
		test(`${name} is refused`, () => {
			const run = ctl(['client', ...args]);
			assert.ok(run.status > 0);
			assert.match(run.err, /letterrackctl client: .{8,}/);
			assert.equal(run.out, '');
		});
});

describe('a rotation of keys', () => {
	let own, web;
	before(async () => {
		own = await stack({ own: true });
		web = client(own);
	});
	after(() => own?.end());

	const rotate = (...more) => {
		const { status, out, err } = letterrackctl(own,
			['key', 'rotate', ...more]);
		assert.equal(status, 0, err);
		const [, kid, word] = /^token (\S+) (\w+)$/.exec(out);
		return { kid, word };
	};
	const age = (name, seconds) => {
		const then = new Date(Date.now() - seconds * 1000);
		utimesSync(`${own.state}/keys/${name}`, then, then);
	};
	const token = () => signIn(web, 'demo@c-imap.local', 'demo123');
	const kidOf = (text) => parts(text).header.kid;
	const works = async (text) =>
		(await web.as({ token: text }).get('/auth/me')).status === 200;
	const jwks = (etag) => web.get('/.well-known/jwks.json',
		etag ? { 'if-none-match': etag } : {});
	const kids = async () =>
		(await jwks()).json.keys.map((key) => key.kid).sort();

	test('goes by steps, an hour apart, and no living token is refused',
		async () => {
			const before_ = await token();
			const first = kidOf(before_);
			const { headers: { etag, ...head } } = await jwks();
			assert.match(head['cache-control'], /^public, max-age=\d+$/);
			assert.equal((await jwks(etag)).status, 304);
			assert.equal(rotate().word, 'waiting');
			assert.deepEqual(await kids(), [first]);

			age('token-current', 3601);
			const made = rotate();
			assert.equal(made.word, 'generated');
			assert.deepEqual(await kids(), [first, made.kid].sort());
			const changed = await jwks(etag);
			assert.equal(changed.status, 200);
			assert.notEqual(changed.headers.etag, etag);
			/* Published, and not signing: others' caches have to see it. */
			assert.equal(kidOf(await token()), first);
			assert.deepEqual(rotate(), { kid: made.kid, word: 'waiting' });

			age(`token-${first}.pem`, 7300);
			age(`token-${made.kid}.pem`, 3601);
			assert.deepEqual(rotate(), { kid: made.kid, word: 'activated' });
			const later = await token();
			assert.equal(kidOf(later), made.kid);
			assert.ok(await works(before_) && await works(later));
			assert.deepEqual(rotate(), { kid: first, word: 'waiting' });

			age('token-current', 3601);
			assert.deepEqual(rotate(), { kid: first, word: 'retired' });
			assert.deepEqual(await kids(), [made.kid]);
			assert.ok(!await works(before_) && await works(later));
		});
	test('may be hurried', async () => {
		const steps = [1, 2, 3].map(() => rotate('--now').word);
		assert.deepEqual(steps, ['generated', 'activated', 'retired']);
		assert.ok(await works(await token()));
	});
});

describe('a rule for a mail server', () => {
	test('puts all mail into the quarantine', () => {
		assert.equal(ctl(['sieve']).out, `# All mail waits for review; ` +
			`Letterrack lets it into INBOX.\n` +
			'require ["fileinto", "mailbox"];\n' +
			'fileinto :create "Quarantine";\nstop;');
		assert.match(ctl(['sieve', 'Zurück "b\\']).out,
			/^fileinto :create "Zurück \\"b\\\\";$/m);
	});
	test('has no folder that breaks a line', () => {
		for (const name of ['a\nb', '', 'x'.repeat(256)])
			assert.equal(ctl(['sieve', name]).status, 64);
		assert.equal(ctl(['sieve', 'a', 'b']).status, 64);
	});
});
